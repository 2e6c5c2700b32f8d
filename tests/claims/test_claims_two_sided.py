"""Every judge of measured evidence can say yes and no: made-up evidence, moved both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gar_verify import claims
from gar_verify.benchmarks.runtime_settings import PAIRS
from gar_verify.claims import Evidence, MissingEvidence, Verdict, tabular
from gar_verify.claims.evidence import RUNTIME, SPEED
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import ablation, published, summaries
from gar_verify.studies.methods import GARS, LARGE_RATES, RELEASED, TABULAR
from gar_verify.studies.predictions import ROWS
from gar_verify.studies.questions import several_targets
from tests.claims.test_claims_peaks import FOUR, NONE, lines_of
from tests.claims.test_claims_questions import MadeUp, Spoiled

R, T, P, N = Verdict.REPRODUCED, Verdict.TIE, Verdict.IN_PART, Verdict.NOT_REPRODUCED
EXACT = ("theory", "released")
"""Modules of judges of proofs and of what is computed on the spot."""


class Made(Evidence):
    """Summaries and tables of one's own, and nothing else."""

    def __init__(self, **made: Any) -> None:
        super().__init__()
        self.made = made

    def summary(self, study: str) -> xr.Dataset:
        return self._of(study)

    def table(self, name: str) -> pd.DataFrame:
        return self._of(name)

    def _of(self, name: str) -> Any:
        if name not in self.made:
            raise MissingEvidence(f"no {name}")
        return self.made[name]


@cache
def stored(study: str) -> xr.Dataset:
    """A summary to be changed, so that nothing is known of its test rows."""
    found = summaries.read(study)
    found.attrs.pop(ROWS, None)
    return found


def noise(results: xr.Dataset) -> xr.DataArray:
    """A factor near 1, another for every method and run."""
    shape = results["test"].shape
    rng = np.random.default_rng(0)
    return results["test"].copy(data=1 + 1e-3 * rng.standard_normal(shape))


def better(results: xr.Dataset, factor: float, names: tuple[str, ...] = GARS) -> xr.Dataset:
    """Methods whose errors (or 1 less correlations) are so many times the best of the others'."""
    mine = results["method"].isin(names)
    sign = xr.DataArray(
        [1 if LOWER_IS_BETTER[m] else -1 for m in results["metric"].values], dims="metric"
    )
    error = results["test"].where(sign > 0, 1 - results["test"])
    moved = error.where(mine, 1.0).where(~mine, factor * error.where(~mine).min("method"))
    moved = moved * noise(results)
    test = moved.where(sign > 0, 1 - moved)
    return results.assign(test=results["test"].where(~mine, test))


def level(results: xr.Dataset, values: Mapping[str, float], metric: str = "MAE") -> xr.Dataset:
    """Means of one metric by method, with hardly any spread; other methods are left out."""
    chosen = results.sel({"method": list(values)}).copy(deep=True)
    of = xr.DataArray(list(values.values()), dims="method")
    chosen["test"].loc[{"metric": metric}] = (of * noise(chosen)).sel(metric=metric)
    return chosen


def concrete(**values: float) -> Made:
    return Made(concrete=level(stored("concrete"), values))


def tasks(results: xr.Dataset) -> Made:
    return Made(**dict.fromkeys(tabular.TASKS, results))


def in_readings(*names: str) -> Made:
    """GAR is far ahead with the learning rates of some readings."""
    return Made(superconductivity=better(stored("superconductivity"), 0.5, names))


def as_published(factor: float) -> Made:
    values = {
        n: published.tabular("concrete", n, "MAE")[0] * factor for n in (*TABULAR[:-1], RELEASED)
    }
    return concrete(**values)


def alphas(change: Callable[[dict[float, float]], dict[float, float]]) -> Made:
    """The published curve, changed, in both studies of alpha."""
    made = {}
    for study in ("sensitivity", "sensitivity_paper"):
        results = stored(study).copy(deep=True)
        curve = change(published.alpha_sensitivity("MAE"))
        of = xr.DataArray([curve[float(a)] for a in results["alpha"].values], dims="alpha")
        results["test"].loc[{"metric": "MAE"}] = (of * noise(results)).sel(metric="MAE")
        made[study] = results
    return Made(**made)


def parts(metrics: Mapping[str, Mapping[str, float]]) -> Made:
    """The ablation with some means."""
    results = stored("wine_ablation").copy(deep=True)
    for metric, values in metrics.items():
        of = [values[str(n).removeprefix(ablation.PREFIX)] for n in results["method"].values]
        made = xr.DataArray(of, dims="method") * noise(results)
        results["test"].loc[{"metric": metric}] = made.sel(metric=metric)
    return Made(wine_ablation=results, wine=stored("wine"))


