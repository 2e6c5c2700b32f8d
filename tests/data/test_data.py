import hashlib

import numpy as np
import pytest

from gar_verify import data, paths
from gar_verify.data.table import Table, zscore


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path))
    return tmp_path


def table(**changes) -> Table:
    values = {"train_X": np.eye(4), "train_y": np.ones((4, 1)), "test_X": np.eye(4)[:2]}
    values |= {"test_y": np.ones((2, 1)), "name": "toy", "source": "", "target": "", "unit": ""}
    return Table(**(values | changes))


def test_sine_is_generated_and_split_as_published(folder):
    sine = data.load_table("sine")
    x = np.sort(np.concatenate([sine.train_X, sine.test_X]).ravel())
    assert len(sine.test_X) == 314
    assert x == pytest.approx(-10 * np.pi + 0.1 * np.arange(629), abs=1e-10)
    assert sine.test_y == pytest.approx(np.sin(sine.test_X))
    assert sine.source == "generated; published split (NumPy's RandomState(1))"
    assert "not the published one" in data.load_table("squared_sine").source


def test_published_split_is_used_where_the_folder_has_it(folder):
    ids = np.arange(629)[::-1]
    np.savez(folder / "sine.npz", ids=ids)
    sine = data.load_table("sine")
    assert "published split" in sine.source
    assert sine.test_X[0, 0] == pytest.approx(-10 * np.pi + 62.8)


def test_ids_that_are_no_permutation_are_refused(folder):
    np.savez(folder / "squared_sine.npz", ids=np.zeros(2048, dtype=int))
    with pytest.raises(data.DataError, match=r"expected a permutation of 0\.\.2047"):
        data.load_table("squared_sine")


def test_squared_sine_grows_with_its_square():
    curve = data.load_table("squared_sine")
    x = np.concatenate([curve.train_X, curve.test_X])
    y = np.concatenate([curve.train_y, curve.test_y])
    assert y.shape == (2048, 1)
    assert y[x == -32] == pytest.approx(2 * np.sin(-32))
    assert y[x == 16] == pytest.approx(0.5 * np.sin(16))


def test_diabetes_is_always_there_and_always_the_same():
    diabetes = data.load_table("diabetes")
    assert diabetes.train_X.shape == (354, 10)
    assert diabetes.test_y.shape == (88, 1)
    assert diabetes.checksum == data.load_table("diabetes").checksum
    everything = np.concatenate([diabetes.train_X, diabetes.test_X])
    assert everything.std(0) == pytest.approx(1)


def test_raw_rows_are_scaled_and_split_by_their_ids(folder):
    rng = np.random.default_rng(0)
    raw, y, ids = rng.normal(5, 2, (50, 3)), rng.normal(size=(50, 2)), rng.permutation(50)
    np.savez(folder / "parkinsons_telemonitoring.npz", X=raw, y=y, ids=ids)
    total = data.load_table("parkinsons_total")
    assert total.test_X == pytest.approx(zscore(raw)[ids[:10]])
    assert total.train_y[:, 0] == pytest.approx(y[ids[10:], 1])


def test_absent_table_says_what_to_do(monkeypatch):
    monkeypatch.delenv(paths.DATA_VARIABLE, raising=False)
    with pytest.raises(
        data.DataError, match=r"GAR_VERIFY_DATA is not set.*concrete\.npz.*diabetes"
    ):
        data.load_table("concrete")
    assert not data.is_available("concrete")


def test_unknown_table_lists_the_known_ones():
    with pytest.raises(data.DataError, match="no table 'sin'; choose one of sine, squared_sine"):
        data.load_table("sin")


def test_damaged_file_is_named(folder):
    (folder / "concrete.npz").write_bytes(b"PK not really")
    with pytest.raises(data.DataError, match=r"concrete\.npz cannot be read"):
        data.load_table("concrete")


def test_pickled_arrays_are_refused(folder):
    np.savez(folder / "concrete.npz", **dict.fromkeys(KEYS, np.array([object()])))
    with pytest.raises(data.DataError, match="cannot be read"):
        data.load_table("concrete")


KEYS = ("train_X", "train_y", "test_X", "test_y")


def test_missing_array_is_named(folder):
    np.savez(folder / "wine_quality.npz", train_X=np.eye(2))
    with pytest.raises(data.DataError, match=r"but not \['train_y', 'test_X', 'test_y'\]"):
        data.load_table("wine")


def test_table_refuses_what_does_not_fit():
    with pytest.raises(data.DataError, match=r"train_y has shape \(4,\)"):
        table(train_y=np.ones(4))
    with pytest.raises(data.DataError, match=r"test_X has shape \(2, 4\) and test_y \(3, 1\)"):
        table(test_y=np.ones((3, 1)))
    with pytest.raises(data.DataError, match="not finite"):
        table(train_y=np.full((4, 1), np.nan))


def test_table_is_read_only_and_checksummed():
    toy = table()
    with pytest.raises(ValueError, match="read-only"):
        toy.train_X[0, 0] = 2
    assert len(toy.checksum) == len(hashlib.sha256().hexdigest())
    assert toy.checksum != table(train_y=np.zeros((4, 1))).checksum


def test_scaling_on_the_training_part_undoes_any_earlier_scaling():
    rng = np.random.default_rng(1)
    raw = rng.normal(3, 2, (30, 4))
    train, test = raw[:20], raw[20:]
    rows = {"train_y": np.ones((20, 1)), "test_y": np.ones((10, 1))}
    scaled = zscore(raw)
    constant = np.full((1000, 1), 0.1)  # whose computed deviation is not exactly 0
    assert (zscore(constant) == 0).all()
    assert (zscore(np.array([[0.1], [7.0]]), constant) == 0).all()
    leaky = table(train_X=scaled[:20], test_X=scaled[20:], **rows)
    clean = table(train_X=train, test_X=test, **rows)
    for part in ("train_X", "test_X"):
        expected = getattr(clean.scaled_on_training_part(), part)
        assert getattr(leaky.scaled_on_training_part(), part) == pytest.approx(expected)


@pytest.mark.skipif(not data.is_available("concrete"), reason="GAR_VERIFY_DATA has no Concrete")
def test_real_concrete():
    concrete = data.load_table("concrete")
    assert concrete.train_X.shape == (824, 8)
    assert concrete.test_y.shape == (206, 1)
    assert concrete.checksum == digest_of_concrete


digest_of_concrete = "7912a886081ec1fe1ca15dc0e1eb3249294c3e1e571e104d048ee8cedfbcf008"
