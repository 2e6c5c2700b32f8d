"""The rules that several claims share, each with the words that the ledger prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gar_verify.claims.model import Finding, Verdict

REACH = 3.0
"""Standard deviations within which a figure counts as reproduced."""

ROUNDING = 5e-4
"""Half a unit of the last digit that is published."""

SHARE = "all: reproduced; some: in part; none: not reproduced"


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
    def reach(self) -> float:
        """The standard deviation that counts: the published one where there is one."""
        return self.std if np.isnan(self.published_std) else self.published_std

    @property
    def off(self) -> float:
        """Distance in these standard deviations."""
        return abs(self.mean - self.published) / self.reach if self.reach else np.inf

    @property
    def is_close(self) -> bool:
        """Within `REACH` standard deviations, or equal to the digits that are published."""
        return self.off <= REACH or abs(self.mean - self.published) <= ROUNDING


FIGURES = (
    "each figure within three standard deviations (the published one where there is one, "
    f"otherwise that measured here). {SHARE.capitalize()}"
)


def judge_figures(figures: Sequence[Figure]) -> Finding:
    """`FIGURES`."""
    known = [figure for figure in figures if not np.isnan(figure.published)]
    return Finding(
        verdict=share(figure.is_close for figure in known),
        measured=listed((figure.name, figure.mean, figure.std) for figure in known),
        published=listed((figure.name, figure.published, figure.published_std) for figure in known),
        reason=how_close(known),
    )


def how_close(figures: Sequence[Figure]) -> str:
    """How many figures are close, and by how much the others are not."""
    close = sum(figure.is_close for figure in figures)
    far = [f"{figure.name} ({figure.off:.1f})" for figure in figures if not figure.is_close]
    said = f"{close} of {len(figures)} figures within three standard deviations"
    return f"{said}; further off, in standard deviations: {', '.join(far)}" if far else said


def listed(lines: Iterable[tuple[str, float, float]]) -> str:
    """Names with means and, where there are, standard deviations.

    >>> listed([("MAE", 4.8835, 0.1168), ("GAR", 4.603, float("nan"))])
    'MAE 4.884 (0.117), GAR 4.603'
    """
    return ", ".join(f"{name} {with_spread(mean, std)}" for name, mean, std in lines)


def with_spread(mean: float, std: float) -> str:
    """A mean with its standard deviation in brackets, as the paper's tables have it."""
    return f"{mean:.3f}" if np.isnan(std) else f"{mean:.3f} ({std:.3f})"
