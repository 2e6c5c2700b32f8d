"""The command line: ``python -m proofs``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import catalogue, pages, printing, rocq_opinion
from .z3_opinion import second_opinion

EXAMPLE = """examples:
  python -m proofs                     prove everything, one line for each statement
  python -m proofs --only theorem-4    one statement, with its steps and refutations
  python -m proofs --json > proofs.json
  python -m proofs --rocq              have Rocq check its theorems, and certify them
  python -m proofs --report            write paper_figures/proofs.html and proofs.md
"""


def main(arguments: list[str] | None = None, prog: str = "python -m proofs") -> int:
    """Run the command line; 0 when everything is proved, 1 when not, 2 for a wrong call."""
    options = _parser().parse_args(arguments)
    if options.rocq:
        return rocq_opinion.certify()
    try:
        wanted = catalogue.find(options.only)
    except catalogue.UnknownStatementError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    results = [result for name in wanted for result in catalogue.results(name)]
    opinions = second_opinion(wanted)
    if options.json:
        print(json.dumps(printing.records(results, opinions), indent=2, ensure_ascii=False))
    elif options.only:
        print("\n\n".join(printing.text(result) for result in results))
        print(printing.opinion_line(opinions))
    else:
        print(printing.table(results, opinions))
    if options.report:
        for path in pages.report(results, opinions, Path(options.folder)):
            print(f"wrote {path}", file=sys.stderr)
    rocq = rocq_opinion.rocq_opinion()
    if rocq.trouble:
        print(f"{prog}: {rocq}", file=sys.stderr)
    passed = all(result.passed for result in results)
    agreed = all(opinion.agrees for opinion in opinions) and not rocq.trouble
    return 0 if passed and agreed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m proofs",
        description="Prove the statements of the paper for every N, over gar_verify.formulas.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="NAME", help="a statement, or the beginning of its name")
    parser.add_argument("--json", action="store_true", help="print one record for each statement")
    parser.add_argument("--rocq", action="store_true", help="check with Rocq, write a certificate")
    parser.add_argument("--report", action="store_true", help="write a page as HTML and Markdown")
    parser.add_argument(
        "--folder", default="paper_figures", help="where --report writes (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
