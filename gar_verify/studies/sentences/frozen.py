"""The study ``sts_b_frozen``: the nine losses on vectors of sentences that stay as they are.

The table that the stacked trainer learns has the features [u, v, |u - v|, u v] of the encoder
without any training, u and v reduced to their first principal components. Train and validation part
are one training part, shuffled once because the files are in the order of their sources, and cut
into five folds as on every other table. The protocol is that of the tabular studies with a smaller
network, fewer epochs and one weight decay.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.data import Table
from gar_verify.data.table import SCALED_BY_TRAINING, column, zscore
from gar_verify.studies import tabular
from gar_verify.studies.methods import TABULAR, tabular_methods
from gar_verify.studies.sentences import encoder, pairs, training
from gar_verify.studies.tabular import Protocol
from gar_verify.training import Recipe

NAME = "sts_b_frozen"
KNOWN = ("train", "validation")
"""The parts that are the training part here."""

COMPONENTS = 64
"""Of the vector of a sentence that are kept."""

PROTOCOL = Protocol(
    Recipe(hidden=(32, 16), epochs=30, batch_size=256, milestones=(15, 23)),
    learning_rates=(1e-1, 1e-2, 1e-3),
    weight_decays=(1e-4,),
)

QUICK = Protocol(
    Recipe(hidden=(32, 16), epochs=4, batch_size=256, milestones=(2, 3)),
    learning_rates=(1e-2,),
    weight_decays=(1e-4,),
)


QUICK_METHODS = ("mae", "gar")
"""Losses of the quick version."""


def run(
    methods: Sequence[str] | None = None,
    *,
    quick: bool = False,
    store: Path | None = None,
    **options: Any,
) -> xr.Dataset:
    """Train each loss on the frozen vectors; as `tabular.run`.

    Args:
        methods: names of losses that have a tabular grid; default: `TABULAR`, or `QUICK_METHODS`.
        quick: one learning rate, few epochs and losses.
        store: folder to keep results in; default: `paths.results`.
        options: those of `tabular.run_methods`.

    Raises:
        DataError: if the pairs or the encoder are not available.
    """
    protocol = QUICK if quick else PROTOCOL
    methods = methods or (QUICK_METHODS if quick else TABULAR)
    chosen = tabular_methods(methods, protocol.recipe.epochs)
    results = tabular.run_methods(table(), chosen, protocol, store=store, **options)
    return results.assign_attrs(weights=encoder.weights_digest(encoder.folder()))


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results over all epochs and settings of the protocol."""
    sizes = {
        "epoch": PROTOCOL.recipe.epochs,
        "learning_rate": len(PROTOCOL.learning_rates),
        "fold": PROTOCOL.folds,
    }
    return "metrics" in results and {name: results.sizes[name] for name in sizes} == sizes


def table() -> Table:
    """The features [u, v, |u - v|, u v] of all pairs, z-scored on the training part."""
    parts, place = pairs.load(), encoder.folder()
    name = training.name_of(pairs.digest(parts), encoder.weights_digest(place))
    of = training.material(place, name, training.Recipe.layers)
    known = np.unique(np.concatenate([of.first[p] for p in KNOWN] + [of.second[p] for p in KNOWN]))
    vectors = reduced(training.untrained_vectors(of, name), known)
    features = {
        part: encoder.pair_features(vectors[of.first[part]], vectors[of.second[part]]).numpy()
        for part in parts
    }
    inputs, scores = (
        np.concatenate([of_each[p] for p in KNOWN]) for of_each in (features, of.scores)
    )
    order = np.random.default_rng(0).permutation(len(scores))
    return Table(
        name=NAME,
        train_X=zscore(inputs)[order],
        train_y=column(scores[order]),
        test_X=zscore(features["test"], inputs),
        test_y=column(of.scores["test"]),
        source=f"{pairs.SOURCE}; vectors of a frozen encoder, {COMPONENTS} principal components of "
        f"each, train and validation part together; {SCALED_BY_TRAINING}",
        target="how alike two sentences are",
        unit="score, 0 to 5",
    )


def reduced(vectors: Tensor, known: NDArray[np.int64]) -> Tensor:
    """The first principal components [n, k] of vectors [n, d], those of the known rows."""
    vectors = vectors.double()
    centred = vectors - vectors[known].mean(0)
    axes: Tensor = torch.linalg.svd(centred[known], full_matrices=False).Vh[:COMPONENTS]
    return centred @ axes.T
