"""A plugin of pytest that spares each process seconds before its first test.

It is read before all others, since one of them, nbval, imports what must not be imported.
"""

import gc
import sys
from collections.abc import Iterator

import pytest

# jsonschema, which reads notebooks, would build a grammar of IRIs for 4 s: as if not installed
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
gc.disable()  # what is imported stays


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What an example trains, it trains in this process, as the tests do."""
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(item, pytest.DoctestItem):
            patch.setenv("GAR_VERIFY_PINS", "off")
        return (yield)


def pytest_collection_finish() -> None:
    """Tests leave garbage; nobody looks for it among the modules."""
    gc.freeze()
    gc.enable()