def sub_losses(metric: str, **changes: float) -> dict[str, float]:
    return {n: published.ablation(n, metric) for n in ablation.SUB_LOSSES} | changes


def curves(study: str, **values: float) -> Made:
    runs = {
        name: float(np.mean(published.synthetic_runs(study, name)))
        for name in ("gar_released", "rnc", "mae_pearson", "mae", "mse")
    }
    return Made(**{study: level(stored(study), runs | values)})


def ratios(setups: tuple[str, ...] = ("published_loop", "in_memory"), **changes: float) -> Made:
    """The published ratios in both loops, with narrow intervals; ``method`` changes one."""
    seconds = published.published()["seconds_per_epoch"]
    times = published.published()["relative_time"] | {RELEASED: 1.0} | changes
    lines = [
        {
            "setup": setup,
            "method": name,
            "batch_size": 256,
            "seconds": 1.0,
            "ratio": value,
            "ratio_low": 0.99 * value,
            "ratio_high": 1.01 * value,
        }
        for setup in setups
        for name, value in times.items()
    ]
    del seconds
    return Made(**{RUNTIME: pd.DataFrame(lines)})


def epochs(factor: float) -> Made:
    seconds = published.published()["seconds_per_epoch"]
    others = {n: factor * s / seconds["mae"] for n, s in seconds.items() if n not in ("mae", "gar")}
    return ratios(
        ("published_loop",), **others, **{RELEASED: factor * seconds["gar"] / seconds["mae"]}
    )


def grown(linear: float, pairs: float) -> Made:
    sizes = np.array([512, 1024, 2048, 4096])
    lines = [
        {"setup": "loss_only", "method": name, "batch_size": n, "seconds": float(n) ** pairs}
        for name in PAIRS
        for n in sizes
    ]
    n = np.array([65_536, 1_000_000, 10_000_000])
    ratio = n.astype(float) ** (linear - 1)
    speed = {
        "threads": 1,
        "N": n,
        "L1Loss [us]": n * 1.0,
        "GAR": ratio,
        "GAR, released constants": ratio,
    }
    return Made(**{RUNTIME: pd.DataFrame(lines), SPEED: pd.DataFrame(speed)})


def rough(factor: float) -> Made:
    results = stored("not_smooth")
    smooth = xr.DataArray(
        [str(t).startswith("sine") for t in results["table"].values], dims="table"
    )
    mae = results["test"].sel({"method": "mae"}, drop=True)
    mine = (mae * xr.where(smooth, 0.9, factor)).where(results["method"] == "gar")
    return Made(not_smooth=results.assign(test=mine.fillna(results["test"])))


def targets(factor: float) -> Made:
    results = stored("several_targets")
    sign = xr.DataArray(
        [m in several_targets.CORRELATIONS for m in results["metric"].values], dims="metric"
    )
    mae = results["test"].sel({"method": "mae"}, drop=True)
    mine = xr.where(sign, 1 - (1 - mae) * factor, mae * factor).where(results["method"] == "gar")
    return Made(several_targets=results.assign(test=mine.fillna(results["test"])))


def probes(factor: float) -> Made:
    results = stored("digits")
    gar = results["probe"].sel({"method": RELEASED}, drop=True)
    mine = (gar * factor * noise(results)).where(results["method"] == "rnc_probe")
    return Made(digits=results.assign(probe=mine.fillna(results["probe"])))


def default(*good: float) -> MadeUp:
    """One alpha is better than all others, or several, in all conditions."""
    return MadeUp({c: dict.fromkeys(good, 0.7) for c in ("standardised", "raw", "x0.01", "x100")})


