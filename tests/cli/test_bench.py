"""``gar-verify bench``: its parts, and what is printed and written of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from gar_verify.benchmarks import runtime, runtime_settings, targets
from gar_verify.benchmarks.runtime_settings import Settings
from gar_verify.cli.bench import PARTS, bench

TINY = {"methods": ("gar",), "sizes": (64, 512, 513, 514), "rounds": 1}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """A study of one round in which everything takes a second; no processes are started."""
    asked: list[Settings] = []
    measure = runtime.measure

    def take_turns(jobs, rounds, clock):  # type: ignore[no-untyped-def]
        import numpy as np

        return {name: np.ones(rounds) for name in jobs}

    def smaller(settings: Settings, progress: object) -> runtime.Measured:
        asked.append(settings)
        return measure(Settings(**TINY, table="diabetes"))

    monkeypatch.setattr(runtime, "take_turns", take_turns)
    monkeypatch.setattr(runtime, "measure", smaller)
    return asked


def test_quick_prints_the_runtime_study_and_writes_nothing(
    tiny: list[Settings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench("runtime", quick=True, folder=tmp_path)
    shown = capsys.readouterr()
    assert "| GAR | 0.080 | 0.860 | 1.000 | 1000.000 | 1.000 |" in shown.out
    assert "An epoch of the released loop with the MAE takes 1000.0 ms." in shown.out
    assert "| method | N = 64 [ms] |" in shown.out
    assert shown.err == ""
    assert not list(tmp_path.iterdir())
    assert tiny[0].sizes == runtime_settings.QUICK_SIZES


def test_the_whole_study_is_written(tiny: list[Settings], tmp_path: Path) -> None:
    bench("runtime", folder=tmp_path)
    assert tiny[0] == Settings()
    written = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    names = {f"{stem}{end}" for stem in ("runtime", "runtime_growth") for end in (".md", ".csv")}
    names |= {f"{stem}{end}" for stem in ("runtime", "runtime_growth") for end in (".pdf", ".png")}
    assert written == names | {"results/runtime.csv", "results/runtime.json"}


def test_targets_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(targets, "measure", lambda quick, note: {"step": 1.25})
    bench("targets", folder=tmp_path)
    line = "| training step with GAR, small MLP, batch 256 | ≤ 1.02 | 1.25 | step with MAE | no |"
    assert line in capsys.readouterr().out
    assert line in (tmp_path / "targets.md").read_text(encoding="utf-8")


def test_all_is_every_part_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, bool]] = []
    for name in tuple(PARTS):
        monkeypatch.setitem(PARTS, name, lambda quick, *_, name=name: done.append((name, quick)))
    bench(quick=True)
    assert done == [("loss", True), ("runtime", True), ("targets", True)]
    bench("targets")
    assert done[3:] == [("targets", False)]


def test_an_unknown_part_or_device_is_refused() -> None:
    with pytest.raises(ValueError, match="no part 'speed'; there are: all, loss, runtime, targets"):
        bench("speed")
    with pytest.raises(ValueError, match="there is no device 'cuda:99' here; found: 1 cpu"):
        bench("loss", device="cuda:99")
