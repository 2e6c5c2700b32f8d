"""The study of images that runs anywhere: by which angle was a handwritten digit turned?

A small ResNet predicts the angle, in degrees, from the pixels. Every method has one value of its
hyper-parameter and the learning rate, of four or more, that validates best in a short training with
a seed of its own; then each of the seeds is trained. What counts are the test values after the
epoch with the best validation MAE, as in the paper's AgeDB study. RnC is trained both ways of that
study: contrast and then the MAE on all parameters, and as ``rnc_probe`` contrast alone with a
linear regression on frozen features. The same regression is taken on the features of every method,
for the angle and for the digit, which nothing was trained for; ``untrained`` is the network as it
begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor
from torch.backends import mkldnn
from torch.nn.functional import one_hot

from gar_verify import paths
from gar_verify.metrics import METRICS, Scorer
from gar_verify.studies import provenance, summaries
from gar_verify.studies.definitions import Definition
from gar_verify.studies.images import objectives, rotated
from gar_verify.studies.images.probe import mean_absolute_error, ridge, share_wrong
from gar_verify.studies.images.resnet import ResNet
from gar_verify.studies.images.schedule import cosine
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.store import Piece, collect, summary_of
from gar_verify.training import Objective
from gar_verify.training.trainer import on_threads

NAME = "digits"

PROBE = "rnc_probe"
"""RnC in all epochs, and a linear regression on its features, which are frozen."""

UNTRAINED = "untrained"
"""A linear regression on the features of the network as it begins."""

METHODS = (*objectives.METHODS, PROBE, UNTRAINED)
SEEDS = (0, 1, 2, 3, 4)
ENDS = (1e-5, 100.0)
"""Of the learning rates that may be tried."""

EPOCH_WORK = 2500.0
"""Units of work, see `store.Piece`, of an epoch of all training images."""


@dataclass(frozen=True)
class Protocol:
    """How the study is trained; SGD with momentum, the rate falling along a cosine to `last`."""

    epochs: int = 8
    tuning_epochs: int = 4
    learning_rates: tuple[float, ...] = (1.0, 0.1, 0.01, 0.001)
    tuning_seed: int = 100
    batch_size: int = 128
    momentum: float = 0.9
    weight_decay: float = 1e-4
    last: float = 1e-3
    """The last rate in units of the first."""
    widths: tuple[int, ...] = (8, 16, 32)
    depths: tuple[int, ...] = (1, 1, 1)
    training_images: int | None = None
    """So many of the training part; None: all."""


FULL = Protocol()
QUICK = Protocol(epochs=2, learning_rates=(0.1,), training_images=1024)
QUICK_SEEDS = (0, 1)


def run(
    methods: Sequence[str] = METHODS,
    seeds: Sequence[int] | None = None,
    *,
    quick: bool = False,
    protocol: Protocol | None = None,
    device: str = "cpu",
    store: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train methods on rotated digits.

    Args:
        methods: of `METHODS`.
        seeds: each is one training of every method; default: `SEEDS`, or two where it is quick.
        quick: two epochs on a quarter of the training images with one learning rate.
        protocol: default: `FULL` or `QUICK`.
        device: where to train.
        store: folder to keep results in and to go on from; default: `paths.results`.
        jobs: processes that train side by side; default: see `workers.default_jobs`.
        progress: told how far it is; default: nobody.

    Returns:
        ``test`` and ``validation`` (method, seed, metric) after the selected epoch; ``probe``
        (method, seed, metric) of the regression on the features, ``class_accuracy`` (method, seed)
        of that for the digit, both on the test part; ``prediction`` (method, seed, row) for the
        test part; ``metrics`` (method, seed, epoch, metric) of the validation part;
        ``learning_rate``, ``selected_epoch``; provenance as attributes.

    Raises:
        ValueError: for an unknown method.
        DataError: if files of MNIST are there and damaged.
    """
    for name in methods:
        if name not in METHODS:
            raise ValueError(f"no method {name!r} of digits; choose from {', '.join(METHODS)}")
    protocol = protocol or (QUICK if quick else FULL)
    seeds = seeds or (QUICK_SEEDS if quick else SEEDS)
    digits = rotated.load()
    folder, progress = (store or paths.results()) / digits.name, progress or Silent()
    keep = (folder, progress, device, jobs)
    rates = _learning_rates(methods, digits, protocol, keep)
    pieces = [
        _piece(digits, name, rates[name], seed, protocol, device)
        for name in methods
        for seed in seeds
    ]
    done = collect(pieces, digits.name, *keep)
    rows = [
        xr.concat(done[i : i + len(seeds)], "seed", combine_attrs="drop")
        for i in range(0, len(done), len(seeds))
    ]
    combined = xr.concat(rows, "method", combine_attrs="drop")
    return combined.assign_attrs(summary_of(done, digits))


def select(results: xr.Dataset) -> xr.Dataset:
    """What table and figure are made of, to the digits of a summary."""
    shown = results.drop_vars(["metrics", "prediction", "epoch"], errors="ignore")
    return shown.round(summaries.DIGITS)


