"""Pages that live elsewhere in the repository, brought under ``docs/_generated`` for the build.

Notebooks with their stored outputs, proofs and claims of ``paper_figures``, the changelog, a page
for each study and one for each public module. Links to a file that has become a page, or a part of
one, lead there; links to any other file of the repository hand out the file.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import Any

import results

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
STAGED = DOCS / "_generated"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)\s#]+)(#?)")
FIGURE = re.compile(r"!\[[^\]]+\]\([./]*/paper_figures/(\w+)\.png\)")
PUBLIC = ("formulas", "metrics", "losses", "integrations", "comparison")
"""Rooms whose interface users may rely on."""
PROMISE = (
    "What stands on these pages is the interface of the package. Every other module is private: it "
    "may change without notice."
)


def sources() -> dict[Path, Path]:
    """Where each page comes from and where it goes."""
    pages = {path: STAGED / "notebooks" / path.name for path in ROOT.glob("notebooks/*.ipynb")}
    for path in results.FIGURES.glob("*.md"):
        report = not path.with_suffix(".csv").is_file()
        name = f"reports/{path.stem}" if report else f"results/{results.study_of(path.stem)}"
        pages[path] = STAGED / f"{name}.md"
    pages |= {ROOT / name: STAGED / name.lower() for name in ("CHANGELOG.md", "CONTRIBUTING.md")}
    return dict(sorted(pages.items()))


def modules() -> list[str]:
    """The modules of the public rooms, in dotted form."""
    found = ["gar_verify"]
    for path in sorted((ROOT / "gar_verify").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if len(parts) > 1 and parts[1] in PUBLIC and not any(p.startswith("_") for p in parts):
            found.append(".".join(parts))
    return found


def relinked(text: str, home: Path, folder: Path, pages: dict[Path, Path]) -> str:
    """The text with its relative links, meant from ``home``, made to work from ``folder``."""

    def target(match: re.Match[str]) -> str:
        path = Path(os.path.normpath(home / match[1]))
        if path not in pages and home == folder:
            return match[0]
        page = pages.get(path, path)
        part = results.anchor(path.stem) if page.parent.name == "results" and page != path else ""
        return os.path.relpath(page, folder) + (match[2] or part)

    return LINK.sub(target, text)


def figures_linked(text: str) -> str:
    """The text with each figure of a study leading to the page of the study."""
    page = STAGED.relative_to(DOCS) / "results"
    return FIGURE.sub(lambda m: f"[{m[0]}]({page}/{results.study_of(m[1])}.md)", text)


def titled(text: str, name: str) -> str:
    """The text with a heading, if it has none."""
    if text.startswith("# "):
        return text
    return f"# {results.title(name)}\n\n{text}"


def module_page(name: str) -> str:
    """A page on a module: its text and its public members; of a package, what it exports."""
    source = _source(name)
    directive = f"```{{eval-rst}}\n.. automodule:: {name}\n"
    if source.name != "__init__.py":
        return f"# {name}\n\n{directive}```\n"
    exported = "".join(f"- {{py:obj}}`{entry}`\n" for entry in _exported(source))
    return f"# {name}\n\n{directive}   :no-members:\n```\n\n{exported}"


def api_page(names: list[str]) -> str:
    """The list of modules, each with the first line of its text."""
    lines = []
    for name in names:
        text = ast.get_docstring(ast.parse(_source(name).read_text(encoding="utf-8"))) or ""
        lines.append(f"- [{name}]({name}.md): {text.partition(chr(10))[0]}")
    listed = "\n".join(lines)
    short = [f"{name.removeprefix('gar_verify.')} <{name}>" for name in names]
    tree = "\n".join(["```{toctree}", ":hidden:", "", *short, "```"])
    return f"# API\n\n{PROMISE}\n\n{listed}\n\n{tree}\n"


def _source(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _exported(source: Path) -> list[str]:
    """The names of a package's ``__all__``."""
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def write(path: Path, text: str) -> None:
    """Write unless it says so already, so that a second build reads only what changed."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def stage(app: Any) -> None:
    """Bring the pages, and take away those whose source is gone."""
    pages = sources()
    wanted = {STAGED / "api" / f"{name}.md": module_page(name) for name in modules()}
    wanted[STAGED / "api" / "index.md"] = api_page(modules())
    for name in results.pages():
        page = STAGED / "results" / f"{name}.md"
        wanted[page] = relinked(results.page(name), page.parent, page.parent, pages)
    for group in results.groups():
        wanted[STAGED / "groups" / f"{group}.md"] = results.group_page(group)
    for source, page in pages.items():
        if page in wanted:
            continue
        text = relinked(source.read_text(encoding="utf-8"), source.parent, page.parent, pages)
        wanted[page] = titled(text, source.stem) if page.suffix == ".md" else text
    for old in [path for path in STAGED.rglob("*") if path.is_file() and path not in wanted]:
        old.unlink()
    for path, text in wanted.items():
        write(path, text)


def relink_page(app: Any, name: str, content: list[str]) -> None:
    """Let the links of the guide lead to pages where there are pages."""
    if not name.startswith(STAGED.name):
        content[0] = relinked(figures_linked(content[0]), DOCS, DOCS, sources())


def setup(app: Any) -> dict[str, bool]:
    """Stage at once: Sphinx looks for pages right after its configuration is read."""
    app.connect("config-inited", lambda app, config: stage(app))
    app.connect("source-read", relink_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
