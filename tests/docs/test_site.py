"""The documentation site builds from the checkout without a warning, and stands on its own."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from gar_verify.cli import bench
from gar_verify.cli.app import app
from gar_verify.studies import catalogue

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("sphinx", reason="pip install gar_verify[docs]")
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import results  # noqa: E402
from docstrings import escaped, plain  # noqa: E402
from staging import figures_linked, module_page, modules, relinked, sources, titled  # noqa: E402
from wide import is_wide  # noqa: E402

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
BOXES = ("table-wrapper", "cell_output", "math", "wide", "highlight")
"""Classes of what scrolls by itself, by the style sheet."""
FOLDED = {"indextable", "genindextable", "domainindex-table"}
"""Tables whose words may break anywhere."""


class Wide(HTMLParser):
    """What may be wider than a screen and stands in no box that scrolls."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[tuple[str, set[str]]] = []
        self.loose: list[str] = []
        self.path = path
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        classes = set(have.get("class", "").split())
        may_be_wide = (
            tag == "pre"
            or (tag == "table" and not classes & FOLDED)
            or (tag == "math" and have.get("display") == "block")
            or (tag == "img" and is_wide((self.path.parent / unquote(have["src"])).resolve()))
        )
        boxed = any(set(BOXES) & outer for _, outer in self.open)
        if may_be_wide and not boxed and not any(name == "table" for name, _ in self.open):
            self.loose.append(f"{self.path.name}: {tag} {have}")
        if tag not in VOID:
            self.open.append((tag, classes))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass


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
def test_no_link_is_left_as_text(pages: dict[Path, Page]) -> None:
    """As one within another would be."""
    as_written = re.compile(r"<(pre|code|script)\b.*?</\1>", re.DOTALL)
    texts = {path: as_written.sub("", path.read_text(encoding="utf-8")) for path in pages}
    assert [path.name for path, text in texts.items() if "](" in text] == []


@pytest.mark.slow
def test_nothing_is_loaded_from_a_network(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {url for page in pages.values() for url in page.loaded}
    assert len(loaded) > 10
    assert not [url for url in loaded if urlsplit(url).netloc]
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles


@pytest.mark.slow
def test_what_may_be_wide_scrolls_in_a_box(site: Path) -> None:
    own = [path for path in site.rglob("*.html") if "_downloads" not in path.parts]
    assert not [loose for path in own for loose in Wide(path).loose]
    style = (site / "_static" / "site.css").read_text(encoding="utf-8")
    rule = style[: style.index("overflow-x: auto")]
    assert not [name for name in BOXES if f".{name}" not in rule]


def test_a_wide_thing_outside_of_a_box_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<div class='table-wrapper'><table></table></div><p><br><pre></pre></p>")
    assert Wide(page).loose == ["page.html: pre {}"]
    assert is_wide(ROOT / "docs" / "which_loss.png")
    assert not is_wide(results.FIGURES / "sine.png")


@pytest.mark.slow
def test_formulas_are_mathml(site: Path, pages: dict[Path, Page]) -> None:
    for name in ("loss.html", "_generated/reports/proofs.html"):
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


FIGURES = sorted(path.stem for path in results.FIGURES.glob("*.png"))


@pytest.mark.parametrize("stem", FIGURES)
def test_a_figure_has_its_place_command_data_and_files(stem: str) -> None:
    text = results.page(results.study_of(stem))
    here = "../../../paper_figures/"
    assert f"]({here}{stem}.png)]({here}{stem}.pdf)" in text
    assert text.count(f"[{stem}.pdf]") == text.count(f"[{stem}.png]") == 1
    assert (results.FIGURES / f"{stem}.pdf").is_file()
    assert results.commands(stem)
    assert all(f"`{command}`" in text for command in results.commands(stem))
    assert "- **Data**: " in text


def test_what_is_drawn_from_summaries_hands_them_out() -> None:
    assert "gar-verify table concrete --corrected`" in results.page("concrete_corrected")
    for name, stored in {"ablation": "wine_ablation", "alpha": "sensitivity_paper"}.items():
        page = results.page(name)
        assert f"[results/{stored}.csv]" in page
        assert f"[results/{stored}.json]" in page
    without = [
        name
        for name in results.NAMES
        if name in results.pages()
        if "[results/" not in results.page(name)
    ]
    assert not without


def test_the_commands_of_figures_can_be_run() -> None:
    for stem in (stem for stems in results.pages().values() for stem in stems):
        assert results.commands(stem), stem
        for command in results.commands(stem):
            program, *arguments = command.split()
            if program == "jupyter":
                assert (ROOT / arguments[-1]).is_file()
                continue
            assert program == "gar-verify"
            names = {x.name or x.callback.__name__ for x in app.registered_commands if x.callback}
            assert arguments[0] in names
            assert arguments[0] != "run" or catalogue.check(arguments[1])
            assert arguments[0] != "bench" or arguments[1] in bench.PARTS


def test_a_figure_of_the_guide_has_its_command_and_files() -> None:
    for png in (ROOT / "docs").glob("*.png"):
        page = png.with_suffix(".md").read_text(encoding="utf-8")
        assert (ROOT / "tools" / f"{png.stem}.py").is_file()
        assert f"python tools/{png.stem}.py" in page
        assert f"]({png.stem}.pdf)" in page
        assert f"](../tools/{png.stem}.py)" in page


def test_files_go_to_the_page_of_their_study() -> None:
    files = ("concrete_corrected_gains", "wine_ablation", "loss_speed", "sensitivity_paper", "wine")
    studies = ["concrete_corrected", "ablation", "loss", "sensitivity_paper", "wine"]
    assert [results.study_of(stem) for stem in files] == studies
    listed = [name for _, members in results.groups().values() for name in members]
    assert sorted(listed) == sorted(results.pages())
    home = ROOT / "docs"
    text = "[a](../paper_figures/wine_gains.md) [b](../paper_figures/wine.md)"
    page = "_generated/results/wine.md"
    assert relinked(text, home, home, sources()) == f"[a]({page}#gains) [b]({page})"
    figure = "![c](../paper_figures/sine_peaks.png)"
    assert figures_linked(figure) == f"[{figure}](_generated/results/sine.md)"
