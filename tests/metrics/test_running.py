"""Metrics of a stream equal those of all samples held at once, to the last digits."""

from __future__ import annotations

import importlib.util
import math
import multiprocessing
import pickle
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gar_verify.metrics import RegressionMetrics, running

RNG = np.random.default_rng(0)
N = 400
NAMES = ["mae", "rmse", "bias", "error_variance", "pearson", "ccc", "slope"]


def oracle(f: Any, y: Any, w: Any = None) -> dict[str, float]:
    """The definitions in 50 digits."""
    with mpmath.workdps(50):
        f, y = ([mpmath.mpf(float(v)) for v in x] for x in (f, y))
        w = [mpmath.mpf(float(v)) for v in (np.ones(len(f)) if w is None else w)]
        total = mpmath.fsum(w)

        def mean(values: Iterator[Any]) -> Any:
            return mpmath.fsum(a * b for a, b in zip(w, values, strict=True)) / total

        mf, my = mean(iter(f)), mean(iter(y))
        pairs = list(zip(f, y, strict=True))
        var_f, var_y = (mean((v - m) ** 2 for v in x) for x, m in ((f, mf), (y, my)))
        cov = mean((a - mf) * (b - my) for a, b in pairs)
        found = {
            "mae": mean(abs(a - b) for a, b in pairs),
            "rmse": mpmath.sqrt(mean((a - b) ** 2 for a, b in pairs)),
            "bias": mf - my,
            "error_variance": mean((a - b - mf + my) ** 2 for a, b in pairs),
            "pearson": cov / mpmath.sqrt(var_f * var_y),
            "ccc": 2 * cov / (var_f + var_y + (mf - my) ** 2),
            "slope": cov / var_y,
        }
        return {name: float(value) for name, value in found.items()}


def streamed(f: Any, y: Any, *others: Any, size: int = 37, **options: Any) -> RegressionMetrics:
    metrics = RegressionMetrics(**options)
    for i in range(0, len(f), size):
        metrics.update(*(None if x is None else x[i : i + size] for x in (f, y, *others)))
    return metrics


def labels_and_noise() -> tuple[Any, Any]:
    return RNG.normal(size=N), RNG.normal(size=N)


def assert_close(found: dict[str, Any], expected: dict[str, Any], rel: float = 1e-12) -> None:
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=rel, nan_ok=True), name


@pytest.mark.parametrize("size", [1, 37, N])
@pytest.mark.parametrize(
    ("offset_f", "offset_y", "noise"),
    [(0, 0, 1), (1e6, 1e6, 1), (1e6, 0, 1), (0, -1e6, 1), (1e6, -1e6, 1e-3), (1e6, 1e6, 1e-4)],
)
def test_a_stream_is_the_whole_at_any_offset(offset_f, offset_y, noise, size):
    y, other = labels_and_noise()
    f = y + noise * other + offset_f
    y = y + offset_y
    assert_close(streamed(f, y, size=size).compute(), oracle(f, y))


def test_small_errors_keep_their_digits():
    y, noise = labels_and_noise()
    f = y + 1e-9 * noise
    assert_close(streamed(f, y).compute(), oracle(f, y))


def test_scales_of_all_sizes():
    y, noise = labels_and_noise()
    for scale in (1e-100, 1e100):
        f = scale * (y + noise)
        assert_close(streamed(f, scale * y).compute(), oracle(f, scale * y))
        assert_close(streamed(f, y).compute(), oracle(f, y))


def test_scipy_agrees_on_data_held_at_once():
    y, noise = labels_and_noise()
    f, y = np.round(y + noise, 1), np.round(y, 1)  # with ties
    found = streamed(f, y, spearman=True).compute()
    assert found["pearson"] == pytest.approx(stats.pearsonr(f, y).statistic, abs=1e-12)
    assert found["spearman"] == pytest.approx(stats.spearmanr(f, y).statistic, abs=1e-12)
    assert found["slope"] == pytest.approx(stats.linregress(y, f).slope, abs=1e-12)
    assert list(found) == [*NAMES, "spearman"]


