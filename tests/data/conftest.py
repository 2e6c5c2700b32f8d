from collections.abc import Iterator

import misbehaving
import pytest


@pytest.fixture(scope="module")
def server() -> Iterator[misbehaving.Server]:
    with pytest.MonkeyPatch.context() as patch, misbehaving.running() as book:
        patch.setenv("no_proxy", "127.0.0.1")
        yield book
