"""The command ``gar-verify``, also as ``python -m gar_verify``."""

from __future__ import annotations

import sys

from gar_verify._extras import needed


def main() -> None:
    """Run the command line; without the packages that it needs, say in one line how to get them."""
    try:
        from gar_verify.cli import app

        app.main()
    except ModuleNotFoundError as error:
        told = needed(error, "this command")
        if told is None:
            raise
        print(f"gar-verify: {told}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
