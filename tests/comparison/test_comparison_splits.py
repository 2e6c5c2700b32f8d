"""Rows that belong together stay together, and what comes later is predicted from before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gar_verify.comparison.splits import Layout, layout_of, suggestions

FOLDS = 4


def table(rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=rows)}), rng.normal(size=(rows, 1))


def every_split(layout: Layout) -> list[tuple[np.ndarray, np.ndarray]]:
    outer = layout.outer(FOLDS, 0)
    return [*outer, *(pair for part, _ in outer for pair in layout.inner(part, 2, 0))]


def test_no_group_lies_in_two_parts() -> None:
    features, targets = table()
    group = pd.Series(np.random.default_rng(1).integers(0, 12, 60).astype(str), name="who")
    layout, notes = layout_of(features, targets, FOLDS, group=group)
    for learned, held_out in every_split(layout):
        assert not set(group[learned]) & set(group[held_out])
    tested = np.concatenate([test for _, test in layout.outer(FOLDS, 0)])
    assert sorted(tested) == list(range(60))
    assert notes == []


def test_equal_rows_stay_together_and_are_counted() -> None:
    features, targets = table(20)
    features, targets = pd.concat([features] * 3, ignore_index=True), np.tile(targets, (3, 1))
    layout, notes = layout_of(features, targets, FOLDS)
    for learned, held_out in every_split(layout):
        assert not set(learned % 20) & set(held_out % 20)
    assert notes == [
        "40 of 60 rows repeat another row exactly, the target included; rows that are equal stay "
        "in one part"
    ]
    other, none = layout_of(features, np.arange(60.0)[:, None], FOLDS)
    assert (other.units, none) == (None, [])  # another target is another row
    numbered = features.assign(id=np.arange(1.0, 61.0))  # which makes no row another one
    assert layout_of(numbered, targets, FOLDS)[1] == notes


def test_equal_rows_of_two_groups_join_them() -> None:
    features, targets = table()
    features.iloc[1], targets[1] = features.iloc[0], targets[0]
    group = pd.Series(np.arange(60) // 5, name="who")
    group[1] = 7
    layout, _ = layout_of(features, targets, FOLDS, group=group)
    together = layout.units == layout.units[0]
    assert set(group[together]) == {0, 7}
    assert layout.groups is not None
    assert len(np.unique(layout.groups)) == 12  # metrics keep them apart


def test_a_missing_group_is_one_by_itself() -> None:
    features, targets = table()
    group = pd.Series(np.repeat(list("abcdef"), 10), dtype=object, name="who")
    group[:3] = None
    layout, _ = layout_of(features, targets, FOLDS, group=group)
    assert len(np.unique(layout.units)) == 9


@pytest.mark.parametrize(
    "time",
    [
        np.arange(60) // 3,
        [f"20{20 + i // 36}-{1 + i % 36 // 3:02d}-03" for i in range(60)],
        np.arange(60.0),
    ],
    ids=["numbers", "dates", "all different"],
)
def test_folds_follow_one_another_in_time(time: object) -> None:
    features, targets = table()
    order = np.random.default_rng(2).permutation(60)
    column = pd.Series(time, name="when")[order].reset_index(drop=True)
    layout, _ = layout_of(features, targets, FOLDS, time=column)
    for learned, held_out in every_split(layout):
        assert max(column[learned]) < min(column[held_out])
    starts = [min(column[test]) for _, test in layout.outer(FOLDS, 0)]
    assert starts == sorted(starts)
    for one, other in zip(layout.outer(FOLDS, 0), layout.outer(FOLDS, 1), strict=True):
        np.testing.assert_array_equal(one[1], other[1])  # no seed changes them


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"group": ["a", "b", "c"] * 20}, "column 'group' has 3 groups; expected at least 4"),
        ({"time": [1, 2, 3] * 20}, "column 'time' has 3 times; expected at least 15"),
        ({"time": [None, *range(59)]}, "column 'time' has 1 rows without a time"),
        ({"time": ["31.12.2020"] * 60}, "not understood .'31.12.2020'.; expected numbers, or"),
        ({"time": range(60), "group": range(60)}, "split by group .*or by time .* not by both"),
    ],
)
def test_what_cannot_be_split_is_refused(roles: dict[str, object], message: str) -> None:
    columns = {name: pd.Series(values, name=name) for name, values in roles.items()}
    with pytest.raises(ValueError, match=message):
        layout_of(*table(), FOLDS, **columns)


def test_parts_that_are_too_small_are_refused() -> None:
    group = pd.Series([*np.arange(20), *np.full(40, 99)], name="who")
    layout, _ = layout_of(*table(), FOLDS, group=group)
    assert layout.least(FOLDS, (0,), 1) < 20
    with pytest.raises(ValueError, match="too few to learn or to judge from"):
        Layout(12).least(FOLDS, (0,), 1)


def test_repeated_columns_are_suggested_as_groups() -> None:
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(30), 4)
    found = suggestions(
        pd.DataFrame(
            {
                "subject": subject.astype(float),
                "age": (50 + subject % 7).astype(float),
                "x": rng.normal(size=120),
                "count": rng.integers(0, 30, 120).astype(float),
            }
        ),
        FOLDS,
    )
    (said,) = found
    assert said.startswith("column 'subject' has 30 values in 120 rows, and 'age' is the same")
    assert "--group 'subject'" in said
