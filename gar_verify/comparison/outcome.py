"""The result of a comparison: its table, its sentence, and all that is behind them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gar_verify.comparison import sentences, testing
from gar_verify.comparison.plan import BASELINE, PRIMARY, SUBJECT, Plan
from gar_verify.comparison.splits import Layout
from gar_verify.studies import selection, tables

FEW_FITS = 5
"""With fewer, the sentence warns that the test has little power."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The losses compared on one table; print it, or see `table`, `verdict` and `save`."""

    title: str
    """What was compared on, such as the name of the file."""
    results: xr.Dataset
    """``test`` (method, seed, fold, target, metric) in units of the targets; ``prediction``
    (method, seed, row, target) of every row by networks that did not see it; ``chosen_...``
    (method, seed, fold); provenance as attributes."""
    plan: Plan
    rows: pd.Index
    """What the rows are called: their numbers in the table, or the values of its id column."""
    truth: pd.DataFrame
    """Targets of the rows."""
    notes: Sequence[str] = field(default_factory=tuple)
    """What was left out or changed, in sentences."""
    layout: Layout | None = None
    """Which rows belong together; None: every row is for itself."""
    columns: pd.DataFrame | None = None
    """The columns as they were read: a line each."""
    command: str = ""
    """What repeats the comparison."""
    kept: Path | None = None
    """Folder of the finished folds, see `forget`."""

    @property
    def targets(self) -> list[str]:
        """Names of the targets."""
        return [str(name) for name in self.results["target"].to_numpy()]

    @property
    def labels(self) -> dict[str, str]:
        """How each method is called in the table."""
        return self.plan.labels

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return [str(name) for name in self.results["metric"].to_numpy()]

    @property
    def grouped(self) -> bool:
        """Whether rows were split by groups."""
        return self.layout is not None and self.layout.groups is not None

    @property
    def in_time(self) -> bool:
        """Whether rows were split by time."""
        return self.layout is not None and self.layout.times is not None

    @property
    def differences(self) -> int:
        """Paired differences that a test is over; in time, every seed has the same folds."""
        return self.results.sizes["fold"] if self.in_time else self.fits

    @property
    def is_short(self) -> bool:
        """Whether there are too few differences to show any but large ones."""
        return self.differences < FEW_FITS

    @property
    def fits(self) -> int:
        """Trainings on different rows that each mean is over."""
        return self.results.sizes["seed"] * self.results.sizes["fold"]

    def of_target(self, target: str) -> xr.Dataset:
        """Test scores for one target, over method, seed, fold and metric."""
        return self.results[["test"]].sel(target=target, drop=True)

    def tests(self, target: str) -> pd.DataFrame:
        """Every method against MAE, by metric and method: see `testing.against`."""
        return self._tests[target].copy()

    @cached_property
    def _tests(self) -> dict[str, pd.DataFrame]:
        """`tests` of each target, which tables, sentences and figures ask for again and again."""
        return {target: self._tested(target) for target in self.targets}

    def _tested(self, target: str) -> pd.DataFrame:
        folds = self.results.sizes["fold"]
        shares = 1 / np.arange(1, folds + 1) if self.in_time else np.array([1 / (folds - 1)])
        return testing.against(
            self.of_target(target)["test"],
            BASELINE,
            [line.key for line in self.plan.lines if line.tested],
            float(shares.mean()),
            first=(PRIMARY, SUBJECT),
            same_folds=self.in_time,
        )

    def paired_differences(self, target: str) -> dict[str, NDArray[np.float64]]:
        """By how much the test MAE of each method is below that of MAE, fold by fold."""
        scores = self.of_target(target)["test"]
        found = testing.differences(scores, BASELINE, same_folds=self.in_time)
        return {method: gains for (metric, method), gains in found.items() if metric == PRIMARY}

    def table(self) -> pd.DataFrame:
        """A line for each target and method.

        Columns: for each metric its mean and standard deviation (divided by the number) over folds
        and seeds, MAE and RMSE in units of the target; ``gain``, by how many per cent the test MAE
        is below that of training with MAE; ``p`` of the corrected resampled t-test of that
        difference, ``p adjusted`` with Holm's correction over all losses and metrics of the target
        (lines that the sentence does not speak of have none), whether it ``survives`` at 5 %, and
        the ``detectable`` difference (see `testing`).
        """
        return self._table.copy()

    @cached_property
    def _table(self) -> pd.DataFrame:
        return pd.concat([self._lines(target) for target in self.targets])

    def _lines(self, target: str) -> pd.DataFrame:
        summary = selection.summarize(self.of_target(target))
        columns: dict[str, pd.Series] = {}
        for metric in self.metrics:
            at = summary.sel(metric=metric)
            columns[metric] = at["mean"].to_series()
            columns[f"{metric} std"] = at["std"].to_series()
        frame = pd.DataFrame(columns)
        baseline = _line(frame, BASELINE)[PRIMARY]
        frame["gain"] = 100 * (1 - frame[PRIMARY] / baseline)
        frame.loc[BASELINE, "gain"] = float("nan")
        if len(frame) > 1:
            tested = self.tests(target).xs(PRIMARY)
            frame["p"] = tested["p corrected"]
            frame["p adjusted"] = tested["p adjusted"]
            frame["survives"] = tested["survives"].reindex(frame.index).eq(True)
            frame["detectable"] = tested["detectable"]
        names = [self.labels[str(key)] for key in frame.index]
        frame.index = pd.MultiIndex.from_product([[target], names], names=["target", "loss"])
        return frame

    def shown(self, target: str) -> pd.DataFrame:
        """The table of a target as a person reads it: rounded, mean ± std."""
        frame = self.table().xs(target)
        digits = _digits(float(frame[f"{PRIMARY} std"].median()))
        columns: dict[str, list[str]] = {}
        for metric in self.metrics:
            places = digits if metric in ("MAE", "RMSE") else 3
            pairs = zip(frame[metric], frame[f"{metric} std"], strict=True)
            columns[metric] = [_pair(mean, std, places) for mean, std in pairs]
        columns["MAE lower by"] = ["" if pd.isna(v) else f"{v:.1f} %" for v in frame["gain"]]
        if "p adjusted" in frame:
            columns["p (adjusted)"] = [sentences.p_value(value) for value in frame["p adjusted"]]
        return pd.DataFrame(columns, index=frame.index)

    @property
    def verdict(self) -> str:
        """What the tests say, in one line of sentences for each target."""
        return "\n".join(sentences.verdict(self, target) for target in self.targets)

    def scores(self) -> pd.DataFrame:
        """Every test score with what was chosen, a line for each method, seed, fold and target."""
        wide = self.results["test"].to_dataset("metric").to_dataframe()[self.metrics]
        names = ["learning_rate", "weight_decay", "epochs", "hyperparameter"]
        chosen = self.results[[f"chosen_{name}" for name in names]].to_dataframe()
        frame = wide.join(chosen).reset_index().rename(columns={"method": "loss"})
        frame["loss"] = frame["loss"].map(self.labels)
        return frame.set_index(["loss", "seed", "fold", "target"])

    def predictions(self) -> pd.DataFrame:
        """Every row's target beside its prediction by each method, a mean over the seeds.

        Nothing saw the row in training or in the choice of its settings. In time, the first rows
        are only learned from, and have no line.
        """
        mean = self.results["prediction"].mean("seed")
        tested = mean.notnull().any(["method", "target"]).to_numpy()
        parts = []
        for target in self.targets:
            columns = {
                self.labels[str(key)]: mean.sel({"method": key, "target": target}).to_numpy()
                for key in self.results["method"].to_numpy()
            }
            frame = pd.DataFrame(columns, index=self.rows)
            frame.insert(0, "target", target)
            frame.insert(1, "observed", self.truth[target].to_numpy())
            parts.append(frame[tested])
        return pd.concat(parts)

    def save(self, folder: Path | str, *, force: bool = False) -> list[Path]:
        """Write tables, figures and the page into a new folder: all of it or nothing.

        Args:
            folder: created; an existing one is refused, or with ``force`` gets the files anew.
            force: write into an existing folder.

        Returns:
            The files.

        Raises:
            ValueError: if the folder exists and ``force`` is not set.
        """
        from gar_verify.comparison.writing import write

        return write(self, Path(folder), force=force)

    def forget(self) -> None:
        """Remove the finished folds that were kept in case of an interruption."""
        if self.kept is not None:
            shutil.rmtree(self.kept, ignore_errors=True)

    def __str__(self) -> str:
        """Notes, tables and verdict, as the command prints them."""
        notes = [*self.notes, self.layout.words] if self.layout else self.notes
        parts = [f"{note}." for note in notes]
        parts = ["\n".join(parts)] if parts else []
        for target in self.targets:
            head = f"{target}: test scores, mean ± std over {self.fits} fits\n\n"
            parts.append(head + tables.markdown(self.shown(target)).rstrip())
        return "\n\n".join([*parts, self.verdict])


def _line(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    """A line of a table by the names of its columns."""
    return {str(key): value for key, value in frame.loc[name].to_dict().items()}


def _digits(std: float) -> int:
    """Places that show a deviation with two digits."""
    if not 0 < std < float("inf"):
        return 3
    return max(0, 1 - int(f"{std:e}".split("e")[1]))


def _pair(mean: float, std: float, places: int) -> str:
    return "none" if math.isnan(mean) else f"{mean:.{places}f} ± {std:.{places}f}"
