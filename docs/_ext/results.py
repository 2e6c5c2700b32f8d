"""One page for each study: its figures, what makes them and what they come from, its tables.

A file of ``paper_figures`` belongs to the study whose name it begins with. What no study of the
catalogue makes belongs to its first word, such as ``loss``, and its command is that of the module,
notebook or tool that saves it by name.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import yaml

from gar_verify import paths
from gar_verify.data.synthetic import CURVES
from gar_verify.studies import catalogue, summaries

ROOT = Path(__file__).resolve().parents[2]
FIGURES = paths.figures()
NAMES = (*catalogue.STUDIES, *catalogue.OTHER_ROWS, *catalogue.CORRECTED)
SUFFIXES = (".png", ".csv")
ALPHA = "\N{GREEK SMALL LETTER ALPHA}"
TITLES = {
    "alpha": f"{ALPHA}, both kinds of GAR",
    "boosting": "Gradient boosting: GAR, L1 and L2",
    "choosing_alpha": f"Choosing {ALPHA}",
    "overview": "All data sets in one table",
    "loss": "The loss: digits, gradients, time, memory",
    "runtime": "Running time",
    "sensitivity": f"{ALPHA} with the released constants",
    "sensitivity_paper": f"{ALPHA} by the paper's formula",
    "sts_b_frozen": "STS-B, encoder frozen",
    "supercon": "SuperCon, split by rows",
    "supercon_elements": "SuperCon, split by elements",
    "targets": "Times beside their targets",
}
"""Of pages whose name does not say enough."""

WHOLE = "Table"
"""Heading of a study's own table; others have what their file adds to its name."""

GROUPS = {
    "curves": ("Curves", CURVES),
    "tables": (
        "Tables",
        [
            "overview",
            *(x for x in catalogue.STUDIES if x not in (*CURVES, *catalogue.ONE_TABLE)),
        ],
    ),
    "corrected": ("By the corrected protocol", catalogue.CORRECTED),
    "parts": (f"Parts of GAR, and {ALPHA}", (*catalogue.ONE_TABLE, "alpha")),
    "other_rows": (
        "Rows on other data",
        [x for x in catalogue.OTHER_ROWS if x not in catalogue.QUESTIONS],
    ),
    "questions": ("Open questions", catalogue.QUESTIONS),
    "costs": ("The loss, and what it costs", ()),
}
"""Of pages in the sidebar, each with its studies; the last has what is of no study."""


def title(name: str) -> str:
    """A name as a heading."""
    return TITLES.get(name) or catalogue.title(name)


def study_of(stem: str) -> str:
    """The study, or the first word, that a file belongs to.

    >>> study_of("concrete_corrected_gains"), study_of("wine_ablation"), study_of("loss_speed")
    ('concrete_corrected', 'ablation', 'loss')
    """
    stored = {summary: study for study, summary in catalogue.SUMMARIES.items()}
    known = [name for name in NAMES if f"{stem}_".startswith(f"{name}_")]
    return stored.get(stem) or max(known, key=len, default=stem.partition("_")[0])


@cache
def described() -> dict[str, str]:
    """What each figure and table shows, by the name of its file, as the manifest says it."""
    manifest = yaml.safe_load((ROOT / "codecheck.yml").read_text(encoding="utf-8"))["manifest"]
    says = {Path(entry["file"]).name: entry["comment"].partition(". ")[2] for entry in manifest}
    return {name: text[0].upper() + text[1:] for name, text in says.items()}


@cache
def pages() -> dict[str, list[str]]:
    """The figures and tables of each page, its own before what is beside it."""
    stems = sorted({path.stem for path in FIGURES.iterdir() if path.suffix in SUFFIXES})
    names = sorted({study_of(stem) for stem in stems})
    return {name: [stem for stem in stems if study_of(stem) == name] for name in names}


def groups() -> dict[str, tuple[str, list[str]]]:
    """The groups, each with its title and the pages there are of it."""
    grouped = {name for _, members in GROUPS.values() for name in members}
    found = {}
    for group, (heading, members) in GROUPS.items():
        wanted = members or sorted(set(pages()) - grouped)
        found[group] = (heading, [name for name in wanted if name in pages()])
    return found


def heading(stem: str) -> str:
    """Of a figure and its table on the page of their study."""
    rest = stem.removeprefix(study_of(stem)).strip("_")
    return rest.replace("_", " ").capitalize() or WHOLE


def anchor(stem: str) -> str:
    """Where on its page a table stands; empty at its head."""
    return "" if heading(stem) == WHOLE else f"#{heading(stem).lower().replace(' ', '-')}"


def commands(stem: str) -> list[str]:
    """What makes a figure or a table: of a study its training, else whatever saves it by name."""
    study = study_of(stem)
    return [f"gar-verify run {_argument(study)} --save"] if study in NAMES else _makers(stem)


def _argument(study: str) -> str:
    return f"{catalogue.CORRECTED[study]} --corrected" if study in catalogue.CORRECTED else study


def _makers(stem: str) -> list[str]:
    part = stem.partition("_")[0]
    modules = {
        "cli/boosting.py": "gar-verify boosting --save",
        "cli/bench.py": f"gar-verify bench {part}",
        "benchmarks/runtime_report.py": f"gar-verify bench {part}",
        "claims/overview.py": "gar-verify claims --write",
    }
    named = [x for file, x in modules.items() if f'"{stem}"' in code(paths.PACKAGE / file)]
    return named + [
        f"jupyter nbconvert --to notebook --execute --inplace notebooks/{path.name}"
        for path in _drawn_in(stem)
    ]


