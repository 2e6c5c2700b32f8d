"""The study ``sts_b``: the upper layers of the encoder fine-tuned with each loss.

The learning rate of each loss is the one with the highest Pearson on the validation part, with the
first seed; it is trained with that and with every seed. The last step counts: nothing is selected
over epochs. A piece holds the scores that are predicted, from which every metric is taken later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import NDArray

from gar_verify import paths
from gar_verify.metrics import LOWER_IS_BETTER, METRICS, Scorer
from gar_verify.studies import provenance, statistics
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import RELEASED, TABULAR, Method, label, losses_of, tabular_methods
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.sentences import encoder, pairs, training
from gar_verify.studies.sentences.training import Recipe
from gar_verify.studies.store import Piece, collect, summary_of
from gar_verify.studies.summaries import DIGITS

NAME = "sts_b"
METHODS = (*TABULAR, RELEASED)
SEEDS = (0, 1, 2)
RECIPE = Recipe(learning_rates=(1e-4, 3e-4, 1e-3))
UNTRAINED = "untrained"
"""The piece of what the encoder knows before any training."""

QUICK_PAIRS = 320
"""Training pairs of the quick version."""

QUICK_METHODS = ("mae", "gar")
"""Losses of the quick version: what takes time is to score all pairs after each training."""

COST = 25.0
"""Units of work of one pair, see `workers.UNIT`."""

BASELINE = "mae"

LITERATURE = {
    "BiLSTM on GloVe": (0.974, 0.742),
    "the same, run again": (0.993, 0.742),
    "LDS + FDS": (0.907, 0.760),
    "RankSim": (0.903, 0.758),
    "RankSim, run again": (0.889, 0.763),
    "Balanced MSE": (0.909, 0.757),
    "Ordinal Entropy": (0.943, 0.750),
}
"""Mean squared error and Pearson on all test pairs, from the literature on imbalanced regression:
a bi-encoder of two recurrent layers on frozen word vectors, with a linear layer behind it."""


@dataclass(frozen=True)
class About:
    """What `store.summary_of` asks of a table."""

    checksum: str
    name: str = NAME
    source: str = pairs.SOURCE
    target: str = "how alike two sentences are"
    unit: str = "score, 0 to 5"


@dataclass(frozen=True)
class Setting:
    """What all pieces of a run of the study share."""

    folder: Path
    data: str
    weights: str
    recipe: Recipe
    device: str
    pairs: int
    """How many there are to train on."""

    @property
    def material(self) -> training.Material:
        """The sentences; read and prepared when a piece first asks for them."""
        return training.material(self.folder, self.name, self.recipe.layers)

    @property
    def name(self) -> str:
        """See `training.name_of`."""
        return training.name_of(self.data, self.weights)

    @property
    def words(self) -> dict[str, Any]:
        """The settings of every piece."""
        return {
            "table": NAME,
            "data": self.data,
            "weights": self.weights,
            "recipe": _without_grid(self.recipe),
        }


def _without_grid(recipe: Recipe) -> dict[str, Any]:
    """The settings of a training, of which the other learning rates are none."""
    return {name: value for name, value in asdict(recipe).items() if name != "learning_rates"}


def run(
    methods: Sequence[str] | None = None,
    *,
    seeds: Sequence[int] = SEEDS,
    layers: int | None = RECIPE.layers,
    quick: bool = False,
    device: str = "cpu",
    store: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Fine-tune with each loss.

    Args:
        methods: names of losses that have a tabular grid; default: `METHODS`, or `QUICK_METHODS`.
        seeds: the first chooses the learning rate of each loss.
        layers: how many of the upper layers are trained; None: all, with the embeddings.
        quick: few pairs and losses, one learning rate and one seed.
        device: where to train.
        store: folder to keep results in and to go on from; default: `paths.results`.
        jobs: processes that train side by side; default: see `workers.default_jobs`.
        progress: told how far it is; default: nobody.

    Returns:
        ``validation``, ``test`` and ``unshared`` (the test pairs that no training pair equals),
        each (method, seed, metric); ``learning_rate`` (method); the provenance in the attributes,
        with the ``references`` and the ``shared`` pairs.

    Raises:
        DataError: if the pairs or the encoder are not available.
        ValueError: for an unknown loss, or layers that the encoder has not.
    """
    methods = methods or (QUICK_METHODS if quick else METHODS)
    recipe = replace(RECIPE, layers=layers)
    if quick:
        recipe = replace(recipe, most=QUICK_PAIRS, learning_rates=recipe.learning_rates[-1:])
        seeds = seeds[:1]
    parts, place = pairs.load(), encoder.folder()
    sizes = {part: len(of) for part, of in parts.items()}
    digests = pairs.digest(parts), encoder.weights_digest(place)
    setting = Setting(place, *digests, recipe, device, sizes["train"])
    folder = (store or paths.results()) / NAME

    def gathered(pieces: Sequence[Piece]) -> list[xr.Dataset]:
        return collect(pieces, NAME, folder, progress or Silent(), device, jobs)

    chosen = tabular_methods(methods, training.steps(recipe, setting.pairs))
    grid = [(method, rate) for method in chosen for rate in recipe.learning_rates]
    first = gathered([_piece(setting, method, rate, seeds[0]) for method, rate in grid])
    tried = pearson(first, parts)
    rates = {name: max(of, key=lambda rate: of[rate]) for name, of in tried.items()}
    done = gathered([_piece(setting, m, rates[m.name], seed) for seed in seeds for m in chosen])
    (untrained,) = gathered([_untrained(setting)])
    return scored(done, parts).assign_attrs(
        **summary_of([*done, untrained], About(setting.data)),
        validation_pearson={
            name: {f"{rate:g}": value for rate, value in of.items()} for name, of in tried.items()
        },
        references=references(untrained, parts),
        shared=shared(parts),
        pairs=sizes,
        libraries={name: version(name) for name in ("tokenizers", "transformers")},
    )


