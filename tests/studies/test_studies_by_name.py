"""The studies by name: every summary in the repository makes its table and its sentence."""

from __future__ import annotations

import pytest

from gar_verify import paths
from gar_verify.studies import catalogue, tables
from gar_verify.studies.summaries import SummaryError

ALL = (*catalogue.STUDIES, *catalogue.CORRECTED)
NAMES = {name: catalogue.SUMMARIES.get(name, name) for name in ALL}


@pytest.mark.parametrize("study", ALL)
def test_a_summary_makes_its_table(study: str) -> None:
    if not (paths.summaries() / f"{NAMES[study]}.csv").is_file():
        with pytest.raises(SummaryError, match=f"gar-verify run {study}"):
            catalogue.summary(study)
        return
    results = catalogue.summary(study)
    table = catalogue.table(study, results)
    assert len(table) > 0
    assert table.notna().any(axis=None)
    assert tables.markdown(table).count("\n") == len(table) + 2
    compared = study in (*catalogue.tabular.RECIPES, *catalogue.CORRECTED)
    assert catalogue.sentence(study, results).startswith(
        f"{catalogue.title(study)}: by test MAE" if compared else ""
    )


def test_unknown_studies_and_methods_are_named() -> None:
    with pytest.raises(ValueError, match="no study is called 'boston'; there are: sine"):
        catalogue.check("boston")
    with pytest.raises(ValueError, match="'ablation' is a study of GAR alone"):
        catalogue.run("ablation", ("mae",))


def test_concrete_is_within_three_published_deviations() -> None:
    """Every method's MAE and Pearson, in published standard deviations."""
    table = catalogue.table("concrete", catalogue.summary("concrete"))
    for metric in ("MAE", "Pearson"):
        deviations = table.xs(metric)["deviation"].drop("RankSim").abs()
        assert deviations.max() < 3, deviations
