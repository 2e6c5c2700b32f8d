"""The paper's protocol for AgeDB: from scratch, and a linear probe on an encoder trained by RnC.

From scratch, all parameters of a ResNet-18 are trained on two random views of each image for 400
epochs by SGD, the rate falling along a cosine. The linear probe trains the encoder by RnC alone and
then a linear layer on its frozen features. The test metrics that count are those after the epoch
with the best validation MAE. IMDB-WIKI is the same with its own table.

After every epoch the whole state is written, so that a training which is interrupted or killed goes
on with the same numbers.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.backends import cudnn

from gar_verify._files import atomic_write
from gar_verify.data import DataError
from gar_verify.losses import get_spec
from gar_verify.metrics import METRICS, Scorer
from gar_verify.studies import provenance, summaries
from gar_verify.studies.images import augment, checkpoints, objectives
from gar_verify.studies.images.folder import Listing, batches
from gar_verify.studies.images.resnet import ResNet, resnet18
from gar_verify.studies.images.schedule import cosine
from gar_verify.studies.progress import Progress, Silent
from gar_verify.training import Objective

ROOM = 8 / 7
"""An image is scaled to a square of so many times the side of its views."""

RANDOM = ("order", "views", "choice")
"""What is drawn, each from a generator of its own: the order of rows, the views of images, and what
RankSim chooses among equal labels. So the first two are the same for every loss."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    epochs: int = 400
    batch_size: int = 128
    """Images; each has ``views`` rows. The last, incomplete batch is dropped."""
    learning_rate: float = 0.2
    weight_decay: float = 1e-4
    last: float = 0.1**3
    """The last rate in units of the first."""
    momentum: float = 0.9
    views: int = 2
    size: int = 224
    """Pixels to a side of a view."""


FROM_SCRATCH = Recipe()
PRETRAINING = Recipe(batch_size=256, learning_rate=0.5)
LINEAR_PROBE = Recipe(100, 64, 0.05, weight_decay=0.0, last=0.2**3, views=1)


@dataclass(frozen=True)
class Place:
    """Where and how images are read and a network is trained."""

    listing: Listing
    folder: Path
    """Of the checkpoints and results."""
    device: str = "cpu"
    threads: int = 4
    """That read images."""


@dataclass(frozen=True)
class Plan:
    """What is trained."""

    name: str
    """Of the checkpoint and the result."""
    objective: Objective
    value: float
    """Of the hyper-parameter."""
    recipe: Recipe
    seed: int = 0
    frozen: bool = False
    """Whether only the last layer is trained, on features of the network in evaluation."""
    network: ResNet | None = None
    """What training begins with; default: a ResNet-18 drawn from the seed."""

    @property
    def selects(self) -> bool:
        """Whether the epoch is chosen by the validation MAE; else the last one counts."""
        return self.objective.pretraining_epochs < self.recipe.epochs


def from_scratch(
    loss: str,
    value: float | None = None,
    recipe: Recipe = FROM_SCRATCH,
    seed: int = 0,
    network: ResNet | None = None,
) -> Plan:
    """All parameters are trained with a loss, by default with the middle value of its grid."""
    value = objectives.default_value(loss) if value is None else value
    objective = objectives.objective(loss, recipe.epochs)
    return Plan(f"{loss}-seed{seed}", objective, value, recipe, seed, network=network)


def encoder(recipe: Recipe = PRETRAINING, seed: int = 0, network: ResNet | None = None) -> Plan:
    """All parameters but those of the last layer are trained by RnC alone."""
    objective = replace(objectives.objective("rnc", 0), pretraining_epochs=recipe.epochs)
    temperature = objectives.default_value("rnc")
    return Plan(f"encoder-seed{seed}", objective, temperature, recipe, seed, network=network)