def scored(pieces: Sequence[xr.Dataset], parts: Mapping[str, pairs.Pairs]) -> xr.Dataset:
    """The metrics of what some pieces predicted, (method, seed, metric)."""
    new = ~pairs.shared(parts, "test")
    rows = []
    for piece in pieces:
        test = piece["test"].to_numpy()
        values = {
            "validation": _metrics(piece["validation"].to_numpy(), parts["validation"].score),
            "test": _metrics(test, parts["test"].score),
            "unshared": _metrics(test[new], parts["test"].score[new]),
        }
        of = {key: piece[key].item() for key in ("method", "seed", "rate")}
        rows += [
            {**of, "metric": metric, **{part: values[part][i] for part in values}}
            for i, metric in enumerate(METRICS)
        ]
    frame = pd.DataFrame(rows).round(DIGITS)
    order = {name: frame[name].unique() for name in ("method", "seed", "metric")}
    return xr.Dataset.from_dataframe(frame.set_index(list(order))).reindex(order)


def shared(parts: Mapping[str, pairs.Pairs]) -> dict[str, int]:
    """How many pairs of a part are in another: different pairs, and lines in either order."""
    counts = {}
    for part, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        same = set(parts[part].texts) & set(parts[other].texts)
        counts[f"{part} and {other}: different pairs"] = len(same)
        counts[f"{part} and {other}: lines, in either order"] = int(
            pairs.shared(parts, part, other).sum()
        )
    return counts


def references(untrained: xr.Dataset, parts: Mapping[str, pairs.Pairs]) -> dict[str, Any]:
    """Test metrics of two predictions that need no loss; None where they have none.

    The cosine of the encoder's vectors without any training, which has no unit; and the mean of
    the training scores.
    """
    true = parts["test"].score
    cosine = dict(zip(METRICS, _metrics(untrained["test"].to_numpy(), true), strict=True))
    constant = np.full(len(true), parts["train"].score.mean())
    mean = dict(zip(METRICS, _metrics(constant, true), strict=True))
    found = {"cosine, untrained": cosine, "mean of the training scores": mean}
    defined = {"cosine, untrained": METRICS[2:], "mean of the training scores": METRICS[:2]}
    return {
        name: {m: round(value, DIGITS) for m, value in of.items() if m in defined[name]}
        for name, of in found.items()
    }