def is_full(results: xr.Dataset) -> bool:
    """Whether results are those of the whole protocol on MNIST, all methods and seeds."""
    return (
        results.sizes.get("epoch") == FULL.epochs
        and results.sizes["row"] == 5000
        and set(METHODS) <= set(results["method"].to_numpy().tolist())
        and set(SEEDS) <= set(results["seed"].to_numpy().tolist())
    )


def _learning_rates(
    methods: Sequence[str], digits: rotated.Digits, protocol: Protocol, keep: tuple[Any, ...]
) -> Mapping[str, float]:
    """The rate of each method with the lowest validation MAE after a short training.

    Where that is the first or the last that was tried, ten times or a tenth of it is tried too.
    """
    if len(protocol.learning_rates) == 1:
        return dict.fromkeys(methods, protocol.learning_rates[0])
    short = replace(protocol, epochs=protocol.tuning_epochs)
    tuned = [name for name in methods if name != UNTRAINED]
    wanted = [(name, rate) for name in tuned for rate in protocol.learning_rates]
    errors: dict[str, dict[float, float]] = {name: {} for name in tuned}
    while wanted:
        pieces = [
            _piece(digits, name, rate, protocol.tuning_seed, short, keep[2])
            for name, rate in wanted
        ]
        done = collect(pieces, f"{digits.name}, learning rates", *keep)
        for (name, rate), piece in zip(wanted, done, strict=True):
            error = piece["validation"].sel(metric="MAE").item()
            errors[name][rate] = np.inf if np.isnan(error) else error
        wanted = [(name, rate) for name in tuned for rate in _beyond(errors[name])]
    return {name: min(errors[name], key=errors[name].__getitem__) for name in tuned} | {
        UNTRAINED: 0.0
    }


def _beyond(errors: Mapping[float, float]) -> list[float]:
    """The rate to try next: beyond the best if that is the first or the last, as far as `ENDS`.

    >>> _beyond({0.1: 2.0, 0.01: 1.0}), _beyond({0.1: 2.0, 0.01: 1.0, 0.001: 3.0})
    ([0.001], [])
    """
    best = min(errors, key=errors.__getitem__)
    following = {max(errors): 10 * best, min(errors): best / 10}
    rate = float(f"{following[best]:g}") if best in following else 0.0
    return [rate] if ENDS[0] <= rate <= ENDS[1] else []


def _piece(
    digits: rotated.Digits, name: str, rate: float, seed: int, protocol: Protocol, device: str
) -> Piece:
    loss = _loss_of(name)
    value, epochs = objectives.default_value(loss), 0 if name == UNTRAINED else protocol.epochs
    objective = objectives.objective(loss, epochs)
    if name == PROBE:
        objective = replace(objective, pretraining_epochs=epochs)

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        with _same_everywhere():
            plan = (objective, value, rate, epochs, seed)
            training = Training(digits, name, plan, protocol, device)
            history = [training.epoch(on_epoch) for _ in range(training.epochs)]
            return _labelled(training, history, protocol.epochs)

    work = EPOCH_WORK * (protocol.training_images or 4000) / 4000
    return Piece(
        name=f"{name}-seed{seed}-rate{rate:g}",
        settings={
            "table": digits.name,
            "data": digits.checksum,
            "method": name,
            "hyperparameter": value,
            "pretraining_epochs": objective.pretraining_epochs,
            "learning_rate": rate,
            "seed": seed,
            "protocol": asdict(protocol),
        },
        compute=compute,
        work=work * max(1, epochs),
        work_per_epoch=work,
        functions=objective.functions,
    )


def code_of(summary: xr.Dataset) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    compute = Definition(__name__, "_piece.compute")
    losses = {_loss_of(name) for name in summary["method"].to_numpy().tolist()}
    return provenance.one_code(
        provenance.code_version((compute, *objectives.objective(loss, 0).functions))
        for loss in losses
    )


def _loss_of(name: str) -> str:
    return {PROBE: "rnc", UNTRAINED: "mae"}.get(name, name)


@contextmanager
def _same_everywhere() -> Iterator[None]:
    """One thread, and convolutions by matrix products, which the pins reach.

    Those of oneDNN, twice as fast here, choose their routines by the processor.
    """
    before, *_ = mkldnn.set_flags(False, _fp32_precision=None)
    try:
        with on_threads(1):
            yield
    finally:
        mkldnn.set_flags(before, _fp32_precision=None)


