"""Theory verification, loss and reproductions for Gradient Aligned Regression (ICML 2025)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gar_verify.comparison import compare
    from gar_verify.integrations.regressor import GARRegressor
    from gar_verify.losses import (
        ConcordanceLoss,
        ErrorVarianceLoss,
        GARAccumulator,
        GARLoss,
        PearsonLoss,
        concordance_loss,
        error_variance_loss,
        gar_loss,
        kl_dro,
        normalized_pairwise_loss,
        pairwise_difference_loss,
        pearson_loss,
    )

__version__ = "0.2.0"
__all__ = [
    "GARLoss",
    "gar_loss",
    "GARAccumulator",
    "ErrorVarianceLoss",
    "error_variance_loss",
    "PearsonLoss",
    "pearson_loss",
    "ConcordanceLoss",
    "concordance_loss",
    "kl_dro",
    "pairwise_difference_loss",
    "normalized_pairwise_loss",
    "GARRegressor",
    "compare",
]
_ELSEWHERE = {
    "GARRegressor": "gar_verify.integrations.regressor",
    "compare": "gar_verify.comparison",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for on first use, so that the proofs do not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_ELSEWHERE.get(name, "gar_verify.losses")), name)
    except ModuleNotFoundError as error:
        from gar_verify._extras import needed

        told = needed(error, f"gar_verify.{name}")
        if told is None:
            raise
        raise ImportError(told, name=error.name) from error


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
