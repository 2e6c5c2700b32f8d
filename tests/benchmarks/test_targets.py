"""Targets beside measured values: the verdicts, and what is measured for each."""

import pandas as pd
import pytest

from gar_verify.benchmarks import targets


def test_a_target_is_met_up_to_its_bound():
    bounds = {key: target.bound for key, target in targets.TARGETS.items()}
    measured = {"gar 256": bounds["gar 256"], "step": bounds["step"] * 1.01}
    found = targets.table(measured).set_index("target", append=True)["met"].droplevel("target")
    by_key = {key: found[target.what] for key, target in targets.TARGETS.items()}
    assert by_key["gar 256"] == "yes"
    assert by_key["step"] == "no"
    assert {by_key[key] for key in by_key if key not in measured} == {"not measured"}


def test_the_table_shows_bound_value_and_unit():
    line = targets.table({"gar 64": 0.7543}).iloc[0]
    assert line.tolist() == ["≤ 0.85", "0.754", "L1Loss", "yes"]


def test_the_error_that_counts_is_the_largest_above_the_limit():
    lines = [
        ("gar_verify", "float32", 1.0, 1e-6),
        ("gar_verify", "float32", targets.NOISE, 3e-5),
        ("gar_verify", "float32", targets.NOISE / 2, 0.5),
        ("gar_verify", "float64", 1.0, 0.7),
        ("textbook", "float32", 1.0, 0.9),
    ]
    worst = pd.DataFrame(lines, columns=["form", "dtype", "noise", "pearson"])
    assert targets.worst_error(worst) == 3e-5


@pytest.fixture
def instant(monkeypatch):
    """Made-up measurements; what would take long leaves its name."""
    done: list[str] = []
    speed = targets.speed

    def measure(sizes, threads, compiled, note):
        assert threads == (1,)
        times = pd.DataFrame({"N": sizes, "GAR": [1.0 + i for i in range(len(sizes))]})
        return times.assign(**{"GAR compiled": times["GAR"] / 2}) if compiled else times

    monkeypatch.setattr(speed, "measure", measure)
    monkeypatch.setattr(speed, "training_step", lambda: pd.DataFrame([{"MAE [us]": 9, "GAR": 1.5}]))
    pairs = pd.DataFrame([{"N": 512, "RnC": 2.5, "RankSim": 3.5, "ConR": 4.5}])
    shapes = pd.DataFrame([{"weights": 5.5}, {"joint": 6.5, "per target": 7.5}])
    monkeypatch.setattr(speed, "shapes", lambda: shapes)
    monkeypatch.setattr(speed, "first_calls", lambda: (8.5, 9.5))
    monkeypatch.setattr(speed, "pair_losses", lambda: pairs)
    monkeypatch.setattr(targets.accuracy, "measure", lambda dtypes: done.append("digits"))
    monkeypatch.setattr(targets.accuracy, "worst", lambda errors: None)
    monkeypatch.setattr(targets, "worst_error", lambda worst: 1e-5)
    monkeypatch.setattr(targets.proofs, "run", lambda: done.append("proofs"))
    monkeypatch.setattr(targets, "train", lambda *_: done.append("stack"))
    monkeypatch.setattr(targets, "train_alone", lambda *_: done.append("alone"))
    monkeypatch.setattr(targets, "_seconds", lambda work: work() or 1.0)
    monkeypatch.setattr(targets, "_train_cheap", lambda: done.append("training"))
    return done


def test_quick_measures_the_losses_only(instant):
    assert targets.measure(quick=True) == {
        "gar 64": 1.0,
        "gar 256": 2.0,
        "gar 4096": 3.0,
        "weights": 5.5,
        "joint": 6.5,
        "per target": 7.5,
        "first call": 8.5,
        "stored": 9.5,
        "step": 1.5,
        "rnc": 2.5,
        "ranksim": 3.5,
        "conr": 4.5,
    }
    assert instant == []


def test_all_that_has_a_target_is_measured(instant):
    notes: list[str] = []
    found = targets.measure(note=notes.append)
    assert set(found) == set(targets.TARGETS)
    # Where all of it takes a second, 135 runs of which three are timed take 45 one at a time.
    assert (found["stack"], found["stack, no process"]) == (1 / 45, 1 / 45)
    assert found["concrete"] > 0  # from the stored summary
    loops = ["alone"] * targets.SAMPLE
    assert instant == ["digits", "proofs", "stack", "stack", *loops, *loops, "training"]
    assert notes[-1] == "Concrete, the methods of O(N)"
