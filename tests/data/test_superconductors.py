import numpy as np
import pandas as pd
import pytest

from gar_verify import data, paths
from gar_verify.data import superconductors
from gar_verify.data.table import column, digest
from gar_verify.studies import tabular
from gar_verify.studies.methods import is_competitor, label, tabular_methods


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with a small part of Superconductivity and a small SuperCon."""
    rng = np.random.default_rng(0)
    (tmp_path / "superconductivity").mkdir()
    x, y = rng.normal(size=(60, 5)), rng.uniform(0, 100, 60)
    pd.DataFrame(x, columns=list("abcde")).assign(critical_temp=y).to_csv(
        tmp_path / superconductors.PART, index=False
    )
    elements = rng.integers(0, 17, 60)
    np.savez(tmp_path / superconductors.SUPERCON, X=x.astype(np.float32), y=y, groups=elements)
    frame = pd.read_csv(tmp_path / superconductors.PART)
    sums = {
        superconductors.PART: digest(
            frame[list("abcde")].to_numpy(), column(frame["critical_temp"])
        ),
        superconductors.SUPERCON: digest(x.astype(np.float32), column(y)),
    }
    monkeypatch.setattr(superconductors, "CHECKSUMS", sums)
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path))
    return tmp_path, x, y, elements


def test_the_part_stands_in_for_the_whole_and_says_so(folder):
    table = data.load_table("superconductivity")
    assert (table.train_X.shape, table.test_X.shape) == ((48, 5), (12, 5))
    assert np.concatenate([table.train_X, table.test_X]).mean(0) == pytest.approx(0, abs=1e-12)
    assert sorted(np.concatenate([table.train_y, table.test_y]).ravel()) == pytest.approx(
        sorted(folder[2])
    )
    for words in ("60 of the 21263 rows", "not the paper's table", "split of ours"):
        assert words in table.source
    assert data.place("superconductivity") == folder[0] / superconductors.PART


def test_no_set_of_elements_is_in_two_parts(folder):
    _, x, y, elements = folder
    by_row = {x[i].astype(np.float32).tobytes(): elements[i] for i in range(len(x))}
    assert len(by_row) == len(x)
    table = data.load_table("supercon_elements")
    at_test = {e for e, value in zip(elements, y, strict=True) if value in table.test_y}
    assert not at_test & set(table.train_groups)
    assert len(table.test_y) >= 12
    assert [elements[np.flatnonzero(y == value)[0]] for value in table.train_y.ravel()] == list(
        table.train_groups
    )
    folds = tabular.folds(table, 5)
    for train, validation in zip(folds.train, folds.validation, strict=True):
        assert not set(table.train_groups[train]) & set(table.train_groups[validation])
        assert len(train) + len(validation) == len(table.train_y)


def test_split_by_rows_mixes_sets_of_elements_and_scales_on_the_training_part(folder):
    table = data.load_table("supercon")
    assert table.train_groups is None
    assert len(table.test_y) == 12
    assert table.train_X.mean(0) == pytest.approx(0, abs=1e-12)
    assert abs(table.test_X.mean(0)).max() > 1e-3
    assert "by rows" in table.source


@pytest.mark.parametrize("name", ["superconductivity", *data.SUPERCON_TABLES])
def test_other_values_are_refused_by_name(folder, monkeypatch, name):
    monkeypatch.setattr(superconductors, "CHECKSUMS", dict.fromkeys(superconductors.CHECKSUMS, "x"))
    with pytest.raises(data.DataError, match=r"(subset|supercon).* has 60 rows and 5 features"):
        data.load_table(name)


def test_a_damaged_part_is_refused_by_name(folder):
    (folder[0] / superconductors.PART).write_bytes(b"\x1f\x8b no gzip")
    with pytest.raises(data.DataError, match=r"subset_4252\.csv\.gz is not a part"):
        data.load_table("superconductivity")


def test_where_nothing_is_it_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path))
    with pytest.raises(data.DataError, match=r"lacks it\. Put .*supercon_stanev\.npz, into"):
        data.load_table("supercon")
    with pytest.raises(data.DataError, match="not available"):
        data.place("supercon_elements")


def test_rates_of_superconductivity_are_those_of_the_released_script():
    settings = tabular.protocol("superconductivity")
    methods = tabular_methods(tabular.methods_of("superconductivity"), 100)
    rates = {
        method.name: tabular.learning_rates(method, settings, "superconductivity")
        for method in methods
    }
    small, large = (1e-3, 1e-4, 1e-5), (1e-1, 1e-2, 1e-3)
    usual = {"rnc", "gar_large_rates", "gar_released_large_rates"}
    assert rates == {name: large if name in usual else small for name in rates}
    assert {"gar", "gar_released", *usual} <= set(rates)
    quick = tabular.protocol("superconductivity", quick=True)
    assert [tabular.learning_rates(m, quick, "superconductivity") for m in methods] == [
        (1e-2,) if m.name in usual else (1e-4,) for m in methods
    ]


def test_gar_at_other_rates_is_no_competitor_of_gar():
    assert not is_competitor("gar_large_rates", "gar")
    assert not is_competitor("gar_large_rates", "gar_released")
    assert is_competitor("mae", "gar_large_rates")
    assert label("gar_released_large_rates") == "GAR (released, large rates)"
    assert label("gar_large_rates") == "GAR (large rates)"