def linear_probe(
    place: Place,
    loss: str,
    value: float | None = None,
    recipe: Recipe = LINEAR_PROBE,
    first: Plan | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train an `encoder`, or take that of the folder, then a last layer with a loss; see `train`.

    Raises:
        ValueError: for a loss that acts on features, which are frozen.
    """
    if get_spec(objectives.check_method(loss)).needs_features:
        raise ValueError(
            f"{loss} acts on the features, which are frozen in a linear probe; choose another loss"
        )
    first = first or encoder()
    pretrained = Training(place, first)
    pretrained.run(progress or Silent())
    plan = from_scratch(loss, value, recipe, first.seed, pretrained.network)
    name = f"{loss}-probe-seed{first.seed}"
    return train(place, replace(plan, name=name, frozen=True), progress, first.recipe)


def measure(place: Place, plan: Plan, steps: int = 5) -> str:
    """How long a step takes here, and what that makes of the whole, in one sentence.

    The median of some steps after a first one, reading and augmenting the images included.
    """
    training, recipe = Training(place, plan), plan.recipe
    stacked, _ = plan.objective.at(0)
    loss = objectives.of_one(stacked, plan.value, training.generators["choice"])
    times = [time.perf_counter()]
    for batch, _ in zip(training.batches(), range(steps + 1), strict=False):
        training.step(loss, *batch)
        if training.device.type == "cuda":
            torch.cuda.synchronize(training.device)
        times.append(time.perf_counter())
    step = float(np.median(np.diff(times)[1:] if len(times) > 2 else np.diff(times)))
    rows = place.listing.parts["validation"]
    begun = time.perf_counter()
    training.predictions(rows[:128])
    image = (time.perf_counter() - begun) / len(rows[:128])
    whole = recipe.epochs * (training.steps * step + image * len(rows) * plan.selects)
    return (
        f"{plan.name}: a step of {recipe.batch_size} images with {recipe.views} views of "
        f"{recipe.size} px takes {step:.3g} s (median of {max(1, len(times) - 2)}), an image in "
        f"evaluation {image:.3g} s, on {provenance.machine(place.device)['machine']} with "
        f"{torch.get_num_threads()} threads; {recipe.epochs} epochs of {training.steps} steps: "
        f"about {whole / 3600:.3g} hours"
    )


def train(
    place: Place, plan: Plan, progress: Progress | None = None, before: Recipe | None = None
) -> dict[str, Any]:
    """Train, or go on from a checkpoint, and write what came out as JSON.

    Returns:
        ``test`` and ``validation``: MAE, RMSE, Pearson, Spearman and R2 after the
        ``selected_epoch``; ``history``, the validation MAE after every epoch; what it came from.

    Raises:
        StoreError: if a checkpoint of another training lies in the folder.
        DataError: if an image cannot be read.
    """
    training = Training(place, plan, before)
    training.run(progress or Silent())
    training.network.load_state_dict(training.best)
    found = {
        **training.settings,
        "selected_epoch": training.selected,
        "history": [round(score, 6) for score in training.history],
        **{part: training.scores(part) for part in ("validation", "test")},
        "versions": provenance.versions(),
        "machine": provenance.machine(place.device),
    }
    text = json.dumps(found, indent=1, sort_keys=True, default=list) + "\n"
    atomic_write(place.folder / f"{plan.name}.json", text)
    return found


def summarise(place: Place, name: str) -> list[Path]:
    """Write what was trained from scratch on a table as a summary, which the ledger reads.

    Args:
        place: whose folder holds the results of `train`.
        name: of the summary, such as ``agedb``.

    Raises:
        DataError: if there is no result of the table, or some are of other settings than others.
    """
    found = [json.loads(path.read_text("utf-8")) for path in sorted(place.folder.glob("*.json"))]
    own = [f for f in found if f["table"] == place.listing.checksum and f["before"] is None]
    own = [f for f in own if not f["name"].startswith("encoder")]
    if len({json.dumps(f["recipe"]) for f in own}) != 1:
        raise DataError(
            f"{place.folder} holds {len(own)} results of this table from scratch"
            f"{', by different settings' if own else ''}; train it with each loss alike first"
        )
    lines = [
        {
            "method": f["name"].removesuffix(f"-seed{f['seed']}"),
            "seed": f["seed"],
            "metric": metric,
            **{part: f[part][metric] for part in ("test", "validation")},
        }
        for f in own
        for metric in METRICS
    ]
    about = {"table": name, "data": place.listing.checksum, "source": "images of one's own"}
    settings = {"recipe": own[0]["recipe"]}
    return summaries.write_frame(pd.DataFrame(lines), name, about | {"settings": settings})


class Training:
    """A network in training, with all that its state consists of.

    Args:
        place: images, and where checkpoints are kept.
        plan: what is trained.
        before: how the network that the plan begins with was trained, if it was.
    """

    def __init__(self, place: Place, plan: Plan, before: Recipe | None = None) -> None:
        """Draw the network."""
        self.place, self.plan, self.device = place, plan, torch.device(place.device)
        recipe = plan.recipe
        rows = len(place.listing.parts["train"])
        if rows < recipe.batch_size:
            raise ValueError(
                f"the table has {rows} images to train on, fewer than one batch of "
                f"{recipe.batch_size}; take a smaller batch (--batch-size)"
            )
        self.generators = {
            name: torch.Generator().manual_seed(len(RANDOM) * plan.seed + i)
            for i, name in enumerate(RANDOM)
        }
        self.network = _network(plan).to(self.device)
        if plan.frozen:
            self.network.requires_grad_(False)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(plan.seed)
                self.network.fc.reset_parameters()
            self.network.fc.requires_grad_(True)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(
            trained, recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay
        )
        self.history: list[float] = []
        self.selected = 0
        self.best = _copied(self.network)
        self.settings = {
            "name": plan.name,
            "table": place.listing.checksum,
            "recipe": asdict(recipe),
            "before": asdict(before) if before else None,
            "value": plan.value,
            "pretraining_epochs": plan.objective.pretraining_epochs,
            "seed": plan.seed,
            "parameters": sum(parameter.numel() for parameter in self.network.parameters()),
            "device": self.device.type,
        }

    @property
    def path(self) -> Path:
        """Of the checkpoint."""
        return self.place.folder / f"{self.plan.name}.pt"

    def run(self, progress: Progress) -> None:
        """Train the epochs that are left, the state being written after each."""
        self._restore()
        left = self.plan.recipe.epochs - len(self.history)
        progress.start(self.plan.name, left * self.steps)
        try:
            with cudnn.flags(enabled=True, benchmark=False, deterministic=True):
                for _ in range(left):
                    begun = time.perf_counter()
                    self.epoch(progress)
                    self._keep()
                    progress.note(self._told(time.perf_counter() - begun))
        finally:
            progress.finish()

    def _told(self, seconds: float) -> str:
        """Where the training stands, after an epoch that took so long."""
        done, epochs = len(self.history), self.plan.recipe.epochs
        score = f", validation MAE {self.history[-1]:.4g}" if self.plan.selects else ""
        return (
            f"{self.plan.name}: epoch {done} of {epochs}{score}, {seconds:.1f} s, about "
            f"{(epochs - done) * seconds / 3600:.1f} h left"
        )

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return len(self.place.listing.parts["train"]) // self.plan.recipe.batch_size

    def epoch(self, progress: Progress) -> None:
        """Train an epoch and score it."""
        recipe, number = self.plan.recipe, len(self.history)
        stacked, _ = self.plan.objective.at(number)
        loss = objectives.of_one(stacked, self.plan.value, self.generators["choice"])
        for group in self.optimizer.param_groups:
            group["lr"] = cosine(recipe.learning_rate, number, recipe.epochs, recipe.last)
        for batch in self.batches():
            self.step(loss, *batch)
            progress.advance(1)
        score = self.scores("validation")["MAE"] if self.plan.selects else math.nan
        if not self.plan.selects or score < min(
            filter(math.isfinite, self.history), default=math.inf
        ):
            self.selected, self.best = number + 1, _copied(self.network)
        self.history.append(score)

    def batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Those of an epoch, as `folder.batches` reads them."""
        rows = self.place.listing.parts["train"]
        order = rows[torch.randperm(len(rows), generator=self.generators["order"]).numpy()]
        size = self.plan.recipe.batch_size
        whole = order[: self.steps * size].reshape(-1, size)
        return batches(self.place.listing, list(whole), self.side, self.place.threads)

    @property
    def side(self) -> int:
        """Of the square that images are read as."""
        return round(ROOM * self.plan.recipe.size)

    def step(
        self, loss: objectives.ImageLoss, images: Tensor, sizes: Tensor, targets: Tensor
    ) -> None:
        """One step on random views of a batch."""
        recipe = self.plan.recipe
        pixels = images.to(self.device).float() / 255
        views = torch.cat(
            [
                augment.random_view(pixels, sizes, recipe.size, self.generators["views"])
                for _ in range(recipe.views)
            ]
        )
        self.network.train(not self.plan.frozen)
        prediction, features = self._forward(views)
        self.optimizer.zero_grad()
        repeated = targets.to(self.device).repeat(recipe.views, 1)
        loss(prediction, repeated, features).backward()
        self.optimizer.step()

    def _forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """In mixed precision on a GPU (bfloat16, whose range needs no scaling), and only there."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            prediction, features = self.network(views)
        return prediction.float(), features.float()

    def scores(self, part: str) -> dict[str, float]:
        """Metrics of a part."""
        rows = self.place.listing.parts[part]
        target = torch.from_numpy(self.place.listing.targets[rows]).double()
        found = Scorer(target)(self.predictions(rows))
        error = found[METRICS.index("RMSE")] ** 2
        numbers = torch.cat([found, (1 - error / target.var(correction=0))[None]])
        return dict(zip((*METRICS, "R2"), numbers.tolist(), strict=True))

    @torch.no_grad()
    def predictions(self, rows: NDArray[np.intp]) -> Tensor:
        """Of some rows of the table, from the central view of each image."""
        self.network.eval()
        parts: list[NDArray[np.intp]] = np.array_split(rows, -(-len(rows) // 128))
        predicted = []
        for images, sizes, _ in batches(self.place.listing, parts, self.side, self.place.threads):
            pixels = images.to(self.device).float() / 255
            views = augment.central_view(pixels, sizes, self.plan.recipe.size)
            predicted.append(self._forward(views)[0][:, 0].double().cpu())
        return torch.cat(predicted)

    def _keep(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "generators": {name: g.get_state() for name, g in self.generators.items()},
            "history": torch.tensor(self.history, dtype=torch.float64),
            "selected": self.selected,
        }
        checkpoints.save(state, self.settings, self.path)

    def _restore(self) -> None:
        state = checkpoints.load(self.settings, self.path)
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.best = {name: value.to(self.device) for name, value in state["best"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        for name, generator in self.generators.items():
            generator.set_state(state["generators"][name])
        self.history, self.selected = state["history"].tolist(), state["selected"]


def _network(plan: Plan) -> ResNet:
    if plan.network is not None:
        return plan.network
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return resnet18()


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}
