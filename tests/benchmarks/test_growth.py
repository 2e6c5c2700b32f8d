import numpy as np
import pandas as pd
import pytest

from gar_verify import paths
from gar_verify.benchmarks import growth
from gar_verify.studies import summaries

SIZES = (64, 512, 1024, 2048, 4096)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 2.5])
def test_the_exponent_of_a_power_is_found(exponent):
    found = growth.fit(SIZES, [3e-6 * n**exponent for n in SIZES])
    assert found.exponent == pytest.approx(exponent, abs=1e-8)
    assert found.error == pytest.approx(0, abs=1e-6)
    assert (found.smallest, found.largest) == (512, 4096)


def test_small_sizes_do_not_count_unless_asked_for():
    seconds = [1e-4 + 1e-9 * n**2 for n in SIZES]
    large = growth.fit(SIZES, seconds)
    everything = growth.fit(SIZES, seconds, fitted_from=0)
    assert growth.fit(SIZES, [99.0, *seconds[1:]]) == large  # the smallest one plays no part
    assert everything.smallest == 64
    assert everything.exponent < large.exponent < 2


def test_the_error_tells_a_bent_line_from_a_straight_one():
    bent = np.array(SIZES, float) ** 2 * [1, 1, 2, 1, 1]
    assert growth.fit(SIZES, bent).error > 0.1


def test_too_few_sizes_and_times_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"needs 3 batch sizes of at least 512, got \[64, 512\]"):
        growth.fit((64, 512), (1.0, 2.0))
    with pytest.raises(ValueError, match=r"times must be positive, got \[1.0, 0.0, 2.0\]"):
        growth.fit((512, 1024, 2048), (1.0, 0.0, 2.0))


def test_every_method_has_its_own_exponent():
    frame = pd.DataFrame(
        [
            {"method": name, "batch_size": n, "seconds": n**power}
            for name, power in (("rnc", 2), ("mae", 1))
            for n in SIZES[::-1]
        ]
    )
    found = growth.of_methods(frame)
    assert list(found.index) == ["rnc", "mae"]
    assert found["exponent"].to_numpy() == pytest.approx([2.0, 1.0])
    assert set(found["smallest"]) == {512}


def test_large_batches_are_fitted_where_rows_cost_more_than_the_call(tmp_path, monkeypatch):
    n = np.array([256, 16384, 65536, 1_000_000])
    frame = pd.DataFrame(
        {
            "threads": 1,
            "N": n,
            "L1Loss [us]": np.where(n < 10_000, 50.0, 1e-3 * n),
            "GAR": 0.8,
            "GAR, released constants": 1e-2 * n**0.5,
        }
    )
    other = frame.assign(threads=2, **{"L1Loss [us]": 1.0})
    summaries.write_frame(pd.concat([frame, other]), "loss_speed", {}, tmp_path)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    found = growth.of_large_batches()
    assert found["exponent"].to_dict() == pytest.approx(
        {"MAE": 1.0, "GAR": 1.0, "GAR (released)": 1.5}
    )
    assert set(found["smallest"]) == {16384}
    frame.to_csv(tmp_path / "loss_speed.csv", index=False)
    with pytest.raises(summaries.SummaryError, match=r"loss_speed\.csv was changed after"):
        growth.of_large_batches()
