"""What nbval lacks here: the kernels' pins, and numbers compared with a tolerance.

Kernels of notebooks that train start with the pins, and need no process beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

from gar_verify.reproduce.notebooks import alike
from gar_verify.studies import pins


class Printed(str):
    """An output that equals one that differs by a unit in the last digit of a number."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return alike(str(self), str(other))

    def __ne__(self, other: object) -> bool:
        return not self == other


def pytest_itemcollected(item: pytest.Item) -> None:
    """Cells compare their outputs, after nbval's own replacements, by `Printed`."""
    if isinstance(item, IPyNbCell):
        replaced = item.sanitize

        def sanitize(output: Any) -> Any:
            return Printed(replaced(output)) if isinstance(output, str) else output

        item.sanitize = sanitize


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """The first cell of a notebook starts its kernel here, in this environment."""
    with pytest.MonkeyPatch.context() as patch:
        if "spot_check" in item.path.read_text(encoding="utf8"):
            for name, value in {**pins.wanted(), **pins.ONE_THREAD}.items():
                patch.setenv(name, value)
        return (yield)
