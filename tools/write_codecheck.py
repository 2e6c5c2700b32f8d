"""Write codecheck.yml: the figures and tables of the folder paper_figures, and what each shows.

    python tools/write_codecheck.py

CODECHECK (https://codecheck.org.uk/spec/config/2.0/) has somebody else run a paper's code and say
which of its results came out again. The manifest lists what to compare. What only a codechecker can
fill in (certificate, report, summary, names) is left out, and so are the ORCIDs of the paper's
authors, which are not known here.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "paper_figures"
TARGET = ROOT / "codecheck.yml"
KINDS = {".png": "Figure", ".csv": "Table"}

TABLES = {
    "concrete": "Concrete Compressive Strength",
    "wine": "Wine Quality",
    "parkinsons_motor": "Parkinsons, motor UPDRS",
    "parkinsons_total": "Parkinsons, total UPDRS",
    "diabetes": "diabetes (not in the paper)",
    "superconductivity": "Superconductivity (a random fifth of the paper's table)",
    "supercon": "SuperCon, compounds split at random (not in the paper)",
    "supercon_elements": "SuperCon, no set of elements in two parts (not in the paper)",
    "ic50": "IC50 of 15 drugs of GDSC (not the data of the paper)",
    "sts_b_frozen": "STS-B on vectors of an encoder that stay as they are (not in the paper)",
}
OF_A_TABLE = {
    "": "four test metrics of every method, mean and standard deviation, beside the published ones",
    "_comparison": "GAR against every other method, corrected for folds and for many comparisons",
    "_gains": "GAR's gains over MAE and over the best competitor",
}
OTHERS = {
    "ablation": "Wine Quality with every sub-set of GAR's three losses, beside the published means",
    "alpha": "Concrete over alpha, both kinds of GAR: test MAE and Pearson, a box over the folds",
    "boosting": "GAR as an objective of LightGBM and XGBoost",
    "ic50_drugs": "IC50 drug by drug, and along a cell line: every method",
    "choosing_alpha": "GAR's alpha on eight tables: what each way to choose it costs",
    "competitors": "CCC, HL-Gauss, trees and pairs of rows beside the paper's methods",
    "dirty_data": "wrong labels on six tables: errors of GAR, of its parts and of other losses",
    "digits": "the angle of a rotated digit: test values of every method, and what features hold",
    "not_smooth": "curves with kinks, plateaus, steps, jumps, and tables of few values: GAR by MAE",
    "not_smooth_each": "the same, curve by curve and table by table",
    "loss_accuracy": "relative error of one minus Pearson and of its gradient in float32",
    "loss_attention": "attention that the aggregation gives to each part of the loss, over alpha",
    "loss_gradients": "gradient of each part of the loss, sample by sample",
    "loss_memory": "peak memory of the losses",
    "loss_pairs": "time of the losses of pairs, in units of a matrix product",
    "loss_speed": "time of the losses forward and backward, in units of L1Loss",
    "loss_training_step": "time of a training step, in units of the MAE's",
    "runtime": "running time of every method, beside the published seconds",
    "runtime_growth": "growth of the running time with the size of the batch",
    "sensitivity": "Concrete over alpha with the released constants, beside the published curve",
    "sensitivity_paper": "Concrete over alpha with the paper's formula, beside the published curve",
    "several_targets": "GAR joint, per target, with own networks and across the row: eight tables",
    "several_targets_by_table": "several targets: aRRMSE of every method, table by table",
    "sine": "Sine: five seeds of every method",
    "squared_sine": "Squared sine: five seeds of every method",
    "overview": "GAR on every data set: published, measured, and beside the best other loss",
    "sine_peaks": "Sine: peaks that every method recovers",
    "squared_sine_peaks": "Squared sine: peaks that every method recovers",
    "sts_b": "STS-B: an encoder of sentences fine-tuned with every loss, seed by seed",
    "targets": "measured running times beside their targets",
}

HEAD = """---
# Written by tools/write_codecheck.py. Each figure is there as PDF too, each table as Markdown.
version: https://codecheck.org.uk/spec/config/2.0/
paper:
  title: Gradient Aligned Regression via Pairwise Losses
  authors:
    - name: Dixian Zhu
    - name: Tianbao Yang
    - name: Livnat Jerby
  reference: https://doi.org/10.48550/arXiv.2402.06104
repository: https://github.com/gar-verify/gar_verify
manifest:
"""


def text(folder: Path = FIGURES) -> str:
    """The whole file for the figures and tables of a folder."""
    files = sorted(path for path in folder.iterdir() if path.suffix in KINDS)
    return HEAD + "".join(
        f"  - file: paper_figures/{path.name}\n    comment: '{_comment(path)}'\n" for path in files
    )


def _comment(path: Path) -> str:
    """What a file shows; a LookupError for one that is not described."""
    described = _described()
    if path.stem not in described:
        raise LookupError(f"{path.name} is not described: add a line to OTHERS in {__file__}")
    return f"{KINDS[path.suffix]}. {described[path.stem]}".replace("'", "''")


def _described() -> dict[str, str]:
    """Descriptions by the names of files."""
    protocols = {"": "", "_corrected": " by the corrected protocol"}
    return OTHERS | {
        f"{table}{protocol}{part}": f"{name}{how}: {shows}"
        for table, name in TABLES.items()
        for protocol, how in protocols.items()
        for part, shows in OF_A_TABLE.items()
    }


def main() -> None:
    """Write the file anew."""
    temporary = TARGET.with_suffix(".part")
    temporary.write_text(text(), encoding="utf-8")
    os.replace(temporary, TARGET)


if __name__ == "__main__":
    main()