CASES: dict[str, tuple[tuple[str, Evidence | Callable[[], Evidence], Verdict], ...]] = {
    "tabular.figures_of_concrete": (
        ("figures-concrete-mae", lambda: as_published(1), R),
        ("figures-concrete-mae", lambda: as_published(3), N),
    ),
    "tabular.summary_row": (
        ("summary-concrete-mae", lambda: concrete(mae=4.976, huber=4.698, gar_released=4.603), R),
        ("summary-concrete-mae", lambda: concrete(mae=9, huber=9, gar_released=9.5), N),
    ),
    "tabular.gain": (
        ("gain-concrete-mae", lambda: concrete(mae=4.976, huber=4.698, gar_released=4.603), R),
        ("gain-concrete-mae", lambda: concrete(mae=4.976, huber=4.698, gar_released=5.6), N),
    ),
    "tabular.lowest_mae": (
        ("lowest-mae-concrete", lambda: Made(concrete=better(stored("concrete"), 0.5)), R),
        ("lowest-mae-concrete", lambda: Made(concrete=better(stored("concrete"), 1.0)), T),
        ("lowest-mae-concrete", lambda: Made(concrete=better(stored("concrete"), 3.0)), N),
    ),
    "tabular.correlations": (
        ("correlations-concrete", lambda: Made(concrete=better(stored("concrete"), 0.5)), R),
        ("correlations-concrete", lambda: Made(concrete=better(stored("concrete"), 3.0)), N),
    ),
    "tabular.lowest_everywhere": (
        ("lowest-mae-everywhere", lambda: tasks(better(stored("concrete"), 0.5)), R),
        ("lowest-mae-everywhere", lambda: tasks(stored("concrete")), T),
        ("lowest-mae-everywhere", lambda: tasks(better(stored("concrete"), 3.0)), N),
    ),
    "tabular.leads": (
        ("leads-pearson", lambda: tasks(better(stored("concrete"), 0.5)), R),
        ("leads-pearson", lambda: tasks(better(stored("concrete"), 3.0)), N),
        ("leads-pearson", lambda: in_readings(*GARS, *LARGE_RATES), R),
        ("leads-pearson", lambda: in_readings(*LARGE_RATES), N),
    ),
    "tabular.weights_do_not_matter": (
        ("one-hyperparameter", lambda: tasks(better(stored("concrete"), 0.5)), R),
        ("one-hyperparameter", lambda: tasks(better(stored("concrete"), 3.0, ("gar",))), N),
    ),
    "significance.significant": (
        *(
            (name, lambda factor=factor: Made(concrete=better(stored("concrete"), factor)), verdict)
            for name in ("gains-significant", "gains-significant-corrected")
            for factor, verdict in ((0.5, R), (3.0, N))
        ),
        ("gains-significant", lambda: in_readings(*GARS, *LARGE_RATES), R),
        ("gains-significant", lambda: in_readings(*LARGE_RATES), N),
    ),
    "alpha.figures_of_alpha": (
        ("figures-alpha-mae", lambda: alphas(dict), R),
        ("figures-alpha-mae", lambda: alphas(lambda c: {a: 3 * v for a, v in c.items()}), N),
    ),
    "alpha.by_alpha": (
        ("alpha-small", lambda: alphas(dict), R),
        ("alpha-small", lambda: alphas(lambda curve: dict.fromkeys(curve, 5.0)), N),
        ("alpha-steady", lambda: alphas(dict), R),
        ("alpha-steady", lambda: alphas(lambda c: {a: 5.0 if a < 0.2 else 9.0 for a in c}), N),
    ),
    "alpha.largest_is_best": (
        ("alpha-large", lambda: alphas(lambda curve: curve | {10.0: 4.0}), R),
        ("alpha-large", lambda: alphas(lambda curve: curve | {10.0: 6.0}), N),
    ),
    "questions.alpha_needs_tuning": (
        ("alpha-needs-tuning", lambda: default(0.1), R),
        ("alpha-needs-tuning", lambda: default(0.5), N),
    ),
    "questions.default_is_good": (
        ("alpha-default", lambda: default(0.5), R),
        ("alpha-default", lambda: default(1.0), N),
    ),
    "questions.averages_have_drawbacks": (
        ("averaging-drawbacks", lambda: default(0.5), R),
        ("averaging-drawbacks", lambda: default(1.0, 100.0), N),
    ),
    "questions.dirty_data_are_a_limit": (
        ("clean-data", lambda: Spoiled({"clean": 0.8, "else": 1.3}), R),
        ("clean-data", lambda: Spoiled({"else": 1.3}), N),
    ),
    "questions.rough_targets_are_a_limit": (
        ("smooth-targets", lambda: rough(1.5), R),
        ("smooth-targets", lambda: rough(0.5), N),
    ),
    "questions.several_targets_are_a_limit": (
        ("one-target", lambda: targets(1.5), R),
        ("one-target", lambda: targets(0.5), N),
    ),
    "questions.features_of_pairs": (
        ("representations", lambda: probes(0.5), R),
        ("representations", lambda: probes(2.0), N),
        ("representations", lambda: probes(0.97), T),  # ahead of GAR alone
    ),
    "ablation.figures_of_parts": (
        ("figures-ablation-mae", lambda: parts({"MAE": sub_losses("MAE")}), R),
        (
            "figures-ablation-mae",
            lambda: parts({"MAE": dict.fromkeys(ablation.SUB_LOSSES, 9.0)}),
            N,
        ),
    ),
    "ablation.offset": (
        ("ablation-offset", lambda: parts({"MAE": sub_losses("MAE")}), R),
        ("ablation-offset", lambda: parts({"MAE": dict.fromkeys(ablation.SUB_LOSSES, 0.5)}), N),
    ),
    "ablation.all_parts": (
        (
            "ablation-all-parts",
            lambda: parts({m: sub_losses(m, gar=0.3) for m in ("MAE", "RMSE")}),
            R,
        ),
        ("ablation-all-parts", lambda: parts({"MAE": sub_losses("MAE", gar=0.6)}), N),
    ),
    "ablation.order_preserved": (
        (
            "error-variance-order",
            lambda: parts({m: sub_losses(m) for m in ("Pearson", "Spearman")}),
            R,
        ),
        ("error-variance-order", lambda: parts({"Spearman": sub_losses("Spearman", c=0.3)}), N),
    ),
    "peaks.in_runs": (
        ("peaks-missed", lambda: Made(sine_peaks=pd.DataFrame(lines_of(mae=(FOUR, FOUR)))), R),
        ("peaks-missed", lambda: Made(sine_peaks=pd.DataFrame(lines_of(mae=(NONE, NONE)))), N),
    ),
    "synthetic.figures": (
        ("figures-sine", lambda: curves("sine"), R),
        (
            "figures-sine",
            lambda: curves("sine", gar_released=9, rnc=9, mae_pearson=9, mae=9, mse=9),
            N,
        ),
    ),
    "synthetic.lowest": (
        ("lowest-mae-sine", lambda: curves("sine"), R),
        ("lowest-mae-sine", lambda: curves("sine", gar_released=0.6), N),
    ),
    "synthetic.medium": (
        ("medium-mae-sine", lambda: curves("sine", rnc=0.4, mae=0.5), R),
        ("medium-mae-sine", lambda: curves("sine", rnc=0.6, mae=0.5), N),
    ),
    "synthetic.similar": (
        ("mse-like-mae-sine", lambda: curves("sine"), R),
        ("mse-like-mae-sine", lambda: curves("sine", mse=0.8), N),
    ),
    "runtime.same_time": (
        ("time-gar", ratios, R),
        ("time-gar", lambda: ratios(gar_released=1.05), N),
    ),
    "runtime.slower": (
        ("time-ranksim", ratios, R),
        ("time-ranksim", lambda: ratios(ranksim=2.4), N),
        ("time-ranksim", lambda: ratios(ranksim=2.6), N),
    ),
    "runtime.faster": (
        ("time-faster", ratios, R),
        ("time-faster", lambda: ratios(gar_released=2.0), N),
    ),
    "runtime.seconds": (
        ("seconds-per-epoch", lambda: epochs(1.0), R),
        ("seconds-per-epoch", lambda: epochs(1.05), N),
    ),
    "runtime.cost": (
        ("linear-cost", lambda: grown(1.0, 2.0), R),
        ("linear-cost", lambda: grown(1.2, 2.0), P),
        ("linear-cost", lambda: grown(1.2, 1.2), N),
    ),
}


