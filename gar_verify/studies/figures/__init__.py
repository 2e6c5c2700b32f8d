"""The figures, in one style: one colour for each method everywhere.

Every figure is drawn from the table that stands beside it, or from what the table is made of.
"""

from gar_verify.studies.figures.alpha import sensitivity_figure
from gar_verify.studies.figures.choosing_alpha import choosing_alpha_figure
from gar_verify.studies.figures.competitors import competitors_figure
from gar_verify.studies.figures.curves import peaks_figure, sine_figure
from gar_verify.studies.figures.digits import digits_figure
from gar_verify.studies.figures.dirty_data import dirty_data_figure
from gar_verify.studies.figures.loss import accuracy_figure, alpha_figure, gradient_figure
from gar_verify.studies.figures.not_smooth import not_smooth_figure
from gar_verify.studies.figures.overview import overview_figure
from gar_verify.studies.figures.sentences import sentences_figure
from gar_verify.studies.figures.several_targets import several_targets_figure
from gar_verify.studies.figures.style import (
    COLORS,
    COLUMN_WIDTH,
    DASHES,
    PAGE_WIDTH,
    PUBLISHED,
    STYLE,
    TRUTH,
    digest,
    drawn,
    save,
)
from gar_verify.studies.figures.tabular import ablation_figure, tabular_figure

__all__ = [
    "COLORS",
    "COLUMN_WIDTH",
    "DASHES",
    "PAGE_WIDTH",
    "PUBLISHED",
    "STYLE",
    "TRUTH",
    "ablation_figure",
    "accuracy_figure",
    "alpha_figure",
    "choosing_alpha_figure",
    "competitors_figure",
    "digest",
    "dirty_data_figure",
    "digits_figure",
    "drawn",
    "gradient_figure",
    "not_smooth_figure",
    "overview_figure",
    "peaks_figure",
    "save",
    "sensitivity_figure",
    "sentences_figure",
    "several_targets_figure",
    "sine_figure",
    "tabular_figure",
]
