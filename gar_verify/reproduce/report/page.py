"""The page itself: a template filled with proofs, studies, claims, and what this run measured.

It is well-formed XML as well as HTML, has no script, and loads nothing. The same material gives the
same bytes, but for the sections that are marked with ``data-timed``.
"""

from __future__ import annotations

import datetime
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from latex2mathml.converter import convert
from markupsafe import Markup

from gar_verify import claims, paths
from gar_verify._files import atomic_write
from gar_verify._proofs import printing, statements, z3_opinion
from gar_verify.claims import Claim, overview
from gar_verify.data import is_available, load_table
from gar_verify.reproduce import changes, summary
from gar_verify.reproduce.changes import Change
from gar_verify.reproduce.report import grids, opening, pictures
from gar_verify.reproduce.rerun import Rerun
from gar_verify.studies import catalogue, provenance
from gar_verify.studies.pages import render

FILE = "report.html"
MATHML = "http://www.w3.org/1998/Math/MathML"
WIDE = re.compile(r"\\q?quad\b")
"""Spaces that separate the parts of a formula."""
PACKAGES = ("torch", "numpy", "scipy", "sympy", "scikit-learn", "pandas", "xarray", "matplotlib")
RUNTIME = "runtime.csv"
"""Of the full runtime study, in the folder of the summaries."""
TIMED = "runtime"
"""Begins the names of pictures of times."""


@dataclass
class Material:
    """Everything that the page shows, beside the pictures in the folder of figures."""

    proved: Sequence[statements.Result]
    opinions: Sequence[z3_opinion.Opinion] = ()
    studies: list[Rerun] = field(default_factory=list)
    claims: Sequence[Claim] | None = None
    """The ledger; None where there is none."""
    overview: pd.DataFrame | None = None
    """From `claims.overview.frame`; None where there is none."""
    runtime: pd.DataFrame | None = None
    """Lines of the quick runtime study of this run; None where it was not measured."""
    quick: bool = False
    """Whether studies were trained in part only: their figures are not the paper's."""
    sentences: Sequence[str] = ()
    failures: Sequence[str] = ()
    changes: Sequence[Change] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Of each part of this run."""


def write(material: Material, folder: Path, figures: Path | None = None) -> Path:
    """Write the page atomically.

    Args:
        material: what it shows.
        folder: where to.
        figures: the folder of the pictures; default: the same.

    Returns:
        The path of the page.
    """
    return atomic_write(folder / FILE, html(material, figures or folder))


def html(material: Material, figures: Path) -> str:
    """The page as text.

    Args:
        material: what it shows.
        figures: the folder of the pictures, and of ``results/runtime.csv``.
    """
    shown = [_study(done, figures) for done in material.studies]
    others = pictures.others(figures, {overview.STEM, *(done.study for done in material.studies)})
    runtime = _read(figures / paths.RESULTS / RUNTIME)
    verdicts = {v: n for v, n in claims.counts(material.claims or ()).items() if n}
    return render(
        "reproduce/report/page.html.jinja",
        filters={"formulas": _formulas},
        refuted=printing.refuted,
        material=material,
        opinion=printing.opinion_line(material.opinions),
        verdicts=verdicts,
        opening=list(opening.sentences(material.proved, material.overview, runtime, verdicts)),
        overview=None if material.overview is None else grids.of_overview(material.overview),
        how_to_read=overview.HOW_TO_READ,
        forest=pictures.of(figures, overview.STEM),
        topics=list(claims.by_topic(material.claims or ())),
        studies=shown,
        pictures=[p for p in others if not p.stem.startswith(TIMED)],
        timings=[p for p in others if p.stem.startswith(TIMED)],
        runtime=_runtime(runtime),
        runtime_now=_runtime(material.runtime),
        versions=_versions(),
        tables=_tables(),
        changes=changes.sentence(material.changes),
        time=summary.time(material.seconds),
        commit=_commit(),
        machine=platform.machine(),
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _study(done: Rerun, figures: Path) -> dict[str, Any]:
    attrs = done.results.attrs
    unit = f", {attrs['target']} in {attrs['unit']}" if attrs.get("unit") else ""
    return {
        "stem": done.study,
        "title": catalogue.title(done.study),
        "origin": done.origin,
        "detail": done.detail,
        "grid": grids.of_study(done.study, done.table, f"Test values{unit}"),
        "command": f"gar-verify table {done.study}",
        "stored": f"{paths.RESULTS}/{catalogue.stored_as(done.study)}.csv",
        "picture": pictures.of(figures, done.study),
        "sentence": catalogue.sentence(done.study, done.results),
        "source": attrs["source"],
        "data": attrs["data"][:12],
        "fingerprint": attrs["fingerprints"][:12],
        "seconds": f"{attrs['seconds']:,.0f}",
    }


def _read(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.is_file() else None


def _runtime(lines: pd.DataFrame | None) -> list[grids.Grid]:
    return [] if lines is None else [grids.runtime(lines, s) for s in lines["setup"].unique()]


def _formulas(latex: str) -> Markup:
    """A formula as MathML, which is markup and not to be escaped; cut at its wide spaces.

    So a narrow screen breaks it where a reader would. The namespace is that of the page.
    """
    parts = filter(None, (part.strip() for part in WIDE.split(latex)))
    return Markup("\n".join(convert(part).replace(f' xmlns="{MATHML}"', "") for part in parts))


def _versions() -> dict[str, str]:
    own = provenance.versions()
    return {**own, **{name: version(name) for name in PACKAGES if name not in own}}


def _tables() -> dict[str, str]:
    """The checksums of the tables that are available."""
    names = dict.fromkeys(map(catalogue.data_of, catalogue.STUDIES))
    return {name: load_table(name).checksum for name in names if is_available(name)}


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=paths.repository(),
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not known"
    return done.stdout.strip()
