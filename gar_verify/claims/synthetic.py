"""Judges of the test errors on Sine and Squared sine."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from gar_verify.claims import orders
from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import Figure, every, found, judge_figures, listed, named
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, SHOWN, SYNTHETIC, label
from gar_verify.studies.synthetic import final_test_mae


def errors(results: xr.Dataset) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the test MAE of the paper's methods and of both GARs."""
    mae = final_test_mae(results)
    names = [name for name in SHOWN if name in mae["method"]]
    runs = {name: mae.sel({"method": name}).to_numpy() for name in names}
    return {name: (values.mean(), values.std()) for name, values in runs.items()}


def figures(evidence: Evidence, table: str) -> Finding:
    """Whether the errors are those of the authors' runs."""
    results = evidence.summary(table)
    (ours,), formula = orders.judged(results), orders.beside(results)
    lines = {
        name: Figure(label(name), *line, *_of_the_authors(table, name))
        for name, line in errors(results).items()
    }
    beside = [lines.pop(name) for name in formula]
    return judge_figures(list(lines.values()), _published(table), label(ours), beside)


def lowest(evidence: Evidence, table: str) -> Finding:
    """Whether GAR has a lower error than the other methods."""
    results = evidence.summary(table)
    lines = errors(results)
    return orders.superior(
        results,
        orders.judged(results),
        [name for name in lines if name not in GARS],
        ["MAE"],
        listed(named(lines)),
        _published(table),
        formula=orders.beside(results),
        of="methods",
    )


def medium(evidence: Evidence, table: str) -> Finding:
    """Whether the error of RnC lies between those of GAR and of training with the MAE."""
    results = evidence.summary(table)
    (ours,) = orders.judged(results)

    def at(shift: float) -> list[int]:
        seen = orders.moved(results, "rnc", -shift)
        below = orders.against(seen, ours, ["rnc"], ["MAE"])
        above = orders.against(orders.moved(results, "mae", -shift), "rnc", ["mae"], ["MAE"])
        return [*below["hit"].tolist(), *above["hit"].tolist()]

    words = {1: "lower by more than chance", 0: "not to be told from it", -1: "higher"}
    below, above = (words[hit] for hit in at(0.0))
    lines = {name: line for name, line in errors(results).items() if name in (ours, "rnc", "mae")}
    return found(
        at,
        "differences",
        listed(named(lines)),
        f"{label(ours)} against RnC: {below}; RnC against MAE: {above}",
        _published(table, lines),
        rule=every,
    )


def similar(evidence: Evidence, table: str) -> Finding:
    """Whether training with MAE and with MSE differ by less than MAE and GAR were published to."""
    results = evidence.summary(table)
    pair = {name: line for name, line in errors(results).items() if name in ("mae", "mse")}
    about = _of_the_authors(table, "mae")[0] - _of_the_authors(table, "gar")[0]

    line = orders.against(results, "mae", ["mse"], ["MAE"]).iloc[0]
    low, high, deviation = line["low"], line["high"], pair["mae"][1]

    def at(shift: float) -> list[int]:
        reach = about + shift * deviation
        if -reach < low and high < reach:
            return [1]
        return [-1 if low > reach or high < -reach else 0]

    return found(
        at,
        "intervals",
        listed(named(pair)),
        f"the 95 % interval of MSE's error less MAE's is {low:.3f} to {high:.3f}; the published "
        f"distance of MAE and GAR is {about:.3f}",
        _published(table, pair),
    )


def _published(table: str, names: Iterable[str] = SYNTHETIC) -> str:
    return listed((label(name), *_of_the_authors(table, name)) for name in names)


def _of_the_authors(table: str, name: str) -> tuple[float, float]:
    """Mean and standard deviation of the authors' five runs."""
    runs = np.array(published.synthetic_runs(table, name))
    return runs.mean(), runs.std()