def compare(results: xr.Dataset) -> pd.DataFrame:
    """Every loss against the MAE, for each metric, seed by seed.

    The seeds share the pairs that they are trained on, so only chance in training varies. The
    variance is that of the corrected resampled t-test all the same, with the ratio of test to
    training pairs: what the test needs that other pairs had been drawn as well.

    Returns:
        Lines by (metric, method): see `statistics.corrected`; ``p holm`` with Holm's correction
        over the losses, and whether it ``survives``.
    """
    ratio = results.attrs["pairs"]["test"] / results.attrs["pairs"]["train"]
    others = [str(name) for name in results["method"].to_numpy() if name != BASELINE]
    lines = []
    for metric in map(str, results["metric"].to_numpy()):
        test = results["test"].sel({"metric": metric})
        sign = 1 if LOWER_IS_BETTER[metric] else -1
        gains = sign * (test.sel({"method": BASELINE}) - test)
        found = [statistics.corrected(gains.sel({"method": m}).to_numpy(), ratio) for m in others]
        holm = statistics.holm(np.array([line["p corrected"] for line in found]))
        lines += [
            {"metric": metric, "method": m, **line, "p holm": p, "survives": p < statistics.LEVEL}
            for m, line, p in zip(others, found, holm, strict=True)
        ]
    return pd.DataFrame(lines).set_index(["metric", "method"])


def _compares(results: xr.Dataset) -> bool:
    return BASELINE in results["method"] and min(results.sizes["method"], results.sizes["seed"]) > 1


def table(results: xr.Dataset) -> pd.DataFrame:
    """Test metrics of each loss over the seeds, and of what needs no training or is published.

    Args:
        results: from `run`, or its summary.

    Returns:
        By (metric, method) ``measured`` and ``std`` (divided by the number of seeds); ``unshared``,
        measured without the test pairs that are in the training part; ``rate``; with several seeds
        the ``gain`` over the MAE in units of the metric, and its ``p holm``; and ``published``.
    """
    frame = pd.DataFrame(
        {
            "measured": results["test"].mean("seed").to_series(),
            "std": results["test"].std("seed").to_series(),
            "unshared": results["unshared"].mean("seed").to_series(),
            "rate": results["rate"].mean("seed").to_series(),
        }
    ).swaplevel()
    if _compares(results):
        against = compare(results)[["difference", "p holm"]]
        frame = frame.join(against.rename(columns={"difference": "gain"}))
    frame = pd.concat([frame, _reference_lines(results.attrs["references"])])
    order = [*results["method"].to_numpy(), *results.attrs["references"], *_literature()]
    lines = [line for line in product(METRICS, order) if line in frame.index]
    frame = frame.reindex(pd.MultiIndex.from_tuples(lines, names=["metric", "method"]))
    return frame.rename(index=label, level="method")


