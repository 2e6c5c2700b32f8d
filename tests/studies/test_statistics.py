import numpy as np
import pytest
import xarray as xr
from scipy import stats

from gar_verify.metrics import METRICS
from gar_verify.studies import statistics


def selection_of(values: dict[str, list[float]], by_seed: np.ndarray | int = 0) -> xr.Dataset:
    """Selected test values by method and fold, the same for every metric.

    ``by_seed`` [method, seed, fold] is added to them.
    """
    scores = (np.array(list(values.values()))[:, None] + by_seed)[..., None].repeat(4, axis=-1)
    return xr.Dataset(
        {"test": (("method", "seed", "fold", "metric"), scores)},
        coords={
            "method": list(values),
            "seed": range(scores.shape[1]),
            "fold": range(scores.shape[2]),
            "metric": list(METRICS),
        },
    )


OURS = [4.5, 4.6, 4.7, 4.6, 4.5]
FAR = [5.5, 5.7, 5.6, 5.6, 5.6]
NEAR = [4.7, 4.5, 4.6, 4.8, 4.5]


def test_without_overlap_it_is_the_paired_t_test():
    differences = np.array(FAR) - OURS
    line = statistics.paired(differences, ratio=0)
    oracle = stats.ttest_rel(FAR, OURS)
    assert line["p corrected"] == pytest.approx(oracle.pvalue)
    interval = oracle.confidence_interval()
    assert (line["low"], line["high"]) == pytest.approx((interval.low, interval.high))


def test_overlap_widens_the_interval_by_the_published_factor():
    differences = np.array(NEAR) - OURS
    naive, corrected = (statistics.paired(differences, ratio) for ratio in (0, 1 / 4))
    widths = [line["high"] - line["low"] for line in (naive, corrected)]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt((1 / 5 + 1 / 4) / (1 / 5)))
    assert corrected["p corrected"] > naive["p corrected"]


def test_effect_is_hedges_g_of_the_differences():
    differences = np.array(NEAR) - OURS
    line = statistics.paired(differences, 1 / 4)
    assert line["effect"] == pytest.approx(differences.mean() / differences.std(ddof=1) * 0.8)
    assert line["effect low"] < line["effect"] < line["effect high"]


def test_the_interval_of_the_effect_covers_it():
    """Of 400 samples of five with the effect 2, about 95 in 100 intervals hold it."""
    samples = np.random.default_rng(0).normal(2, 1, size=(400, 5))
    lines = [statistics.paired(sample, ratio=0) for sample in samples]
    hedges = 0.8
    held = [line["effect low"] < 2 * hedges < line["effect high"] for line in lines]
    assert 0.92 < np.mean(held) < 0.98


def test_the_interval_of_the_effect_is_that_of_the_noncentral_t():
    differences = np.array(FAR) - NEAR
    line = statistics.paired(differences, ratio=0)
    t, shrink = line["effect"] / 0.8 * np.sqrt(5), 0.8 / np.sqrt(5)
    assert stats.nct.sf(t, 4, line["effect low"] / shrink) == pytest.approx(0.025, rel=1e-8)
    assert stats.nct.cdf(t, 4, line["effect high"] / shrink) == pytest.approx(0.025, rel=1e-8)
    steady = statistics.paired(np.array([1, 1 + 1e-9, 1 - 1e-9, 1.0, 1.0]), 1 / 4)
    assert 0 < steady["effect low"] < steady["effect"] < steady["effect high"]


def test_the_variance_over_test_rows_is_added_by_satterthwaite():
    differences = np.array(NEAR) - OURS
    folds = statistics.corrected(differences, 1 / 4)
    both = statistics.corrected(differences, 1 / 4, 0.1, 206)
    a, b = folds["error folds"] ** 2, 0.1**2
    degrees = (a + b) ** 2 / (a**2 / 4 + b**2 / 205)
    reach = stats.t.ppf(0.975, degrees) * np.sqrt(a + b)
    assert both["high"] - both["difference"] == pytest.approx(reach)
    t = both["difference"] / np.sqrt(a + b)
    assert both["p corrected"] == pytest.approx(2 * stats.t.sf(abs(t), degrees))
    assert folds["high"] - folds["difference"] == pytest.approx(stats.t.ppf(0.975, 4) * np.sqrt(a))
    assert statistics.corrected(differences, 1 / 4, 0.0, 206)["p corrected"] == pytest.approx(
        folds["p corrected"]
    )


@pytest.mark.parametrize("error", [0.0, 0.01, 0.03, 0.1, 1.0])
def test_knowing_the_rows_makes_nothing_surer(error: float):
    for differences in (np.array(NEAR) - OURS, np.array(FAR) - OURS):
        alone = statistics.corrected(differences, 1 / 4)
        both = statistics.corrected(differences, 1 / 4, error, 206)
        assert both["low"] <= alone["low"]
        assert both["high"] >= alone["high"]
        assert both["p corrected"] >= alone["p corrected"]


