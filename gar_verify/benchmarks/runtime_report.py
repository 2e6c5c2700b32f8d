"""What is written of the runtime study: its summary, tables and figures."""

from __future__ import annotations

from pathlib import Path

from gar_verify import paths
from gar_verify.benchmarks import runtime_summary, runtime_tables
from gar_verify.benchmarks.figures import growth_figure, ratio_figure
from gar_verify.benchmarks.runtime_summary import Summary
from gar_verify.studies import figures, tables


def save(summary: Summary, folder: Path | None = None) -> list[Path]:
    """Write the summary of a run, and from it tables and figures.

    Args:
        summary: from `runtime_summary.summarize`.
        folder: where to; default: `paths.figures`, and `paths.new_summaries` for the summary.
    """
    results = folder / paths.RESULTS if folder else None
    written = runtime_summary.write(summary, results)
    return written + draw(runtime_summary.read(results), folder)


def draw(summary: Summary, folder: Path | None = None) -> list[Path]:
    """Write tables and figures; of a summary that was read, the same bytes every time."""
    return [
        *tables.save(runtime_tables.runtime_table(summary), "runtime", folder),
        *tables.save(runtime_tables.growth_table(summary), "runtime_growth", folder),
        *figures.save(ratio_figure(summary), "runtime", folder),
        *figures.save(growth_figure(summary), "runtime_growth", folder),
    ]
