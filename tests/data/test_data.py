import hashlib
import lzma

import numpy as np
import pytest

from gar_verify import data, paths
from gar_verify.data import real, uci
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
    assert data.load_table("squared_sine").source == "generated; published split (stored rows)"


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
        data.DataError, match=r"GAR_VERIFY_DATA is not set.*fetch superconductivity.*'concrete'"
    ):
        data.load_table("superconductivity")
    assert not data.is_available("superconductivity")


@pytest.mark.parametrize("name", ["concrete", "wine", "parkinsons_motor", "parkinsons_total"])
def test_the_papers_tables_need_no_folder_and_no_network(name, monkeypatch):
    monkeypatch.delenv(paths.DATA_VARIABLE, raising=False)
    original = real.REAL_TABLES[name].original
    table = data.load_table(name)
    assert len(table.train_X) + len(table.test_X) == original.rows
    assert data.place(name) == original.packaged
    told = uci.TABLES.joinpath("README.md").read_text(encoding="utf8")
    checksum = hashlib.sha256(lzma.decompress(original.packaged.read_bytes())).hexdigest()
    assert f"{checksum}  {original.file}\n" in told
    assert f"https://doi.org/{original.doi}" in told
    assert "CC BY 4.0" in told


def test_unknown_table_lists_the_known_ones():
    with pytest.raises(data.DataError, match="no table 'sin'; choose one of sine, squared_sine"):
        data.load_table("sin")


PARKINSONS = "parkinsons_telemonitoring.npz"


def test_damaged_file_is_named(folder):
    (folder / PARKINSONS).write_bytes(b"PK not really")
    with pytest.raises(data.DataError, match=r"parkinsons.*\.npz cannot be read"):
        data.load_table("parkinsons_motor")


@pytest.mark.parametrize("damage", [lambda packed: packed[:2000], lambda packed: b"no xz"])
def test_a_damaged_package_is_named(damage, tmp_path, monkeypatch):
    packed = uci.ORIGINALS["concrete"].packaged.read_bytes()
    (tmp_path / "concrete.csv.xz").write_bytes(damage(packed))
    monkeypatch.setattr(uci, "TABLES", tmp_path)
    with pytest.raises(data.DataError, match=r"concrete\.csv\.xz.*install gar_verify again"):
        data.load_table("concrete")


def test_pickled_arrays_are_refused(folder):
    np.savez(folder / PARKINSONS, **dict.fromkeys(("X", "y", "ids"), np.array([object()])))
    with pytest.raises(data.DataError, match="cannot be read"):
        data.load_table("parkinsons_motor")


def test_missing_array_is_named(folder):
    np.savez(folder / PARKINSONS, X=np.eye(2))
    with pytest.raises(data.DataError, match=r"but not \['y', 'ids'\]"):
        data.load_table("parkinsons_motor")


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


def test_real_concrete():
    concrete = data.load_table("concrete")
    assert concrete.train_X.shape == (824, 8)
    assert concrete.test_y.shape == (206, 1)
    assert concrete.checksum == digest_of_concrete


digest_of_concrete = "7912a886081ec1fe1ca15dc0e1eb3249294c3e1e571e104d048ee8cedfbcf008"


def test_without_the_authors_file_parkinsons_says_that_the_split_is_ours(monkeypatch):
    monkeypatch.delenv(paths.DATA_VARIABLE, raising=False)
    assert "split of ours" in data.load_table("parkinsons_total").source
