"""What measures the cost of the pins starts each side with its own variables."""

from __future__ import annotations

import os

import pins_cost
import pytest

from gar_verify.studies import pins


@pytest.mark.parametrize("side", pins_cost.SIDES)
def test_a_side_has_its_variables_and_this_process_keeps_its_own(side: str) -> None:
    before = dict(os.environ)
    names = [pins.SWITCH, *pins.ENVIRONMENT]
    with pins_cost.process({pins.SWITCH: "", **pins_cost.SIDES[side]}) as pool:
        there = dict(zip(names, pool.map(os.getenv, names), strict=True))
    assert dict(os.environ) == before
    switched_off = there.pop(pins.SWITCH) == "off"
    assert switched_off == (side == "free")
    assert (there == dict(pins.ENVIRONMENT)) == (side == "pinned")
