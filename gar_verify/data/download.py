"""A file over HTTP: with time-outs, retries and a limit, written atomically."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gar_verify._files import replaced
from gar_verify.data.table import DataError

CHUNK = 64 * 1024
WORTH_A_RETRY = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that may be better a moment later."""


class DownloadError(DataError):
    """A file could not be fetched; the message says what was tried."""


class _PassingError(Exception):
    """A failure that may not repeat."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try."""

    silence: float = 20.0
    """The longest a server may say nothing."""
    attempt: float = 300.0
    """The longest one attempt may take, however slowly the bytes drip."""
    attempts: int = 4
    pause: float = 2.0
    """Before the second attempt; twice as long before each one after that."""


def download(
    url: str,
    path: Path,
    *,
    limit: int,
    check: Callable[[Path], None],
    patience: Patience | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> None:
    """Fetch a file, check it, and move it into place.

    Args:
        url: http or https.
        path: where the file goes; what was there stays until the new one has passed its check.
        limit: bytes beyond which a file is refused.
        check: called with the temporary file; what it raises ends the download.
        patience: time-outs and retries.
        note: told of every attempt that failed.

    Raises:
        DownloadError: if it cannot be fetched. Whatever is raised, nothing half-written stays.
    """
    patience = patience or Patience()
    with replaced(path) as temporary:
        _persistently(url, temporary, limit, patience, note)
        check(temporary)


def _persistently(
    url: str,
    path: Path,
    limit: int,
    patience: Patience,
    note: Callable[[str], None],
) -> None:
    for attempt in range(1, patience.attempts + 1):
        try:
            _attempt(url, path, limit, patience)
            return
        except _PassingError as error:
            if attempt == patience.attempts:
                raise DownloadError(
                    f"{url} could not be fetched in {attempt} attempts; the last: {error}"
                ) from error
            pause = patience.pause * 2 ** (attempt - 1)
            note(f"{url}: {error}; again in {pause:g} s")
            time.sleep(pause)


def _attempt(url: str, path: Path, limit: int, patience: Patience) -> None:
    end = time.monotonic() + patience.attempt
    try:
        with urllib.request.urlopen(url, timeout=patience.silence) as answer, path.open("wb") as to:
            expected, size = answer.length, 0
            while chunk := answer.read1(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise DownloadError(f"{url} is larger than {limit / 2**20:.3g} MB; refused")
                if time.monotonic() > end:
                    raise _PassingError(f"not finished after {patience.attempt:g} s")
                to.write(chunk)
    except urllib.error.HTTPError as error:
        answered = f"the server answered {error.code} ({' '.join(str(error.reason).split())})"
        error.close()
        if error.code in WORTH_A_RETRY:
            raise _PassingError(answered) from error
        raise DownloadError(f"{url} could not be fetched: {answered}") from error
    except TimeoutError as error:
        raise _PassingError(f"no answer within {patience.silence:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise _PassingError(str(getattr(error, "reason", error))) from error
    if expected is not None and size != expected:
        raise _PassingError(f"cut off after {size} of {expected} bytes")
