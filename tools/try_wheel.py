"""Try an installed gar_verify as its users do, from a folder that is no checkout.

    python -I tools/try_wheel.py core    # installed without extras: the loss
    python -I tools/try_wheel.py all     # installed with all extras: the commands

`make wheel` calls it with the interpreters of two fresh environments.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

EXTRAS = {"matplotlib", "numba", "pandas", "scipy", "sklearn", "sympy", "xarray"}
COMMAND = Path(sysconfig.get_path("scripts")) / "gar-verify"
PRICES = "size,age,price\n" + "".join(
    f"{30 + 7 * i % 90},{i % 13},{100 + 5 * (7 * i % 90) - 3 * (i % 13)}\n" for i in range(120)
)


def core() -> None:
    """One step of training; the loss imports no extra, and a command names the one it needs."""
    import torch

    known = set(sys.modules)
    from gar_verify import GARLoss

    extra = (sys.modules.keys() - known) & EXTRAS
    assert not extra, f"the loss imports {sorted(extra)}"
    torch.manual_seed(0)
    inputs, model = torch.randn(64, 3), torch.nn.Linear(3, 1)
    labels = inputs @ torch.tensor([1.0, -2.0, 0.5])
    optimizer, values = torch.optim.SGD(model.parameters(), lr=0.05), []
    for _ in range(2):
        optimizer.zero_grad()
        value = GARLoss()(model(inputs)[:, 0], labels)
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[1] < values[0], f"a step took the loss from {values[0]} to {values[1]}"
    told = _run("table", "concrete", expected=2)
    assert 'pip install "gar_verify[studies]"' in told, told
    assert len(told.splitlines()) == 1, told


def everything() -> None:
    """The commands."""
    Path("prices.csv").write_text(PRICES, encoding="utf-8")
    for arguments, words in (
        (("table", "concrete"), "GAR"),
        (("prove",), "theorem-2-pearson"),
        (("claims",), "proved"),
        (("compare", "prices.csv", "--target", "price", "--quick"), "GAR"),
    ):
        printed = _run(*arguments)
        assert words in printed, f"gar-verify {' '.join(arguments)} says nothing of {words!r}"
    assert any(Path("prices_comparison").iterdir())


def _run(*arguments: str, expected: int = 0) -> str:
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    print(f"gar-verify {' '.join(arguments)}: exit status {done.returncode}")
    assert done.returncode == expected, printed
    return printed


def main() -> None:
    """Run what the argument names in an empty folder."""
    where = Path(find_spec("gar_verify").origin)
    assert where.is_relative_to(sys.prefix), f"{where} is a checkout, not the installed package"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        {"core": core, "all": everything}[sys.argv[1]]()


if __name__ == "__main__":
    main()
