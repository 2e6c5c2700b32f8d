"""The studies by name: how each is run, and what is drawn and written of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from gar_verify import paths
from gar_verify.data.synthetic import CURVES
from gar_verify.studies import (
    ablation,
    curves,
    figures,
    ic50,
    peaks,
    predictions,
    selection,
    sensitivity,
    statistics,
    summaries,
    synthetic,
    tables,
    tabular,
)
from gar_verify.studies.images import digits, digits_report
from gar_verify.studies.methods import RELEASED, SHOWN, label
from gar_verify.studies.questions import (
    choosing_alpha,
    choosing_alpha_report,
    competitors,
    dirty_data,
    not_smooth,
    several_targets,
    several_targets_report,
)
from gar_verify.studies.sentences import frozen
from gar_verify.studies.sentences import study as sentences

SENSITIVITIES = {"sensitivity": RELEASED, "sensitivity_paper": "gar"}
"""Studies of alpha, and the GAR of each: with the released constants, and the paper's formula."""

ONE_TABLE = {"ablation": "wine"} | dict.fromkeys(SENSITIVITIES, "concrete")
"""Studies of GAR alone, and the table that each is on."""

_TABLES = tuple(name for name in tabular.RECIPES if name not in tabular.METHODS)

STUDIES = (*CURVES, *_TABLES, *ONE_TABLE)
"""The paper's studies on its own data, and diabetes by the same protocol."""

_CORRECTED = "_corrected"
CORRECTED = {name + _CORRECTED: name for name in _TABLES}
"""Studies by the corrected protocol, and the table that each is on: features scaled on
the training part only, and `CORRECTED_SEEDS`."""

CORRECTED_SEEDS = (0, 1, 2, 3, 4)

SUMMARIES = {"ablation": "wine_ablation"}
"""Names of the summaries in the repository, where they are not those of the studies."""

ABBREVIATIONS = {"Ic50": "IC50", "Sts b": "STS-B", "Supercon": "SuperCon"}
"""In the names of studies."""

TITLES = {
    "sensitivity": "Alpha, with the released constants",
    "sensitivity_paper": "Alpha, by the paper's formula",
    "not_smooth": "Targets that are not smooth",
}
"""Of studies whose names do not say what they are."""

METHOD = "gar"
BASELINE = "mae"


class Kind(NamedTuple):
    """What is made of the results of a study, or of its summary."""

    select: Callable[[xr.Dataset], xr.Dataset]
    table: Callable[[xr.Dataset], pd.DataFrame]
    figure: Callable[[xr.Dataset], Figure]


class Other(NamedTuple):
    """A study with a protocol of its own."""

    run: Callable[..., xr.Dataset]
    kind: Kind
    is_full: Callable[[xr.Dataset], bool]
    """Whether results are of full length."""
    sentence: Callable[[xr.Dataset], str] | None = None
    """What they show; None: the comparison with GAR, as on every table."""
    remark: Callable[[xr.Dataset], str] | None = None
    """What to know beside that comparison."""
    save: Callable[[xr.Dataset, xr.Dataset, Path | None], list[Path]] | None = None
    """Writes tables beside that of the study, from results, what its table is made of, a folder."""
    record: Callable[[xr.Dataset, Path | None], list[Path]] | None = None
    """Writes summaries beside that of the study."""
    verifiable: bool = False
    """Whether `spot_check.verify` can train a fold of each line again."""
    code: Callable[[xr.Dataset], str] | None = None
    """The digest of the present code that a summary rests on; None: see `spot_check.code_of`."""
    part: Mapping[str, Any] | None = None
    """Options of ``run`` that give a part of the study, which `spot_check.verify` trains again."""


def _question(
    study: ModuleType,
    report: ModuleType,
    figure: Callable[[xr.Dataset], Figure],
    save: Callable[[xr.Dataset, xr.Dataset, Path | None], list[Path]] | None = None,
) -> Other:
    """A question, from the module that trains it and the one that says what follows."""
    return Other(
        study.run,
        Kind(selection.select, report.table, figure),
        study.is_full,
        report.sentence,
        save=save,
        code=study.code_of,
        part=study.PART,
    )


TABULAR_KIND = Kind(selection.select, tables.tabular_table, figures.tabular_figure)

