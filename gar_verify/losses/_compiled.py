"""Plain functions compiled by numba for the CPU, when they are called first.

A kernel is a function with all that it calls, compiled as they stand in the source. What was
compiled lies in the user's cache for the next process, one file for each kernel, named by a hash of
everything that entered it (bytecode and constants of all functions reached, the types of the
arguments, the processor, numba's version) and sealed by a hash of its own bytes. So a file never
serves other sources, a half-written or foreign one is not read, and where the cache cannot be
written the kernel is compiled again in each process.

Without numba, or where it fails, `load` says so once and for all, and the callers go on in torch.
"""

from __future__ import annotations

import builtins
import hashlib
import pickle
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, TypeVar

from gar_verify import paths
from gar_verify._files import atomic_write

F = TypeVar("F", bound=Callable[..., Any])


class Backend(NamedTuple):
    """What evaluates a batch on the CPU, and why."""

    name: str
    """``"compiled"`` or ``"torch"``."""
    reason: str


class _State:
    lock = threading.RLock()
    failure: str | None = None
    """Why nothing is compiled any more."""
    unwritable: str | None = None
    """Why nothing is stored."""


def reordered_sums(function: F) -> F:
    """Mark a function whose sums may be taken in any order, which lets them be vectorised.

    Holds for the operations written in the function itself, not for those of functions it calls:
    centring and residuals, whose last digits count, belong into functions of their own.
    """
    function.__dict__["reordered_sums"] = True
    return function


carray: Any = None
pointer_to_float32: Any = None
pointer_to_float64: Any = None
"""These three are numba's, in compiled code."""


def float32_at(address: int, size: int) -> Any:
    """In compiled code: the array of float32 at an address."""
    return carray(pointer_to_float32(address), size)


def float64_at(address: int, size: int) -> Any:
    """In compiled code: the array of float64 at an address."""
    return carray(pointer_to_float64(address), size)


def available() -> bool:
    """Whether nothing has spoken against compiling so far."""
    return _State.failure is None


@contextmanager
def torch_only() -> Iterator[None]:
    """Nothing is compiled or runs compiled inside, in any thread: for tests and measurements."""
    before = _State.failure
    _State.failure = "switched off by torch_only()"
    try:
        yield
    finally:
        _State.failure = before


def backend() -> Backend:
    """What evaluates a batch on the CPU in eager mode, and why.

    >>> backend().name in ("compiled", "torch")
    True
    """
    if _State.failure is not None:
        return Backend("torch", _State.failure)
    if not find_spec("numba"):
        return Backend("torch", "numba is not installed: pip install 'gar_verify[fast]'")
    stored = _State.unwritable or f"kernels are stored in {paths.kernels()}"
    return Backend("compiled", f"numba is installed; {stored}")


def load(
    entries: Sequence[Callable[..., Any]], variant: Mapping[str, Any] | None = None
) -> list[Any] | None:
    """Functions with all that they call, compiled; None where that is not possible.

    Args:
        entries: functions of numbers and arrays; every call of one must have the same types.
        variant: other values for global names that the functions use.
    """
    if _State.failure is not None:
        return None
    with _State.lock:
        try:
            return _compile(entries, variant or {})
        except Exception as error:
            give_up(error)
            return None


def give_up(error: Exception) -> None:
    """Use torch from now on, and say why unless numba is just not there."""
    with _State.lock:
        if isinstance(error, ModuleNotFoundError) and error.name == "numba":
            _State.failure = "numba is not installed: pip install 'gar_verify[fast]'"
            return
        words = str(error).strip().splitlines() or [""]
        _State.failure = f"numba failed: {type(error).__name__}: {words[0]}"
    warnings.warn(
        f"{_State.failure}; gar_verify goes on with torch, with the same values in more time",
        RuntimeWarning,
        stacklevel=3,
    )


def _compile(entries: Sequence[Callable[..., Any]], variant: Mapping[str, Any]) -> list[Any]:
    import numba

    space: dict[str, Any] = {"carray": numba.carray, **variant}
    for name in ("float32", "float64"):
        space.setdefault(f"pointer_to_{name}", _pointer_to(getattr(numba.types, name)))
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    tree = _Tree(numba.njit, entries, space, digest)
    compiled = [tree.of(entry) for entry in entries]
    for entry, kernel in zip(entries, compiled, strict=True):
        kernel._cache = _disk_cache(entry.__name__, digest.hexdigest())
    return compiled