def _reference_lines(references: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    lines = [
        {"metric": metric, "method": name, "measured": value}
        for name, of in references.items()
        for metric, value in of.items()
    ]
    lines += [
        {"metric": metric, "method": name, "published": value}
        for name, of in _literature().items()
        for metric, value in of.items()
    ]
    return pd.DataFrame(lines).set_index(["metric", "method"])


def _literature() -> dict[str, dict[str, float]]:
    return {
        f"literature: {name}": {"RMSE": float(np.sqrt(square)), "Pearson": pearson}
        for name, (square, pearson) in LITERATURE.items()
    }


def sentence(results: xr.Dataset) -> str:
    """How many losses are better than the MAE, and which by more than chance; else empty."""
    if not _compares(results):
        return ""
    found, seeds = compare(results), results.sizes["seed"]
    parts = []
    for metric in ("Pearson", "MAE"):
        lines = pd.DataFrame(found.xs(metric))
        better, survives = lines["difference"] > 0, lines["survives"]
        up, down = _names(lines[better & survives]), _names(lines[~better & survives])
        parts.append(
            f"by test {metric}, {better.sum()} of {len(lines)} losses are better on average than "
            f"MAE; by more than chance better: {up}, worse: {down}"
        )
    return (
        f"{NAME}, {seeds} seeds on one split: {'; '.join(parts)} (corrected t-test over the seeds "
        "with Holm's correction, 5 %)."
    )


def _names(lines: pd.DataFrame) -> str:
    return ", ".join(label(str(name)) for name in lines.index) or "none"


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results of the whole protocol: all seeds, rates and pairs."""
    tried = {float(rate) for of in results.attrs["validation_pearson"].values() for rate in of}
    seeds = set(results["seed"].to_numpy().tolist())
    recipe = json.loads(results.attrs["settings"])["recipe"]
    found = seeds, tried, recipe
    return found == (set(SEEDS), set(RECIPE.learning_rates), _without_grid(RECIPE))


def code_of(summary: xr.Dataset) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    compute = Definition(__name__, "_piece.compute")
    roots: list[provenance.Functions] = [(Definition(__name__, "_untrained.compute"),)]
    chosen = tabular_methods(summary["method"].to_numpy().tolist(), 0)
    roots += [(compute, *method.objective.functions) for method in chosen]
    return provenance.one_code(
        provenance.code_version((*functions, training.material)) for functions in roots
    )


def _piece(setting: Setting, method: Method, rate: float, seed: int) -> Piece:
    name, objective, value = method.name, method.objective, training.value_of(method.name)

    def compute(on_pairs: Callable[[int], None]) -> xr.Dataset:
        predicted = training.train(
            setting.material, objective, value, rate, seed, setting.recipe, setting.device, on_pairs
        )
        return _labelled(predicted, method=name, seed=seed, rate=rate)

    return Piece(
        name=f"{name}-rate{rate:g}-seed{seed}",
        settings={
            **setting.words,
            "method": name,
            "losses": losses_of(method),
            "hyperparameter": value,
            "rate": rate,
            "seed": seed,
        },
        compute=compute,
        work=COST * training.pairs_seen(setting.recipe, setting.pairs),
        work_per_epoch=COST,
        functions=(*method.objective.functions, training.material),
    )


def _untrained(setting: Setting) -> Piece:
    def compute(on_pairs: Callable[[int], None]) -> xr.Dataset:
        return _labelled(training.cosines(setting.material, setting.name))

    work = COST * setting.pairs
    return Piece(UNTRAINED, setting.words, compute, work, functions=(training.material,))


def _labelled(predicted: Mapping[str, NDArray[np.float32]], **what: Any) -> xr.Dataset:
    values = {part: (f"{part}_pair", scores) for part, scores in predicted.items()}
    return xr.Dataset(values, what)


def pearson(
    pieces: Sequence[xr.Dataset], parts: Mapping[str, pairs.Pairs]
) -> dict[str, dict[float, float]]:
    """Validation Pearson of pieces by loss and learning rate; -1 where there is no number."""
    true, position = parts["validation"].score, METRICS.index("Pearson")
    found: dict[str, dict[float, float]] = {}
    for piece in pieces:
        value = _metrics(piece["validation"].to_numpy(), true)[position]
        of_loss = found.setdefault(piece["method"].item(), {})
        of_loss[piece["rate"].item()] = round(float(np.nan_to_num(value, nan=-1)), DIGITS)
    return found


def _metrics(predicted: NDArray[Any], true: NDArray[np.float64]) -> list[float]:
    values: list[float] = Scorer(torch.from_numpy(true))(torch.from_numpy(predicted)).tolist()
    return values
