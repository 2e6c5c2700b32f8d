"""Small summaries of full runs, as text that travels with the repository.

The arrays of a full run take megabytes and hours; what the tables need of them is the selected test
value of each method, seed, fold and metric. That is a CSV file, with the provenance of the run in a
JSON file beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import xarray as xr

from gar_verify import paths
from gar_verify.experiments.selection import select

DIMENSIONS = ("method", "alpha", "seed", "fold", "metric")
"""Of a selection; no study has all of them."""


class SummaryError(Exception):
    """There is no such summary, or it cannot be read; the message says what to do."""


def write(results: xr.Dataset, study: str, folder: Path | None = None) -> list[Path]:
    """Write the summary of a study, whole or not at all.

    Args:
        results: of a tabular study; of any other, what its ``select`` makes of them.
        study: name of the files without suffix.
        folder: where to; default: `paths.summaries`.

    Returns:
        The CSV and the JSON file.
    """
    selected = results if "test" in results else select(results)
    frame = selected.to_dataframe().reset_index()
    frame = frame.round({"test": 6, "validation": 6})
    provenance = {**selected.attrs, "settings": json.loads(selected.attrs["settings"])}
    texts = {
        ".csv": frame.to_csv(index=False, lineterminator="\n"),
        ".json": json.dumps(provenance, indent=1, sort_keys=True) + "\n",
    }
    target = folder or paths.summaries()
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, text in texts.items():
        path = target / f"{study}{suffix}"
        part = path.with_name(f".{path.name}.part")
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
        written.append(path)
    return written


def read(study: str, folder: Path | None = None) -> xr.Dataset:
    """The selected test values of a study, as its ``select`` returns them.

    Raises:
        SummaryError: if there is no summary of that name.
    """
    source = folder or paths.summaries()
    path = source / f"{study}.csv"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in source.glob("*.csv"))) or "none"
        raise SummaryError(
            f"there is no summary '{study}' in {source} (there: {there}); "
            f"run the study, which takes longer: gar-verify run {study}"
        )
    frame = pd.read_csv(path)
    names = [name for name in DIMENSIONS if name in frame]
    order = {name: frame[name].unique() for name in names}
    dataset = xr.Dataset.from_dataframe(frame.set_index(names)).reindex(order)
    provenance = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return dataset.assign_attrs({**provenance, "settings": json.dumps(provenance["settings"])})
