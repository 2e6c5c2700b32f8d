"""How often ``gar-verify compare`` finds what is not there, and how often what is.

Noise: tables whose target has nothing to do with their features. A verdict is false if any metric
of any loss that its sentence names is called better or worse by more than chance. Planted: tables
on which the target is made of the features, with a few labels far off; there the squared error is
worse than the absolute one, and the share of tables on which that is found is set beside the
detectable difference that each verdict states.

Usage: python tools/noise.py [--sets 200] [--rows 80] [--planted [--far 8]] [--full] [--minutes 20]
"""

from __future__ import annotations

import argparse
import sys
import time

from gar_verify.studies import pins

pins.set_here()  # before numpy is loaded

import numpy as np  # noqa: E402

from gar_verify import compare  # noqa: E402
from gar_verify.comparison import Comparison  # noqa: E402

FEATURES = 4


def table(rows: int, seed: int, *, planted: bool, far: float) -> tuple[np.ndarray, np.ndarray]:
    """Features and target, of which nothing can be learned, or much with care."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES))
    if not planted:
        return x, rng.normal(size=rows)
    off = rng.random(rows) < 0.1
    return x, x.sum(1) + 0.2 * rng.normal(size=rows) + far * off * rng.normal(size=rows)


def found(outcome: Comparison) -> list[str]:
    """What the sentence calls more than chance."""
    tests = outcome.tests("y")
    return [f"{metric} of {method}" for metric, method in tests.index[tests["survives"]]]


def main() -> None:
    """Run them and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--rows", type=int, default=80)
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--far", type=float, default=8, help="deviations of a tenth of the labels")
    parser.add_argument("--full", action="store_true", help="with the default settings")
    parser.add_argument("--minutes", type=float, default=1e9, help="no set is begun later")
    given = parser.parse_args()
    begun, wrong, beside = time.perf_counter(), 0, []
    for seed in range(given.sets):
        if time.perf_counter() - begun > 60 * given.minutes:
            break
        x, y = table(given.rows, seed, planted=given.planted, far=given.far)
        outcome = compare(x, y, quick=not given.full, references=False, jobs=1)
        said = found(outcome)
        wrong += bool(said)
        line = outcome.tests("y").loc[("MAE", "mse")]
        beside.append((-line["difference"], line["detectable"], line["survives"]))
        if sys.stderr.isatty():
            print(f"{seed + 1} sets: {wrong} verdicts", end="\r", file=sys.stderr, flush=True)
        if said:
            print(f"set {seed}: {', '.join(said)}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begun
    print(f"{wrong} of {len(beside)} verdicts name a difference ({seconds:.0f} s)")
    if given.planted:
        seen, detectable, survives = np.array(beside).T
        print(
            f"MSE is worse than MAE by {seen.mean():.3g} (MAE, mean); detectable, mean: "
            f"{detectable.mean():.3g}; found in {survives.mean():.0%}"
        )
        large = seen >= detectable
        if large.any():
            print(f"found in {survives[large].mean():.0%} of those that look as large as that")


if __name__ == "__main__":
    main()