def test_outliers_in_the_first_batch():
    y, noise = labels_and_noise()
    f = y + noise
    f[0], y[0] = 1e9, -1e9
    assert_close(streamed(f, y, size=1).compute(), oracle(f, y))
    f = y + 1e-9 * noise  # small errors of an outlier in both
    assert_close(streamed(f, y, size=1).compute(), oracle(f, y))


@pytest.mark.parametrize("spearman", [False, True])
def test_a_weight_is_a_repetition_and_zero_is_absence(spearman):
    y, noise = labels_and_noise()
    f, weight = y + noise, RNG.integers(0, 4, N)
    rows = np.repeat(np.arange(N), weight)
    f[weight == 0] = math.nan
    found = streamed(f, y, weight, spearman=spearman).compute()
    assert_close(found, streamed(f[rows], y[rows], spearman=spearman).compute())
    scaled = streamed(f, y, 0.3 * weight, spearman=spearman).compute()
    assert_close(scaled, found)


def test_missing_targets_are_absent_target_by_target():
    y = RNG.normal(size=(N, 3))
    f = y + RNG.normal(size=(N, 3))
    y[RNG.random((N, 3)) < 0.3] = math.nan
    y[:, 2] = math.nan
    metrics = streamed(f, y, missing="omit", spearman=True)
    each = metrics.per_target()
    for target in range(2):
        there = ~np.isnan(y[:, target])
        expected = oracle(f[there, target], y[there, target])
        assert_close({name: each[name][target] for name in NAMES}, expected)
        ranked = stats.spearmanr(f[there, target], y[there, target]).statistic
        assert each["spearman"][target] == pytest.approx(ranked, abs=1e-12)
    assert all(np.isnan(values[2]) for values in each.values())
    for name, value in metrics.compute().items():  # the mean of the targets that have a value
        assert value == pytest.approx(each[name][:2].mean(), rel=1e-12)
    with pytest.raises(ValueError, match=r"target is NaN in \d+ entries; missing='omit' leaves"):
        RegressionMetrics().update(f, y)
    weight = np.isfinite(y).astype(float)  # an absent sample may hold anything
    assert_close(streamed(f, y, weight).compute(), streamed(f, y, missing="omit").compute())


def test_groups_beside_the_whole():
    groups = RNG.integers(-5, 5, N)
    y, noise = labels_and_noise()
    y = y + 3.0 * groups
    f = -y + 7.0 * groups + noise
    metrics = streamed(f, y, None, groups, spearman=True)
    found, each = metrics.compute(), metrics.per_group()
    assert_close(found, oracle(f, y))
    assert each["group"].tolist() == sorted(set(groups))
    for place, group in enumerate(each["group"]):
        own = groups == group
        assert_close({name: each[name][place] for name in NAMES}, oracle(f[own], y[own]))
        ranked = stats.spearmanr(f[own], y[own]).statistic
        assert each["spearman"][place] == pytest.approx(ranked, abs=1e-12)
        assert each["weight"][place] == own.sum()
    for name in (*NAMES, "spearman"):
        assert found[f"within_{name}"] == pytest.approx(each[name].mean(), rel=1e-12)
    assert found["pearson"] > 0 > found["within_pearson"]  # Simpson's paradox


def test_groups_of_several_targets_and_gaps():
    groups = RNG.integers(0, 4, N)
    y = RNG.normal(size=(N, 2)) + 1e6
    f = y + RNG.normal(size=(N, 2))
    y[groups == 1, 0] = math.nan
    each = streamed(f, y, None, groups, missing="omit").per_group()
    assert each["pearson"].shape == (4, 2)
    for place, target in np.ndindex(4, 2):
        own = groups == place
        if (place, target) == (1, 0):
            assert math.isnan(each["mae"][place, target])
            continue
        expected = oracle(f[own, target], y[own, target])
        assert_close({name: each[name][place, target] for name in NAMES}, expected)


