"""Claims about the real tables flip when the numbers they rest on are changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.claims.evidence import PAPERS
from gar_verify.claims.tabular import everywhere, is_best
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
    assert claim.verdict is Verdict.IN_PART
    assert "off: GAR by 4.397" in claim.reason
    claim = judge(name, store("concrete", concrete.assign(test=concrete["test"] * 3)))
    assert claim.verdict is Verdict.NOT_REPRODUCED


def test_swapped_columns_change_the_verdict(
    judge: Judge, store: Store, swap: Swap, concrete: xr.Dataset
) -> None:
    assert judge("lowest-mae-concrete", store("concrete", concrete)).verdict is Verdict.REPRODUCED
    one = swap(concrete, "mae", RELEASED)
    claim = judge("lowest-mae-concrete", store("concrete", one))
    assert claim.verdict is Verdict.IN_PART
    assert "GAR is best or equal against" in claim.reason
    both = swap(swap(concrete, "ranksim", "gar"), "mae", RELEASED)
    assert judge("lowest-mae-concrete", store("concrete", both)).verdict is Verdict.NOT_REPRODUCED


def test_with_baselines_missing_it_is_in_part_at_most(
    judge: Judge, store: Store, concrete: xr.Dataset
) -> None:
    few = concrete.sel({"method": ["mae", "gar", RELEASED]})
    claim = judge("lowest-mae-concrete", store("concrete", few))
    assert claim.verdict is Verdict.IN_PART
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


def test_wine_with_the_released_constants_only_is_in_part(judge: Judge, store: Store) -> None:
    wine = summaries.read("wine")
    name = "summary-wine-mae"
    assert judge(name, store("wine", wine)).verdict is Verdict.IN_PART
    as_published = at(wine, mae=0.500, gar=0.494, gar_released=0.494)
    assert judge(name, store("wine", as_published)).verdict is Verdict.REPRODUCED
    turned = at(wine, mae=0.494, gar=0.500, gar_released=0.500)
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
        assert claim.reason.startswith(kind or "GAR is best")
        everything = judge("lowest-mae-everywhere", Evidence(tmp_path))
        assert everything.measured.startswith(f"{kind or PAPERS}: Superconductivity ")
        assert everything.verdict is Verdict.IN_PART


def test_everywhere() -> None:
    good, part, bad, no = (
        Verdict.REPRODUCED,
        Verdict.IN_PART,
        Verdict.NOT_REPRODUCED,
        Verdict.NOT_TESTABLE,
    )
    assert everywhere([good, good]) is good
    assert everywhere([good, no]) is part
    assert everywhere([part, bad]) is part
    assert everywhere([bad, no]) is bad


def test_everywhere_needs_a_summary(judge: Judge, tmp_path: Path) -> None:
    claim = judge("lowest-mae-everywhere", Evidence(tmp_path))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert "gar-verify run all" in claim.reason


def test_best_to_the_decimals_of_the_paper_and_by_the_metric() -> None:
    assert is_best(0.4944, [0.4941], "MAE")
    assert not is_best(0.4956, [0.4941], "MAE")
    assert is_best(0.93, [0.92], "Pearson")
    assert not is_best(0.92, [0.93], "Pearson")


def test_gains_are_counted_by_both_tests(judge: Judge, store: Store, concrete: xr.Dataset) -> None:
    errors = concrete.sel(metric=["MAE", "RMSE"])
    far = at(errors, mae=5.0, mse=6.0, gar=4.0, gar_released=4.0)
    evidence = store("concrete", far)
    for name in ("gains-significant", "gains-significant-corrected"):
        assert judge(name, evidence).verdict is Verdict.REPRODUCED
    near = at(errors, mae=4.001, mse=4.002, gar=4.0, gar_released=4.0)
    assert judge("gains-significant", store("concrete", near)).verdict is Verdict.NOT_REPRODUCED
    one = at(errors, mae=5.0, mse=6.0, gar=4.999, gar_released=4.0)
    claim = judge(
        "gains-significant", store("concrete", one.sel({"method": one["method"] != "mse"}))
    )
    assert claim.verdict is Verdict.IN_PART
    assert claim.measured.startswith("GAR: concrete 0 of 2 gains significant; GAR (released): conc")


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
