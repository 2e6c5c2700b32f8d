"""Rows dealt anew for every seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gar_verify.data import load_table
from gar_verify.studies.questions import deals

SEEDS = (0, 1, 7)


@pytest.fixture
def deal() -> deals.Deal:
    rng = np.random.default_rng(0)
    return deals.deal(rng.normal(size=(50, 3)), rng.normal(5, 20, size=(50, 2)), SEEDS)


def test_every_row_is_in_one_part_of_every_seed(deal: deals.Deal) -> None:
    for fold in range(len(SEEDS)):
        parts = deal.parts(fold)
        assert {name: len(rows) for name, rows in parts.items()} == {
            "train": 30,
            "validation": 10,
            "test": 10,
        }
        assert sorted(np.concatenate(list(parts.values()))) == list(range(50))
        assert np.array_equal(parts["train"], deal.train[fold])
    assert len({tuple(sorted(rows)) for rows in deal.tests}) == len(SEEDS)


def test_a_seed_deals_alike_whatever_seeds_are_beside_it(deal: deals.Deal) -> None:
    alone = deals.deal(deal.inputs, deal.targets, SEEDS[1:2])
    for part, rows in alone.parts(0).items():
        assert np.array_equal(rows, deal.parts(1)[part])


def test_targets_are_in_deviations_or_in_units() -> None:
    targets = np.random.default_rng(1).normal(5, [[3, 20]], size=(40, 2))
    inputs = np.zeros((40, 1))
    scaled = deals.deal(inputs, targets, SEEDS).targets
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(0), 1)
    assert np.array_equal(deals.deal(inputs, targets, SEEDS, raw=True).targets, targets)


def test_rows_of_a_large_table_are_some_of_its_own() -> None:
    table = load_table("wine")
    inputs, targets = deals.rows_of(table, 100)
    whole = np.concatenate([table.train_X, table.test_X])
    labels = np.concatenate([table.train_y, table.test_y])
    pairs = {(*x, *y) for x, y in zip(whole, labels, strict=True)}
    assert len(inputs) == 100
    assert {(*x, *y) for x, y in zip(inputs, targets, strict=True)} <= pairs
    assert len(deals.rows_of(load_table("diabetes"))[0]) == 442


def test_other_rows_can_be_scored_in_place_of_the_training_rows(deal: deals.Deal) -> None:
    other = replace(deal, scored_as_train=[np.arange(4)] * len(SEEDS))
    assert np.array_equal(other.parts(2)["train"], np.arange(4))
    assert np.array_equal(other.parts(2)["test"], deal.tests[2])


def test_the_digest_is_of_values_and_parts(deal: deals.Deal) -> None:
    changed = [
        replace(deal, inputs=deal.inputs + 1),
        replace(deal, targets=deal.targets + 1),
        replace(deal, train=deal.train[::-1]),
        replace(deal, validation=deal.validation[::-1]),
        replace(deal, tests=deal.tests[::-1]),
        replace(deal, scored_as_train=deal.train),
    ]
    assert len({deal.digest, *(one.digest for one in changed)}) == 7
    assert replace(deal).digest == deal.digest