def test_groups_without_a_correlation_are_left_out_of_its_mean():
    f = np.array([1.0, 2.0, 3.0, 5.0, 5.0, 7.0])
    y = np.array([1.0, 2.0, 4.0, 1.0, 2.0, 3.0])
    groups = np.array([0, 0, 0, 1, 1, 2])
    metrics = streamed(f, y, None, groups)
    assert np.isnan(metrics.per_group()["pearson"]).tolist() == [False, True, True]
    expected = stats.pearsonr(f[:3], y[:3]).statistic
    assert metrics.compute()["within_pearson"] == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 12), min_size=3, max_size=3))
def test_merging_is_associative(seed, sizes):
    rng = np.random.default_rng(seed)
    parts = []
    for size in sizes:
        y = rng.normal(size=size) * 10.0 ** rng.integers(-3, 4) + 1e3 * rng.normal()
        data = y + rng.normal(size=size), y, rng.integers(0, 3, size), rng.integers(0, 3, size)
        parts.append(data)

    def seen(*wanted: int) -> RegressionMetrics:
        metrics = RegressionMetrics(spearman=True)
        for k in wanted:
            metrics.update(*parts[k])
        return metrics

    left = seen(0).merge(seen(1)).merge(seen(2)).compute()
    right = seen(0).merge(seen(1).merge(seen(2))).compute()
    joined = RegressionMetrics(spearman=True)
    joined.update(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    for other in (right, joined.compute()):
        assert list(other) == list(left)
        assert list(other.values()) == pytest.approx(
            list(left.values()), rel=1e-9, abs=1e-9, nan_ok=True
        )


def test_degenerate_data_by_rule():
    def found(f: list[float], y: list[float]) -> dict[str, float]:
        return streamed(torch.tensor(f), torch.tensor(y), size=2, spearman=True).compute()

    assert all(math.isnan(value) for value in RegressionMetrics(spearman=True).compute().values())
    assert RegressionMetrics().per_group() == {}
    one = found([2.0], [5.0])
    assert (one["mae"], one["rmse"], one["bias"], one["error_variance"]) == (3, 3, -3, 0)
    assert one["ccc"] == 0
    assert all(math.isnan(one[name]) for name in ("pearson", "spearman", "slope"))
    constant = found([0.1] * 5, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert (constant["slope"], constant["ccc"]) == (0, 0)
    assert all(math.isnan(constant[name]) for name in ("pearson", "spearman"))
    labels = found([0.1, 0.2, 0.3, 0.4, 0.5], [1e8] * 5)
    assert all(math.isnan(labels[name]) for name in ("pearson", "spearman", "slope"))
    both = found([0.1] * 5, [0.1] * 5)
    assert all(math.isnan(both[name]) for name in ("pearson", "spearman", "slope", "ccc"))
    assert both["rmse"] == 0
    two = found([1.0, 2.0], [5.0, 3.0])
    assert two["pearson"] == pytest.approx(-1, abs=1e-15)
    perfect = found([0.1, 0.2, 0.4], [0.1, 0.2, 0.4])
    assert (perfect["pearson"], perfect["ccc"], perfect["slope"]) == (1, 1, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_prediction_that_is_no_number_spoils_its_group_and_the_whole(bad):
    y = torch.arange(12.0)
    f = y.flip(0).clone()
    f[1] = bad
    metrics = streamed(f, y, None, torch.arange(12) // 4, size=5, spearman=True)
    assert not any(math.isfinite(value) for value in metrics.compute().values())
    each = metrics.per_group()
    assert [np.isfinite(each[name]).tolist() for name in (*NAMES, "spearman")] == [
        [False, True, True]
    ] * (len(NAMES) + 1)


def test_empty_batches_and_weights_of_zero_change_nothing():
    y, noise = labels_and_noise()
    metrics = streamed(y + noise, y, spearman=True)
    before = metrics.compute()
    metrics.update(np.zeros(0), np.zeros(0))
    metrics.update(noise + math.nan, y, np.zeros(N))
    assert metrics.compute() == before
    empty = RegressionMetrics()
    empty.update(np.zeros((0, 2)), np.zeros((0, 2)), None, np.zeros(0, dtype=int))
    assert np.isnan(empty.per_target()["mae"]).tolist() == [True, True]
    metrics.reset()
    assert math.isnan(metrics.compute()["mae"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_is_read_exactly_and_no_graph_is_kept(dtype):
    f = torch.randn(50, requires_grad=True)
    y = torch.randn(50)
    metrics = RegressionMetrics()
    metrics.update(f.to(dtype), y.to(dtype))
    assert_close(metrics.compute(), oracle(f.to(dtype).tolist(), y.to(dtype).tolist()))
    with torch.inference_mode():
        metrics.update(f.to(dtype), y.to(dtype))
    metrics.update(f.to(dtype), y.to(dtype))


def test_a_state_travels(tmp_path: Path):
    y, noise = labels_and_noise()
    groups = RNG.integers(0, 3, N)
    metrics = streamed(y + noise, y, None, groups, spearman=True)
    torch.save(metrics.state_dict(), tmp_path / "state.pt")
    again = RegressionMetrics(spearman=True)
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert again.compute() == metrics.compute()
    assert pickle.loads(pickle.dumps(metrics)).compute() == metrics.compute()
    with pytest.raises(ValueError, match="keeps values for Spearman, or this object does"):
        RegressionMetrics().load_state_dict(metrics.state_dict())
    again.load_state_dict({})
    assert math.isnan(again.compute()["mae"])


def test_what_does_not_fit_is_named():
    ones = np.ones(4)
    metrics = RegressionMetrics()
    metrics.update(ones, ones)
    for arguments, message in (
        ((ones, ones[:, None]), r"input has shape \(4,\) and target has shape \(4, 1\)"),
        ((1.0, 1.0), r"they must be equal, \(N,\) or \(N, T\)"),
        ((ones, ones, ones[:3]), r"sample_weight has shape \(3,\); expected \(4,\)"),
        ((ones, ones, -ones), "finite and at least 0"),
        ((ones, ones, ones * math.inf), "finite and at least 0"),
        ((ones, ones, None, ones), "4 integers, one a sample, got shape .* of torch.float64"),
        ((ones, ones, None, np.ones(3, dtype=int)), r"got shape \(3,\)"),
        ((ones, ones, None, np.ones(4, dtype=int)), "pass groups in every update, or in none"),
        ((ones[:, None], ones[:, None]), r"were \(N,\) before and are \(N, 1\) now"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.update(*arguments)
    with pytest.raises(ValueError, match="only one of the two keeps the values"):
        metrics.merge(RegressionMetrics(spearman=True))
    with pytest.raises(ValueError, match="missing must be one of 'error', 'omit', got 'skip'"):
        RegressionMetrics(missing="skip")


# --- batches that wait ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 256, 5000])
def test_small_batches_are_summarised_together(size: int, monkeypatch: Any) -> None:
    seen, summary = [], running._summary
    monkeypatch.setattr(
        running, "_summary", lambda x, *others: seen.append(x.shape[1]) or summary(x, *others)
    )
    batches = 300 if size == 1 else 3 * running.WAITING // size
    y = np.arange(batches * size, dtype=float)
    metrics = streamed(-y, y, size=size)
    assert len(seen) <= max(3, batches // 256)
    assert metrics.compute()["mae"] == pytest.approx(y.mean() * 2, rel=1e-14)
    assert sum(seen) == len(y)
    assert max(seen) < running.WAITING + size


@pytest.mark.parametrize("spearman", [False, True])
def test_asking_in_between_changes_nothing(spearman: bool) -> None:
    y, noise = labels_and_noise()
    groups, patient = RNG.integers(0, 3, N), RegressionMetrics(spearman=spearman)
    for rows in np.array_split(np.arange(N), 7):
        patient.update(y[rows] + noise[rows], y[rows], None, groups[rows])
        patient.compute()
    hasty = streamed(y + noise, y, None, groups, spearman=spearman)
    assert_close(patient.compute(), hasty.compute())
    joined = RegressionMetrics(spearman=spearman).merge(patient).merge(hasty)
    assert_close(joined.compute(), hasty.compute())
    assert joined.per_group()["weight"].sum() == 2 * N
    assert hasty.merge(hasty).per_group()["weight"].sum() == 2 * N


def test_what_waits_is_a_copy() -> None:
    y, noise = labels_and_noise()
    groups, own = RNG.integers(0, 3, N), RegressionMetrics()
    expected = streamed(y + noise, y, np.ones(N), groups).compute()
    buffers = [torch.zeros(N, dtype=torch.float64) for _ in range(3)] + [torch.zeros(N).long()]
    for buffer, values in zip(buffers, (y + noise, y, np.ones(N), groups), strict=True):
        buffer.copy_(torch.as_tensor(values))
    own.update(*buffers)
    for buffer in buffers:
        buffer.zero_()
    assert_close(own.compute(), expected)


def test_another_kind_is_refused_while_batches_wait_and_leaves_them_alone() -> None:
    ones = np.ones(3)
    metrics, columns, groups = (RegressionMetrics() for _ in range(3))
    metrics.update(ones, ones)
    columns.update(ones[:, None], ones[:, None])
    groups.update(ones, ones, None, np.zeros(3, dtype=int))
    with pytest.raises(ValueError, match=r"targets were \(N,\) before and are \(N, 1\) now"):
        metrics.merge(columns)
    with pytest.raises(ValueError, match="pass groups in every update, or in none"):
        metrics.merge(groups)
    assert metrics.compute()["rmse"] == 0
    metrics.reset()
    assert metrics.merge(columns).per_target()["mae"].shape == (1,)


# --- several processes ----------------------------------------------------------------------------

SHARES = (130, 0, 269, 1)
"""Samples of each process."""


def shared_data() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(5)
    y = rng.normal(size=sum(SHARES)) + 1e6
    return y + rng.normal(size=len(y)), y, rng.integers(0, 5, len(y))


def member(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    own = slice(sum(SHARES[:rank]), sum(SHARES[: rank + 1]))
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=len(SHARES)
    )
    f, y, groups = (array[own] for array in shared_data())
    metrics = RegressionMetrics(spearman=True)
    if len(f):
        metrics.update(f, y, None, groups)
    Path(folder, f"{rank}.pickle").write_bytes(pickle.dumps(metrics.gather().compute()))
    if importlib.util.find_spec("torchmetrics"):
        from gar_verify.integrations.torchmetric import RegressionMetric

        metric = RegressionMetric(spearman=True)
        if len(f):
            metric.update(f, y, groups=groups)
        Path(folder, f"{rank}.torchmetrics").write_bytes(pickle.dumps(metric.compute()))
    dist.destroy_process_group()


@pytest.mark.slow
def test_processes_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = [name for _, name in socket.if_nameindex()]
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", next(n for n in names if n in ("lo", "lo0")))
    methods = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in methods else "spawn"
    multiprocessing.set_forkserver_preload(["torch._dynamo", "gar_verify.metrics", "torchmetrics"])
    mp.start_processes(member, (str(tmp_path),), nprocs=len(SHARES), start_method=method)
    f, y, groups = shared_data()
    found = [pickle.loads(path.read_bytes()) for path in sorted(tmp_path.glob("*.pickle"))]
    assert_close(found[0], oracle(f, y))
    assert_close(found[0], streamed(f, y, None, groups, size=N, spearman=True).compute())
    assert found == [found[0]] * len(SHARES)
    for path in tmp_path.glob("*.torchmetrics"):
        assert_close(pickle.loads(path.read_bytes()), found[0], rel=1e-6)