OTHERS = {
    ic50.NAME: Other(
        ic50.run,
        TABULAR_KIND._replace(select=ic50.select),
        ic50.is_full,
        remark=ic50.remark,
        save=ic50.save_drugs,
        record=ic50.write_drugs,
        verifiable=True,
    ),
    frozen.NAME: Other(frozen.run, TABULAR_KIND, frozen.is_full),
    sentences.NAME: Other(
        sentences.run,
        Kind(selection.select, sentences.table, figures.sentences_figure),
        sentences.is_full,
        sentences.sentence,
        code=sentences.code_of,
    ),
    digits.NAME: Other(
        digits.run,
        Kind(digits.select, digits_report.table, figures.digits_figure),
        digits.is_full,
        digits_report.sentence,
        code=digits.code_of,
    ),
    dirty_data.NAME: _question(dirty_data, dirty_data, figures.dirty_data_figure),
    choosing_alpha.NAME: _question(
        choosing_alpha, choosing_alpha_report, figures.choosing_alpha_figure
    ),
    not_smooth.NAME: _question(
        not_smooth, not_smooth, figures.not_smooth_figure, not_smooth.save_each
    ),
    several_targets.NAME: _question(
        several_targets,
        several_targets_report,
        figures.several_targets_figure,
        several_targets_report.save_by_table,
    ),
    competitors.NAME: _question(competitors, competitors, figures.competitors_figure),
}
"""Such studies by name."""

QUESTIONS = tuple(name for name, other in OTHERS.items() if other.part)
"""Studies of what the paper leaves open, each of many tables."""

OTHER_ROWS = (*tabular.METHODS, *OTHERS)
"""Studies for the rows of the paper whose own data or protocol is not to be had."""


def check(study: str) -> str:
    """The name, or a ValueError that lists the studies there are."""
    known = (*STUDIES, *OTHER_ROWS, *CORRECTED)
    if study not in known:
        raise ValueError(f"no study is called {study!r}; there are: {', '.join(known)}")
    return study


def corrected(study: str) -> str:
    """The name of the corrected study of a table.

    >>> corrected("concrete")
    'concrete_corrected'

    Raises:
        ValueError: if the study is none of one of the tables.
    """
    name = study.removesuffix(_CORRECTED) + _CORRECTED
    if name not in CORRECTED:
        raise ValueError(
            f"there is no corrected form of {study!r}; there is one of: {', '.join(_TABLES)}"
        )
    return name


def title(study: str) -> str:
    """The name of a study, or of a figure of it, as it is printed.

    >>> title("sts_b_frozen"), title("not_smooth")
    ('STS-B frozen', 'Targets that are not smooth')
    """
    words = TITLES.get(study) or study.replace("_", " ").capitalize()
    for name, printed in ABBREVIATIONS.items():
        words = re.sub(rf"\b{name}\b", printed, words)
    return words


def in_report() -> tuple[str, ...]:
    """Names of the studies that are reported: all, of the others those with a summary."""
    others = (*OTHER_ROWS, *(name for name, table in CORRECTED.items() if table in STUDIES))
    return (*STUDIES, *filter(summaries.exists, others))


def data_of(study: str) -> str:
    """The name of the table that a study needs."""
    return (ONE_TABLE | CORRECTED).get(check(study), study)


def run(study: str, methods: Sequence[str] | None = None, **options: Any) -> xr.Dataset:
    """Train a study with the paper's protocol; what was computed before is read.

    Args:
        study: one of `STUDIES`, `OTHER_ROWS` or `CORRECTED`.
        methods: names of losses; default: all of the study.
        options: those of `studies.synthetic.run`, `studies.tabular.run` and so on.

    Raises:
        ValueError: for an unknown study or loss, or for methods of a study of GAR alone.
    """
    if check(study) in ONE_TABLE and methods is not None:
        raise ValueError(f"{study!r} is a study of GAR alone; leave the methods out")
    if study in OTHERS:
        return OTHERS[study].run(*filter(None, [methods]), **options)
    if study in CURVES:
        return synthetic.run(methods or SHOWN, curve=study, **options)
    if study == "ablation":
        return ablation.run(**options)
    if study in SENSITIVITIES:
        return sensitivity.run(method=SENSITIVITIES[study], **options)
    if study in CORRECTED:
        options = {"scaling": "training part", "seeds": CORRECTED_SEEDS} | options
    return tabular.run(data_of(study), methods, **options)


