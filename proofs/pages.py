"""The page a mathematician would read, as HTML and as Markdown.

The HTML is one file that needs no network: every formula is a picture, drawn by matplotlib, with
the formula as plain text beside it for readers without pictures. Neither page holds times or
versions, so that both stay the same, byte for byte, until a proof changes.
"""

from __future__ import annotations

import ast
import base64
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from .printing import names_of, opinion_line, refuted
from .rocq_opinion import PARTIAL, rocq_opinion
from .statements import Outcome, Result, Step
from .z3_opinion import Opinion

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
    "forms: each step is an equation that a normal form reduces to 0; that the steps add up to the "
    "statement is for the reader to judge.",
    "both: some of it by the kernel, some by normal forms.",
    "Rocq: theorems over definitions generated from the formulas, checked by another program; "
    "'part' says that they cover a part of the statement.",
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
        "corresponds; that the maximum is attained nowhere else is added",
    ),
    "regression-moments": (
        "all three sub-losses are functions of six numbers: N, mean |d|, Var d, Var y, Cov(d, y), "
        "and the means",
        "corresponds in substance; the code keeps seven numbers, with which nothing cancels",
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


def rests_on(results: Sequence[Result]) -> list[tuple[str, list[str]]]:
    """What each statement rests on, from its claims and steps down to what is assumed."""
    rocq = rocq_opinion()
    found = []
    for result in results:
        s = result.statement
        parts = [f"claim {c.name!r}: {', '.join(a.name for a in c.assuming)}" for c in s.claims]
        parts += [f"lemma {lemma.name}: {lemma.instead or 'cited'}" for lemma in s.lemmas]
        parts += [f"Rocq theorem {theorem}" for theorem in rocq.of(s.name)]
        if s.name in PARTIAL:
            parts.append(f"of which Rocq proves {PARTIAL[s.name]}")
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
table { border-collapse: collapse; font-size: .9em; }
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


def _rests(step: Step) -> str:
    rests = names_of((*step.needs, *step.cites))
    return f"rests on {', '.join(rests)}" if rests else ""


def _verdict(result: Result) -> str:
    return "proved" if result.passed else "NOT PROVED"


def markdown(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> str:
    """The page as Markdown, formulas in LaTeX."""
    lines = [f"# {_TITLE}", "", _INTRODUCTION, "", "How a statement is proved:", ""]
    lines += [f"- {way}" for way in _WAYS]
    lines += ["", "What is trusted:", "", *(f"- {part}" for part in trusted())]
    lines += ["", "| statement | verdict | by | Rocq | steps | wrong variants refuted |"]
    lines += ["|---|---|---|---|---|---|"]
    rocq = rocq_opinion()
    for r in results:
        s = r.statement
        marks = f"{r.by} | {rocq.word(s.name)} | {_marks(r)}"
        lines += [f"| {s.title} | {_verdict(r)} | {marks} | {refuted(r)} |"]
    lines += ["", opinion_line(opinions) + ".", "", f"{rocq}."]
    lines += ["", "## What rests on what", ""]
    for name, parts in rests_on(results):
        lines += [f"- `{name}`", *(f"  - {part}" for part in parts)]
    for result in results:
        lines += ["", *_markdown_section(result)]
    return "\n".join(lines) + "\n"


def _markdown_section(result: Result) -> Iterator[str]:
    s = result.statement
    yield from (f"## {s.title}", "")
    for formula in s.latex:
        yield from (f"$${formula}$$", "")
    yield from (f"`{s.plain}` ({s.where})", "")
    if s.name in WORDING:
        paper, judgement = WORDING[s.name]
        yield from (f"In the summary of the paper: *{paper}*.", "", f"It {judgement}.", "")
    yield from (f"> **Finding.** {finding}\n" for finding in s.findings)
    for title, parts in (("Assumptions", s.hypotheses), ("Lemmas cited", s.lemmas)):
        if parts:
            yield from (f"{title}:", "", *(f"- `{p.name}`: {_told(p)}" for p in parts), "")
    kernel = [o for o in result.steps if o.part.check is None]
    if kernel:
        command = f"`python -m proofs --only {s.name}`"
        yield from (f"{len(kernel)} steps of the kernel, listed by {command}.", "")
    yield from ("Steps:", "")
    shown = [o for o in result.steps if o.part.check is not None or not o.passed]
    for number, outcome in enumerate(shown, 1):
        yield f"{number}. {_markdown_step(outcome)}"
    yield from ("", "Wrong variants:", "")
    for wrong in result.mutants:
        yield f"- *{wrong.part.name}* ({wrong.part.text}): `{wrong.seen}`"
    yield from ("", "True variants accepted:", "")
    yield from (f"- *{true.part.name}*: {true.part.text}" for true in result.controls)
    yield from ("", f"Verdict: **{_verdict(result)}**")


def _told(part: Any) -> str:
    """What an assumption or a lemma says, and for a lemma why it is cited."""
    instead = getattr(part, "instead", "")
    return f"{part.text} ({instead})" if instead else str(part.text)


def _markdown_step(outcome: Outcome[Step]) -> str:
    step, rests = outcome.part, _rests(outcome.part)
    mark = "" if outcome.passed else f" **FAILED**, left over: `{outcome.seen}`"
    kind = "" if step.mark == "computed" else f" [{step.mark}]"
    return f"*{step.name}*: {step.text}{f' ({rests})' if rests else ''}{kind}{mark}"


def html(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> str:
    """The page as one HTML file."""
    body = [
        f"<h1>{_TITLE}</h1>",
        f"<p>{escape(_INTRODUCTION)}</p>",
        "<h2>How a statement is proved</h2>",
    ]
    body += _items("ul", [escape(way) for way in _WAYS])
    body += ["<h2>What is trusted</h2>", *_items("ul", [escape(part) for part in trusted()])]
    heads = ("statement", "verdict", "by", "Rocq", "steps", "refuted")
    body += ["<table>", f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"]
    rocq = rocq_opinion()
    for r in results:
        name = r.statement.name
        link = f'<a href="#{name}">{escape(r.statement.title)}</a>'
        cells = (link, _verdict(r), r.by, rocq.word(name), _marks(r), refuted(r))
        body += [f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"]
    body += ["</table>", f"<p>{escape(opinion_line(opinions))}. {escape(str(rocq))}.</p>"]
    body += ["<h2>What rests on what</h2>", "<ul>"]
    for name, parts in rests_on(results):
        body += [f'<li><a href="#{name}">{name}</a>', *_items("ul", map_escape(parts)), "</li>"]
    body += ["</ul>"]
    for result in results:
        body += _html_section(result)
    head = f'<meta charset="utf-8"><title>{_TITLE}</title><style>{STYLE}</style>'
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head>{head}</head><body>',
            *body,
            "</body></html>",
            "",
        ]
    )


def _html_section(result: Result) -> Iterator[str]:
    s = result.statement
    yield f'<h2 id="{s.name}">{escape(s.title)}</h2>'
    yield from (_picture(formula, s.plain) for formula in s.latex)
    yield f"<p><code>{escape(s.plain)}</code><br>({escape(s.where)})</p>"
    if s.name in WORDING:
        paper, judgement = WORDING[s.name]
        yield f"<p>In the summary of the paper: <i>{escape(paper)}</i>.<br>"
        yield f"It {escape(judgement)}.</p>"
    yield from (f'<p class="finding"><b>Finding.</b> {escape(f)}</p>' for f in s.findings)
    for title, parts in (("Assumptions", s.hypotheses), ("Lemmas cited", s.lemmas)):
        if parts:
            yield f"<h3>{title}</h3>"
            yield from _items("ul", [f"<b>{p.name}</b>: {escape(_told(p))}" for p in parts])
    kernel = [o for o in result.steps if o.part.check is None and o.passed]
    rest = [o for o in result.steps if o not in kernel]
    if kernel:
        yield f"<details><summary>{len(kernel)} steps of the kernel</summary>"
        yield from _items("ol", [_html_step(outcome) for outcome in kernel])
        yield "</details>"
    if rest:
        yield "<h3>Steps</h3>"
        yield from _items("ol", [_html_step(outcome) for outcome in rest])
    yield "<h3>Wrong variants, refuted</h3>"
    yield from _items(
        "ul",
        [
            f"<i>{escape(o.part.name)}</i>: {escape(o.part.text)}<br><code>{escape(o.seen)}</code>"
            for o in result.mutants
        ],
    )
    yield "<h3>True variants, accepted</h3>"
    yield from _items(
        "ul", [f"<i>{escape(o.part.name)}</i>: {escape(o.part.text)}" for o in result.controls]
    )
    yield f"<p>Verdict: <b>{_verdict(result)}</b></p>"


def _items(kind: str, entries: Sequence[str]) -> Iterator[str]:
    yield f"<{kind}>"
    yield from (f"<li>{entry}</li>" for entry in entries)
    yield f"</{kind}>"


def map_escape(parts: Sequence[str]) -> list[str]:
    """Texts as HTML."""
    return [escape(part) for part in parts]


def _html_step(outcome: Outcome[Step]) -> str:
    step, rests = outcome.part, _rests(outcome.part)
    kind = "" if step.mark == "computed" else f" [{step.mark}]"
    said = f"<i>{escape(step.name)}</i>: {escape(step.text)}{kind}"
    if rests:
        said += f'<br><span class="rests">{escape(rests)}</span>'
    if not outcome.passed:
        said += f'<br><span class="failed">FAILED</span> <code>{escape(outcome.seen)}</code>'
    return said


def _picture(formula: str, plain: str) -> str:
    """The formula as an image within the page."""
    drawn = base64.b64encode(svg(formula)).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{drawn}" alt="{escape(plain, quote=True)}">'


def svg(formula: str) -> bytes:
    """A formula, in the LaTeX that matplotlib reads, as an SVG picture."""
    import matplotlib  # only here: proving needs no pictures
    from matplotlib.figure import Figure

    settings: Any = {"svg.hashsalt": "gar_verify", "svg.fonttype": "path", "mathtext.fontset": "cm"}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(0.1, 0.1))
        figure.text(0, 0, f"${formula}$".replace(r"\frac", r"\dfrac"), fontsize=14)
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
