"""The pictures of the report: PNG files within the page, with what they show in words."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from gar_verify.claims import overview
from gar_verify.data.synthetic import CURVES
from gar_verify.studies import catalogue
from gar_verify.studies.catalogue import CORRECTED, SENSITIVITIES
from gar_verify.studies.peaks import SUFFIX
from gar_verify.studies.tabular import RECIPES

BANDS = (
    "the truth, and for each method the mean prediction over the seeds with a band of one standard "
    "deviation; discs and rings mark the waves that most seeds, or fewer, found; then all means "
    "together. The table has the test MAE"
)
DOTS = (
    "mean and standard deviation of four test metrics for each method, measured as filled dots, "
    "published ones, where there are any, as open dots; far ones as numbers at the edge. The "
    "table has the numbers"
)
BOXES = (
    "test MAE and Pearson of GAR over alpha: a dot for each fold, a box for their middle half with "
    "the median, whiskers to the lowest and the highest; beside it, as an open mark, the mean "
    "that was published. The table has means and standard deviations"
)
COUNTS = "by method, how many seeds recovered each peak of the curve, and how many peaks each seed"
FOREST = (
    "on each data set how much lower GAR's test MAE is than that of the best other loss, in per "
    "cent of it, with the 95 % interval; right of the line GAR is better"
)
KNOWN = {
    overview.STEM: FOREST,
    **{curve + SUFFIX: COUNTS for curve in CURVES},
    **dict.fromkeys(CURVES, BANDS),
    **dict.fromkeys((*RECIPES, *CORRECTED, "ablation"), DOTS),
    **dict.fromkeys(SENSITIVITIES, BOXES),
    "sts_b": "test Pearson and MAE of each loss on pairs of sentences: every seed as a ring, their "
    "mean as a dot; dotted, the cosine of the encoder without training. The table has the numbers",
    "alpha": f"{BOXES}; of each metric first with the released constants, then with the formula",
    "loss_accuracy": "largest relative error of one minus Pearson and of its gradient in float32, "
    "against one minus Pearson, for three ways to compute them",
}
"""What the figures of that name show."""


@dataclass(frozen=True)
class Picture:
    """A picture within the page."""

    stem: str
    title: str
    alt: str
    uri: str


def of(folder: Path, stem: str) -> Picture | None:
    """The picture of that name; None if the folder has none."""
    path = folder / f"{stem}.png"
    if not path.is_file():
        return None
    title = catalogue.title(stem)
    known = KNOWN.get(stem)
    encoded = base64.b64encode(path.read_bytes()).decode("ascii")
    return Picture(
        stem=stem,
        title=title,
        alt=f"{title}: {known}." if known else f"Figure: {title}.",
        uri=f"data:image/png;base64,{encoded}",
    )


def others(folder: Path, shown: set[str]) -> list[Picture]:
    """All other pictures of the folder, by name."""
    stems = sorted(path.stem for path in folder.glob("*.png") if path.stem not in shown)
    return [picture for stem in stems if (picture := of(folder, stem)) is not None]
