from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from bits import checksum

from gar_verify.data import load_table
from gar_verify.studies import definitions, pins, provenance, store, synthetic, tabular, workers
from gar_verify.studies.ablation import ablation_method
from gar_verify.studies.methods import losses_of, synthetic_methods, tabular_methods
from gar_verify.studies.progress import Silent


class Listener(Silent):
    def __init__(self):
        self.notes, self.titles, self.done = [], [], 0.0

    def start(self, title, total):
        self.titles.append((title, total))

    def advance(self, amount):
        self.done += amount

    def note(self, text):
        self.notes.append(text)


def piece(name: str, calls: list[str], **settings) -> store.Piece:
    def compute(on_epoch):
        calls.append(name)
        on_epoch(2)
        flags = ("x", [True, False, True])
        return xr.Dataset({"v": ("x", np.arange(3) / 7), "b": flags}, {"method": [name]})

    return store.Piece(name, {"name": name, **settings}, compute, work=4.0, work_per_epoch=2.0)


@pytest.fixture
def calls() -> list[str]:
    return []


def gather(pieces, folder, listener=None):
    return store.collect(pieces, "toy", folder, listener or Silent(), "cpu")


def test_finished_pieces_are_not_computed_again(tmp_path, calls):
    listener = Listener()
    first = gather([piece("a", calls)], tmp_path)
    second = gather([piece("a", calls), piece("b", calls)], tmp_path, listener)
    assert calls == ["a", "b"]
    assert listener.titles == [("toy", 4.0)]
    assert listener.done == 4.0
    xr.testing.assert_identical(first[0], second[0].assign_attrs(first[0].attrs))
    assert checksum(first[0]) == checksum(second[0])


def test_processes_side_by_side_give_the_same(tmp_path):
    listener = Listener()
    pieces = [picklable(name) for name in "abc"]
    here = store.collect(pieces, "toy", None, Silent(), jobs=1)
    there = store.collect(pieces, "toy", tmp_path, listener, jobs=2)
    assert list(map(checksum, here)) == list(map(checksum, there))
    assert listener.done == 12.0
    assert len(list(tmp_path.iterdir())) == 3


def picklable(name: str) -> store.Piece:
    return store.Piece(name, {"name": name}, lambda tell: xr.Dataset({"v": len(name)}), work=4.0)


def test_a_larger_network_is_more_work():
    problem = tabular.folds(load_table("diabetes"), 5)
    small = workers.work_per_epoch(problem, tabular.RECIPES["diabetes"], pairwise=False)
    large = workers.work_per_epoch(problem, tabular.RECIPES["parkinsons_total"], pairwise=False)
    assert small == 1
    assert large > 10 * small


def test_little_work_stays_in_this_process():
    assert workers.default_jobs(100, "cpu") == 1
    assert workers.default_jobs(1e9, "cpu") >= 1
    assert workers.default_jobs(1e9, "cuda:0") == 1


def test_without_a_folder_nothing_is_kept(calls):
    gather([piece("a", calls)], None)
    gather([piece("a", calls)], None)
    assert calls == ["a", "a"]


def test_other_settings_make_another_file(tmp_path, calls):
    gather([piece("a", calls, epochs=1)], tmp_path)
    gather([piece("a", calls, epochs=2)], tmp_path)
    assert calls == ["a", "a"]


def test_a_file_of_other_settings_is_refused_by_name(tmp_path, calls):
    old, new = piece("a", calls, epochs=1, rate=3), piece("a", calls, epochs=2, rate=3)
    gather([old], tmp_path)
    store.path_of(old, tmp_path).rename(store.path_of(new, tmp_path))
    with pytest.raises(store.StoreError, match=r"a-.*\.nc.*\(epochs: stored 1, wanted 2\)"):
        gather([new], tmp_path)
    assert calls == ["a"]


