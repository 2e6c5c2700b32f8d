"""The result of a comparison: its table, its sentence, and all that is behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from gar_verify.comparison.plan import BASELINE, PRIMARY, SUBJECT, Plan
from gar_verify.metrics import METRICS
from gar_verify.studies import selection, statistics, tables

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

    @property
    def targets(self) -> list[str]:
        """Names of the targets."""
        return [str(name) for name in self.results["target"].to_numpy()]

    @property
    def labels(self) -> dict[str, str]:
        """How each method is called in the table."""
        return {line.key: line.label for line in self.plan.lines}

    @property
    def fits(self) -> int:
        """Trainings on different rows that each mean is over."""
        return self.results.sizes["seed"] * self.results.sizes["fold"]

    def of_target(self, target: str) -> xr.Dataset:
        """Test scores for one target, over method, seed, fold and metric."""
        return self.results[["test"]].sel(target=target, drop=True)

    def tests(self, target: str) -> pd.DataFrame:
        """Every method against MAE, by metric: see `statistics.against`."""
        return statistics.against(self.of_target(target), BASELINE)

    def table(self) -> pd.DataFrame:
        """A line for each target and method.

        Columns: for each metric its mean and standard deviation (divided by the number) over folds
        and seeds, MAE and RMSE in units of the target; ``gain``, by how many per cent the test MAE
        is below that of training with MAE; ``p`` of the corrected resampled t-test of that
        difference, ``p holm`` with Holm's correction over the lines, and whether it ``survives`` at
        5 %.
        """
        return pd.concat([self._lines(target) for target in self.targets])

    def _lines(self, target: str) -> pd.DataFrame:
        summary = selection.summarize(self.of_target(target))
        columns: dict[str, pd.Series] = {}
        for metric in METRICS:
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
            frame["p holm"] = tested["p holm"]
            frame["survives"] = tested["survives"].reindex(frame.index).eq(True)
        names = [self.labels[str(key)] for key in frame.index]
        frame.index = pd.MultiIndex.from_product([[target], names], names=["target", "loss"])
        return frame

    def shown(self, target: str) -> pd.DataFrame:
        """The table of a target as a person reads it: rounded, mean ± std."""
        frame = self.table().xs(target)
        digits = _digits(float(frame[f"{PRIMARY} std"].median()))
        columns: dict[str, list[str]] = {}
        for metric in METRICS:
            places = digits if metric in ("MAE", "RMSE") else 3
            pairs = zip(frame[metric], frame[f"{metric} std"], strict=True)
            columns[metric] = [_pair(mean, std, places) for mean, std in pairs]
        columns["MAE lower by"] = ["" if pd.isna(v) else f"{v:.1f} %" for v in frame["gain"]]
        if "p holm" in frame:
            columns["p (Holm)"] = [_p(value) for value in frame["p holm"]]
        return pd.DataFrame(columns, index=frame.index)

    @property
    def verdict(self) -> str:
        """What the test says, in one sentence for each target."""
        return "\n".join(self._sentence(target) for target in self.targets)

    def _sentence(self, target: str) -> str:
        table = pd.DataFrame(self.table().xs(target))
        if len(table) == 1:
            return f"{target}: nothing to compare, MAE was trained alone."
        subject = SUBJECT if SUBJECT in self.labels else _best(table, self.labels)
        name, base = self.labels[subject], self.labels[BASELINE]
        ours, theirs = _line(table, name), _line(table, base)
        scores = f"test MAE {_figures(ours[PRIMARY])} against {_figures(theirs[PRIMARY])}"
        share = f"{abs(ours['gain']):.1f} % {'lower' if ours['gain'] > 0 else 'higher'}"
        few = ", too few to show any but large differences," if self.fits < FEW_FITS else ""
        test = (
            f"p {_p(ours['p holm'], '= ')}, corrected resampled t-test over {self.fits} fits{few} "
            "with Holm's correction"
        )
        others = self._others(target, subject)
        if pd.isna(ours["p holm"]):
            return f"{target}: {name} and {base} cannot be compared, a training gave no number."
        if not ours["survives"]:
            return (
                f"{target}: no difference in MAE between training with {name} and with {base} is "
                f"shown; {scores}, {share}, is within chance ({test}){others}."
            )
        return (
            f"{target}: training with {name} is {'better' if ours['gain'] > 0 else 'worse'} than "
            f"with {base} by more than chance; {scores}, {share} ({test}){others}."
        )

    def _others(self, target: str, subject: str) -> str:
        """The other metrics in which the subject differs from the baseline by more than chance."""
        tests = pd.DataFrame(self.tests(target).xs(subject, level="method"))
        lines = {metric: _line(tests, metric) for metric in METRICS if metric != PRIMARY}
        found = [
            f"{metric} is {'better' if line['difference'] > 0 else 'worse'} "
            f"(p {_p(line['p holm'], '= ')})"
            for metric, line in lines.items()
            if line["survives"]
        ]
        return f"; {' and '.join(found)} by more than chance" if found else ""

    def scores(self) -> pd.DataFrame:
        """Every test score with what was chosen, a line for each method, seed, fold and target."""
        wide = self.results["test"].to_dataset("metric").to_dataframe()[list(METRICS)]
        names = ["learning_rate", "weight_decay", "epochs", "hyperparameter"]
        chosen = self.results[[f"chosen_{name}" for name in names]].to_dataframe()
        frame = wide.join(chosen).reset_index().rename(columns={"method": "loss"})
        frame["loss"] = frame["loss"].map(self.labels)
        return frame.set_index(["loss", "seed", "fold", "target"])

    def predictions(self) -> pd.DataFrame:
        """Every row's target beside its prediction by each method, a mean over the seeds.

        No network saw the row in training or in the choice of its settings.
        """
        mean = self.results["prediction"].mean("seed")
        parts = []
        for target in self.targets:
            columns = {
                self.labels[str(key)]: mean.sel({"method": key, "target": target}).to_numpy()
                for key in self.results["method"].to_numpy()
            }
            frame = pd.DataFrame(columns, index=self.rows)
            frame.insert(0, "target", target)
            frame.insert(1, "observed", self.truth[target].to_numpy())
            parts.append(frame)
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

    def __str__(self) -> str:
        """Notes, tables and verdict, as the command prints them."""
        parts = [f"{note}." for note in self.notes]
        parts = ["\n".join(parts)] if parts else []
        for target in self.targets:
            head = f"{target}: test scores, mean ± std over {self.fits} fits\n\n"
            parts.append(head + tables.markdown(self.shown(target)).rstrip())
        return "\n\n".join([*parts, self.verdict])


def _line(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    """A line of a table by the names of its columns."""
    return {str(key): value for key, value in frame.loc[name].to_dict().items()}


def _best(table: pd.DataFrame, labels: dict[str, str]) -> str:
    """The key of the line, other than MAE's, with the lowest test MAE."""
    others = table[PRIMARY].drop(labels[BASELINE])
    name = str(others.idxmin() if others.notna().any() else others.index[0])
    return next(key for key, label in labels.items() if label == name)


def _digits(std: float) -> int:
    """Places that show a deviation with two digits."""
    if not 0 < std < float("inf"):
        return 3
    return max(0, 1 - int(f"{std:e}".split("e")[1]))


def _pair(mean: float, std: float, places: int) -> str:
    return "no number" if math.isnan(mean) else f"{mean:.{places}f} ± {std:.{places}f}"


def _figures(value: float) -> str:
    return f"{value:.4g}"


def _p(value: float, equals: str = "") -> str:
    if math.isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{equals}{value:.3f}"
