import numpy as np
import pytest
import torch

from gar_verify.benchmarks import interleaved


class Clock:
    """A clock that jobs move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[str] = []

    def __call__(self) -> float:
        return self.now

    def job(self, name: str, *seconds: float) -> interleaved.Job:
        """A job that takes these seconds, call after call, and the last ones ever after."""
        durations = list(seconds)

        def job() -> None:
            self.done.append(name)
            self.now += durations.pop(0) if len(durations) > 1 else durations[0]

        return job


def test_jobs_take_turns_within_a_round():
    clock = Clock()
    jobs = {name: clock.job(name, 1.0) for name in "ab"}
    interleaved.take_turns(jobs, rounds=3, clock=clock)
    assert "".join(clock.done) == "aabb" + 3 * "ab"


def test_a_short_job_fills_its_turn_with_calls():
    clock = Clock()
    jobs = {
        "short": clock.job("short", interleaved.SECONDS_PER_TURN / 8),
        "long": clock.job("long", 2.0),
    }
    seconds = interleaved.take_turns(jobs, rounds=2, clock=clock)
    assert clock.done[6:15] == ["short"] * 8 + ["long"]
    assert seconds["short"] == pytest.approx([interleaved.SECONDS_PER_TURN / 8] * 2)
    assert seconds["long"].tolist() == [2.0, 2.0]


def test_what_is_slow_at_first_does_not_count():
    clock = Clock()
    warmed_up = clock.job("job", 9.0, 1.0)
    assert interleaved.take_turns({"job": warmed_up}, rounds=2, clock=clock)["job"].tolist() == [
        1.0,
        1.0,
    ]


def test_ratios_are_taken_within_a_round():
    seconds = {"unit": np.array([1.0, 10.0, 2.0]), "other": np.array([3.0, 20.0, 2.0])}
    found = interleaved.compare(seconds, "unit")
    assert found.loc["unit"].tolist() == [2.0, 1.0, 1.0, 1.0]
    assert found.loc["other"].tolist() == [3.0, 2.0, 1.5, 2.5]
    assert list(found) == ["seconds", "ratio", "ratio_low", "ratio_high"]


def test_threads_are_set_back():
    before = torch.get_num_threads()
    with interleaved.on_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
