"""The tables of Concrete and some verdicts again, without the package.

python tests/independent/recompute.py [ROOT]    ROOT: a copy of the repository; default: this one

Imports numpy, scipy, h5py and the standard library only. Prints a line for each table and verdict,
and exits with 1 if one differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import concrete_again
import verdicts_again


def main(root: Path) -> int:
    """Print the report."""
    checks = [*concrete_again.checks(root), *verdicts_again.checks(root)]
    for check in checks:
        print(check)
    differing = sum(bool(check.differing) for check in checks)
    print(f"{len(checks) - differing} of {len(checks)} agree")
    return int(differing > 0)


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[2]
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else here))
