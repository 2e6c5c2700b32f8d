"""Where a result comes from: settings, data, code, pins, machine; a fingerprint of the first four.

Two results with the same fingerprint were computed from the same settings and data by the same
code, with the same pins of the arithmetic. The code is the trainer, the losses in use, and all that
these rest on; see `definitions`.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info

import gar_verify
from gar_verify.studies import definitions, pins
from gar_verify.training import train

Settings = Mapping[str, Any]
"""Names and plain values: numbers, strings, lists and mappings of them."""

Functions = tuple[Callable[..., Any] | definitions.Definition, ...]


def fingerprint(settings: Settings, functions: Functions = (), device: str = "cpu") -> str:
    """SHA-256 of settings, code and pins, as hexadecimal digits.

    Args:
        settings: everything that determines the result beside code and pins.
        functions: as in `code_version`.
        device: where the result is computed.
    """
    whole = {**settings, "code": code_version(functions), "pins": pins.wanted(device) or device}
    return hashlib.sha256(canonical(whole).encode()).hexdigest()


def canonical(settings: Settings) -> str:
    """Settings as JSON with sorted keys."""
    return json.dumps(settings, sort_keys=True, default=list)


def code_version(functions: Functions = ()) -> str:
    """SHA-256 of the code of the trainer and of some functions, with all that these rest on.

    Raises:
        ValueError: if one of them is not of this package.
    """
    return _digest(tuple(map(definitions.definition_of, (train, *functions))))


def one_code(codes: Iterable[str]) -> str:
    """One digest of the `code_version` of several results."""
    return hashlib.sha256("".join(sorted(set(codes))).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "gar_verify": gar_verify.__version__,
        "torch": torch.__version__,
        "mkl": _mkl(),
        "openblas": " and ".join(sorted({lib["version"] for lib in _openblas()})) or "none",
        "numba": _numba(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def pinned(device: str = "cpu") -> dict[str, str]:
    """What pins the arithmetic of this process, or under ``none`` why nothing does."""
    obstacle = pins.obstacle(device) or _unheeded()
    return {"none": obstacle} if obstacle else pins.wanted(device)


def same_arithmetic(record: Mapping[str, Any]) -> bool:
    """Whether what has this record comes out of this process to the last bit.

    It does with the same pins and libraries.

    Args:
        record: the attributes of a result, with ``pins`` and ``versions`` as JSON.
    """
    try:
        used, stored = json.loads(record["pins"]), json.loads(record["versions"])
    except (KeyError, ValueError):  # computed before there were pins, or on several machines
        return False
    here = versions()
    libraries = all(
        stored.get(name) == here[name] for name in ("torch", "mkl", "openblas", "numba")
    )
    return "none" not in used and used == pinned() and libraries


def machine(device: str) -> dict[str, Any]:
    """The device and the processor, in words."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return {"device": device, "machine": name, "processor": pins.processor()}


@cache
def _digest(roots: tuple[definitions.Definition, ...]) -> str:
    return definitions.SOURCES.digest(roots)


def _unheeded() -> str:
    """Why pins that are set choose nothing here; empty where they do."""
    if not torch.backends.mkl.is_available():
        return "torch is built without MKL"
    if torch.backends.cpu.get_cpu_capability() != "AVX2":
        return "torch was loaded before the pins were set"
    kinds = {library["architecture"] for library in _openblas()}
    if kinds != {pins.ENVIRONMENT["OPENBLAS_CORETYPE"]}:
        return (
            f"numpy multiplies by OpenBLAS for {' and '.join(kinds)}"
            if kinds
            else "numpy multiplies without OpenBLAS"
        )
    return ""


@cache
def _openblas() -> list[dict[str, Any]]:
    return [lib for lib in threadpool_info() if lib["internal_api"] == "openblas"]


def _mkl() -> str:
    found = re.search(r"Math Kernel Library Version (\S+)", torch.__config__.show())
    return found.group(1) if found else "none"


def _numba() -> str:
    try:
        return metadata.version("numba")
    except metadata.PackageNotFoundError:
        return "none"
