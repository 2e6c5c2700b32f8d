"""The compiled reader: the same numbers as the tensor reader, whatever it is asked for."""

from __future__ import annotations

import copy
import math
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import gar_verify
from gar_verify import GARLoss, gar_loss, paths, pearson_loss
from gar_verify.losses import _compiled
from gar_verify.losses.gar import backend, compiled_reader
from gar_verify.losses.gar.kernels import BLOCK
from gar_verify.losses.gar.loss import stacked_gar
from gar_verify.losses.gar.options import CONVENTIONAL, PARTS

pytest.importorskip("numba")

PACKAGE = Path(gar_verify.__file__).parent
TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def value_and_gradient(loss: Any, f: Tensor, y: Tensor, *more: Any) -> tuple[Tensor, Tensor]:
    leaf = f.detach().requires_grad_()
    value = loss(leaf, y, *more)
    (gradient,) = torch.autograd.grad((value * torch.arange(1, 1 + value.numel())).sum(), leaf)
    return value.detach(), gradient


def assert_same_as_torch(loss: Any, f: Tensor, y: Tensor, *more: Any) -> None:
    """Both readers, to a few roundings of the result's dtype."""
    compiled = value_and_gradient(loss, f, y, *more)
    with _compiled.torch_only():
        expected = value_and_gradient(loss, f, y, *more)
    digits = 1e-12 if f.dtype == torch.float64 else 2 * torch.finfo(f.dtype).eps
    for one, two in zip(compiled, expected, strict=True):
        assert one.dtype == two.dtype
        assert one.shape == two.shape
        scale = two.abs().max().item() + 1e-300
        # beyond: what rounding leaves of a gradient that is zero, as that of two samples
        torch.testing.assert_close(one, two, rtol=digits, atol=digits * scale + 1e-13)


def served(loss: GARLoss) -> bool:
    """Whether the compiled reader has served the batches of this loss."""
    plans = loss._setting.plans
    return bool(plans) and all(plan is not None for plan in plans.values())


