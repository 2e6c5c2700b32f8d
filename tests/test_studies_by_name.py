"""The studies by name: every summary in the repository makes its table and its sentence."""

from __future__ import annotations

import pytest

from gar_verify import paths, studies, tables
from gar_verify.experiments.summaries import SummaryError

ALL = (*studies.STUDIES, *studies.CAREFUL)
NAMES = {name: studies.SUMMARIES.get(name, name) for name in ALL}


@pytest.mark.parametrize("study", ALL)
def test_a_summary_makes_its_table(study: str) -> None:
    if not (paths.summaries() / f"{NAMES[study]}.csv").is_file():
        with pytest.raises(SummaryError, match=f"gar-verify run {study}"):
            studies.summary(study)
        return
    results = studies.summary(study)
    table = studies.table(study, results)
    assert len(table) > 0
    assert table.notna().any(axis=None)
    assert tables.markdown(table).count("\n") == len(table) + 2
    compared = study in (*studies.tabular.RECIPES, *studies.CAREFUL)
    assert studies.sentence(study, results).startswith(f"{study}: by test MAE" if compared else "")


def test_unknown_studies_and_methods_are_named() -> None:
    with pytest.raises(ValueError, match="no study is called 'boston'; there are: sine"):
        studies.check("boston")
    with pytest.raises(ValueError, match="'ablation' is a study of GAR alone"):
        studies.run("ablation", ("mae",))


def test_concrete_is_within_three_published_deviations() -> None:
    """Every method's MAE and Pearson, in published standard deviations."""
    table = studies.table("concrete", studies.summary("concrete"))
    for metric in ("MAE", "Pearson"):
        deviations = table.xs(metric)["deviation"].drop("RankSim").abs()
        assert deviations.max() < 3, deviations
