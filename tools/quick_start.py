"""A plugin of pytest that spares each process seconds before its first test.

It is read before all others, since one of them, nbval, imports what must not be imported.
"""

import gc
import sys

# jsonschema, which reads notebooks, would build a grammar of IRIs for 4 s: as if not installed
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
gc.disable()  # what is imported stays


def pytest_collection_finish() -> None:
    """Tests leave garbage; nobody looks for it among the modules."""
    gc.freeze()
    gc.enable()