def _curve_figure(results: xr.Dataset) -> Figure:
    return figures.sine_figure(results, peaks.count(results))


KINDS = {
    **dict.fromkeys(CURVES, Kind(synthetic.select, tables.sine_table, _curve_figure)),
    **dict.fromkeys((*tabular.RECIPES, *CORRECTED), TABULAR_KIND),
    "ablation": Kind(selection.select, tables.ablation_table, figures.ablation_figure),
    **dict.fromkeys(
        SENSITIVITIES,
        Kind(sensitivity.select, tables.sensitivity_table, figures.sensitivity_figure),
    ),
    **{name: other.kind for name, other in OTHERS.items()},
}


def select(study: str, results: xr.Dataset) -> xr.Dataset:
    """The selected test values of a study, which its summary holds."""
    return KINDS[check(study)].select(results)


def recorded(study: str, results: xr.Dataset) -> xr.Dataset:
    """What a summary of the results holds, with what is known of the test rows."""
    selected = select(study, results)
    if study in CURVES:
        return selected
    return predictions.with_rows(selected.round(summaries.DIGITS), stored_as(study))


def only_shown(study: str, results: xr.Dataset) -> xr.Dataset:
    """Of a curve the methods that are shown, if it has any; of any other study all."""
    if study not in CURVES:
        return results
    chosen = [name for name in results["method"].to_numpy() if name in SHOWN]
    return results.sel({"method": chosen}) if chosen else results


def table(study: str, results: xr.Dataset) -> pd.DataFrame:
    """The table of a study: published beside measured."""
    return KINDS[check(study)].table(results)


def sentence(study: str, results: xr.Dataset) -> str:
    """Which differences to GAR survive a corrected test; empty where nothing is compared.

    Of images and sentences, what their own comparison shows.
    """
    other = OTHERS.get(check(study))
    if other and other.sentence:
        return other.sentence(results)
    if not compares_losses(study):
        return ""
    names = [str(name) for name in results["method"].values]
    if METHOD not in names or len(names) < 2:
        return ""
    compared = statistics.compare(_selected(study, results), METHOD)
    parts = [statistics.sentence(compared, METHOD, title(study))]
    if other and other.remark:
        parts.append(other.remark(results))
    return " ".join(parts)


def stored_as(study: str) -> str:
    """The name of the summary of a study."""
    return SUMMARIES.get(check(study), study)


def summary(study: str) -> xr.Dataset:
    """The summary of a full run that travels with the repository; as from `summaries.read`."""
    return summaries.read(stored_as(study), command=f"gar-verify run {study} --save")


def missing(study: str) -> list[str]:
    """Methods of the paper's table that the summary of a tabular study lacks; all without one."""
    there = summary(study)["method"].to_numpy() if summaries.exists(stored_as(study)) else ()
    return [label(method) for method in tabular.methods_of(study) if method not in there]


def verdict(study: str) -> str:
    """What the summary of a tabular study shows, in lines.

    The two lowest test MAE; the sentence of the corrected test; and the methods that were not run
    yet, if there are any. One line that says so if there is no summary.
    """
    if not summaries.exists(stored_as(study)):
        return f"{study}: no full run is stored; gar-verify run {study} --save"
    results = summary(study)
    lowest = tables.tabular_table(results).xs("MAE")["measured"].sort_values()
    first = ", then ".join(f"{name} {value:.3f}" for name, value in lowest.head(2).items())
    lines = [f"{title(study)}: lowest test MAE {first}.", sentence(study, results)]
    if absent := missing(study):
        lines.append(f"Methods that are not in the summary yet: {', '.join(absent)}.")
    return "\n".join(lines)


def figure(study: str, results: xr.Dataset) -> Figure:
    """The figure of a study, drawn from what its table is made of."""
    if check(study) in CURVES and "prediction" not in results:
        return figures.sine_figure(curves.read(study), peaks.read(study))
    return KINDS[study].figure(results)


