"""The kernels of notebooks that train start with the pins, and need no process beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gar_verify.studies import pins


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """The first cell of a notebook starts its kernel here, in this environment."""
    with pytest.MonkeyPatch.context() as patch:
        if "spot_check" in item.path.read_text(encoding="utf8"):
            for name, value in {**pins.wanted(), **pins.ONE_THREAD}.items():
                patch.setenv(name, value)
        return (yield)
