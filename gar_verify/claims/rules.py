"""The rules that several claims share, each with the words that the ledger prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gar_verify.claims.model import Finding, Verdict
from gar_verify.studies.methods import label

DEVIATIONS = 3.0
"""Standard deviations within which a figure counts as reproduced."""

PART = 0.1
"""Where no deviation is published, also this part of the figure: a measured spread may be wide."""

ROUNDING = 5e-4
"""Half a unit of the last digit that is published."""

SHARE = "All: reproduced; some: in part; none: not reproduced"


def share(hits: Iterable[bool]) -> Verdict:
    """`SHARE`.

    >>> str(share([True, False]))
    'reproduced in part'
    """
    found = list(hits)
    if found and all(found):
        return Verdict.REPRODUCED
    return Verdict.IN_PART if any(found) else Verdict.NOT_REPRODUCED


@dataclass(frozen=True)
class Figure:
    """A measured figure beside the published one, with standard deviations over runs."""

    name: str
    mean: float
    std: float
    published: float
    published_std: float = np.nan
    """NaN where none is published."""

    @property
    def gap(self) -> float:
        """Distance from the published figure."""
        return abs(self.mean - self.published)

    @property
    def reach(self) -> float:
        """The largest gap of a figure that counts as reproduced."""
        if np.isnan(self.published_std):
            return min(DEVIATIONS * self.std, PART * abs(self.published))
        return DEVIATIONS * self.published_std

    @property
    def is_close(self) -> bool:
        """Whether the figure counts as reproduced; what rounds to the published one does."""
        return self.gap <= max(self.reach, ROUNDING)


CLOSE = (
    f"within {DEVIATIONS:g} published standard deviations; where none is published, within "
    f"{DEVIATIONS:g} measured ones and a tenth of the figure"
)
FIGURES = f"each figure {CLOSE}. {SHARE}"


def judge_figures(figures: Sequence[Figure], published: str) -> Finding:
    """`FIGURES`, of those that are published; ``published`` lists these."""
    known = [figure for figure in figures if not np.isnan(figure.published)]
    return Finding(
        verdict=share(figure.is_close for figure in known),
        measured=listed((figure.name, figure.mean, figure.std) for figure in known),
        published=published,
        reason=how_close(known),
    )


def how_close(figures: Sequence[Figure]) -> str:
    """How many figures are close, and by how much the others are not."""
    close = sum(figure.is_close for figure in figures)
    far = [f"{figure.name} by {figure.gap:.3f}" for figure in figures if not figure.is_close]
    said = f"{close} of {len(figures)} figures close enough"
    return f"{said}; off: {', '.join(far)}" if far else said


def named(lines: Mapping[str, tuple[float, float]]) -> Iterator[tuple[str, float, float]]:
    """Lines by method as `listed` takes them."""
    return ((label(name), *line) for name, line in lines.items())


def listed(lines: Iterable[tuple[str, float, float]]) -> str:
    """Names with means and, where there are, standard deviations.

    >>> listed([("MAE", 4.8836, 0.1168), ("GAR", 4.603, float("nan"))])
    'MAE 4.884 (0.117), GAR 4.603'
    """
    return ", ".join(f"{name} {with_spread(mean, std)}" for name, mean, std in lines)


def with_spread(mean: float, std: float) -> str:
    """A mean with its standard deviation in brackets, as the paper's tables have it."""
    return f"{mean:.3f}" if np.isnan(std) else f"{mean:.3f} ({std:.3f})"