def save(study: str, results: xr.Dataset, folder: Path | None = None) -> list[Path]:
    """Write the table of a study and its figure, and what more there is of it.

    Args:
        study: one of `STUDIES`, `OTHER_ROWS` or `CORRECTED`.
        results: from `run` or `summary`. Of a synthetic study, the table is that of the paper's
            methods, which are drawn.
        folder: where to; default: `paths.figures`.

    Returns:
        What was written: for a tabular study also the comparison with GAR and, with MAE among the
        methods, GAR's gains; for a curve its peaks, and for results of full length the summaries;
        a summary of more methods than the results have, or more seeds, is left as it is.
    """
    shown = _selected(check(study), results)
    written = tables.save(table(study, shown), study, folder)
    drawn = results if study in CURVES else shown
    written += figures.save(figure(study, drawn), study, folder)
    if study in CURVES:
        counted = peaks.count(results) if "prediction" in results else peaks.read(study)
        written += _save_peaks(study, counted, folder)
    if (other := OTHERS.get(study)) and other.save:
        written += other.save(results, shown, folder)
    if compares_losses(study) and sentence(study, shown):
        comparison = tables.comparison_table(shown, METHOD)
        written += tables.save(comparison, f"{study}_comparison", folder)
        if BASELINE in shown["method"]:
            written += tables.save(tables.gains_table(shown), f"{study}_gains", folder)
    return written + _summarise(study, results, folder / paths.RESULTS if folder else None)


def _save_peaks(study: str, counted: pd.DataFrame, folder: Path | None) -> list[Path]:
    shown = counted[counted["method"].isin(SHOWN)]
    written = tables.save(peaks.table(shown).rename(index=label), f"{study}_peaks", folder)
    return written + figures.save(figures.peaks_figure(counted), f"{study}_peaks", folder)


def is_for_the_record(study: str, results: xr.Dataset) -> bool:
    """Whether results may replace what is committed: of full length, and nothing would be lost."""
    return _is_full(study, results) and not _would_lose(stored_as(study), results, None)


def compares_losses(study: str) -> bool:
    """Whether it is a study of many losses on a table."""
    return KINDS[check(study)].table is tables.tabular_table


def _selected(study: str, results: xr.Dataset) -> xr.Dataset:
    """What tables are made of, to the digits of a summary: the same from either."""
    if "metrics" in results:
        results = select(study, results).round(summaries.DIGITS)
    return only_shown(study, results) if study in CURVES else recorded(study, results)


def _summarise(study: str, results: xr.Dataset, folder: Path | None) -> list[Path]:
    """Write the summaries of results of full length, unless there are some of more than these."""
    name = stored_as(study)
    if not _is_full(study, results) or _would_lose(name, results, folder):
        return []
    written = summaries.write(recorded(study, results), name, folder)
    if (other := OTHERS.get(study)) and other.record:
        written += other.record(results, folder)
    if study in CURVES:
        written += curves.write(results, study, folder)
        written += curves.write_start(results, study, folder)
        written += peaks.write(results, study, folder)
    return written


def _is_full(study: str, results: xr.Dataset) -> bool:
    """Whether these are results, not a summary, over all epochs and settings of the protocol."""
    if study in OTHERS:
        return OTHERS[study].is_full(results)
    if "metrics" not in results:
        return False
    if study in CURVES:
        whole = set(synthetic.SEEDS) <= set(results["seed"].to_numpy().tolist())
        return whole and results.sizes["epoch"] == synthetic.RECIPE.epochs
    protocol = tabular.protocol(data_of(study))
    seeds = CORRECTED_SEEDS if study in CORRECTED else (0,)
    return (
        set(seeds) == set(results["seed"].to_numpy().tolist())
        and results.sizes["epoch"] == protocol.recipe.epochs
        and results.sizes["weight_decay"] == len(protocol.weight_decays)
        and results.sizes["fold"] == protocol.folds
    )


def _would_lose(name: str, results: xr.Dataset, folder: Path | None) -> bool:
    """Whether a summary of that name holds methods or seeds that the results lack."""
    if not summaries.exists(name, folder):
        return False
    try:
        stored = summaries.read(name, folder)
    except summaries.SummaryError:
        return False  # a damaged one is replaced
    dims = [dim for dim in ("method", "seed") if dim in stored.dims]
    return any(set(stored[dim].to_numpy()) - set(results[dim].to_numpy()) for dim in dims)
