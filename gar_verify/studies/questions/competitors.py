"""More methods that a user would pick, by the paper's protocol on its tables.

`ccc` minimises 1 - CCC, Lin's concordance; `hl_gauss` has a histogram for its output
(`training.histogram`); `pairs` is the pairwise difference learning of the package ``pdll``: trees
learn the difference of two rows, a new row is predicted from many rows whose labels are known;
`trees` are the same trees alone. The networks have the grids of the tabular studies, the trees
their packages' defaults and no selection. They are trained on the same folds and tested on the same
rows as the nine methods, whose stored results they stand beside.

Cut to two cores: Parkinsons with one of the three weight decays, for one of its two targets.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr

from gar_verify import paths
from gar_verify.data import Table, load_table
from gar_verify.losses.gar.loss import stacked_concordance
from gar_verify.losses.registry import REPEATS
from gar_verify.metrics import METRICS, Scorer
from gar_verify.studies import provenance, selection, statistics, summaries, tabular
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import Method, label, refuse_unknown
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.statistics import LEVEL
from gar_verify.studies.store import Piece, collect, summary_of
from gar_verify.training import Objective, Problem, train
from gar_verify.training.histogram import stacked_hl_gauss, train_histogram

NAME = "competitors"
TABLES = ("concrete", "wine", "parkinsons_total")
TREES = {"trees": "extra trees", "pairs": "pairs of rows"}
COUNT, QUICK_COUNT = 100, 5
"""Trees of a model."""

NETWORKS = {
    "ccc": Method("ccc", "CCC", Objective(stacked_concordance), REPEATS),
    "hl_gauss": Method(
        "hl_gauss", "HL-Gauss", Objective(stacked_hl_gauss), (0.5, 0.75, 1.5), "sigma"
    ),
}
"""sigma is the deviation of a label's histogram, in widths of a bin."""

CONCORDANCE_RATES = (10.0, 1.0, 1e-1, 1e-2, 1e-3)
"""Learning rates of CCC: its loss has no unit, so its gradient is about 1/s of that of the MAE,
with s the deviation of the target; with the largest rate of the others it hardly leaves its start.
"""

LABELS = {name: method.label for name, method in NETWORKS.items()} | TREES
METHODS = tuple(LABELS)
PART = {"names": TABLES[:1]}
"""What is trained again to verify a summary."""

WORK_OF_TREES = {"trees": 1e4, "pairs": 2e5}
"""Units of work of a fit and prediction, see `workers.UNIT`."""


def protocol(table: str, quick: bool = False) -> tabular.Protocol:
    """The protocol of the tabular studies; Parkinsons with one weight decay."""
    settings = tabular.protocol(table, quick)
    return replace(settings, weight_decays=(1e-4,)) if table == TABLES[-1] else settings