def name_of(entry: claims.Claim) -> str:
    judge = entry.judge.func  # type: ignore[attr-defined]
    return f"{judge.__module__.rpartition('.')[2]}.{judge.__name__}"


JUDGES = {name_of(entry): entry for entry in claims.ENTRIES}


def test_no_judge_of_measured_evidence_is_without_a_two_sided_test() -> None:
    measured = {name for name in JUDGES if name.partition(".")[0] not in EXACT}
    assert measured == set(CASES)
    for cases in CASES.values():
        assert {verdict for *_, verdict in cases} >= {R, N}


@pytest.mark.parametrize(
    ("name", "evidence", "verdict"),
    [pytest.param(*case, id=f"{case[0]}-{case[2].name}") for of in CASES.values() for case in of],
)
def test_the_verdict_follows_the_evidence(
    name: str, evidence: Callable[[], Evidence], verdict: Verdict
) -> None:
    (entry,) = (entry for entry in claims.ENTRIES if entry.identifier == name)
    found = entry.judge(evidence())
    assert found.verdict is verdict, found


def test_the_cases_are_of_their_judges() -> None:
    by_name = {entry.identifier: name_of(entry) for entry in claims.ENTRIES}
    for judge, cases in CASES.items():
        assert {by_name[name] for name, *_ in cases} == {judge}