class Training:
    """One network in training; at the end that of the epoch with the best validation MAE.

    Args:
        digits: the images.
        name: of `METHODS`.
        plan: what is minimised, the value of its hyper-parameter, the first learning rate, the
            number of epochs, and the seed of the network as it begins and of the order of rows,
            which are the same for every method.
        protocol: how it is trained.
        device: where.
    """

    def __init__(
        self,
        digits: rotated.Digits,
        name: str,
        plan: tuple[Objective, float, float, int, int],
        protocol: Protocol,
        device: str,
    ) -> None:
        """Draw the network."""
        self.digits, self.name, self.protocol = digits, name, protocol
        self.objective, self.value, self.rate, self.epochs, self.seed = plan
        pixels = torch.from_numpy(digits.images)[:, None].to(device).float()
        self.pixels = pixels / 127.5 - 1
        self.angles = torch.from_numpy(digits.angles)[:, None].to(device).float()
        self.order = torch.Generator().manual_seed(self.seed)
        self.source = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = ResNet(protocol.widths, protocol.depths, channels=1, kernel=3)
        self.network = network.to(device)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            self.rate,
            protocol.momentum,
            weight_decay=protocol.weight_decay,
        )
        self.done = 0
        self.selected, self.least = 0, np.inf
        self.best = {k: v.clone() for k, v in self.network.state_dict().items()}

    def rows(self, part: str) -> slice:
        """The rows of a part; of the training part as many as the protocol says."""
        rows = self.digits.parts[part]
        wanted = self.protocol.training_images
        if part != "train" or wanted is None:
            return rows
        return slice(rows.start, min(rows.stop, rows.start + wanted))

    def epoch(self, on_epoch: Callable[[int], None]) -> NDArray[np.float64]:
        """Train an epoch; the metrics of the validation part after it."""
        stacked, _ = self.objective.at(self.done)
        loss = objectives.of_one(stacked, self.value, self.source)
        for group in self.optimizer.param_groups:
            group["lr"] = cosine(self.rate, self.done, self.epochs, self.protocol.last)
        self.network.train()
        train, size = self.rows("train"), self.protocol.batch_size
        order = train.start + torch.randperm(train.stop - train.start, generator=self.order)
        for batch in order.split(size):
            if len(batch) == size:
                self._step(loss, batch.to(self.pixels.device))
        self.done += 1
        on_epoch(1)
        scores = self._scores(self.predictions()[0], "validation")
        # nothing trains the last layer of RnC's first phase: its last features count
        if scores[0] < self.least or (self.name == PROBE and np.isfinite(scores[0])):
            self.selected, self.least = self.done, scores[0]
            self.best = {k: v.clone() for k, v in self.network.state_dict().items()}
        return scores

    def _step(self, loss: objectives.ImageLoss, batch: Tensor) -> None:
        self.optimizer.zero_grad()
        prediction, features = self.network(self.pixels[batch])
        loss(prediction, self.angles[batch], features).backward()
        self.optimizer.step()

    def predictions(self, part: str = "validation") -> tuple[Tensor, Tensor]:
        """Of the rows of a part [n, 1], with their features [n, d]."""
        self.network.eval()
        with torch.no_grad():
            pairs = [self.network(batch) for batch in self.pixels[self.rows(part)].split(500)]
        prediction, features = (torch.cat(tensors) for tensors in zip(*pairs, strict=True))
        return prediction, features

    def _scores(self, prediction: Tensor, part: str) -> NDArray[np.float64]:
        target = self.angles[self.rows(part)][:, 0]
        return Scorer(target)(prediction[:, 0].to(target.device)).cpu().numpy()

    def outcome(self) -> dict[str, Any]:
        """What is reported of the selected network."""
        self.network.load_state_dict(self.best)
        parts = list(rotated.SHARES)
        outputs, features = zip(*(self.predictions(part) for part in parts), strict=True)
        angles = [self.angles[self.rows(part)] for part in parts]
        probed, _ = ridge(features, angles[:2], mean_absolute_error)
        if self.name in (PROBE, UNTRAINED):
            outputs = tuple(probed)
        accuracy = 1 - self._digits_wrong(features)
        return {
            **{p: self._scores(outputs[i], p) for i, p in enumerate(parts) if i > 0},
            "probe": self._scores(probed[2], "test"),
            "class_accuracy": accuracy,
            "prediction": outputs[2][:, 0].float().cpu().numpy(),
            "selected_epoch": self.selected,
            "learning_rate": self.rate,
        }

    def _digits_wrong(self, features: Sequence[Tensor]) -> float:
        """Share of the test part whose digit a linear regression on the features misses."""
        labels = torch.from_numpy(self.digits.labels.astype(np.int64)).to(self.pixels.device)
        classes = [one_hot(labels[self.rows(part)], 10) for part in rotated.SHARES]
        predicted, _ = ridge(features, classes[:2], share_wrong)
        return share_wrong(predicted[2], classes[2])


def _labelled(
    training: Training, history: Sequence[NDArray[np.float64]], epochs: int
) -> xr.Dataset:
    outcome = training.outcome()
    scores = np.full((epochs, len(METRICS)), np.nan)
    scores[: len(history)] = np.reshape(history, (-1, len(METRICS)))
    dims = {"prediction": ("row",), **dict.fromkeys(("validation", "test", "probe"), ("metric",))}
    arrays = {
        key: (("method", "seed", *dims.get(key, ())), np.asarray(value)[None, None])
        for key, value in outcome.items()
    }
    return xr.Dataset(
        arrays | {"metrics": (("method", "seed", "epoch", "metric"), scores[None, None])},
        coords={
            "method": [training.name],
            "seed": [training.seed],
            "epoch": range(1, epochs + 1),
            "metric": list(METRICS),
        },
    )
