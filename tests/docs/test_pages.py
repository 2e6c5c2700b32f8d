"""Every example on the pages of the guide runs, and prints what the page says it prints.

A page's fenced blocks run in order and share their names. A ``python`` block is executed; where a
``text`` block follows, that is its output. A block with a ``>>>`` prompt is a doctest. A block that
cannot run here has a comment before it, ``<!-- not run: REASON -->``.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import re
import socket
import warnings
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(
    r"(?P<skip><!-- not run: (?P<reason>.+?) -->\n+)?"
    r"^(?P<fence>`{3,})(?P<language>[\w{}-]*)[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
OPTIONAL = {
    "lightgbm",
    "pytorch_lightning",
    "skorch",
    "transformers",
    "accelerate",
    "xgboost",
}
"""Packages of the extra ``integrations``; a page that needs one is skipped without it."""

THIRD_PARTY = (
    # Lightning: advice on the workers of the loader, which these examples do without
    ("ignore", ".*does not have many workers.*", UserWarning),
    # Lightning: written before torch renamed a class
    ("ignore", r".*isinstance\(treespec, LeafSpec\).*", FutureWarning),
    # Lightning: fewer batches in an epoch than it likes to log
    ("ignore", ".*The number of training batches.*", UserWarning),
)


class PageError(AssertionError):
    """An example does not do what its page says."""


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    body: str
    line: int
    reason: str
    """Why it is not run; empty if it is."""


def blocks(text: str) -> list[Block]:
    return [
        Block(
            match["language"],
            match["body"],
            text.count("\n", 0, match.start("body")) + 1,
            match["reason"] or "",
        )
        for match in FENCE.finditer(text)
    ]


def missing(text: str) -> list[str]:
    named = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE)) & OPTIONAL
    if "transformers" in named:
        named.add("accelerate")
    return sorted(name for name in named if importlib.util.find_spec(name) is None)


def run_doctest(block: Block, names: dict[str, Any], page: str) -> str:
    """What differs, in doctest's words."""
    test = doctest.DocTestParser().get_doctest(block.body, names, page, page, block.line - 1)
    test.globs = names  # not a copy: later blocks go on from here
    report = io.StringIO()
    doctest.DocTestRunner().run(test, out=report.write, clear_globs=False)
    return report.getvalue()


def run_block(block: Block, names: dict[str, Any], page: str) -> str:
    """What the block printed."""
    printed = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.body, page, "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def run_page(text: str, page: str) -> int:
    """Run all blocks of a page; how many."""
    names: dict[str, Any] = {"__name__": "page"}
    found = blocks(text)
    count = 0
    for block, after in zip_longest(found, found[1:]):
        if block.language not in ("python", "pycon", "py") or block.reason:
            continue
        count += 1
        if block.body.lstrip().startswith(">>>"):
            differs = run_doctest(block, names, page)
            if differs:
                raise PageError(differs)
            continue
        printed = run_block(block, names, page)
        shown = after.body if after is not None and after.language == "text" else ""
        if printed != shown:
            raise PageError(f"{page}, line {block.line}: shown\n{shown}printed\n{printed}")
    return count


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_print_what_the_page_says(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text(encoding="utf-8")
    absent = missing(text)
    if absent:
        pytest.skip(f"{page.name} needs {', '.join(absent)}: pip install gar_verify[integrations]")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", socket.if_nameindex()[0][1])  # loopback
    monkeypatch.delenv("GAR_VERIFY_DATA", raising=False)
    with warnings.catch_warnings():
        for action, message, category in THIRD_PARTY:
            warnings.filterwarnings(action, message, category)  # type: ignore[arg-type]
        count = run_page(text, str(page))
    shown = len(re.findall(r"^`{3,}(?:python|pycon|py)\b", text, re.MULTILINE))
    assert count == shown - text.count("<!-- not run: ")
    assert not re.search(r"^>>> ", FENCE.sub("", text), re.MULTILINE), "an example without a fence"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "shown\n2\nprinted\n1"),
        ("```python\nprint(1)\n```\n", "shown\nprinted\n1"),
        ("```python\nx = 1\n```\n\n```pycon\n>>> x\n2\n```\n", "Got:\n    1"),
    ],
)
def test_a_wrong_page_is_noticed(page: str, message: str) -> None:
    with pytest.raises(PageError, match=message):
        run_page(page, "page")


def test_a_block_that_is_not_run_has_a_reason_and_blocks_share_their_names() -> None:
    page = (
        "<!-- not run: needs a cluster -->\n\n```python\nraise SystemExit\n```\n"
        "```python\nx = 3\n```\n```python\nprint(x)\n```\n```text\n3\n```\n"
    )
    assert run_page(page, "page") == 2
    assert blocks(page)[0].reason == "needs a cluster"
    assert run_page("words alone", "page") == 0
