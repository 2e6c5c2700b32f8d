"""The figure of docs/which_loss.md is of the present numbers, and shows what its caption says."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from gar_verify.studies.figures import style

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import which_loss as tool  # noqa: E402


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return tool.table()


def test_the_figure_is_that_of_the_numbers() -> None:
    assert style.drawn(ROOT / "docs" / "which_loss.png") == style.digest(tool.figure())


def test_all_predictions_have_the_same_mae(table: pd.DataFrame) -> None:
    assert table["MAE"].to_numpy() == pytest.approx(tool.MAE, abs=1e-12)


def test_what_the_caption_says(table: pd.DataFrame) -> None:
    zero = table < 1e-12
    assert list(zero.columns[zero.loc["an offset"]]) == ["Var(d)", "1 - Pearson"]
    assert list(zero.columns[zero.loc["too flat"]]) == ["1 - Pearson"]
    assert not zero.loc[["noise", "outliers"]].any(axis=None)
    above = table.loc["too flat"] > table.loc["noise"] + 1e-12
    assert list(table.columns[above]) == ["1 - CCC"]
    assert (table.loc["outliers"].drop("MAE") > 2 * table.loc["noise"].drop("MAE")).all()