@pytest.mark.parametrize(("by_fold", "by_row"), [(0.0, 3.0), (0.1, 3.0), (0.3, 1.0)])
def test_an_interval_over_folds_and_rows_covers_the_difference(by_fold: float, by_row: float):
    """Where rows share their luck, an interval over the folds alone does not."""
    rng, folds, rows = np.random.default_rng(0), 5, 206
    held, held_by_folds = [], []
    for _ in range(300):
        table = by_fold * rng.normal(size=(folds, 1)) + by_row * rng.normal(size=rows)
        table = table + rng.normal(size=(folds, rows))
        error = table.mean(0).std(ddof=1) / np.sqrt(rows)
        for kept, given in ((held, (error, rows)), (held_by_folds, ())):
            line = statistics.corrected(table.mean(1), 1 / 4, *given)
            kept.append(line["low"] < 0 < line["high"])
    assert np.mean(held) > 0.92
    if by_row > 10 * by_fold:
        assert np.mean(held_by_folds) < 0.7


def test_the_record_of_rows_gives_the_error_of_a_difference():
    selected = selection_of({"gar": OURS, "mae": FAR, "huber": NEAR})
    covariance = np.array([[4.0, 1.0, 0.5], [1.0, 2.0, 0.0], [0.5, 0.0, 1.0]]) * 1e-2
    covariance = [[None if value == 2e-2 else value for value in row] for row in covariance]
    known = dict.fromkeys(METRICS, covariance)
    rows = {"lines": ["gar", "mae", "huber"], "count": 206, "covariance": known}
    compared = statistics.compare(selected.assign_attrs(rows=rows))
    line = compared.loc[("MAE", "Huber")]
    assert line["error rows"] == pytest.approx(0.1 * np.sqrt(4 + 1 - 2 * 0.5))
    assert np.isnan(compared.loc[("MAE", "MAE"), "error rows"])  # None: it is not known
    said = statistics.sentence(compared, "gar", "x")
    assert "on these test rows" in said
    both = statistics.compare(selected.sel({"method": ["gar", "huber"]}).assign_attrs(rows=rows))
    assert "over folds and test rows" in statistics.sentence(both, "gar", "x")
    fewer = {**rows, "lines": ["gar", "mae", "other"]}
    assert statistics.compare(selected.assign_attrs(rows=fewer))["error rows"].isna().all()


def test_gar_with_other_constants_is_no_competitor():
    alone = statistics.compare(selection_of({"gar": OURS, "mae": FAR, "huber": NEAR}))
    values = {"gar": OURS, "mae": FAR, "huber": NEAR, "gar_released": NEAR}
    beside = statistics.compare(selection_of(values))
    assert beside.drop(index="GAR (released)", level=1)["p holm"].equals(alone["p holm"])
    line = beside.loc[("MAE", "GAR (released)")]
    assert line["p holm"] == line["p corrected"]
    assert "than 2 of 2 methods" in statistics.sentence(beside, "gar", "Concrete")


def test_a_method_without_numbers_is_named_and_not_counted():
    values = {"gar": OURS, "mae": FAR, "mse": [np.nan] * 5}
    said = statistics.sentence(statistics.compare(selection_of(values)), "gar", "Concrete")
    assert "than 1 of 1 methods" in said
    assert said.endswith("of MSE a training gave no number.")


def test_one_difference_is_not_enough():
    with pytest.raises(ValueError, match="needs at least two differences, got 1"):
        statistics.paired(np.array([0.3]), 1 / 4)


def test_holm_never_lowers_and_keeps_the_order():
    p = np.array([0.04, 0.001, 0.5, 0.02])
    assert statistics.holm(p) == pytest.approx([0.08, 0.004, 0.5, 0.06])
    with_gap = statistics.holm(np.array([0.01, np.nan]))
    assert with_gap[0] == pytest.approx(0.02)
    assert np.isnan(with_gap[1])


def test_advantage_is_positive_for_errors_and_negative_for_the_same_correlations():
    frame = statistics.compare(selection_of({"gar": OURS, "mae": FAR}))
    assert frame.loc[("MAE", "MAE"), "difference"] == pytest.approx(1.02)
    assert frame.loc[("Pearson", "MAE"), "difference"] == pytest.approx(-1.02)
    assert frame.loc[("MAE", "MAE"), "survives"]


def test_a_fold_counts_once_however_many_seeds_it_was_trained_with():
    apart = np.random.default_rng(1).normal(size=(2, 1, 5))
    two = selection_of({"gar": OURS, "mae": FAR}, np.concatenate([apart, -apart], axis=1))
    one = statistics.compare(selection_of({"gar": OURS, "mae": FAR}))
    np.testing.assert_allclose(
        statistics.compare(two).to_numpy(float), one.to_numpy(float), rtol=1e-9
    )


def test_the_sentence_names_what_survives_and_nothing_else():
    both = statistics.compare(selection_of({"gar": OURS, "mae": FAR, "huber": NEAR}))
    said = statistics.sentence(both, "gar", "Concrete")
    assert "better on average than 2 of 2 methods; than MAE by more than chance" in said
    none = statistics.compare(selection_of({"gar": OURS, "huber": NEAR}))
    assert "no such difference survives" in statistics.sentence(none, "gar", "Concrete")
    worse = statistics.compare(selection_of({"gar": FAR, "mae": OURS}))
    said = statistics.sentence(worse, "gar", "Concrete")
    assert "than 0 of 1 methods" in said
    assert "worse than MAE by more than chance" in said


def test_no_spread_at_all_is_no_error():
    frame = statistics.compare(selection_of({"gar": [1.0] * 5, "mae": [1.0] * 5}))
    assert np.isnan(frame["p corrected"]).all()
    assert not frame["survives"].any()
