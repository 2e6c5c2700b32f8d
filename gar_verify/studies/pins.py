"""What chooses the arithmetic of a CPU, pinned: one table on every x86-64 machine with AVX2.

torch, MKL, OpenBLAS and numba choose their routines by the processor they find. These round
differently, and training amplifies that. The variables of `ENVIRONMENT` make the choice, but only
before the libraries are loaded, so this module imports none of them, and `workers` trains in
processes that are started with them where its own was not.

``MKL_CBWR=AVX2`` would not do: it gives other exponentials on an AMD than on an Intel processor. No
variable reaches MKL's square root, which starts from an approximation that the processor supplies:
`training` takes ``x.rsqrt().reciprocal()``, which is made of IEEE operations.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from functools import cache

SWITCH = "GAR_VERIFY_PINS"
"""Variable that turns the pins off with the value ``off``: for timing, debugging and tests."""

ENVIRONMENT: Mapping[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "MKL_CBWR": "COMPATIBLE",  # torch's exponentials, logarithms, matrix products
    "OPENBLAS_CORETYPE": "Haswell",  # numpy's matrix products
    "NUMBA_CPU_NAME": "haswell",  # what is compiled here
    "NUMBA_CPU_FEATURES": "",
}

ONE_THREAD: Mapping[str, str] = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""For processes that train side by side."""


def obstacle(device: str = "cpu") -> str:
    """Why the arithmetic of a device cannot be pinned here; empty where it can."""
    if not device.startswith("cpu"):
        return f"the device is {device}"
    if os.environ.get(SWITCH, "").lower() == "off":
        return f"{SWITCH} is off"
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return f"the processor is {platform.machine()}, not x86-64"
    return "" if _has_avx2() else "the processor has no AVX2"


def wanted(device: str = "cpu") -> dict[str, str]:
    """The pins of what is trained from here, in whatever process; none where there is an obstacle.

    Part of the fingerprint of a result: results of other arithmetic are not mixed in.
    """
    return {} if obstacle(device) else dict(ENVIRONMENT)


def are_set(device: str = "cpu") -> bool:
    """Whether this process computes as `wanted`."""
    return all(os.environ.get(name) == value for name, value in wanted(device).items())


def set_here() -> None:
    """Pin this process, if the libraries that read the pins are not loaded yet.

    Where they are, nothing is changed: `workers` starts processes that are pinned.
    """
    if sys.modules.keys().isdisjoint(("numpy", "torch", "numba")):
        os.environ.update(wanted())


def as_words() -> str:
    """The pins as a shell takes them."""
    return " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())


def processor() -> str:
    """The model of the processor, in its maker's words where the system tells them."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _has_avx2() -> bool:
    """Taken for granted where the system does not tell."""
    flags = _cpuinfo("flags").split()
    return not flags or "avx2" in flags


@cache
def _cpuinfo(key: str) -> str:
    """What Linux tells of the first processor; empty elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(
                (v.strip() for k, _, v in (s.partition(":") for s in lines) if k.strip() == key), ""
            )
    except OSError:
        return ""