def _drawn_in(stem: str) -> list[Path]:
    """The notebooks that save a figure by its name."""
    return [path for path in notebooks() if re.search(rf'save\(.*"{stem}"', code(path))]


@cache
def code(path: Path) -> str:
    """The code of a module or of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return "\n".join("".join(cell["source"]) for cell in cells)


def notebooks() -> list[Path]:
    """All, in order."""
    return sorted(paths.notebooks().glob("*.ipynb"))


def _told(name: str) -> list[str]:
    """Links to the pages of the guide that link to a study, and to the notebooks that name it."""
    stems = "|".join(pages()[name])
    named = rf'"({stems})"|\b{name}\.NAME'
    guide = [
        path
        for path in sorted((ROOT / "docs").glob("*.md"))
        if re.search(rf"paper_figures/({stems})\.", path.read_text(encoding="utf-8"))
    ]
    shown = [path for path in notebooks() if re.search(named, code(path))]
    return [f"[{_first_heading(path)}]({_from_here(path)})" for path in (*guide, *shown)]


def _first_heading(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "".join(json.loads(text)["cells"][0]["source"])
    return text.partition("\n")[0].removeprefix("# ")


def _stored(name: str) -> list[Path]:
    """The summaries that a page is made of, and what was predicted of the test rows."""
    found = sorted(path for path in paths.summaries().rglob("*") if path.is_file())
    own = [path for path in found if study_of(path.stem) == name]
    drawn = {path for stem in pages().get(name, ()) for path in _drawn_in(stem)}
    read = {study for path in drawn for study in re.findall(r'summary\("(\w+)"', code(path))}
    return own or [path for study in sorted(read) for path in _stored(study)]


def _data(name: str) -> str:
    """What the numbers come from, as the provenance of a summary has it."""
    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in _stored(name)
        if path.suffix == ".json"
    ]
    for key, says in (("source", "{}"), ("table", "the table {}")):
        if found := [record[key] for record in records if key in record]:
            return f"{says.format(found[0])} ([tables](../../data.md))"
    return "no table of its own: each command makes up or reads what it needs"


def _from_here(path: Path) -> str:
    """A file or page of the repository as the pages of results write its place: from its root."""
    return f"../../../{path.relative_to(ROOT).as_posix()}"


def _file(path: Path) -> str:
    return f"[{path.relative_to(FIGURES).as_posix()}]({_from_here(path)})"


def _origins(name: str) -> str:
    """The list at the head of a page: data, summary, commands, where it is told."""
    lines = [f"**Data**: {_data(name)}."]
    if stored := _stored(name):
        lines.append(f"**Stored summary**: {', '.join(map(_file, stored))}.")
    if name in NAMES and summaries.exists(catalogue.stored_as(name)):
        lines.append(f"**Printed from the summary**: `gar-verify table {_argument(name)}`")
    if name in NAMES:
        lines.append(f"**Trained, drawn and written anew**: `{commands(name)[0]}`")
    if told := _told(name):
        lines.append(f"**Read on**: {', '.join(told)}.")
    return "".join(f"- {line}\n" for line in lines)


def _made(stem: str) -> str:
    """What makes a file, unless the head of the page says so for all."""
    made = [] if study_of(stem) in NAMES else commands(stem)
    return f" Made by {' or '.join(f'`{command}`' for command in made)}." if made else ""


def _figure(stem: str) -> str:
    """A figure that leads to its PDF, and under it what it shows and what makes it."""
    png, pdf = (FIGURES / f"{stem}{suffix}" for suffix in (".png", ".pdf"))
    if not png.is_file():
        return ""
    shows = described()[png.name]
    return (
        f"[![{shows}]({_from_here(png)})]({_from_here(pdf)})\n\n"
        f"*Figure: {shows}* ({_file(pdf)}, {_file(png)}).{_made(stem)}\n\n"
    )


def _table(stem: str) -> str:
    csv, text = (FIGURES / f"{stem}{suffix}" for suffix in (".csv", ".md"))
    if not text.is_file():
        return ""
    return (
        f"*Table: {described()[csv.name]}* ({_file(csv)}).{_made(stem)}\n\n"
        f"{text.read_text(encoding='utf-8').strip()}\n\n"
    )


def page(name: str) -> str:
    """The page of a study; its first figure stands at its head."""
    own = _figure(name)
    parts = [f"# {title(name)}\n\n{own}{_origins(name)}"]
    for stem in pages()[name]:
        shown = ("" if stem == name else _figure(stem)) + _table(stem)
        parts.append(f"## {heading(stem)}\n\n{shown}" if shown else "")
    return "\n".join(parts)


def group_page(group: str) -> str:
    """A page that lists the pages of a group, for the sidebar too."""
    heading, members = groups()[group]
    lines = [f"- [{title(name)}](../results/{name}.md): {_shows(name)}." for name in members]
    tree = ["```{toctree}", ":hidden:", "", *(f"../results/{name}" for name in members), "```"]
    return "\n".join([f"# {heading}", "", *lines, "", *tree, ""])


def _shows(name: str) -> str:
    known = (described().get(f"{stem}{end}") for stem in pages()[name] for end in SUFFIXES)
    return next(filter(None, known))
