"""The page a mathematician would read, as HTML and as Markdown.

The HTML is one file that needs no network: every formula is a picture, drawn by matplotlib, with
the formula as plain text beside it for readers without pictures. Neither page holds times or
versions, so that both stay the same, byte for byte, until a proof changes.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from . import necessity
from .printing import names_of, opinion_line, refuted
from .rocq_opinion import mutations, rocq_opinion
from .statements import Outcome, Result, Step
from .z3_opinion import Opinion

ATTACKS = Path(__file__).with_name("attacks.json")
"""What `tests/proofs` found, when all changes were tried."""

Item = tuple[str, str, str]
"""A name, a text, and what is shown as it is, each perhaps empty."""
Block = tuple[str, Any]
"""What it is, and what it holds."""

_TITLE = "What was proved about GAR, and from what"
_INTRODUCTION = (
    "Each statement below was proved by a program for every batch size N, over the functions of "
    "gar_verify/formulas.py that the loss executes. The paper was available as a summary, which "
    "numbers Theorems 1 and 4; Theorems 2 and 3 are numbered here. Wrong variants are refuted by "
    "explicit data in exact arithmetic."
)
_WAYS = (
    "kernel: the claims are formulas, and the text is printed from them; a theorem is made by the "
    "rules of a small kernel alone, and has to have exactly the claim's hypotheses and conclusion. "
    "A hypothesis that is not needed, a step and a citation that nothing uses fail the statement.",
    "cited: what the kernel has no terms for (functions on R^n, measure, rounding): lemmas, "
    "most of them proved by Rocq, and on checks of finitely many cases.",
    "both: some of it by the kernel, some cited or checked.",
    "Rocq: theorems over definitions generated from the formulas, checked by another program; "
    "'part' says that they cover a part of the statement.",
    "computed: a step of the kernel; cited: it uses a lemma; finite check: finitely many cases.",
)
WORDING = {
    "theorem-1-error-variance": (
        "(1/N^2) sum_i sum_j 1/2 [df_ij - dy_ij]^2 = Var(d) = (1/N) sum_i [(f_i - mean f) - "
        "(y_i - mean y)]^2, for every N and all real f, y",
        "corresponds; N >= 1 is said, and that the code computes it is added",
    ),
    "theorem-2-pearson": (
        "1/2 || df/||df|| - dy/||dy|| ||^2 = 1 - rho(f, y), which lies in [0, 2], with Var f, "
        "Var y > 0",
        "corresponds; that both ends are reached, and what the code gives for constant vectors, "
        "is added",
    ),
    "theorem-3-scaling-factor": (
        "min over c of (1/N^2) sum_ij 1/2 (df_ij - c dy_ij)^2 = Var(f) (1 - rho^2), reached at "
        "c* = Cov(f, y) / Var(y); Theorem 2's loss is 0 exactly when df = c dy for some c > 0",
        "corresponds; that the minimum is reached at c* only is added. 'For some c > 0' is c = "
        "||df|| / ||dy||",
    ),
    "theorem-4-gradient-matching": (
        "for f and Y K-times differentiable on an open domain: f(x1) - f(x2) = Y(x1) - Y(x2) for "
        "all x1, x2 <=> the derivatives of orders 1..K agree everywhere",
        "does not correspond: the domain is assumed connected here, and without that the statement "
        "is false (Rocq: Connectedness.connectedness_needed)",
    ),
    "proposition-kl-dro": (
        "max over p in the simplex of sum p_i log L_i - alpha KL(p || uniform) = alpha log((1/M) "
        "sum L_i^(1/alpha)), attained at p_i ~ L_i^(1/alpha); limits max log L_i, log of the "
        "arithmetic and of the geometric mean; non-increasing in alpha",
        "corresponds; that the maximum is nowhere else is added, and the limits are bounds "
        "for every alpha that have them as limits (Rocq has the limits themselves)",
    ),
    "regression-moments": (
        "all three sub-losses are functions of six numbers: N, mean |d|, Var d, Var y, Cov(d, y), "
        "and the means",
        "corresponds in substance; the code keeps nine numbers, with which nothing cancels",
    ),
    "motivating-example": (
        "errors {1, -1, 1, -1} and {1, 1, 1, 1} have the same MAE and MSE; the second has zero "
        "error variance and reaches zero error after one bias correction",
        "corresponds",
    ),
}
"""What the summary of the paper says, and whether the formal statement says the same."""

TRUSTED = {
    "for the kernel": ("kernel.py", "normal_form.py", "terms.py"),
    "to read what it proved, and what the code computes": ("language.py",),
    "for Rocq, beside its own kernel": ("rocq_formulas.py",),
}
"""The files that one has to believe."""


def lines_of_code(name: str) -> int:
    """Lines that are neither blank, comment nor docstring."""
    path = Path(__file__).with_name(name)
    tree = ast.parse(path.read_text(encoding="utf8"))
    documented = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documented |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in documented
        for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), 1)
    )


def trusted() -> list[str]:
    """What has to be believed, and how long it is."""
    said = []
    for purpose, files in TRUSTED.items():
        counted = {name: lines_of_code(name) for name in files}
        sizes = ", ".join(f"{name} {count}" for name, count in counted.items())
        said.append(f"{purpose}: {sum(counted.values())} lines of code ({sizes})")
    return said


def attacks() -> list[str]:
    """How many small wrong changes of the scripts and of the formulas were noticed."""
    said = []
    for what, record in json.loads(ATTACKS.read_text(encoding="utf8")).items():
        why = Counter(survivor["why"] for survivor in record["survivors"])
        said.append(f"{what}: {record['killed']} of {record['changes']} changes fail a proof")
        said += [f"{what}: {count} more fail none: {reason}" for reason, count in why.items()]
    return [*said, f"formulas: every change fails a proof of the kernel; {mutations()}"]


def rests_on(results: Sequence[Result]) -> list[tuple[str, list[str]]]:
    """What each statement rests on: kernel, theorems of Rocq, lemmas cited, finite checks."""
    rocq = rocq_opinion()
    found = []
    for result in results:
        s = result.statement
        parts = [f"kernel: claim {claim.name}" for claim in s.claims]
        parts += [f"Rocq: {theorem}" for theorem in rocq.of(s.name)]
        parts += [f"cited: {lemma.name}, {lemma.instead or 'see there'}" for lemma in s.lemmas]
        checks = [step.name for step in s.steps if not step.cites]
        parts += [f"finite check: {name}" for name in checks]
        found.append((s.name, parts))
    return found


def _marks(result: Result) -> str:
    """How many steps of each kind."""
    marks = [outcome.part.mark for outcome in result.steps]
    kinds = ("computed", "cited", "finite check")
    return ", ".join(f"{marks.count(kind)} {kind}" for kind in kinds if kind in marks)


STYLE = """
body { max-width: 50em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 Georgia, serif;
       background: #fff; color: #111; }
h2 { margin-top: 2.5em; border-bottom: 1px solid #bbb; }
img { max-width: 100%; display: block; margin: .8em auto; }
table { border-collapse: collapse; font-size: .9em; display: block; overflow-x: auto; }
td, th { border: 1px solid #bbb; padding: .25em .6em; text-align: left; vertical-align: top; }
.rests { color: #555; } .failed { color: #b00; font-weight: bold; }
.finding { border-left: 4px solid #c60; padding-left: .8em; }
"""


def report(
    results: Sequence[Result],
    opinions: Sequence[Opinion] = (),
    folder: Path | str = "paper_figures",
) -> list[Path]:
    """Write ``proofs.html`` and ``proofs.md`` into the folder; the paths written.

    Each is written under a temporary name and then moved into place.
    """
    directory = Path(folder)
    directory.mkdir(parents=True, exist_ok=True)
    pages = {"proofs.html": html(results, opinions), "proofs.md": markdown(results, opinions)}
    return [_write(directory / name, content) for name, content in pages.items()]


def _write(path: Path, content: str) -> Path:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf8", newline="\n") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp makes files that others cannot read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


# --- what the page holds, for both forms ----------------------------------------------------------


def _blocks(results: Sequence[Result], opinions: Sequence[Opinion]) -> Iterator[Block]:
    rocq = rocq_opinion()
    yield "title", _TITLE
    yield "text", _INTRODUCTION
    for title, lines in (
        ("How a statement is proved", _WAYS),
        ("What is trusted", trusted()),
        ("What was attacked", attacks()),
    ):
        yield "heading", (title, "")
        yield "list", [("", line, "") for line in lines]
    yield "heading", ("The statements", "")
    rows = [("statement", "verdict", "by", "Rocq", "steps", "wrong variants refuted")]
    for r in results:
        word = rocq.word(r.statement.name)
        rows.append((r.statement.title, _verdict(r), r.by, word, _marks(r), refuted(r)))
    yield "table", rows
    yield "text", f"{opinion_line(opinions)}. {rocq}."
    yield "heading", ("What rests on what", "")
    yield "graph", rests_on(results)
    for result in results:
        yield from _section(result)


def _section(result: Result) -> Iterator[Block]:
    s = result.statement
    yield "heading", (s.title, s.name)
    yield from (("formula", (formula, s.plain)) for formula in s.latex)
    yield "code", s.plain
    yield "text", f"({s.where})"
    if s.name in WORDING:
        paper, judgement = WORDING[s.name]
        yield "list", [("In the summary of the paper", paper, ""), ("It", judgement, "")]
    yield "list", [("Finding", finding, "") for finding in s.findings]
    yield "part", "Assumptions"
    data = necessity.kept()
    yield "list", [(h.name, h.text, necessity.shown(s.name, h.name, data)) for h in s.hypotheses]
    yield "part", "Lemmas cited"
    yield "list", [(c.name, f"{c.text} ({c.instead})", "") for c in s.lemmas]
    kernel = [o for o in result.steps if o.part.check is None and o.passed]
    if kernel:
        command = f"python -m proofs --only {s.name}"
        yield "text", f"{len(kernel)} steps of the kernel, listed by {command}."
    yield "part", "Steps"
    yield "list", [_step(o) for o in result.steps if o not in kernel]
    yield "part", "Wrong variants, refuted"
    yield "list", [(o.part.name, o.part.text, o.seen) for o in result.mutants]
    yield "part", "True variants, accepted"
    yield "list", [(o.part.name, o.part.text, "") for o in result.controls]
    yield "text", f"Verdict: {_verdict(result)}"


def _step(outcome: Outcome[Step]) -> Item:
    step, rests = outcome.part, names_of((*outcome.part.needs, *outcome.part.cites))
    said = f"{step.text}{f' (rests on {chr(44).join(rests)})' if rests else ''} [{step.mark}]"
    return step.name, said, "" if outcome.passed else f"FAILED, left over: {outcome.seen}"


def _verdict(result: Result) -> str:
    return "proved" if result.passed else "NOT PROVED"


def _without_empty(blocks: Iterable[Block]) -> Iterator[Block]:
    """A part without a list below it is not announced."""
    announced: Block | None = None
    for kind, content in blocks:
        if kind == "list" and not content:
            announced = None
        elif kind == "part":
            announced = kind, content
        else:
            yield from [announced] if announced else []
            announced = None
            yield kind, content


def markdown(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> str:
    """The page as Markdown, formulas in LaTeX."""
    parts = [_in_markdown(*block) for block in _without_empty(_blocks(results, opinions))]
    return "\n\n".join(parts) + "\n"


def _in_markdown(kind: str, content: Any) -> str:
    if kind == "list":
        return "\n".join(
            f"- {f'*{name}*: ' if name else ''}{text}{f' `{code}`' if code else ''}"
            for name, text, code in content
        )
    if kind == "table":
        lines = [f"| {' | '.join(row)} |" for row in content]
        return "\n".join([lines[0], "|---" * len(content[0]) + "|", *lines[1:]])
    if kind == "graph":
        return "\n".join(
            "\n".join([f"- `{name}`", *(f"  - {part}" for part in parts)])
            for name, parts in content
        )
    if kind in ("formula", "heading"):
        content = content[0]
    around = {
        "title": "# {}",
        "heading": "## {}",
        "part": "{}:",
        "code": "`{}`",
        "formula": "$${}$$",
    }
    return around.get(kind, "{}").format(content)


def html(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> str:
    """The page as one HTML file."""
    body = [_in_html(*block) for block in _without_empty(_blocks(results, opinions))]
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<meta charset="utf-8">{view}<title>{_TITLE}</title><style>{STYLE}</style>'
    start = f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>'
    return "\n".join([start, *body, "</body></html>", ""])


def _in_html(kind: str, content: Any) -> str:
    if kind == "list":
        entries = (
            f"<li>{f'<i>{escape(name)}</i>: ' if name else ''}{escape(text)}"
            f"{f'<br><code>{escape(code)}</code>' if code else ''}</li>"
            for name, text, code in content
        )
        return "\n".join(["<ul>", *entries, "</ul>"])
    if kind == "table":
        rows = [
            "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
            for tag, row in zip(("th", *["td"] * (len(content) - 1)), content, strict=True)
        ]
        return "\n".join(["<table>", *(f"<tr>{row}</tr>" for row in rows), "</table>"])
    if kind == "graph":
        return f"{_image(graph(content), 'what rests on what, listed below')}{_listed(content)}"
    if kind == "formula":
        return _image(svg(content[0]), content[1])
    if kind == "heading":
        title, name = content
        return f"<h2{f' id={chr(34)}{name}{chr(34)}' if name else ''}>{escape(title)}</h2>"
    tag = {"title": "h1", "part": "h3", "code": "code"}.get(kind, "p")
    return f"<{tag}>{escape(content)}</{tag}>"


def _listed(content: list[tuple[str, list[str]]]) -> str:
    """What each statement rests on, to be unfolded."""
    return "\n".join(
        f'<details><summary><a href="#{name}">{name}</a></summary>'
        f"{_in_html('list', [('', part, '') for part in parts])}</details>"
        for name, parts in content
    )


def _image(drawn: bytes, plain: str) -> str:
    """A picture within the page."""
    data = base64.b64encode(drawn).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(plain, quote=True)}">'


# --- pictures -------------------------------------------------------------------------------------


def svg(formula: str) -> bytes:
    """A formula, in the LaTeX that matplotlib reads, as an SVG picture."""

    def draw(figure: Any) -> None:
        figure.text(0, 0, f"${formula}$".replace(r"\frac", r"\dfrac"), fontsize=14)

    return _drawn(draw, (0.1, 0.1))


COLOURS = {"kernel": "#0072b2", "Rocq": "#009e73", "cited": "#d55e00", "finite check": "#666666"}


def graph(content: list[tuple[str, list[str]]]) -> bytes:
    """Statements on the left, and what they rest on on the right."""
    wanted = [(name, part.partition(": ")) for name, parts in content for part in parts]
    right = list(
        dict.fromkeys((k, text.partition(",")[0]) for _, (k, _, text) in wanted if k in ("cited",))
    )
    right = [("kernel", ""), ("Rocq", ""), ("finite check", ""), *right]
    height = {name: -1.0 * n for n, (name, _) in enumerate(content)}
    places = {key: -n * (len(content) - 1) / max(len(right) - 1, 1) for n, key in enumerate(right)}
    edges = {(n, (k, text.partition(",")[0] * (k == "cited"))) for n, (k, _, text) in wanted}

    def draw(figure: Any) -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        for name, key in sorted(edges):
            axes.plot((0, 1), (height[name], places[key]), color=COLOURS[key[0]], lw=0.6)
        for name, at in height.items():
            axes.text(-0.02, at, name, ha="right", va="center", fontsize=8)
        for (kind, text), at in places.items():
            said = f"{kind}: {text}" if text else kind
            axes.text(1.02, at, said, va="center", fontsize=8, color=COLOURS[kind])

    return _drawn(draw, (4, 0.28 * len(content)))


def _drawn(draw: Callable[[Any], None], size: tuple[float, float]) -> bytes:
    import matplotlib  # only here: proving needs no pictures
    from matplotlib.figure import Figure

    settings: Any = {"svg.hashsalt": "gar_verify", "svg.fonttype": "path", "mathtext.fontset": "cm"}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=size)
        draw(figure)
        drawn = io.BytesIO()
        figure.savefig(
            drawn,
            format="svg",
            bbox_inches="tight",
            pad_inches=0.05,
            transparent=True,
            metadata={"Date": None, "Creator": None},
        )
    return drawn.getvalue()
