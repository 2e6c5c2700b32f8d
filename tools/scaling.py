"""What the full study costs on large tables, on paper: measured seconds, a model, a page.

``python tools/scaling.py`` writes ``docs/cost.md`` from the stored measurements in
``docs/cost.csv``; ``--measure`` takes them anew first, in a few minutes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.studies import provenance, tabular
from gar_verify.studies.methods import TABULAR, label, tabular_methods
from gar_verify.training import Problem, Run, train
from gar_verify.training.trainer import model_bytes

SIZES = (1_000, 4_000, 16_000)
FEATURES = 20
MODELS = 9
EPOCHS = 4
"""Two of each phase, for the methods that have two; the second of each is timed."""

MEASURED = ("gar", "ranksim", "rnc", "conr")
"""The losses of pairs, and GAR, which stands for the others that take O(N)."""

ROWS = 1_000_000
TABLES = 1_000
COMPUTERS = {"one core": 1, "two cores": 2, "a node of 64": 64, "16 such nodes": 16 * 64}


def measure(
    sizes: Sequence[int] = SIZES,
    methods: Sequence[str] = MEASURED,
    note: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:
    """Seconds of one core for one model and epoch of a method, scoring included.

    It is the time that the processor gave, not the time that passed: others may use the machine.

    Returns:
        A line for each method and size: ``method``, ``rows`` of the table, ``seconds``, and the
        machine and versions.
    """
    where = provenance.canonical({**provenance.machine("cpu"), **provenance.versions()})
    lines = []
    for name in methods:
        for rows in sizes:
            note(f"{label(name)}, {rows:,} rows")
            seconds = _seconds(name, _problem(rows))
            lines.append({"method": name, "rows": rows, "seconds": seconds, "where": where})
    return pd.DataFrame(lines)


def _problem(rows: int) -> Problem:
    """Random rows, parted as in a fold of the tabular studies."""
    random = np.random.default_rng(0)
    order = np.arange(rows)
    test, validation = rows // 5, rows // 5 + rows * 4 // 25
    return Problem(
        inputs=random.normal(size=(rows, FEATURES)),
        targets=random.normal(size=(rows, 1)),
        train=[order[validation:]],
        validation=[order[test:validation]],
        test=order[:test],
    )


def _seconds(name: str, problem: Problem) -> float:
    (method,) = tabular_methods([name], EPOCHS)
    recipe = replace(tabular.LARGE, epochs=EPOCHS, milestones=())
    values = method.hyperparameters
    runs = [
        Run(1e-3, 1e-4, values[i % len(values)], hyperparameter_index=i % len(values), seed=i)
        for i in range(MODELS)
    ]
    ends: list[float] = []
    train(
        problem,
        runs,
        recipe,
        method.objective,
        memory_bytes=2**40,  # one stack
        on_epoch=lambda models: ends.append(time.process_time()),
    )
    return float(np.diff(ends)[[0, 2]].mean()) / MODELS


@dataclass(frozen=True)
class Cost:
    """Seconds of one core for the full study on a table of `ROWS` rows, by method."""

    seconds: dict[str, float]

    @property
    def total(self) -> float:
        """All methods, folds and settings."""
        return sum(self.seconds.values())

    @property
    def pieces(self) -> int:
        """Parts that can be computed side by side: each method on each fold."""
        return len(self.seconds) * _protocol().folds

    @property
    def longest(self) -> float:
        """The longest of them: no number of cores is faster."""
        return max(self.seconds.values()) / _protocol().folds

    def on(self, cores: int, tables: int) -> float:
        """Seconds for some tables on some cores, if none of them ever waits."""
        return max(tables * self.total / cores, self.longest)


def cost(measured: pd.DataFrame) -> Cost:
    """Extrapolate from the largest measured table, in proportion to the rows."""
    protocol = _protocol()
    largest = measured[measured["rows"] == measured["rows"].max()].set_index("method")
    by_row = largest["seconds"] / largest["rows"]
    trained = protocol.folds * protocol.recipe.epochs
    trained *= len(protocol.learning_rates) * len(protocol.weight_decays)
    seconds = {}
    for method in tabular_methods(TABULAR, protocol.recipe.epochs):
        alike = method.name if method.name in by_row.index else "gar"
        runs = trained * len(method.hyperparameters)
        seconds[method.name] = float(runs * ROWS * by_row[alike])
    return Cost(seconds)


def page(measured: pd.DataFrame) -> str:
    """The page, from the stored measurements."""
    import scaling_page

    return scaling_page.text(measured, cost(measured), memory())


def memory() -> tuple[float, float]:
    """Gigabytes of a table of `ROWS` rows, and of one model that is trained on it."""
    problem = replace(
        _problem(100),
        inputs=np.broadcast_to(0.0, (ROWS, FEATURES)),
        targets=np.broadcast_to(0.0, (ROWS, 1)),
    )
    (method,) = tabular_methods(["gar"], EPOCHS)
    table = 4 * ROWS * (FEATURES + 1)
    return table / 1e9, model_bytes(problem, tabular.LARGE, method.objective) / 1e9


def _protocol() -> tabular.Protocol:
    return tabular.Protocol(tabular.LARGE)


def stored() -> pd.DataFrame:
    """The measurements that travel with the repository."""
    return pd.read_csv(paths.docs() / "cost.csv")


def main(arguments: Sequence[str]) -> None:
    """Write the page, and with ``--measure`` the measurements before."""
    if "--measure" in arguments:
        measured = measure(note=lambda text: print(text, file=sys.stderr, flush=True))
        atomic_write(paths.docs() / "cost.csv", measured.to_csv(index=False, float_format="%.4g"))
    atomic_write(paths.docs() / "cost.md", page(stored()))


if __name__ == "__main__":
    main(sys.argv[1:])
