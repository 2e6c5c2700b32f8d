"""The page on what large studies cost holds what is computed from its measurements."""

from __future__ import annotations

import pandas as pd
import pytest
import scaling
import scaling_page

from gar_verify import paths
from gar_verify.studies.methods import TABULAR


def made_up(per_row: dict[str, float]) -> pd.DataFrame:
    lines = [
        {"method": name, "rows": rows, "seconds": rows * each * (1 if rows > 10 else 9)}
        for name, each in per_row.items()
        for rows in (10, 100, 1000)
    ]
    return pd.DataFrame(lines).assign(where='{"machine": "abacus", "torch": "0"}')


def test_the_page_is_what_the_stored_measurements_give() -> None:
    written = (paths.docs() / "cost.md").read_text(encoding="utf8")
    assert written == scaling.page(scaling.stored()), "write it anew: python tools/scaling.py"


def test_the_cost_is_in_proportion_to_rows_runs_and_tables() -> None:
    cost = scaling.cost(made_up({"gar": 1e-6, "ranksim": 2e-6, "rnc": 3e-6, "conr": 4e-6}))
    assert cost.seconds.keys() == set(TABULAR)
    of_gar = 1e-6 * 1_000_000 * 5 * 27 * 100
    assert cost.seconds["mae"] == cost.seconds["gar"] == pytest.approx(of_gar)
    assert cost.total == pytest.approx((6 + 2 + 3 + 4) * of_gar)
    assert cost.pieces == 9 * 5
    assert cost.longest == pytest.approx(4 * of_gar / 5)
    assert cost.on(1, 1) == pytest.approx(cost.total)
    assert cost.on(2, 10) == pytest.approx(5 * cost.total)
    assert cost.on(10**6, 1) == cost.longest


def test_a_small_measurement_has_a_line_for_each_method_and_size() -> None:
    measured = scaling.measure(sizes=(420, 840), methods=("gar", "rnc"))
    assert list(measured["method"]) == ["gar", "gar", "rnc", "rnc"]
    assert list(measured["rows"]) == [420, 840, 420, 840]
    assert (measured["seconds"] > 0).all()
    text = scaling.page(measured.replace({"rows": {420: 4_000, 840: 16_000}}))
    assert "| GAR |" in text
    assert "not measured" in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.123, "0.12 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (5400, "1.5 h"),
        (86_400 * 12.34, "12 days"),
        (3.2e9, "100 years"),
    ],
)
def test_durations_have_two_digits(seconds: float, said: str) -> None:
    assert scaling_page.duration(seconds) == said
