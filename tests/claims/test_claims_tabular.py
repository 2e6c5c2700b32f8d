"""Claims about the real tables flip when the numbers they rest on are changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.claims.evidence import PAPERS
from gar_verify.data.superconductors import NOT_THE_PAPERS
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import published, summaries
from gar_verify.studies.methods import RELEASED

Judge = Callable[[str, Evidence], Claim]
Store = Callable[[str, xr.Dataset], Evidence]
Swap = Callable[[xr.Dataset, str, str], xr.Dataset]


@pytest.fixture
def concrete() -> xr.Dataset:
    return summaries.read("concrete")


def at(results: xr.Dataset, **figures: float) -> xr.Dataset:
    """A summary with the methods named, each with the same value on every metric and near folds."""
    chosen = results.sel({"method": list(figures)}).copy(deep=True)
    for name, value in figures.items():
        fold = chosen["fold"].astype(float) - 2
        chosen["test"].loc[{"method": name}] = (value * (1 + 1e-3 * fold)).broadcast_like(
            chosen["test"].sel({"method": name})
        )
    return chosen


def test_all_figures_some_or_none(judge: Judge, store: Store, concrete: xr.Dataset) -> None:
    name = "figures-concrete-mae"
    assert judge(name, store("concrete", concrete)).verdict is Verdict.REPRODUCED
    some = concrete.copy(deep=True)
    some["test"].loc[{"method": "gar"}] = 9.0
    claim = judge(name, store("concrete", some))
    assert claim.verdict is Verdict.REPRODUCED
    assert claim.reason.endswith("beside it the paper's formula: 0 of 1")
    some["test"].loc[{"method": RELEASED}] = 9.0
    claim = judge(name, store("concrete", some))
    assert claim.verdict is Verdict.IN_PART
    assert claim.counted == "8 of 9 figures"
    assert "off: GAR (released) by 4.397" in claim.reason
    claim = judge(name, store("concrete", concrete.assign(test=concrete["test"] * 3)))
    assert claim.verdict is Verdict.NOT_REPRODUCED


def test_swapped_columns_change_the_verdict(
    judge: Judge, store: Store, swap: Swap, concrete: xr.Dataset
) -> None:
    assert judge("lowest-mae-concrete", store("concrete", concrete)).verdict is Verdict.TIE
    claim = judge("lowest-mae-concrete", store("concrete", swap(concrete, "mae", RELEASED)))
    assert claim.verdict is Verdict.TIE
    assert "behind by no more than chance: MAE, MSE, Huber" in claim.reason
    claim = judge("lowest-mae-concrete", store("concrete", swap(concrete, "ranksim", "gar")))
    assert claim.verdict is Verdict.TIE  # the formula is said beside, not judged
    assert "beside it GAR is ahead of 0 of 8 by more than chance, behind by more" in claim.reason
    claim = judge("lowest-mae-concrete", store("concrete", swap(concrete, "ranksim", RELEASED)))
    assert claim.verdict is Verdict.NOT_REPRODUCED


def test_with_baselines_missing_it_is_in_part_at_most(
    judge: Judge, store: Store, concrete: xr.Dataset
) -> None:
    few = at(concrete, mae=5.0, gar=4.0, gar_released=4.0)
    claim = judge("lowest-mae-concrete", store("concrete", few))
    assert (claim.verdict, claim.counted) == (Verdict.IN_PART, "1 of 8 baselines")
    assert "not trained yet: MSE, Huber" in claim.reason
    claim = judge("lowest-mae-concrete", store("concrete", few.sel({"method": ["mae"]})))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert claim.reason.endswith("lacks GAR; to complete it: gar-verify run concrete --save")


def test_without_a_summary_the_reason_names_file_and_command(judge: Judge, tmp_path: Path) -> None:
    claim = judge("lowest-mae-concrete", Evidence(tmp_path))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert claim.measured == ""
    assert claim.reason == (
        "there is no summary concrete.csv; to make it: gar-verify run concrete --save"
    )


def test_wine_is_judged_by_the_released_constants_and_says_that_it_is_on_the_edge(
    judge: Judge, store: Store
) -> None:
    wine = summaries.read("wine")
    name = "summary-wine-mae"
    claim = judge(name, store("wine", wine))
    assert claim.verdict is Verdict.IN_PART
    assert claim.edge.startswith("reproduced with figures that differ by a tenth")
    as_published = at(wine, mae=0.500, gar=0.600, gar_released=0.494)
    assert judge(name, store("wine", as_published)).verdict is Verdict.REPRODUCED
    turned = at(wine, mae=0.594, gar=0.494, gar_released=0.600)
    assert judge(name, store("wine", turned)).verdict is Verdict.NOT_REPRODUCED


@pytest.mark.parametrize("table", ["sts_b", "imdb_wiki"])
def test_a_row_without_protocol_is_judged_by_its_order_alone(
    judge: Judge, store: Store, concrete: xr.Dataset, tmp_path: Path, table: str
) -> None:
    ((metric, figures),) = published.published()["summary_claims"][table].items()
    name = f"summary-{table.replace('_', '-')}-{metric.lower()}"
    claim = judge(name, Evidence(tmp_path))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert "into" in claim.reason
    assert "gar-verify " in claim.reason
    far = {method: value / 2 for method, value in figures.items()}
    claim = judge(name, store(table, at(concrete, **far, gar_released=far["gar"])))
    assert claim.verdict is Verdict.IN_PART
    assert claim.reason.startswith("a stand-in (")
    assert "close enough" not in claim.reason
    sign = 1 if LOWER_IS_BETTER[metric] else -1
    worse = far | {"gar": far["gar"] + sign, "gar_released": far["gar"] + sign}
    claim = judge(name, store(table, at(concrete, **worse)))
    assert claim.verdict is Verdict.NOT_REPRODUCED


def test_a_part_of_the_paper_s_table_is_called_so_and_the_whole_is_not(
    judge: Judge, concrete: xr.Dataset, tmp_path: Path
) -> None:
    for source, kind in (
        (f"UCI, {NOT_THE_PAPERS}; ...", "a part of the paper's data"),
        ("UCI", ""),
    ):
        attributes = concrete.attrs | {"table": "superconductivity", "source": source}
        summaries.write(concrete.assign_attrs(attributes), "superconductivity", tmp_path)
        claim = judge("lowest-mae-superconductivity", Evidence(tmp_path))
        assert claim.reason.startswith(kind or "GAR (released) is ahead")
        everything = judge("lowest-mae-everywhere", Evidence(tmp_path))
        assert everything.measured.startswith(f"{kind or PAPERS}: Superconductivity ")
        assert everything.verdict is Verdict.TIE
        assert everything.counted == "0 of 9 tasks, 1 cannot be told from chance"


def test_everywhere_needs_a_summary(judge: Judge, tmp_path: Path) -> None:
    claim = judge("lowest-mae-everywhere", Evidence(tmp_path))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert "gar-verify run all" in claim.reason


def test_gains_are_counted_by_both_tests(judge: Judge, store: Store, concrete: xr.Dataset) -> None:
    errors = concrete.sel(metric=["MAE", "RMSE"])
    far = at(errors, mae=5.0, mse=6.0, gar=4.0, gar_released=4.0)
    evidence = store("concrete", far)
    for name in ("gains-significant", "gains-significant-corrected"):
        assert judge(name, evidence).verdict is Verdict.REPRODUCED
    near = at(errors, mae=4.001, mse=4.002, gar=4.0, gar_released=4.0)
    assert judge("gains-significant", store("concrete", near)).verdict is Verdict.NOT_REPRODUCED
    one = at(errors, mae=5.0, mse=3.0, huber=3.0, gar=4.0, gar_released=4.0)
    claim = judge("gains-significant", store("concrete", one))
    assert claim.verdict is Verdict.NOT_REPRODUCED  # every gain is significant, most are losses
    assert claim.measured.startswith(
        "GAR (released): concrete 2 of 2 gains significant, of 6 comparisons. GAR: concrete 2 of 2"
    )


def test_a_significant_loss_is_no_gain(judge: Judge, store: Store, concrete: xr.Dataset) -> None:
    errors = concrete.sel(metric=["MAE", "RMSE"])
    evidence = store("concrete", at(errors, mae=4.001, mse=3.0, gar=4.0, gar_released=4.0))
    claim = judge("gains-significant", evidence)
    assert claim.verdict is Verdict.NOT_REPRODUCED
    assert "worse in 2 of 4 comparisons, significantly in 2" in claim.reason


def test_the_correction_can_take_a_gain_away(judge: Judge) -> None:
    """On the summaries in the repository the paper's test counts more gains than the other."""
    names = ("gains-significant", "gains-significant-corrected")
    reasons = [judge(name, Evidence()).reason for name in names]
    counts = [int(reason.split("GAR: ")[1].split(" of ")[0]) for reason in reasons]
    assert counts[0] > counts[1]
