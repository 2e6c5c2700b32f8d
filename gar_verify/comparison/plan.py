"""What is trained on a table: the lines of the comparison, the network, and the grid.

Defaults follow from the number of rows. A batch is about an eighth of a training part, between 8
and 256 rows: GAR sees correlations within a batch, and small data needs several steps an epoch. The
number of epochs gives about 800 steps, more for large tables; with many rows, one part held out is
enough to choose by.

The references are tuned and tested on the same splits: what a practitioner would try first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gar_verify.comparison.baselines import Reference
from gar_verify.comparison.catalogue import LOSSES, WEIGHTED, Candidate, get_spec
from gar_verify.comparison.splits import INNER_SHARE, LEAST_ROWS_IN_FOLD
from gar_verify.training import Recipe

BASELINE = "mae"
SUBJECT = "gar"
PRIMARY = "MAE"
"""The metric that settings are chosen by and that the sentence is about."""
DEFAULT_LOSSES = ("mae", "mse", "huber", "gar")

HIDDEN = (32, 32)
LEARNING_RATES = (2e-2, 5e-3)
WEIGHT_DECAYS = (1e-2, 1e-4)
LENGTHS = (0.125, 0.25, 0.5, 0.75, 1.0)
"""Lengths of training that are chosen from, as fractions of the longest."""

STEPS = 800
MANY_ROWS = 5_000


@dataclass(frozen=True)
class Line:
    """One line of the table: a loss, and the values of its hyper-parameter to choose from."""

    key: str
    label: str
    candidates: tuple[Candidate, ...]
    tested: bool = True
    """Whether the sentence is about it; a line with a fixed alpha only shows what alpha does."""

    @property
    def loss(self) -> str:
        """The name of the loss in the registry."""
        return self.candidates[0].loss


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is trained, but for the table."""

    lines: tuple[Line, ...]
    recipe: Recipe
    learning_rates: tuple[float, ...]
    weight_decays: tuple[float, ...]
    folds: int
    seeds: tuple[int, ...]
    inner: int
    """Times that a part of the training part is held out to choose the settings."""
    references: tuple[Reference, ...] = field(default=())
    """Methods without a loss of ours, in the same table."""
    quick: bool = False
    """Whether this is a first look only."""

    @property
    def labels(self) -> dict[str, str]:
        """How each method is called in the table, by key."""
        networks = {line.key: line.label for line in self.lines}
        return networks | {one.key: one.label for one in self.references}

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All that the lines choose from, once each."""
        return tuple(dict.fromkeys(c for line in self.lines for c in line.candidates))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Numbers of epochs that are chosen from, ascending."""
        return tuple(sorted({math.ceil(part * self.recipe.epochs) for part in LENGTHS}))