class _Tree:
    """Copies of functions that see compiled copies of the functions they call."""

    def __init__(
        self,
        njit: Callable[..., Any],
        entries: Sequence[Callable[..., Any]],
        variant: Mapping[str, Any],
        digest: Any,
    ) -> None:
        self.njit, self.entries, self.variant, self.digest = njit, entries, variant, digest
        self.done: dict[Callable[..., Any], Any] = {}

    def of(self, function: Callable[..., Any]) -> Any:
        if function in self.done:
            return self.done[function]
        assert isinstance(function, FunctionType)
        fast = {"reassoc", "nsz"} if getattr(function, "reordered_sums", False) else False
        code, known = function.__code__, {**function.__globals__, **self.variant}
        space: dict[str, Any] = {"__builtins__": builtins, "__name__": function.__module__}
        copy = FunctionType(code, space, function.__name__, function.__defaults__)
        self.done[function] = self.njit(
            copy,
            error_model="numpy",
            nogil=True,
            fastmath=fast,
            no_cpython_wrapper=function not in self.entries,
            no_cfunc_wrapper=True,
        )
        self._enter(function.__name__, bool(fast), function.__defaults__, *_parts(code))
        for name in sorted(_names(code) & known.keys()):
            value = known[name]
            if isinstance(value, FunctionType) and value.__module__.split(".")[0] != "numba":
                value = self.of(value)
            else:
                self._enter(name, _description(value))
            space[name] = value
        return self.done[function]

    def _enter(self, *parts: Any) -> None:
        self.digest.update(repr(parts).encode())


def _parts(code: CodeType) -> list[Any]:
    """What a function computes, without where it stands."""
    constants = [_parts(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return [code.co_code, code.co_flags, code.co_argcount, names, constants]


def _names(code: CodeType) -> set[str]:
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _description(value: object) -> str:
    if isinstance(value, ModuleType):
        return f"{value.__name__} {getattr(value, '__version__', '')}"
    if isinstance(value, type):
        return f"{value.__name__} {getattr(value, '_fields', '')}"
    if isinstance(value, (bool, int, float, str, tuple)):
        return repr(value)
    return type(value).__name__


def _pointer_to(kind: Any) -> Any:
    """A function of compiled code: the pointer of an address."""
    from numba import types
    from numba.extending import intrinsic

    def pointer(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            wanted = context.get_value_type(signature.return_type)
            return builder.inttoptr(arguments[0], wanted)

        return types.CPointer(kind)(address), generate

    return intrinsic(pointer)


def _disk_cache(name: str, digest: str) -> Any:
    """Where numba looks for a kernel before it compiles, and puts it afterwards."""
    from numba.core.caching import NullCache
    from numba.core.compiler import CompileResult
    from numba.core.serialize import dumps

    class DiskCache(NullCache):
        def _path(self, signature: Any, codegen: Any) -> Any:
            key = hashlib.sha256(repr((digest, signature, codegen.magic_tuple())).encode())
            return paths.kernels() / f"{name}-{key.hexdigest()[:32]}.nbc"

        def load_overload(self, signature: Any, context: Any) -> Any:
            context.refresh()
            try:
                content = self._path(signature, context.codegen()).read_bytes()
                seal, payload = content[:32], content[32:]
                if hashlib.sha256(payload).digest() != seal:
                    return None
                return CompileResult._rebuild(context, *pickle.loads(payload))
            except Exception:  # whatever is wrong with the file, the sources are there
                return None

        def save_overload(self, signature: Any, result: Any) -> None:
            if result.library.has_dynamic_globals:
                return
            payload = dumps(result._reduce())
            try:
                path = self._path(signature, result.codegen)
                atomic_write(path, hashlib.sha256(payload).digest() + payload)
            except OSError as error:
                _State.unwritable = f"kernels are compiled in each process: {error}"

    return DiskCache()
