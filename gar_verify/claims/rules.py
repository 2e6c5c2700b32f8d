"""The rules that several claims share, each with the words that the ledger prints.

A claim needs one thing or several. Each holds (1 or True), fails (-1 or False), or cannot be told
from chance (0); a rule makes the verdict of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gar_verify.claims.model import Finding, Verdict
from gar_verify.studies.methods import label

DEVIATIONS = 3.0
"""Standard deviations within which a figure cannot be told from the published one."""

PART = 0.1
"""Where no deviation is published, also this part of the figure: a measured spread may be wide."""

ROUNDING = 5e-4
"""Half a unit of the last digit that is published."""

EDGE = 0.1
"""A verdict that figures change by moving by this part of their deviation says so."""

Hit = int | bool
Rule = Callable[[Sequence[Hit]], Verdict]

SHARE = (
    "All: reproduced; some, and no more fail than hold: in part; else not reproduced if one fails, "
    "and a tie if none can be told from chance"
)
EVERY = (
    "Ahead of all: reproduced; behind one: not reproduced; neither, as far as chance can be told "
    "apart: a tie"
)
UNBEATEN = (
    "None: reproduced, or a tie where nothing can be told from chance; some, but no more than the "
    "claim holds against: in part; else not reproduced"
)


def _values(hits: Iterable[Hit]) -> list[int]:
    """1, 0 or -1 for each."""
    return [(1 if hit else -1) if isinstance(hit, bool | np.bool_) else int(hit) for hit in hits]


def share(hits: Iterable[Hit]) -> Verdict:
    """`SHARE`.

    >>> str(share([True, False])), str(share([0, 0])), str(share([1, -1, -1]))
    ('reproduced in part', 'tie', 'not reproduced')
    """
    found = _values(hits)
    held, failed = found.count(1), found.count(-1)
    if held >= max(failed, 1):
        return Verdict.REPRODUCED if held == len(found) else Verdict.IN_PART
    return Verdict.NOT_REPRODUCED if failed or not found else Verdict.TIE


def every(hits: Iterable[Hit]) -> Verdict:
    """`EVERY`: one that fails is enough.

    >>> str(every([1, 1])), str(every([1, 0])), str(every([1, -1]))
    ('reproduced', 'tie', 'not reproduced')
    """
    found = set(_values(hits))
    if not found or -1 in found:
        return Verdict.NOT_REPRODUCED
    return Verdict.REPRODUCED if found == {1} else Verdict.TIE


def unbeaten(hits: Iterable[Hit]) -> Verdict:
    """`UNBEATEN`: a claim that nothing is better, or that nothing differs.

    What cannot be told from chance is no evidence for it.

    >>> str(unbeaten([1, 0])), str(unbeaten([1, -1])), str(unbeaten([0, -1]))
    ('reproduced', 'reproduced in part', 'not reproduced')
    """
    found = _values(hits)
    return Verdict.REPRODUCED if 1 in found and -1 not in found else share(found)


def found(
    at: Callable[[float], Sequence[Hit]],
    of: str,
    measured: str,
    reason: str,
    published: str = "",
    *,
    rule: Rule = share,
    least: int = 1,
    absent: int = 0,
) -> Finding:
    """What a rule makes of hits, with how many there are, and whether it stands on an edge.

    Args:
        at: the hits where the figures lie that many of their deviations nearer to the claim.
        of: what they are counted of: ``figures``.
        measured: see `Finding`.
        reason: see `Finding`.
        published: see `Finding`.
        rule: of the verdict.
        least: a hit of so much counts.
        absent: further things that the claim needs and nothing is known of: in part, at most.
    """

    def verdict(seen: Sequence[Hit]) -> Verdict:
        found = rule(seen)
        return Verdict.IN_PART if absent and found is Verdict.REPRODUCED else found

    seen = at(0.0)
    hits, now = _values(seen), verdict(seen)
    held = sum(hit >= least for hit in hits)
    ties = f", {hits.count(0)} cannot be told from chance" if least and 0 in hits else ""
    total = len(hits) + absent
    counted = f"{held} of {total} {of}{ties}" if total > 1 else ""
    others = dict.fromkeys(v for v in map(verdict, map(at, (-EDGE, EDGE))) if v is not now)
    edge = f"{' or '.join(others)} with figures that differ by a tenth of their deviation"
    return Finding(now, measured, reason, published, counted, edge if others else "")


@dataclass(frozen=True)
class Figure:
    """A measured figure beside the published one, with standard deviations over runs."""

    name: str
    mean: float
    std: float
    published: float
    published_std: float = np.nan
    """NaN where none is published."""
    about: float = np.inf
    """Of the published figures, the distance that the table is about: see `with_gaps`."""

    @property
    def gap(self) -> float:
        """Distance from the published figure."""
        return abs(self.mean - self.published)

    @property
    def reach(self) -> float:
        """The largest gap of a figure that chance may have moved away."""
        if np.isnan(self.published_std):
            return min(DEVIATIONS * self.std, PART * abs(self.published))
        return DEVIATIONS * self.published_std

    def hit(self, shift: float = 0.0) -> int:
        """`CLOSE`, where the figure lies ``shift`` deviations nearer to the published one."""
        gap = self.gap - shift * self.std
        if gap <= max(min(self.reach, self.about), ROUNDING):
            return 1
        return 0 if gap <= self.reach else -1


CLOSE = (
    "no further from the published one than that from GAR's (GAR's own: than the nearest other "
    f"that is published as another number), and within {DEVIATIONS:g} published standard "
    f"deviations; where none is published, within {DEVIATIONS:g} measured ones and also within a "
    "tenth of the figure. What rounds to the published figure is close. Within these deviations "
    "but further than that distance, it cannot be told from chance"
)
FIGURES = f"each figure {CLOSE}. {SHARE}"


def with_gaps(figures: Sequence[Figure], best: str) -> list[Figure]:
    """The figures with what the table is about: how far the published ones are from the best.

    A tolerance wider than the distance between two methods would confirm either's order.
    """
    (top,) = (one.published for one in figures if one.name == best)
    others = [abs(one.published - top) for one in figures if one.name != best]
    nearest = min((gap for gap in others if gap > ROUNDING), default=np.inf)
    return [
        replace(one, about=nearest if one.name == best else abs(one.published - top))
        for one in figures
    ]


def judge_figures(
    figures: Sequence[Figure], published: str, best: str, beside: Sequence[Figure] = ()
) -> Finding:
    """`FIGURES`, of those that are published; ``published`` lists these.

    Args:
        figures: of the methods that the published ones are of.
        published: in words.
        best: the figure that the table is about: GAR's.
        beside: figures of the paper's formula, which is not what was published: said, not judged.
    """
    known = with_gaps([one for one in figures if not np.isnan(one.published)], best)
    lines = [*known, *beside]
    about = {one.published: one.about for one in known}
    near = [replace(one, about=about.get(one.published, np.inf)).hit() > 0 for one in beside]
    said = [f"beside it the paper's formula: {sum(near)} of {len(near)}"] * bool(near)
    return found(
        lambda shift: [figure.hit(shift) for figure in known],
        "figures",
        listed((figure.name, figure.mean, figure.std) for figure in lines),
        "; ".join([how_close(known), *said]),
        published,
    )


def how_close(figures: Sequence[Figure]) -> str:
    """How many figures are close, and by how much the others are not."""
    words = {0: "cannot be told from chance", -1: "off"}
    parts = [
        f"{sum(figure.hit() > 0 for figure in figures)} of {len(figures)} figures close enough"
    ]
    for hit, word in words.items():
        names = [f"{figure.name} by {figure.gap:.3f}" for figure in figures if figure.hit() == hit]
        parts += [f"{word}: {', '.join(names)}"] * bool(names)
    return "; ".join(parts)


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