@pytest.mark.parametrize("harm", ["cut", "noise", "empty"])
def test_a_damaged_file_is_named_and_computed_again(tmp_path, calls, harm):
    toy = piece("a", calls)
    (whole,) = gather([toy], tmp_path)
    path = store.path_of(toy, tmp_path)
    bytes_ = path.read_bytes()
    at = bytes_.find((np.arange(3) / 7).tobytes())
    assert at > 0
    path.write_bytes(
        {
            "cut": bytes_[: len(bytes_) // 2],
            "noise": bytes_[: at + 9] + b"\x11" + bytes_[at + 10 :],
            "empty": b"",
        }[harm]
    )
    listener = Listener()
    (again,) = gather([toy], tmp_path, listener)
    assert calls == ["a", "a"]
    assert str(path) in listener.notes[0]
    assert "computed again" in listener.notes[0]
    assert checksum(again) == checksum(whole)
    gather([toy], tmp_path)
    assert calls == ["a", "a"]


def test_no_flipped_bit_is_read(tmp_path, calls):
    """Not in the arrays, not in the attributes, not where it would make a reader run for ever."""
    toy = piece("a", calls)
    gather([toy], tmp_path)
    path = store.path_of(toy, tmp_path)
    whole = path.read_bytes()
    for at in np.random.default_rng(0).integers(len(whole), size=300):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(store.DamagedError, match="damaged"):
            store.read(path)


def test_a_store_that_cannot_be_written_is_said_before_the_work(tmp_path, calls):
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(store.StoreError, match=r"results cannot be kept in .*--store"):
        gather([piece("a", calls)], occupied / "toy")
    assert calls == []


def test_what_is_wanted_twice_is_refused(tmp_path, calls):
    with pytest.raises(ValueError, match="a is wanted twice; name every loss and every seed once"):
        gather([piece("a", calls), piece("a", calls)], tmp_path)
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        store.collect([piece("a", calls)], "toy", tmp_path, Silent(), jobs=0)
    assert calls == []


def test_what_a_name_stands_for_is_in_the_settings():
    """A table's name could come to mean another function, or the folds other rows."""
    mae, gar, released = tabular_methods(("mae", "gar", "gar_released"), 100)
    words = [losses_of(method) for method in (mae, gar, released, ablation_method("a+c"))]
    assert len({tuple(said) for said in words}) == 4
    assert "parts=" in words[3][0]
    assert losses_of(tabular_methods(("rnc",), 100)[0])[0] != words[0][0]
    table, settings = load_table("diabetes"), tabular.protocol("diabetes")
    pieces = [
        tabular._piece(table, tabular.folds(table, count), mae, settings, 0, 0, None)
        for count in (5, 4)
    ]
    assert pieces[0].settings["rows"] != pieces[1].settings["rows"]


def test_a_failure_leaves_no_file(tmp_path, monkeypatch, calls):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    with pytest.raises(OSError, match="disk full"):
        gather([piece("a", calls)], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_provenance_is_kept_with_the_result(tmp_path, calls):
    gather([piece("a", calls, epochs=1)], tmp_path)
    attrs = gather([piece("a", calls, epochs=1)], tmp_path)[0].attrs
    assert attrs["settings"] == '{"epochs": 1, "name": "a"}'
    assert {"fingerprint", "code", "pins", "versions", "machine", "seconds"} <= attrs.keys()


def test_fingerprint_ignores_order_and_sees_values():
    one = provenance.fingerprint({"a": 1, "b": (2, 3)})
    assert one == provenance.fingerprint({"b": [2, 3], "a": 1})
    assert one != provenance.fingerprint({"a": 1, "b": (2, 4)})


def test_code_version_depends_on_the_losses_in_use():
    versions = {
        provenance.code_version(method.objective.functions)
        for method in tabular_methods(("mae", "rnc", "conr", "gar"), 100)
    }
    assert len(versions) == 4
    assert provenance.code_version() not in versions
    with pytest.raises(ValueError, match="is not of gar_verify: its code cannot be fingerprinted"):
        provenance.code_version((piece,))


def test_the_device_and_the_pins_are_part_of_the_fingerprint(monkeypatch, calls):
    toy = piece("a", calls)
    prints = {toy.fingerprint, replace(toy, device="cuda").fingerprint}
    monkeypatch.delenv("GAR_VERIFY_PINS")
    if pins.wanted():
        prints.add(toy.fingerprint)
        assert len(prints) == 3
        assert replace(toy, device="cuda").fingerprint in prints
    else:
        assert len(prints) == 2


def test_a_piece_rests_on_the_code_that_computes_it():
    table, settings = load_table("diabetes"), tabular.protocol("diabetes")
    (mae,) = tabular_methods(("mae",), 100)
    made = tabular._piece(table, tabular.folds(table, 5), mae, settings, 0, 0, None)
    assert definitions.definition_of(made.compute) == tabular.COMPUTE
    assert made.code == (made.compute, *mae.objective.functions)
    (mae,) = synthetic_methods(("mae",), 300)
    made = synthetic._piece(load_table("sine"), mae, [1], synthetic.RECIPE, "cpu")
    assert definitions.definition_of(made.compute) == synthetic.COMPUTE


def test_a_worker_without_the_pins_is_refused(monkeypatch, calls):
    toy = piece("a", calls)
    monkeypatch.setattr(pins, "are_set", lambda device="cpu": False)
    with pytest.raises(store.StoreError, match="start the workers of the cluster with ATEN_CPU"):
        store._compute((toy, toy.fingerprint), folder=None, report=None)
    assert calls == []
