"""The documentation site builds from the checkout without a warning, and stands on its own."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("sphinx", reason="pip install gar_verify[docs]")
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

from docstrings import escaped, plain  # noqa: E402
from staging import module_page, modules, relinked, sources, titled  # noqa: E402


class Page(HTMLParser):
    """What a page links to, loads, and can be linked at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.formulas = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        self.anchors |= {have[name] for name in ("id", "name") if name in have}
        self.formulas += tag == "math"
        if tag == "a" and "href" in have:
            self.links.append(have["href"])
        if tag in ("script", "img") and "src" in have:
            self.loaded.append(have["src"])
        if tag == "link" and "href" in have:
            self.loaded.append(have["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as ``make docs`` builds it, in another folder."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-d", str(folder / "doctrees")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_everything_has_its_page(site: Path) -> None:
    guide = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    assert guide <= {path.name for path in site.glob("*.html")}
    generated = site / "_generated"
    for source, page in sources().items():
        html = generated / page.relative_to(ROOT / "docs" / "_generated").with_suffix(".html")
        assert html.is_file(), source
    assert {path.stem for path in (generated / "api").glob("*.html")} == {*modules(), "index"}


@pytest.mark.slow
def test_every_internal_link_has_an_end(pages: dict[Path, Page]) -> None:
    broken = []
    count = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[target].anchors if target in pages else None
            lost = known is not None and parts.fragment and parts.fragment not in known
            if not target.is_file() or lost:
                broken.append(f"{path.name} -> {link}")
    assert count > 1000
    assert not broken, broken[:20]


@pytest.mark.slow
def test_nothing_is_loaded_from_a_network(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {url for page in pages.values() for url in page.loaded}
    assert len(loaded) > 10
    assert not [url for url in loaded if urlsplit(url).netloc]
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles


@pytest.mark.slow
def test_formulas_are_mathml(site: Path, pages: dict[Path, Page]) -> None:
    for name in ("loss.html", "_generated/theorems/proofs.html"):
        path = (site / name).resolve()
        assert pages[path].formulas >= 5
        text = path.read_text(encoding="utf-8")
        assert "\\frac" not in text.replace("<annotation", "")
        assert "merror" not in text


@pytest.mark.slow
def test_docstrings_are_read_as_they_are_written(site: Path) -> None:
    text = (site / "_generated/api/gar_verify.losses.gar.loss.html").read_text(encoding="utf-8")
    assert "<strong>conventional</strong> \N{EN DASH} the part that fixes the offset" in text
    assert "<strong>ValueError</strong> \N{EN DASH} shapes or devices that differ" in text
    assert "Alias for field number" not in text
    assert 'href="gar_verify.losses.pairwise.html#gar_verify.losses.pairwise' in text


def test_formulas_in_docstrings_become_literal_and_stars_are_escaped() -> None:
    lines = ["It is a*b of |d|, `GARLoss(*x)`.", "", "    f = |d| * 2", "", "* a point", ""]
    plain(None, "module", "m", None, None, lines)
    assert lines == [
        r"It is a\*b of \|d\|, `GARLoss(*x)`.",
        "",
        "::",
        "",
        "    f = |d| * 2",
        "",
        "* a point",
        "",
    ]
    assert escaped("x_ y") == "x\\_ y"


def test_links_follow_their_pages() -> None:
    home, folder = ROOT / "paper_figures", ROOT / "docs" / "_generated" / "results"
    moved = {home / "a.md": folder / "a.md"}
    text = "[a](a.md#x) [b](../README.md) [c](https://e.org/a.md) ![d](s.png) [e](#here)"
    assert relinked(text, home, folder, moved) == (
        "[a](a.md#x) [b](../../../README.md) [c](https://e.org/a.md) "
        "![d](../../../paper_figures/s.png) [e](#here)"
    )


def test_pages_of_modules_and_titles() -> None:
    assert "automodule:: gar_verify.integrations.boosting\n```" in module_page(
        "gar_verify.integrations.boosting"
    )
    assert "{py:obj}`GARLoss`" in module_page("gar_verify.losses")
    assert not [name for name in modules() if "._" in name]
    assert titled("| a |\n", "wine_ablation").startswith("# Wine ablation\n\n| a |")
