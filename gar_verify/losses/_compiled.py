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


class STATUS:
    """What has gone wrong so far, in this process."""

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


@contextmanager
def torch_only() -> Iterator[None]:
    """Nothing is compiled or runs compiled inside, in any thread: for tests and measurements."""
    before = STATUS.failure
    STATUS.failure = "switched off by torch_only()"
    try:
        yield
    finally:
        STATUS.failure = before


def backend() -> Backend:
    """What evaluates a batch on the CPU in eager mode, and why.

    >>> backend().name in ("compiled", "torch")
    True
    """
    if STATUS.failure is not None:
        return Backend("torch", STATUS.failure)
    if not find_spec("numba"):
        return Backend("torch", "numba is not installed: pip install 'gar_verify[fast]'")
    stored = STATUS.unwritable or f"kernels are stored in {paths.kernels()}"
    return Backend("compiled", f"numba is installed; {stored}")


def load(
    entries: Sequence[Callable[..., Any]], variant: Mapping[str, Any] | None = None
) -> list[Any] | None:
    """Functions with all that they call, compiled; None where that is not possible.

    Args:
        entries: functions of numbers and arrays; every call of one must have the same types.
        variant: other values for global names that the functions use.
    """
    if STATUS.failure is not None:
        return None
    with STATUS.lock:
        try:
            return _compile(entries, variant or {})
        except Exception as error:
            give_up(error)
            return None


def give_up(error: Exception) -> None:
    """Use torch from now on, and say why unless numba is just not there."""
    with STATUS.lock:
        if isinstance(error, ModuleNotFoundError) and error.name == "numba":
            STATUS.failure = "numba is not installed: pip install 'gar_verify[fast]'"
            return
        words = str(error).strip().splitlines() or [""]
        STATUS.failure = f"numba failed: {type(error).__name__}: {words[0]}"
    warnings.warn(
        f"{STATUS.failure}; gar_verify goes on with torch, with the same values in more time",
        RuntimeWarning,
        stacklevel=3,
    )


def _compile(entries: Sequence[Callable[..., Any]], variant: Mapping[str, Any]) -> list[Any]:
    import numba

    njit: Callable[..., Any] = numba.njit
    given: dict[str, Any] = {"carray": numba.carray, **variant}
    for name in ("float32", "float64"):
        given.setdefault(f"pointer_to_{name}", _pointer_to(getattr(numba.types, name)))
    reached = _Reached(given)
    settings = (numba.__version__, numba.config.OPT, numba.config.BOUNDSCHECK, sys.version)
    reached.enter(*settings)
    for entry in entries:
        reached.add(entry)
    key = reached.digest.hexdigest()
    compiled = {
        function: njit(
            _copied(function, space, key),
            error_model="numpy",
            nogil=True,
            fastmath={"reassoc", "nsz"} if _reordered(function) else False,
            no_cpython_wrapper=function not in entries,
            no_cfunc_wrapper=True,
        )
        for function, space in reached.spaces.items()
    }
    for space in reached.spaces.values():
        for name, value in space.items():
            if isinstance(value, FunctionType):
                space[name] = compiled.get(value, value)
    for entry in entries:
        compiled[entry]._cache = _disk_cache(entry.__name__, key)
    return [compiled[entry] for entry in entries]


class _Reached:
    """The functions that are called, each with the global names it sees, and a digest of all."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.digest = hashlib.sha256()
        self.spaces: dict[Callable[..., Any], dict[str, Any]] = {}

    def add(self, function: Callable[..., Any]) -> None:
        if function in self.spaces:
            return
        assert isinstance(function, FunctionType)
        code, known = function.__code__, {**function.__globals__, **self.given}
        space = {name: known[name] for name in sorted(_names(code) & known.keys())}
        self.spaces[function] = space
        self.enter(function.__name__, _reordered(function), function.__defaults__, *_parts(code))
        for name, value in space.items():
            if isinstance(value, FunctionType) and value.__module__.split(".")[0] != "numba":
                self.enter(name, value.__name__)
                self.add(value)
            else:
                self.enter(name, _description(value))

    def enter(self, *parts: Any) -> None:
        self.digest.update(repr(parts).encode())


def _copied(function: Callable[..., Any], space: dict[str, Any], key: str) -> FunctionType:
    """The function with global names of its own.

    Its name holds the key: two kernels of one name would share their machine code when both are
    read from the disk. Its code is a copy too: numba writes into the flags of what runs under a
    profiler, and the digest of the original would be another afterwards.
    """
    assert isinstance(function, FunctionType)
    space |= {"__builtins__": builtins, "__name__": function.__module__}
    code = function.__code__.replace()
    copy = FunctionType(code, space, function.__name__, function.__defaults__)
    copy.__qualname__ = f"{function.__name__}_{key[:16]}"
    return copy


def _reordered(function: Callable[..., Any]) -> bool:
    return bool(getattr(function, "reordered_sums", False))


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

    class DiskCache(NullCache):  # type: ignore[misc]  # without types
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
                STATUS.unwritable = f"kernels are compiled in each process: {error}"

    return DiskCache()
