"""The main job: prove, train, draw; figures and tables into ``paper_figures/``, and a summary."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

import proofs
from gar_verify import paths, studies, tables
from gar_verify.data import is_available
from gar_verify.experiments import sine, tabular
from gar_verify.experiments.progress import Progress

TABLES = ("concrete", "diabetes")
"""The real tables of the main job; one that is not at hand is left out, visibly."""

COMPARED = ("mae", "gar")


class ReproductionError(Exception):
    """A statement could not be proved; nothing that rests on it was computed."""


@dataclass
class Summary:
    """What the job did, in sentences, with the files it wrote and the seconds it took."""

    sentences: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def text(self) -> str:
        """The summary as it is printed at the end."""
        lines = ["Summary", "======="]
        lines += [f"- {sentence}" for sentence in self.sentences]
        lines += ["", "Written:"]
        lines += [f"  {_shown(path)}" for path in self.written]
        times = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        total = sum(self.seconds.values())
        return "\n".join([*lines, "", f"Time: {times}; {total:.0f} s in all."])


def reproduce(
    *,
    quick: bool = False,
    device: str = "cpu",
    folder: Path | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Run the main job.

    Args:
        quick: a small part of every study; its figures are not the paper's.
        device: where to train.
        folder: where figures and tables go; default: `paths.figures`.
        store: where the studies keep their results; default: `paths.results`.
        progress: told how far the studies are.

    Raises:
        ReproductionError: if a statement is not proved.
    """
    summary = Summary()
    folder = folder or paths.figures()
    with _step(summary, "proofs"):
        _prove(summary, folder)
    with _step(summary, "sine"):
        results = sine.run(quick=quick, device=device, store=store, progress=progress)
        table = tables.sine_table(results)
        summary.written += studies.save("sine", results, folder)
        _print("Sine: test MAE after the last epoch, over five seeds", table)
        summary.sentences.append(_lowest("Sine", table["measured"]))
    for name in TABLES:
        if not is_available(name):
            summary.sentences.append(
                f"{name}: not at hand, left out; set {paths.DATA_VARIABLE} to a folder with it."
            )
            continue
        with _step(summary, name):
            results = tabular.run(
                name, COMPARED, quick=quick, device=device, store=store, progress=progress
            )
            table = tables.tabular_table(results)
            summary.written += tables.save(table, name, folder)
            _print(f"{name}: test values of the paper's protocol, five folds", table)
            summary.sentences.append(_gain(name, table))
    return summary


def _prove(summary: Summary, folder: Path) -> None:
    results, opinions = proofs.run(), proofs.second_opinion()
    print(proofs.table(results, opinions))
    failed = [result.statement.name for result in results if not result.passed]
    if failed:
        raise ReproductionError(
            f"not proved: {', '.join(failed)}; run gar-verify prove --only NAME"
        )
    summary.written += proofs.report(results, opinions, folder)
    refuted = sum(len(result.mutants) for result in results)
    summary.sentences.append(
        f"{len(results)} statements proved for every N, {refuted} wrong variants refuted."
    )


@contextmanager
def _step(summary: Summary, name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    summary.seconds[name] = time.perf_counter() - start


def _print(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{tables.markdown(table)}", flush=True)


def _lowest(study: str, mae: pd.Series) -> str:
    ranking = mae.sort_values()
    return (
        f"{study}: lowest test MAE {ranking.index[0]} ({ranking.iloc[0]:.3f}), then "
        f"{ranking.index[1]} ({ranking.iloc[1]:.3f})."
    )


def _gain(study: str, table: pd.DataFrame) -> str:
    by_method = table.xs("MAE").T
    mae, gar = by_method["MAE"], by_method["GAR"]
    published = "" if pd.isna(gar["published"]) else f" (published: {gar['published']:.3f})"
    return (
        f"{study}: test MAE {mae['measured']:.3f} trained with MAE, {gar['measured']:.3f} with "
        f"GAR{published}; gain {gar['gain']:.1f} %, p = {gar['p']:.2g} by the paper's test."
    )


def _shown(path: Path) -> Path:
    path = path.resolve()
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
