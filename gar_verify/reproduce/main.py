"""The main job: prove, train, time, run the notebooks, judge the claims, and write the report.

Each part writes its files together or not at all. What a study computed before is read from its
store, so that an interrupted job goes on where it was.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gar_verify import claims, paths
from gar_verify._proofs import proofs
from gar_verify.benchmarks import runtime, runtime_report, runtime_settings, runtime_summary, speed
from gar_verify.claims import Claim, overview
from gar_verify.reproduce import changes, notebooks, report, rerun, summary
from gar_verify.reproduce.job import Job
from gar_verify.reproduce.rerun import Rerun
from gar_verify.reproduce.summary import Summary
from gar_verify.studies import catalogue, tables
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.summaries import SummaryError

MAIN = ("concrete", *rerun.PARTS, *catalogue.SENSITIVITIES)
"""Studies that the main job trains, some of them in part; it draws the others from summaries."""

QUICK = ("sine", "concrete", "diabetes")
"""Studies that the quick version trains a small part of."""


class ReproductionError(Exception):
    """A statement could not be proved; nothing that rests on it was computed."""


def reproduce(
    *,
    everything: bool = False,
    quick: bool = False,
    device: str = "cpu",
    folder: Path | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Run the main job.

    Args:
        everything: train the long studies too, for hours: the whole of Wine, its ablation,
            Parkinsons.
        quick: a small part of few studies, and no notebooks; its figures are not the paper's.
        device: where to train.
        folder: where figures, tables and the report go; default: `paths.figures`, for the quick
            version `paths.quick_figures`.
        store: where the studies keep their results; default: `paths.results`.
        progress: told how far the job is.

    Raises:
        ReproductionError: if a statement is not proved.
    """
    committed = changes.committed()
    store = store or paths.results()
    folder = folder or (paths.quick_figures() if quick else paths.figures())
    options: dict[str, Any] = {"quick": quick, "device": device, "store": store}
    known = catalogue.in_report()
    wanted = QUICK if quick else known if everything else MAIN
    parts = len(known) + (4 if quick else 5)  # proofs, runtime, claims, notebooks and report
    job = Job(folder, progress or Silent(), parts)
    material = report.Material(*prove(job), quick=quick)
    for study in known:
        train = study in wanted and rerun.trainable(study)
        material.studies += _study(job, study, train, everything, options)
    material.runtime = _time(job, quick, everything)
    material.claims, material.overview = _judge(job, quick)
    _run_notebooks(job, quick)
    _report(job, material, committed)
    return job.summary


def prove(job: Job) -> tuple[Sequence[Any], Sequence[Any]]:
    """Check every statement and write the page about it; the results and Z3's opinions.

    Raises:
        ReproductionError: if a statement is not proved.
    """
    with job.part("proofs") as folder:
        results, opinions = proofs.run(), proofs.second_opinion()
        print(proofs.table(results, opinions))
        failed = [result.statement.name for result in results if not result.passed]
        failed += [
            f"{opinion.statement} at N = 2, 3, 4" for opinion in opinions if opinion.contradicts
        ]
        if failed:
            raise ReproductionError(
                f"not proved: {', '.join(failed)}; run gar-verify prove --only NAME"
            )
        proofs.report(results, opinions, folder)
    refuted = sum(len(result.mutants) for result in results)
    job.say(f"{len(results)} statements proved for every N, {refuted} wrong variants refuted.")
    return results, opinions


def _study(
    job: Job, study: str, train: bool, everything: bool, options: dict[str, Any]
) -> list[Rerun]:
    """A study trained, in part or whole, or drawn from its summary; none without either."""
    quick = options["quick"]
    part = _in_part(study, everything, quick)
    with job.part(study) as folder:
        try:
            if not train:
                done = rerun.from_summary(study, folder)
            elif part:
                named = {key: value for key, value in options.items() if key != "quick"}
                done = rerun.rerun_part(study, folder, progress=job.progress, **named)
            else:
                done = rerun.rerun(study, folder, progress=job.progress, **options)
        except SummaryError:
            job.say(f"{study}: left out, there is no summary of a full run yet.")
            return []
        if train:
            _print(f"{study}: published beside measured", done.table)
    hint = summary.hint(study, trained=train and not part, everything=everything, quick=quick)
    job.say(f"{summary.of_study(done, quick=quick)}{hint}")
    return [done]


def _in_part(study: str, everything: bool, quick: bool) -> bool:
    return study in rerun.PARTS and not everything and not quick


def _time(job: Job, quick: bool, everything: bool) -> pd.DataFrame | None:
    """Measure running times: the whole study where everything is wanted, or else its quick form.

    Returns:
        The lines of the quick form; None where the stored ones were written anew, or in the quick
        version.
    """
    with job.part("runtime") as folder:
        try:
            if not everything:
                runtime_report.draw(runtime_summary.read(), folder)
                for stem in (runtime_summary.STEM, speed.SUMMARY):
                    rerun.copy_summaries(folder, stem)
        except SummaryError:
            job.say("runtime: there is no stored study yet; make reproduce-all makes it.")
        if quick:
            return None
        measured = runtime.measure(runtime_settings.settings(not everything), job.progress)
        if everything:
            runtime_report.save(runtime_summary.summarize(measured), folder)
            return None
    return measured.lines


def _judge(job: Job, quick: bool) -> tuple[list[Claim], pd.DataFrame]:
    """The ledger of claims and the overview, judged by what the folder holds."""
    with job.part("claims") as folder:
        evidence = claims.Evidence(None if quick else job.folder / paths.RESULTS)
        ledger, lines = claims.evaluate(evidence=evidence), overview.frame(evidence)
        claims.write(ledger, folder)
        overview.write(lines, folder)
    found = {verdict: count for verdict, count in claims.counts(ledger).items() if count}
    listed = ", ".join(f"{count} {verdict}" for verdict, count in found.items())
    job.say(f"{len(ledger)} claims judged: {listed}.")
    return ledger, lines


def _run_notebooks(job: Job, quick: bool) -> None:
    """Execute the notebooks in a copy and take over the figures and tables that they write."""
    if quick:
        job.say("notebooks: not executed by the quick version.")
        return
    with job.part("notebooks") as folder, tempfile.TemporaryDirectory() as copy:
        try:
            figures = notebooks.copy(Path(copy), [paths.figures(), job.folder])
            before = changes.contents(figures)
            for done in notebooks.execute(Path(copy), notebooks.names(), job.progress.stage):
                print(done.sentence, flush=True)
                (job.fail if done.error else job.say)(done.sentence)
                written = notebooks.written(figures, before)
        except notebooks.NotebookError as error:
            job.fail(f"notebooks: not executed, {error}.")
            return
        for name in written:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(figures / name, folder / name)


def _report(job: Job, material: report.Material, committed: dict[str, bytes]) -> None:
    """Write the page, and find what changed against what is committed."""
    material.sentences, material.failures = job.summary.sentences, job.summary.failures
    if not material.quick:
        material.changes = changes.compare(committed, _written(job))
    material.seconds = job.summary.seconds
    with job.part("report") as folder:
        report.write(material, folder, job.folder)
    if not material.quick:
        after = _written(job)
        job.summary.changed = changes.compare(committed, after)
        job.summary.untouched = sorted(committed.keys() - after.keys())
    job.summary.written = [job.folder / name for name in sorted(job.names)]
    job.summary.report = job.folder / report.FILE


def _written(job: Job) -> dict[str, bytes]:
    return {name: (job.folder / name).read_bytes() for name in sorted(job.names)}


def _print(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{tables.markdown(table)}", flush=True)
