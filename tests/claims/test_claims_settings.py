"""Claims about alpha and about the parts of GAR."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.claims.alpha import Curve, is_steady, small_hurts
from gar_verify.studies import ablation, published, summaries
from gar_verify.studies.ablation import PREFIX

Judge = Callable[[str, Evidence], Claim]
Store = Callable[[str, xr.Dataset], Evidence]
PROPERTIES = {
    "alpha-small": small_hurts,
    "alpha-steady": is_steady,
}


def published_curve(**changes: float) -> Curve:
    figures = published.alpha_sensitivity("MAE") | {float(k[1:]): v for k, v in changes.items()}
    return {alpha: (value, 0.05) for alpha, value in figures.items()}


@pytest.mark.parametrize("name", PROPERTIES)
def test_what_is_claimed_of_alpha_is_true_of_the_published_figures(name: str) -> None:
    assert all(PROPERTIES[name](published_curve()))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("alpha-small", {"_0.2": 6.0}),
        ("alpha-steady", {"_1.25": 11.0}),
        ("alpha-steady", {"_0.25": 6.0}),
    ],
)
def test_one_figure_changes_it(name: str, changes: dict[str, float]) -> None:
    assert PROPERTIES[name](published_curve(**changes)).count(False) == 1


def as_published(study: str, metric: str = "MAE") -> xr.Dataset:
    """The summary over alpha with the published values of one metric in every fold."""
    results = summaries.read(study).copy(deep=True)
    theirs = published.alpha_sensitivity(metric)
    values = [theirs[float(alpha)] for alpha in results["alpha"].to_numpy()]
    fold = xr.DataArray(0.01 * (np.arange(5) - 2), dims="fold", coords={"fold": results["fold"]})
    value = xr.DataArray(values, dims="alpha", coords={"alpha": results["alpha"]})
    results["test"].loc[{"metric": metric}] = (value + fold).broadcast_like(
        results["test"].sel(metric=metric)
    )
    return results


def test_the_released_constants_are_judged_and_the_formula_is_said(
    judge: Judge, store: Store
) -> None:
    names = [*PROPERTIES, "figures-alpha-mae"]
    store("sensitivity", as_published("sensitivity"))
    evidence = store("sensitivity_paper", as_published("sensitivity_paper"))
    assert {judge(name, evidence).verdict for name in names} == {Verdict.REPRODUCED}
    wrong = as_published("sensitivity_paper")
    wrong["test"].loc[{"metric": "MAE"}] = wrong["test"].sel(metric="MAE").to_numpy()[:, :, ::-1]
    flat = wrong.assign(test=wrong["test"] * 0 + 9)
    evidence = store("sensitivity_paper", flat)
    claim = judge("alpha-small", evidence)
    assert claim.verdict is Verdict.REPRODUCED
    assert "beside it GAR: 0 of 2, lowest at" in claim.reason
    evidence = store("sensitivity", flat)
    assert judge("alpha-small", evidence).verdict is Verdict.NOT_REPRODUCED
    assert "beside it the paper's formula: 2 of 13" in judge("figures-alpha-mae", evidence).reason


def test_alpha_10_is_not_the_lowest_here(judge: Judge) -> None:
    """Nor is it behind by more than chance, so it is a tie, and the reason names who is lower."""
    claim = judge("alpha-large", Evidence())
    assert claim.verdict is Verdict.TIE
    assert "alpha 10 is ahead of 0 of 12 by more than chance, behind by no more" in claim.reason
    assert "alpha 5" in claim.reason


def test_without_one_of_the_summaries_it_is_not_testable(
    judge: Judge, store: Store, tmp_path: Path
) -> None:
    evidence = store("sensitivity", as_published("sensitivity"))
    claim = judge("alpha-steady", evidence)
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert "sensitivity_paper.csv" in claim.reason


def test_what_is_claimed_of_the_parts_is_true_of_the_published_figures() -> None:
    for metric in ("MAE", "RMSE"):
        figures = {name: published.ablation(name, metric) for name in ablation.SUB_LOSSES}
        assert figures.pop("gar") <= min(figures.values())


@pytest.fixture
def parts(store: Store) -> Callable[..., Evidence]:
    """The published ablation as a summary, with some test MAEs changed, and Wine beside it."""

    def changed(**changes: float) -> Evidence:
        results = summaries.read("wine_ablation").copy(deep=True)
        for name in ablation.SUB_LOSSES:
            for metric in results["metric"].to_numpy():
                value = published.ablation(name, metric)
                value = changes.get(name, value) if metric == "MAE" else value
                results["test"].loc[{"method": PREFIX + name, "metric": metric}] = value
        store("wine", summaries.read("wine"))
        return store("wine_ablation", results)

    return changed


def test_figures_of_the_ablation(judge: Judge, parts: Callable[..., Evidence]) -> None:
    assert judge("figures-ablation-mae", parts()).verdict is Verdict.REPRODUCED
    claim = judge("figures-ablation-mae", parts(c=0.5))
    assert claim.verdict is Verdict.IN_PART
    assert "off: c by 4.834" in claim.reason


def test_the_offset_is_free_without_the_mae(judge: Judge, parts: Callable[..., Evidence]) -> None:
    assert judge("ablation-offset", parts()).verdict is Verdict.REPRODUCED
    claim = judge("ablation-offset", parts(c=0.5))
    assert claim.verdict is Verdict.IN_PART
    assert claim.counted == "2 of 3 choices without the MAE"
    assert claim.reason.endswith("a multiple of its test MAE have a, a+c")


def test_all_parts_together(judge: Judge, parts: Callable[..., Evidence]) -> None:
    claim = judge("ablation-all-parts", parts(gar=0.493))
    assert claim.verdict is Verdict.REPRODUCED
    assert claim.counted == "12 of 12 comparisons with choices"
    claim = judge("ablation-all-parts", parts(gar=0.6))
    assert claim.verdict is Verdict.NOT_REPRODUCED
    assert "behind by more than chance: b in MAE, b+c in MAE, a+b in MAE; the log of the MAE" in (
        claim.reason
    )
