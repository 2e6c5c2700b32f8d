"""What the main job tells at its end: what was shown, written and changed, and the seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from gar_verify.data.synthetic import CURVES
from gar_verify.reproduce import changes
from gar_verify.reproduce.changes import Change
from gar_verify.reproduce.rerun import PARTS, Rerun, trainable
from gar_verify.studies import catalogue


@dataclass
class Summary:
    """What the job did, in sentences, with the files it wrote and the seconds it took."""

    sentences: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    changed: list[Change] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)
    """Committed files that were not written."""
    report: Path | None = None
    """The page to read."""
    failures: list[str] = field(default_factory=list)
    """What should have worked and did not; the job went on."""

    def text(self) -> str:
        """The summary as it is printed at the end."""
        lines = ["Summary", "======="]
        lines += [f"- {sentence}" for sentence in self.sentences]
        lines += [f"- FAILED: {failure}" for failure in self.failures]
        if self.changed:
            lines += ["", "Written, against what is committed:"]
            lines += [changes.text(self.changed, self.untouched)]
        if self.report:
            where = _shown(self.report.parent)
            lines += ["", f"{len(self.written)} files in {where}; read {_shown(self.report)}"]
        return "\n".join([*lines, "", time(self.seconds)])


def time(seconds: Mapping[str, float]) -> str:
    """The seconds of parts, and of all."""
    times = ", ".join(f"{name} {took:.0f} s" for name, took in seconds.items())
    return f"Time: {times}; {sum(seconds.values()):.0f} s in all."


def of_study(done: Rerun, *, quick: bool = False) -> str:
    """The result of a study, and whether it was trained or is stored.

    Args:
        done: the study.
        quick: whether it was trained for a few epochs only, which gives no result.
    """
    if quick and done.origin == "trained":
        return f"{done.study}, trained briefly: it runs; so short a training gives no result."
    detail = f" ({done.detail}; the rest is stored)" if done.detail else ""
    return f"{done.study}, {done.origin}{detail}: {_result(done)}"


def hint(study: str, *, trained: bool, everything: bool, quick: bool) -> str:
    """What would train a study that was not; empty where it was trained."""
    if trained:
        return ""
    if not trainable(study):
        return " Its table is not available (gar-verify data)."
    whole = " whole" if study in PARTS else ""
    return "" if quick or everything else f" gar-verify reproduce --all trains it{whole}."


def _result(done: Rerun) -> str:
    if done.study in CURVES:
        return _lowest(done.table["measured"])
    if done.study in catalogue.SENSITIVITIES:
        return _best_alpha(done.table)
    if (other := catalogue.OTHERS.get(done.study)) and other.sentence:
        return other.sentence(done.results)
    if catalogue.compares_losses(done.study):
        return _gain(done.table)
    return _lowest(done.table.xs("MAE")["measured"])


def _lowest(mae: pd.Series) -> str:
    ranking = mae.sort_values()
    return (
        f"lowest test MAE {ranking.index[0]} ({ranking.iloc[0]:.3f}), then "
        f"{ranking.index[1]} ({ranking.iloc[1]:.3f})."
    )


def _best_alpha(table: pd.DataFrame) -> str:
    mae = table["MAE", "measured"]
    return (
        f"test MAE from {mae.min():.3f} at alpha = {mae.idxmin():g} to {mae.max():.3f} at "
        f"alpha = {mae.idxmax():g}."
    )


def _gain(table: pd.DataFrame) -> str:
    by_method = table.xs("MAE").T
    mae, gar = by_method["MAE"], by_method["GAR"]
    published = "" if pd.isna(gar["published"]) else f" (published: {gar['published']:.3f})"
    return (
        f"test MAE {mae['measured']:.3f} trained with MAE, {gar['measured']:.3f} with "
        f"GAR{published}; gain {gar['gain']:.1f} %, p = {gar['p']:.2g} by the paper's test."
    )


def _shown(path: Path) -> Path:
    path = path.resolve()
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
