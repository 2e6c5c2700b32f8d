"""The page a mathematician would read, as HTML and as Markdown.

The HTML is one file that needs no network: every formula is a picture, drawn by matplotlib, with
the formula as plain text beside it for readers without pictures. Neither page holds times or
versions, so that both stay the same, byte for byte, until a proof changes.
"""

from __future__ import annotations

import base64
import io
import os
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from .power_sums import RULES
from .printing import names_of, opinion_line, refuted
from .statements import Outcome, Result, Step
from .z3_opinion import Opinion

_TITLE = "What was proved about GAR, and from what"
_INTRODUCTION = (
    "Each statement below was proved by a program for every batch size N, over the functions of "
    "gar_verify/formulas.py that the loss executes. The paper was available as a "
    "summary, which numbers Theorems 1 and 4; Theorems 2 and 3 are numbered here. A step passes "
    "when its equation, in the normal form of power sums, leaves exactly 0; nothing else passes. "
    "Wrong variants are refuted by explicit data in exact arithmetic."
)
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
    parts = [f"in the case {', '.join(names_of(step.case))}"] * bool(step.case)
    rests = names_of((*step.needs, *step.cites))
    parts += [f"rests on {', '.join(rests)}"] * bool(rests)
    return "; ".join(parts)


def _verdict(result: Result) -> str:
    return "proved" if result.passed else "NOT PROVED"


def markdown(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> str:
    """The page as Markdown, formulas in LaTeX."""
    lines = [f"# {_TITLE}", "", _INTRODUCTION, "", "Rules for sums over 1..N:", ""]
    lines += [f"- {rule}" for rule in RULES]
    lines += ["", "| statement | verdict | wrong variants refuted |", "|---|---|---|"]
    lines += [f"| {r.statement.title} | {_verdict(r)} | {refuted(r)} |" for r in results]
    lines += ["", opinion_line(opinions) + "."]
    for result in results:
        lines += ["", *_markdown_section(result)]
    return "\n".join(lines) + "\n"


def _markdown_section(result: Result) -> Iterator[str]:
    s = result.statement
    yield from (f"## {s.title}", "")
    for formula in s.latex:
        yield from (f"$${formula}$$", "")
    yield from (f"`{s.plain}` ({s.where})", "")
    yield from (f"> **Finding.** {finding}\n" for finding in s.findings)
    for title, parts in (("Assumptions", s.hypotheses), ("Lemmas cited", s.lemmas)):
        if parts:
            yield from (f"{title}:", "", *(f"- `{p.name}`: {p.text}" for p in parts), "")
    yield from ("Steps:", "")
    for number, outcome in enumerate(result.steps, 1):
        yield f"{number}. {_markdown_step(outcome)}"
    yield from ("", "Wrong variants:", "")
    for wrong in result.mutants:
        yield f"- *{wrong.part.name}* ({wrong.part.text}): `{wrong.seen}`"
    yield from ("", "True variants accepted:", "")
    yield from (f"- *{true.part.name}*: {true.part.text}" for true in result.controls)
    yield from ("", f"Verdict: **{_verdict(result)}**")


def _markdown_step(outcome: Outcome[Step]) -> str:
    step, rests = outcome.part, _rests(outcome.part)
    mark = "" if outcome.passed else f" **FAILED**, left over: `{outcome.seen}`"
    return f"*{step.name}*: {step.text}{f' ({rests})' if rests else ''}{mark}"


def html(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> str:
    """The page as one HTML file."""
    body = [
        f"<h1>{_TITLE}</h1>",
        f"<p>{escape(_INTRODUCTION)}</p>",
        "<p>Rules for sums over 1..N:</p>",
    ]
    body += _items("ul", [escape(rule) for rule in RULES])
    body += ["<table>", "<tr><th>statement</th><th>verdict</th><th>refuted</th></tr>"]
    for r in results:
        link = f'<a href="#{r.statement.name}">{escape(r.statement.title)}</a>'
        body += [f"<tr><td>{link}</td><td>{_verdict(r)}</td><td>{refuted(r)}</td></tr>"]
    body += ["</table>", f"<p>{escape(opinion_line(opinions))}.</p>"]
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
    yield from (f'<p class="finding"><b>Finding.</b> {escape(f)}</p>' for f in s.findings)
    for title, parts in (("Assumptions", s.hypotheses), ("Lemmas cited", s.lemmas)):
        if parts:
            yield f"<h3>{title}</h3>"
            yield from _items("ul", [f"<b>{p.name}</b>: {escape(p.text)}" for p in parts])
    yield "<h3>Steps</h3>"
    yield from _items("ol", [_html_step(outcome) for outcome in result.steps])
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


def _html_step(outcome: Outcome[Step]) -> str:
    step, rests = outcome.part, _rests(outcome.part)
    said = f"<i>{escape(step.name)}</i>: {escape(step.text)}"
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