def batch(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    y = torch.randn(shape, generator=g, dtype=torch.float64)
    return (0.7 * y + torch.randn(shape, generator=g).double() + 0.3).to(dtype), y.to(dtype)


@settings(max_examples=200)
@given(
    st.integers(0, 2**31),
    st.sampled_from([1, 2, 3, 17, 64, 300, BLOCK, BLOCK + 1, 5000]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from(TYPES),
    st.fixed_dictionaries(
        {
            "alpha": st.sampled_from([0.0, 0.1, 0.5, 1.0, 10.0, 1e9, math.inf]),
            "conventional": st.sampled_from(CONVENTIONAL),
            "delta": st.sampled_from([0.3, 2.0]),
            "form": st.sampled_from(["log", "power_mean"]),
            "targets": st.sampled_from(["joint", "per_target"]),
            "parts": st.sampled_from([PARTS, PARTS[:1], PARTS[1:], PARTS[::2], PARTS[2:]]),
        }
    ),
    st.sampled_from(["none", "rows", "all", "zeros", "float32"]),
)
def test_the_same_numbers_as_the_tensor_reader(
    seed: int,
    n: int,
    targets: int | None,
    dtype: torch.dtype,
    options: dict[str, Any],
    weights: str,
) -> None:
    f, y = batch(seed, *((n,) if targets is None else (n, targets)), dtype=dtype)
    g = torch.Generator().manual_seed(seed)
    w = torch.rand(f.shape if weights == "all" else (n,), generator=g) + 0.01
    if weights == "zeros":
        w = w * (torch.rand(n, generator=g) < 0.5)
        w[0] = 1
        f[1:][w[1:] == 0] = math.nan
    loss = GARLoss(**options)
    assert_same_as_torch(
        loss, f, y, None if weights == "none" else w if weights == "float32" else w.double()
    )
    assert served(loss)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_strided_batches(dtype: torch.dtype) -> None:
    f, y = batch(0, 40, 6, dtype=dtype)
    w = torch.rand(80, dtype=dtype)[::2]
    for a, b in ((f[:, 1], y[:, 2]), (f.T.contiguous().T, y), (f[::3], y[::3]), (f.T, y.T)):
        for dim in range(a.ndim):
            loss = GARLoss(dim=dim, targets="per_target")
            assert_same_as_torch(loss, a, b)
            assert served(loss)
    assert_same_as_torch(GARLoss(), f, y, w)
    assert_same_as_torch(GARLoss(), f, y, w.expand(6, 40).T)
    one = torch.randn(1, dtype=dtype).expand(9)
    assert_same_as_torch(GARLoss(), one, batch(1, 9, dtype=dtype)[1])


def test_without_reduction_and_by_a_strided_upstream() -> None:
    f, y = batch(0, 30, 4)
    assert_same_as_torch(GARLoss(targets="per_target", reduction="none"), f, y)
    f.requires_grad_()
    each = gar_loss(f, y, targets="per_target", reduction="none")
    (one,) = torch.autograd.grad(each.sum(), f, retain_graph=True)  # expanded from one number
    (two,) = torch.autograd.grad(each.mean() * 4, f)
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_stacked_form(dtype: torch.dtype) -> None:
    """Each model with its own alpha; one model alone has the same bits as in a stack."""
    f, y = batch(3, 5, 200, 2, dtype=dtype)
    alpha = torch.tensor([0.1, 0.5, 1.0, 3.0, 10.0], dtype=dtype)

    def stacked(f: Tensor, y: Tensor, alpha: Tensor) -> Tensor:
        return stacked_gar(f, y, alpha, reader="auto")

    assert_same_as_torch(stacked, f, y, alpha)
    _value, gradient = value_and_gradient(lambda *a: stacked(*a).sum(), f, y, alpha)
    for i in range(5):
        one = slice(i, i + 1)
        alone = value_and_gradient(lambda *a: stacked(*a).sum(), f[one], y[one], alpha[one])
        assert torch.equal(alone[1], gradient[one])
        assert torch.equal(alone[0], stacked(f, y, alpha)[i])
    trained = stacked_gar(f, y, alpha)
    with _compiled.torch_only():
        assert torch.equal(trained, stacked(f, y, alpha))


def test_the_value_alone_is_that_with_a_gradient() -> None:
    f, y = batch(0, 70)
    with torch.no_grad():
        alone = gar_loss(f, y)
    assert alone.item() == gar_loss(f.requires_grad_(), y).item()


@pytest.mark.parametrize("n", [64, 1025, 4096, 300_000])
def test_exactly_linear_predictions_are_recognised(n: int) -> None:
    """The sums keep the digits that tell rounding from a residual, whatever the length."""
    for seed in range(12):
        y = torch.randn(n, generator=torch.Generator().manual_seed(seed)).double() + 5
        f = 3 * y + 0.5  # exact: the labels have 24 binary digits
        assert pearson_loss(f, y).item() == 0
        assert pearson_loss(-f, y).item() == pytest.approx(2, rel=1e-15)
        assert pearson_loss(f, y, torch.rand(n)).item() == 0


@pytest.mark.parametrize("n", [5, BLOCK, 5000])
def test_a_constant_has_no_direction_in_one_block_or_several(n: int) -> None:
    y = torch.randn(n).double() * 7.3 + 1e6
    flat = torch.full_like(y, 0.1).requires_grad_()
    assert pearson_loss(flat, y).item() == 0.5
    assert pearson_loss(y, flat.detach()).item() == 0.5
    (gradient,) = torch.autograd.grad(pearson_loss(flat, y, torch.rand(n)), flat)
    assert not gradient.any()


def test_invalid_weights_are_named_by_the_compiled_reader_too() -> None:
    f, y = batch(0, 5, 2)
    bad = torch.ones(5, 2, dtype=torch.float64)
    bad[:, 1] = 0
    for w, message in (
        (-torch.ones(5), "from -1 to -1"),
        (torch.zeros(5), "sum 0"),
        (torch.tensor([1.0, math.nan, 1, 1, 1]), "nan"),
        (torch.tensor([1.0, math.inf, 1, 1, 1]), "inf"),
        (bad, "sum 0"),
    ):
        loss = GARLoss()
        with pytest.raises(ValueError, match=f"sample_weight must be finite.*{message}"):
            loss(f, y, w)
        assert served(loss)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_a_used_loss_is_copied_without_its_kernels(again: Any) -> None:
    f, y = batch(0, 9)
    loss = GARLoss(0.3, form="power_mean")
    expected = loss(f, y).item()
    copied = again(loss)
    assert not copied._setting.plans
    assert copied(f, y).item() == expected
    assert len(pickle.dumps(loss)) < 2000


def test_saved_tensors_that_change_are_refused() -> None:
    f, y = batch(0, 9)
    value = gar_loss(f.requires_grad_(), y)
    y += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_second_derivatives_after_a_compiled_first() -> None:
    f, y = batch(0, 8)
    assert torch.autograd.gradgradcheck(lambda x: gar_loss(x, y), f.requires_grad_())


@pytest.mark.parametrize("compiled", [True, False])
def test_a_call_enters_at_most_five_files(compiled: bool) -> None:
    f, y = batch(0, 20)
    f.requires_grad_()
    gar_loss(f, y)
    entered: set[str] = set()

    def profile(frame: Any, event: str, argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.parent == Path(compiled_reader.__file__).parent:
            entered.add(path.name)

    def call() -> None:
        sys.setprofile(profile)
        gar_loss(f, y)
        sys.setprofile(None)

    if compiled:
        call()
        assert "tensor_reader.py" not in entered
    else:
        with _compiled.torch_only():
            call()
        assert "tensor_reader.py" in entered
    assert 3 <= len(entered) <= 5, entered


# --- without a compiler ---------------------------------------------------------------------------


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing compiled so far in this process, nor after the test."""
    monkeypatch.setattr(_compiled.STATUS, "failure", None)
    compiled_reader._kernels.cache_clear()
    yield
    compiled_reader._kernels.cache_clear()


def test_without_numba_torch_serves(forgetful: None, monkeypatch: pytest.MonkeyPatch) -> None:
    f, y = batch(0, 20)
    expected = gar_loss(f, y).item()
    compiled_reader._kernels.cache_clear()
    monkeypatch.setitem(sys.modules, "numba", None)
    assert backend() == ("torch", "numba is not installed: pip install 'gar_verify[fast]'")
    assert gar_loss(f, y).item() == pytest.approx(expected, rel=1e-15)
    assert backend() == ("torch", "numba is not installed: pip install 'gar_verify[fast]'")


@pytest.mark.parametrize("where", ["loading", "running"])
def test_with_a_broken_compiler_torch_serves_and_says_why(
    forgetful: None, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    f, y = batch(0, 20)
    expected = gar_loss(f, y).item()
    compiled_reader._kernels.cache_clear()

    def broken(*arguments: Any) -> Any:
        raise OSError("no libLLVM here\nmore of it")

    if where == "loading":
        monkeypatch.setattr(_compiled, "_compile", broken)
    else:
        monkeypatch.setattr(compiled_reader, "_try_out", broken)
    loss = GARLoss()
    with pytest.warns(RuntimeWarning, match="numba failed: OSError: no libLLVM here; gar_verify"):
        assert loss(f, y).item() == pytest.approx(expected, rel=1e-15)
    assert loss(f, y).item() == pytest.approx(expected, rel=1e-15)
    assert backend() == ("torch", "numba failed: OSError: no libLLVM here")


def test_importing_the_loss_does_not_import_numba() -> None:
    code = (
        "import sys; from gar_verify import GARLoss; loss = GARLoss(); "
        "assert not {'numba', 'llvmlite', 'sympy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the cache on disk ----------------------------------------------------------------------------


def run(code: str, root: Path, cache: Path) -> list[str]:
    """What a fresh process prints that has the package of ``root`` and this cache."""
    environment = {**os.environ, "PYTHONPATH": str(root), "GAR_VERIFY_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=root,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


CALL = """
import torch
from gar_verify import GARLoss
from gar_verify.losses.gar import backend
f = torch.tensor([1.0, 2.0, 4.0, 3.0], requires_grad=True)
loss = GARLoss(form="power_mean", parts=("error_variance",))
value = loss(f, torch.tensor([1.0, 2.0, 3.0, 4.0]))
value.backward()
print(value.item(), [round(x, 9) + 0.0 for x in f.grad.tolist()])
print(*backend())
from gar_verify.losses.gar import compiled_reader
print(compiled_reader._kernels(torch.float32, None).evaluate.stats.cache_hits)
"""


VALUE_ALONE = """
import torch
from gar_verify import GARLoss
from gar_verify.losses.gar import compiled_reader
compiled_reader._try_out = lambda *kernels: None  # or the gradient is compiled as well, for seconds
f, y = torch.tensor([[1.0, 2.0, 4.0, 3.0], [1.0, 2.0, 3.0, 4.0]])
print(GARLoss(form="power_mean", parts=("error_variance",))(f, y).item())
print(compiled_reader._kernels(torch.float32, None).evaluate.stats.cache_hits)
"""


@pytest.mark.slow
def test_an_edit_of_the_formulas_is_followed(tmp_path: Path) -> None:
    """Though the file keeps its size and time stamp, and the edited function is only called."""
    root, cache = tmp_path / "copy", tmp_path / "cache"
    shutil.copytree(
        PACKAGE, root / "gar_verify", ignore=shutil.ignore_patterns("__pycache__", "*.json")
    )
    compiled_reader._kernels.cache_clear()
    gar_loss(*batch(0, 9, dtype=torch.float32))  # compiled here, or read from the tests' cache
    shutil.copytree(paths.kernels(), cache / "kernels")
    value, reason, hits, _ = run(CALL, root, cache)
    assert value == "0.5 [0.0, 0.0, 0.5, -0.5]"
    assert reason.startswith("compiled")
    assert hits != "Counter()"
    formulas = root / "gar_verify" / "formulas.py"
    before = formulas.stat()
    text = formulas.read_text()
    edited = text.replace("return m.var_r + square(m.slope)", "return m.var_y + square(m.slope)")
    assert len(edited) == len(text)
    assert edited != text
    formulas.write_text(edited)
    os.utime(formulas, ns=(before.st_atime_ns, before.st_mtime_ns))
    # Python's own cache goes by the time stamp
    shutil.rmtree(root / "gar_verify" / "__pycache__", ignore_errors=True)
    value, hits, _ = run(VALUE_ALONE, root, cache)
    assert float(value) != 0.5
    assert hits == "Counter()"


def twice(x: float) -> float:
    return 2 * x + OFFSET


OFFSET = 1.0


def entry(x: float) -> float:
    return twice(x)


def thrice(x: float) -> float:
    return 3 * x + OFFSET


def hits(variant: dict[str, Any] | None = None) -> tuple[float, int]:
    """What `entry` gives for 1, and how often it was found on the disk."""
    loaded = _compiled.load([entry], variant)
    assert loaded is not None
    return loaded[0](1.0), sum(loaded[0].stats.cache_hits.values())


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAR_VERIFY_CACHE", str(tmp_path))
    return tmp_path / "kernels"


def test_a_kernel_is_found_again_only_if_all_that_it_reaches_is_the_same(kernels: Path) -> None:
    assert hits() == (3.0, 0)
    assert hits() == (3.0, 1)
    assert hits({"OFFSET": 2.0}) == (4.0, 0)
    assert hits({"twice": thrice}) == (4.0, 0)
    twice.__dict__["reordered_sums"] = True
    assert hits() == (3.0, 0)
    del twice.__dict__["reordered_sums"]
    assert hits() == (3.0, 1)
    assert len(list(kernels.iterdir())) == 4


def test_where_the_cache_cannot_be_written(kernels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compiled.STATUS, "unwritable", None)
    kernels.write_text("")
    assert hits() == (3.0, 0)
    assert hits() == (3.0, 0)
    name, reason = backend()
    assert name == "compiled"
    assert "compiled in each process: [Errno 17] File exists" in reason


TWO = """
import math
from gar_verify.losses import _compiled

OFFSET = 1.0

def large(x):  # or it becomes a part of what calls it, and has no name
    total = x
    for i in range(7):
        for j in range(i):
            total += math.sin(total * j) + math.cos(total - i) * math.exp(-total * total)
            total = math.tan(j) + math.sqrt(total) if total > 100 else math.atan(total)
    return 0 * total + 2 * x + OFFSET

def entry(x):
    return large(x) + 0 * large(3 * x)

for offset in (1.0, 2.0):
    (kernel,) = _compiled.load([entry], {"OFFSET": offset})
    print(kernel(1.0), sum(kernel.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_kernels_read_from_the_disk_keep_apart(tmp_path: Path) -> None:
    """Each compiled in a process of its own: their functions have one name, and not one meaning."""
    for alone, said in (("(1.0,)", "3.0 0"), ("(2.0,)", "4.0 0")):
        assert run(TWO.replace("(1.0, 2.0)", alone), PACKAGE.parent, tmp_path)[:-1] == [said]
    assert run(TWO, PACKAGE.parent, tmp_path)[:-1] == ["3.0 1", "4.0 1"]


def test_a_profiler_leaves_the_key_of_a_kernel_alone(kernels: Path) -> None:
    """While one is at work, numba writes into the flags of the function that it calls."""
    assert hits() == (3.0, 0)
    sys.setprofile(lambda frame, event, argument: None)
    try:
        assert hits() == (3.0, 1)
    finally:
        sys.setprofile(None)
    assert hits() == (3.0, 1)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_kernel_is_compiled_again(kernels: Path, damage: str) -> None:
    assert hits() == (3.0, 0)
    (path,) = kernels.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[-20] ^= 1
    path.write_bytes(content[: {"cut": 100, "flipped": None, "empty": 0}[damage]])
    assert hits() == (3.0, 0)
    assert hits() == (3.0, 1)


def in_a_process(number: int) -> list[float]:
    f, y = batch(number, 2000, 2)
    found = value_and_gradient(GARLoss(), f, y)
    return [hits()[0], found[0].item(), found[1].sum().item(), found[1].abs().max().item()]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_several_processes_and_threads_at_once(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All read the large kernels, and are the first to compile a small one."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    compiled_reader._kernels.cache_clear()
    gar_loss(*batch(0, 9))  # compiled here, or read from this run's cache
    shutil.copytree(paths.kernels(), tmp_path / "kernels")
    monkeypatch.setenv("GAR_VERIFY_CACHE", str(tmp_path))
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(in_a_process, range(8)))
    expected = [in_a_process(i) for i in range(8)]
    assert found == expected
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(in_a_process, range(8))) == expected