def run(
    methods: Sequence[str] = METHODS,
    *,
    names: Sequence[str] | None = None,
    quick: bool = False,
    device: str = "cpu",
    store: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train the methods by the protocol of each table.

    Args:
        methods: of `METHODS`.
        names: of tables; default: `TABLES`, or the first.
        quick: one table, and a small part of the grid and of the epochs.
        device: where networks train.
        store: folder to keep results in and to go on from; default: `paths.results`.
        jobs: processes that train side by side; default: see `workers.default_jobs`.
        progress: told how far it is; default: nobody.

    Returns:
        ``test`` and ``validation`` of what was selected (table, method, fold, metric); the
        provenance in the attributes.

    Raises:
        DataError: if a table is not available.
        ModuleNotFoundError: if ``pdll`` is needed and not installed.
        ValueError: for an unknown method.
    """
    refuse_unknown(methods, METHODS, NAME)
    pieces: list[Piece] = []
    for name in names or (TABLES[:1] if quick else TABLES):
        table, settings = load_table(name), protocol(name, quick)
        problem = tabular.folds(table, settings.folds)
        for method in methods:
            make = _maker(method, quick)
            pieces += [make(table, problem, settings, fold) for fold in range(settings.folds)]
    folder = (store or paths.results()) / NAME
    done = collect(pieces, NAME, folder, progress or Silent(), device, jobs)
    frame = pd.concat([piece.to_dataframe().reset_index() for piece in done])
    dims = ("table", "method", "fold", "metric")
    order = {dim: frame[dim].unique() for dim in dims}
    whole = xr.Dataset.from_dataframe(frame.set_index(list(dims))).reindex(order)
    about = summary_of(done, _About(tuple(order["table"])))
    return whole.assign_attrs(about, quick=int(quick))


def _maker(method: str, quick: bool) -> Callable[..., Piece]:
    if method in NETWORKS:
        return partial(_network, method)
    return partial(_trees, method, QUICK_COUNT if quick else COUNT)


class _About:
    """What `store.summary_of` asks of the data."""

    name = NAME
    target = "the targets of the tables"
    unit = "of the table"

    def __init__(self, tables: Sequence[str]) -> None:
        """Of some tables."""
        self.source = ", ".join(tables)
        self.checksum = " ".join(load_table(table).checksum for table in tables)


def _network(
    name: str, data: Table, problem: Problem, settings: tabular.Protocol, fold: int
) -> Piece:
    """A piece of the tabular studies, of which what was selected is kept."""
    method = NETWORKS[name]
    own = name == "hl_gauss"
    if name == "ccc":
        rates = CONCORDANCE_RATES if len(settings.learning_rates) > 1 else CONCORDANCE_RATES[1:2]
        settings = replace(settings, learning_rates=rates)
    fit = train_histogram if own else train
    whole = tabular._piece(data, problem, method, settings, 0, fold, fit)

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        selected = selection.select(whole.compute(on_epoch)).squeeze(("seed", "fold"), drop=True)
        return selected[["test", "validation"]].assign_coords(table=data.name, fold=fold)

    return replace(
        whole,
        name=f"{data.name}-{whole.name}",
        compute=compute,
        functions=(*([TRAINER] if own else []), tabular.COMPUTE, *whole.functions),
    )


def _trees(
    name: str, count: int, data: Table, problem: Problem, settings: tabular.Protocol, fold: int
) -> Piece:
    """Trees on a fold, alone or of pairs of rows; the validation rows select nothing."""
    parts = problem.parts(fold)
    packages = ("scikit-learn", "pdll") if name == "pairs" else ("scikit-learn",)

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        from sklearn.ensemble import ExtraTreesRegressor

        model = ExtraTreesRegressor(count, n_jobs=1, random_state=fold)
        if name == "pairs":
            from pdll import PairwiseDifferenceRegressor

            model = PairwiseDifferenceRegressor(model, random_state=fold)
        labels = problem.targets[:, 0]
        with warnings.catch_warnings():  # pdll says that it is made for few rows: docs/questions.md
            warnings.simplefilter("ignore", UserWarning)
            model.fit(problem.inputs[parts["train"]], labels[parts["train"]])
        predicted = torch.from_numpy(model.predict(problem.inputs[parts["test"]]))
        scores = Scorer(torch.from_numpy(labels[parts["test"]]))(predicted).numpy()
        on_epoch(1)
        return xr.Dataset(
            {"test": ("metric", scores), "validation": ("metric", np.full(len(METRICS), np.nan))},
            {"metric": list(METRICS), "table": data.name, "method": name, "fold": fold},
        )

    return Piece(
        name=f"{data.name}-{name}-fold{fold}",
        settings={
            "table": data.name,
            "data": data.checksum,
            "method": name,
            "trees": count,
            "packages": {package: version(package) for package in packages},
            "folds": settings.folds,
            "fold": fold,
        },
        compute=compute,
        work=WORK_OF_TREES[name],
        work_per_epoch=WORK_OF_TREES[name],
    )


TRAINER = Definition(train_histogram.__module__, train_histogram.__name__)
COMPUTES = Definition(__name__, "_network.compute"), Definition(__name__, "_trees.compute")


def code_of(summary: xr.Dataset) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    roots: list[provenance.Functions] = []
    for name in summary["method"].to_numpy().tolist():
        if name in TREES:
            roots.append((COMPUTES[1],))
            continue
        own = (TRAINER,) if name == "hl_gauss" else ()
        functions = NETWORKS[name].objective.functions
        roots.append((COMPUTES[0], *own, tabular.COMPUTE, *functions))
    return provenance.one_code(map(provenance.code_version, roots))


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results of all tables and folds, with the epochs and grids of the study."""
    folds = tabular.Protocol.folds
    whole = tuple(results["table"].to_numpy()) == TABLES and results.sizes["fold"] == folds
    return bool(whole and not results.attrs.get("quick", False))


def named(name: str) -> str:
    """The name of a line in tables and figures."""
    return LABELS.get(name, label(name))


def beside(results: xr.Dataset, table: str) -> xr.Dataset:
    """Test values of the new methods on a table, and of the stored ones on the same rows."""
    stored = summaries.read(table)["test"]
    new = [str(name) for name in results["method"].to_numpy()]
    whole = stored.reindex({"method": [*stored["method"].to_numpy().tolist(), *new]})
    ours = results["test"].sel(table=table).transpose("method", "fold", "metric").to_numpy()
    whole = whole.transpose("seed", "method", "fold", "metric")
    whole.loc[{"method": new}] = ours
    return whole.to_dataset()


def table(results: xr.Dataset) -> pd.DataFrame:
    """Test values of every method, and how GAR compares with the new ones.

    Args:
        results: from `run`, or its summary.

    Returns:
        By (table, metric, method) ``measured`` and ``std`` over the folds; for the new methods
        ``GAR ahead by``, in the unit of the metric, with ``low``, ``high`` and ``p holm`` of the
        corrected t-test, over the new methods.
    """
    parts = {}
    for name in map(str, results["table"].to_numpy()):
        whole = beside(results, name)
        moments = selection.summarize(whole)
        frame = pd.DataFrame(
            {
                "measured": moments["mean"].transpose("metric", "method").to_series(),
                "std": moments["std"].transpose("metric", "method").to_series(),
            }
        )
        against = _against(whole, list(map(str, results["method"].to_numpy())))
        parts[name] = frame.join(against.rename(columns={"difference": "GAR ahead by"}))
    return pd.concat(parts, names=["table"]).rename(index=named, level="method")


def _against(whole: xr.Dataset, new: list[str]) -> pd.DataFrame:
    """GAR against the new methods by (metric, method)."""
    compared = statistics.compare(whole.sel({"method": ["gar", *new]}), "gar")
    kept = compared[["difference", "low", "high", "p holm"]]
    return kept.rename_axis(["metric", "method"])


def sentence(results: xr.Dataset) -> str:
    """On each table, what GAR is against each new method by test MAE, and which is the lowest."""
    found, parts = table(results), []
    for name in map(str, results["table"].to_numpy()):
        lines = found.reset_index(["table", "metric"])
        lines = lines[(lines["table"] == name) & (lines["metric"] == "MAE")]
        new = lines.dropna(subset=["p holm"])
        ahead, sure = new["GAR ahead by"] > 0, new["p holm"] < LEVEL
        lowest = str(lines["measured"].idxmin())
        parts.append(
            f"{name}: GAR {lines['measured']['GAR']:.3f}; ahead of {_names(new[ahead & sure])} "
            f"and behind {_names(new[~ahead & sure])} by more than chance; lowest: {lowest} "
            f"({lines['measured'].min():.3f})"
        )
    return (
        f"By test MAE, against {', '.join(named(m) for m in results['method'].to_numpy())}: "
        f"{'. '.join(parts)} (corrected t-test with Holm's correction, on these test rows)."
    )


def _names(lines: pd.DataFrame) -> str:
    return ", ".join(map(str, lines.index)) or "none"
