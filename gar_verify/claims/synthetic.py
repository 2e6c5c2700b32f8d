"""Judges of the test errors on Sine and Squared sine."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import Figure, judge_figures, listed, named, share
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, RELEASED, SYNTHETIC, label
from gar_verify.studies.synthetic import final_test_mae


def errors(evidence: Evidence, curve: str) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the test MAE of the paper's methods and of both GARs."""
    mae = final_test_mae(evidence.summary(curve))
    names = [name for name in (*SYNTHETIC, RELEASED) if name in mae["method"]]
    runs = {name: mae.sel({"method": name}).to_numpy() for name in names}
    return {name: (values.mean(), values.std()) for name, values in runs.items()}


def figures(evidence: Evidence, table: str) -> Finding:
    """Whether the errors are those of the authors' runs."""
    found = [
        Figure(label(name), *line, *_of_the_authors(table, name))
        for name, line in errors(evidence, table).items()
    ]
    return judge_figures(found, _published(table))


def lowest(evidence: Evidence, table: str) -> Finding:
    """Whether each kind of GAR has a lower error than the other methods."""
    lines = errors(evidence, table)
    others = {name: mean for name, (mean, _) in lines.items() if name not in GARS}
    best = min(others, key=lambda name: others[name])
    ours = {name: lines[name][0] for name in GARS if name in lines}
    return Finding(
        verdict=share(mean < others[best] for mean in ours.values()),
        measured=listed(named(lines)),
        published=_published(table),
        reason=f"the best of the others is {label(best)}; "
        + "; ".join(
            f"{label(name)} is {'lower' if mean < others[best] else 'not lower'}"
            for name, mean in ours.items()
        ),
    )


def similar(evidence: Evidence, table: str) -> Finding:
    """Whether training with MAE and with MSE differ by no more than the seeds do."""
    lines = errors(evidence, table)
    pair = {name: lines[name] for name in ("mae", "mse")}
    (mae, mae_std), (mse, mse_std) = pair.values()
    gap, reach = abs(mae - mse), max(mae_std, mse_std)
    return Finding(
        verdict=share([gap <= reach]),
        measured=listed(named(pair)),
        published=_published(table, pair),
        reason=f"they differ by {gap:.3f}; the larger deviation is {reach:.3f}",
    )


def _published(table: str, names: Iterable[str] = SYNTHETIC) -> str:
    return listed((label(name), *_of_the_authors(table, name)) for name in names)


def _of_the_authors(table: str, name: str) -> tuple[float, float]:
    """Mean and standard deviation of the authors' five runs."""
    runs = np.array(published.synthetic_runs(table, name))
    return runs.mean(), runs.std()
