"""The runtime study with times that are made up, and each of its jobs for real, once."""

import itertools

import numpy as np
import pytest
import torch

from gar_verify.benchmarks import runtime, runtime_jobs, runtime_settings
from gar_verify.studies.methods import TABULAR
from gar_verify.studies.progress import Silent

SECONDS = {"mae": 2.0, "rnc_contrastive": 6.0, "gar": 3.0}


@pytest.fixture
def made_up(monkeypatch):
    """Two rounds, the second twice as slow; every other job takes five seconds.

    Returns:
        The names of the jobs of each stage and the number of its rounds, as they come.
    """
    stages = []

    def take_turns(jobs, rounds, clock):
        stages.append((tuple(jobs), rounds))
        return {name: SECONDS.get(name, 5.0) * np.array([1.0, 2.0]) for name in jobs}

    monkeypatch.setattr(runtime, "take_turns", take_turns)
    return stages


def settings(**changes) -> runtime_settings.Settings:
    options = {"methods": ("gar", "rnc"), "sizes": (8, 16), "rounds": 2, "table": "diabetes"}
    return runtime_settings.Settings(**{**options, **changes})


def test_every_method_has_a_line_in_every_setting(made_up):
    lines = runtime.measure(settings()).lines
    assert tuple(lines.columns) == runtime_settings.COLUMNS
    found = list(zip(lines["setup"], lines["batch_size"], lines["method"], strict=True))
    sizes = [("published_loop", 64), ("in_memory", 64), ("loss_only", 8), ("loss_only", 16)]
    assert found == [(*size, name) for size in sizes for name in ("mae", "rnc", "gar")]


def test_ratios_are_to_the_mae_and_rnc_is_half_contrast_half_mae(made_up):
    lines = runtime.measure(settings(sizes=(8,))).lines.set_index(["setup", "method"])
    assert lines["ratio"]["published_loop"].to_dict() == {"mae": 1.0, "rnc": 2.0, "gar": 1.5}
    assert lines["seconds"]["loss_only"].to_dict() == {"mae": 3.0, "rnc": 6.0, "gar": 4.5}
    assert (lines["ratio_low"] == lines["ratio"]).all()


def test_long_calls_have_fewer_rounds_and_their_own_mae_beside_them(made_up):
    sizes = (512, 1024)
    chosen = settings(sizes=sizes, setups=("loss_only",), rounds=5, rounds_of_long_calls=2)
    lines = runtime.measure(chosen).lines
    assert made_up == [
        (("mae", "rnc_contrastive", "gar"), 5),
        (("mae", "gar"), 5),
        (("mae", "rnc_contrastive"), 2),
    ]
    assert lines["method"].tolist() == ["mae", "rnc", "gar"] * 2
    assert lines["ratio"].tolist() == [1.0, 2.0, 1.5] * 2
    cheap = settings(methods=("gar",), sizes=sizes, setups=("loss_only",))
    assert runtime.measure(cheap).lines["method"].tolist() == ["mae", "gar"] * 2


def test_the_parts_of_an_epoch_are_told_where_it_was_measured(made_up):
    whole = runtime.measure(settings())
    assert whole.epoch == {"whole": 3.0, "loader": 7.5, "steps": 7.5, "metrics": 7.5}
    alone = runtime.measure(settings(setups=("loss_only",)))
    assert alone.epoch == {}
    assert set(alone.lines["setup"]) == {"loss_only"}


def test_progress_adds_up(made_up):
    class Counting(Silent):
        total = done = 0.0

        def start(self, title, total):
            self.total = total

        def advance(self, amount):
            self.done += amount

    progress = Counting()
    runtime.measure(settings(), progress)
    assert progress.done == progress.total > 0


def test_methods_of_the_whole_study():
    assert {*TABULAR, "gar_released", "rnc_contrastive"} == set(runtime_settings.METHODS)
    assert len(runtime_settings.METHODS) == 11
    assert "rnc" not in runtime_settings.Settings().timed
    assert runtime_settings.settings(quick=True).sizes == runtime_settings.QUICK_SIZES
    assert runtime_settings.settings().sizes == runtime_settings.SIZES


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="the runtime study has no method 'garr'; it has mae, mse"):
        settings(methods=("garr",))
    with pytest.raises(ValueError, match="the runtime study has no setup 'gpu'; it has published"):
        settings(setups=("gpu",))


def test_an_epoch_of_every_method_trains(monkeypatch):
    losses = []
    monkeypatch.setattr(
        runtime_jobs.PlainLoop, "steps", lambda self, epoch, loss: losses.append((self, loss))
    )
    loops = runtime_jobs.Epochs.of("diabetes", seed=0)
    for jobs in (loops.published(("mae", "gar")), loops.in_memory(("mae", "gar"))):
        for job in jobs.values():
            job()
    assert [loop.loader_processes for loop, _ in losses] == [1, 1, None, None]
    assert len({id(loop) for loop, _ in losses}) == 4


def test_jobs_do_what_they_are_called_for():
    loops = runtime_jobs.Epochs.of("diabetes", seed=0)
    parts = loops.parts("mae")
    assert tuple(parts) == runtime_jobs.PARTS
    batches = parts["loader"]()
    assert [tuple(x.shape) for x, _ in batches] == [(64, 10)] * 4
    assert np.shape(parts["metrics"]()) == (3, 4)
    ((_, job),) = loops.in_memory(("gar",)).items()
    for _ in range(loops.recipe.epochs + 1):  # a benchmark may need more epochs than a training
        job()


def test_a_call_leaves_the_gradient_of_the_loss(monkeypatch):
    seen = []
    monkeypatch.setattr(
        runtime_jobs, "step_loss", lambda name: lambda f, y, x, u: seen.append((f, x)) or f.sum()
    )
    jobs = runtime_jobs.call_jobs(("mae", "gar"), rows=8, features=3, seed=0)
    for job in itertools.chain(jobs.values(), jobs.values()):
        job()
        prediction, features = seen[-1]
        torch.testing.assert_close(prediction.grad, torch.ones(8, 1))
        assert features.shape == (8, 3)


@pytest.mark.parametrize("name", runtime_settings.Settings().timed)
def test_every_loss_can_be_called(name):
    jobs = runtime_jobs.call_jobs((name,), rows=16, features=3, seed=0)
    assert list(jobs) == [name]
    jobs[name]()


def test_the_study_for_real_with_a_clock_that_ticks():
    ticks = itertools.count()
    measured = runtime.measure(settings(sizes=(8,)), clock=lambda: float(next(ticks)))
    assert (measured.lines["seconds"] == 1).all()
    assert (measured.lines["ratio"] == 1).all()
    assert measured.epoch == dict.fromkeys(("whole", *runtime_jobs.PARTS), 1.0)