def make_plan(
    rows: int,
    losses: Sequence[str] | None = None,
    alphas: Sequence[float] | None = None,
    *,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1),
    quick: bool = False,
    references: Sequence[Reference] = (),
    what: str = "a target",
) -> Plan:
    """The plan for a table of so many rows.

    Args:
        rows: of the table.
        losses: names from the registry; default: `DEFAULT_LOSSES`. MAE is always among them.
        alphas: of GAR, finite and positive; default: those of the registry.
        folds: outer folds.
        seeds: each repeats everything with other folds and other initial parameters.
        quick: a fifth of the epochs, one learning rate and one weight decay, one seed.
        references: methods without a loss of ours; each keeps its first setting if ``quick``.
        what: the rows have, for the message.

    Raises:
        ValueError: for unknown losses, alphas out of range, and more folds than rows allow.
    """
    lines = _lines(losses or DEFAULT_LOSSES, _checked_alphas(alphas))
    _check_folds(folds, rows, what)
    seeds = _checked_seeds(seeds)
    trained_on = int(rows * (1 - 1 / folds) * (1 - INNER_SHARE))
    batch = max(8, min(256, 2 ** int(math.log2(max(trained_on, 8) / 8))))
    batch = min(batch, trained_on)
    epochs = max(30, min(80, math.ceil(STEPS / max(1, trained_on // batch))))
    if quick:
        epochs = math.ceil(epochs / 5)
    return Plan(
        lines=lines,
        recipe=Recipe(
            hidden=HIDDEN,
            epochs=epochs,
            batch_size=batch,
            milestones=(epochs // 2, epochs * 3 // 4),
            optimizer="adam",
        ),
        learning_rates=LEARNING_RATES[:1] if quick else LEARNING_RATES,
        weight_decays=WEIGHT_DECAYS[-1:] if quick else WEIGHT_DECAYS,
        folds=folds,
        seeds=seeds[:1] if quick else seeds,
        inner=1 if quick or rows > MANY_ROWS else 2,
        references=tuple(one.quick if quick else one for one in references),
        quick=quick,
    )


def fitted(plan: Plan, least: int) -> Plan:
    """The plan with a batch that the smallest training part fills."""
    batch = min(plan.recipe.batch_size, 2 ** int(math.log2(least)))
    return replace(plan, recipe=replace(plan.recipe, batch_size=batch))


def check_losses(plan: Plan, why: str, allowed: Sequence[str] = WEIGHTED) -> None:
    """Refuse losses that cannot be trained here.

    Args:
        plan: with the losses.
        why: the sentence that says what they lack, such as "rows with weights".
        allowed: the losses that can.

    Raises:
        ValueError: naming a loss that cannot, and those that can.
    """
    for line in plan.lines:
        if line.loss not in allowed:
            raise ValueError(
                f"{line.label} cannot be trained with {why}; losses that can: {', '.join(allowed)}"
            )


def default_alphas() -> tuple[float, ...]:
    """The alphas of the registry: those of the tables and of the synthetic studies."""
    spec = get_spec("gar")
    one = () if spec.synthetic_value is None else (spec.synthetic_value,)
    return tuple(sorted({*spec.tabular_grid, *one}))


def _lines(losses: Sequence[str], alphas: Sequence[float]) -> tuple[Line, ...]:
    wanted = {get_spec(name).name for name in losses} | {BASELINE}
    lines: list[Line] = []
    for name, spec in LOSSES.items():
        if name not in wanted:
            continue
        grid = spec.tabular_grid if spec.hyperparameter else (0.0,)
        values = tuple(alphas) if name == "gar" else grid
        candidates = tuple(Candidate(name, value) for value in values)
        lines.append(Line(name, spec.label, candidates))
        if name == "gar" and len(alphas) > 1:
            lines += [
                Line(f"gar_alpha_{c.value:g}", f"GAR, alpha = {c.value:g}", (c,), tested=False)
                for c in candidates
            ]
    return tuple(lines)


def _checked_alphas(alphas: Sequence[float] | None) -> tuple[float, ...]:
    if alphas is None:
        return default_alphas()
    for alpha in alphas:
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)):
            raise ValueError(f"alphas must be numbers, got {alpha!r}")
        if not 0 < alpha < math.inf:
            raise ValueError(
                f"alphas must be finite and above 0, got {alpha!r}; for the two ends of the range "
                "take a small and a large number, such as 0.01 and 100"
            )
    if not alphas:
        raise ValueError("alphas is empty; give at least one number, such as 0.5")
    return tuple(sorted({float(alpha) for alpha in alphas}))


def _check_folds(folds: int, rows: int, what: str) -> None:
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise ValueError(f"folds must be a whole number of at least 2, got {folds!r}")
    if rows < folds * LEAST_ROWS_IN_FOLD:
        raise ValueError(
            f"{rows:,} rows with {what} are too few for {folds} folds; expected at least "
            f"{folds * LEAST_ROWS_IN_FOLD}, {LEAST_ROWS_IN_FOLD} in each: take fewer folds or more "
            "rows"
        )


def _checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ValueError(f"seeds must be whole numbers from 0 to 2^32 - 1, got {seed!r}")
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be distinct, at least one, got {list(seeds)!r}")
    return tuple(seeds)
