"""Change the formulas in one place at a time and see whether the compiled reader's values tell.

Each change is that of `tests/proofs/mutate.py`; a fresh process compiles the changed copy and
evaluates batches of all kinds: scales, offsets, outliers, weights, several blocks, degenerate ones.
A change is noticed if a value or a gradient differs by more than 1e-9, or nothing comes out.

    python tools/mutate_reader.py

takes about three seconds a change; it prints those that nothing notices and exits with 1 if there
are any without a reason in `EQUAL`.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "proofs")]

from mutate import Change, changes  # noqa: E402

_REACHED = (
    "ratio lost shifted error_share unexplained residual merge absolute square square_slope huber "
    "error_variance prediction_variance one_minus_pearson sub_losses one_minus_concordance "
    "concordance_scale power power_less_one log_power_mean sample_gradient error_variance_gradient "
    "one_minus_pearson_gradient one_minus_concordance_gradient sub_losses_gradient "
)
REACHED = frozenset(_REACHED.split())
"""The formulas that the compiled reader calls."""

_ANY_SHARE = "any share gives the same residual but for rounding"
_NOT_READ = "of this part, the coefficient of the conventional loss is not read"
EQUAL: dict[str, str] = {
    "ratio: denominator + 1 * (denominator == 0) -> denominator - 1 * (denominator == 0)": (
        "0 / -1 is 0 as well"
    ),
    "ratio: 1 -> 2": "0 / 2 is 0 as well",
    "shifted: f - y -> f + y": "`lost` is then -2 y, so that the sum is f - y",
    "error_share: abs(scale) -> scale": _ANY_SHARE,
    "error_share: abs(slope) -> slope": _ANY_SHARE,
    "power: log_loss - shift -> log_loss + shift": "a factor on all powers, which cancels",
    "error_variance_gradient: 0 -> 1": _NOT_READ,
    "one_minus_pearson_gradient: 0 -> 1": _NOT_READ,
}
"""Changes that change nothing beyond rounding, and why."""


def key(change: Change) -> str:
    """What a change is told by when lines have moved."""
    return f"{change.function}: {change.before} -> {change.after}"


BATCHES = """
import json, sys, torch, gar_verify
from gar_verify.losses import GARLoss, pearson_loss, error_variance_loss, concordance_loss
from gar_verify.losses.gar import compiled_reader
served = compiled_reader.value_and_state
def compiled(*arguments):
    found = served(*arguments)
    assert found is not None  # no other reader steps in
    return found
compiled_reader.value_and_state = compiled
g = torch.Generator().manual_seed(7)
def normal(*n): return torch.randn(*n, dtype=torch.float64, generator=g)
y, e = normal(40), normal(40)
batches = []
for scale in (1.0, -2.0, 1e-16, -1e-16, 1e16):
    batches.append((scale * (y + 0.3 * e), y))
batches.append((y + 1e-9 * e, y))
batches.append((e + 1e10, y))
y2 = y.clone(); y2[5] = 1e15; batches.append((y2 + torch.round(4 * e) / 4, y2))
for f, t in (([0.3], [1.1]), ([0.7] * 4, [1.0, 2, 4, 3]), ([1.0, 2, 4, 3], [0.7] * 4),
             ([0.5] * 3, [0.5] * 3), ([1.0, 2, 4], [1.0, 2, 4]), ([3.0, 1, 2], [-3.0, -1, -2])):
    batches.append((torch.tensor(f, dtype=torch.float64), torch.tensor(t, dtype=torch.float64)))
long = normal(2, 5000)
long[0] += 0.4 * long[1]
long[1, 2048:4096] = 0.25
batches += [tuple(long), (2 * long[1] + normal(5000), long[1])]
losses = [pearson_loss, error_variance_loss, concordance_loss, GARLoss(0.3), GARLoss(0.0),
          GARLoss(2.0, conventional="mse"), GARLoss(1e6, conventional="huber", delta=0.4),
          GARLoss(form="power_mean", conventional="concordance")]
out = []
for f, t in batches:
    for loss in losses:
        w = torch.linspace(0.2, 1.0, len(f), dtype=torch.float64)
        w[len(f) // 2] = 0 if len(f) > 3 else 0.5
        leaf = f.clone().requires_grad_()
        value = loss(leaf, t, w)  # always with weights: one kernel to compile
        (grad,) = torch.autograd.grad(value, leaf)
        out.append([value.item(), *grad[:6].tolist(), *grad[-2:].tolist()])
assert gar_verify.__path__ == [sys.argv[1] + "/gar_verify"], gar_verify.__path__
print(json.dumps(out))
"""


def outcome(source: str, folder: Path) -> list[list[float]] | None:
    """What the compiled reader makes of the batches with these formulas; None if it breaks."""
    (folder / "gar_verify" / "formulas.py").write_text(source, encoding="utf8")
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "GAR_VERIFY_CACHE": str(folder / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_OPT": "0",  # compiles in half of the time
    }
    command = [sys.executable, "-W", "ignore", "-c", BATCHES, str(folder)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    shutil.rmtree(folder / "cache", ignore_errors=True)
    rows: list[list[float]] | None = json.loads(done.stdout) if done.returncode == 0 else None
    return rows


def differ(one: list[list[float]], other: list[list[float]]) -> bool:
    """Whether any number differs by more than 1e-9 of the largest of its row."""
    for a, b in zip(one, other, strict=True):
        for part in (slice(0, 1), slice(1, None)):
            scale = max(map(abs, a[part]))
            if not all(abs(x - z) <= 1e-9 * scale for x, z in zip(a[part], b[part], strict=True)):
                return True
    return False


def reached(change: Change) -> bool:
    """Whether the compiled reader calls the function that is changed."""
    return change.function in REACHED


def main() -> int:
    """Try all changes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ignored = shutil.ignore_patterns("__pycache__", "tables", "*.json")
        shutil.copytree(ROOT / "gar_verify", folder / "gar_verify", ignore=ignored)
        source = (ROOT / "gar_verify" / "formulas.py").read_text(encoding="utf8")
        expected = outcome(source, folder)
        assert expected is not None
        todo = [change for change in changes() if reached(change)]
        survivors = []
        for number, change in enumerate(todo, 1):
            found = outcome(ast.unparse(change.tree), folder)
            if found is not None and not differ(expected, found):
                survivors.append(key(change))
                print(f"unnoticed: {change}  {EQUAL.get(key(change), '')}", flush=True)
            if number % 20 == 0:
                print(f"{number} of {len(todo)}", flush=True)
    print(f"{len(todo) - len(survivors)} of {len(todo)} noticed")
    return int(any(s not in EQUAL for s in survivors))


if __name__ == "__main__":
    sys.exit(main())
