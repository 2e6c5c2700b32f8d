"""Which extra brings a package that is not installed."""

from __future__ import annotations

EXTRAS = {
    "fast": ("numba",),
    "proofs": ("z3",),
    "sklearn": ("sklearn",),
    "studies": (
        "h5netcdf",
        "h5py",
        "jinja2",
        "joblib",
        "latex2mathml",
        "matplotlib",
        "mpmath",
        "pandas",
        "pyarrow",
        "rich",
        "scipy",
        "sympy",
        "typer",
        "xarray",
    ),
    "cluster": ("dask", "distributed"),
    "images": ("PIL",),
    "notebooks": ("ipykernel", "nbclient", "nbformat"),
    "integrations": ("lightgbm", "xgboost"),
    "pairs": ("pdll",),
    "text": ("huggingface_hub", "safetensors", "tokenizers", "transformers"),
}
"""Modules by the extra that brings them; the first extra that has one is named."""


def needed(error: ModuleNotFoundError, what: str) -> str | None:
    """What to install, in one sentence; None where no extra brings the missing module.

    >>> needed(ModuleNotFoundError(name="pandas"), "gar_verify.compare")
    'gar_verify.compare needs pandas: pip install "gar_verify[studies]"'
    """
    module = (error.name or "").partition(".")[0]
    for extra, modules in EXTRAS.items():
        if module in modules:
            return f'{what} needs {module}: pip install "gar_verify[{extra}]"'
    return None
