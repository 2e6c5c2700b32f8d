"""A second opinion for every N, by the proof assistant Rocq (Coq 8.16 or later with Coquelicot).

The folder ``rocq`` holds theorems written by hand over definitions that are generated from
`gar_verify.formulas` (`rocq_formulas`). ``make rocq`` compiles them, has the compiled files
checked again by ``coqchk``, asks for the axioms of each theorem, and writes what it found to
``rocq/certificate.json``, with a hash of every source. Where no Rocq is installed the certificate
speaks for it, as long as the hashes are those of the sources and of the present formulas: a
certificate of anything else is stale, and counts as a failure.

    python -m proofs --rocq        generate, compile, check, write the certificate
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .rocq_formulas import SOURCE, TARGET, UntranslatableError, translate, translate_rounded
from .rocq_formulas import write as write_definitions

FOLDER = TARGET.parent
CERTIFICATE = FOLDER / "certificate.json"
MUTATIONS = FOLDER / "mutations.json"

COMPILER = ("coqc", "-w", "none", "-Q", ".", "GAR")
CHECKER = ("coqchk", "-silent", "-o", "-Q", ".", "GAR")
ASKED_AT_ONCE = 4
"""How many processes ask for axioms: each question takes most of a second."""

FILES = (
    "Sums",
    "Formulas",
    "Batch",
    "Aggregation",
    "Gradient",
    "Merging",
    "Targets",
    "Released",
    "Paper",
    "GradientMatching",
    "Connectedness",
    "Lipschitz",
    "Graph",
    "Draws",
    "Rounded",
    "Rounding",
)
"""The sources, each after those that it builds on."""

THEOREMS = {
    "theorem-1-error-variance": ("Paper.paper_theorem_1",),
    "theorem-2-pearson": (
        "Paper.paper_theorem_2",
        "Paper.paper_theorem_2_ends",
        "Batch.code_theorem_2_one_constant",
    ),
    "theorem-3-scaling-factor": ("Paper.paper_theorem_3", "Paper.paper_theorem_2_ends"),
    "theorem-4-gradient-matching": (
        "GradientMatching.ddir_shift",
        "GradientMatching.segment",
        "GradientMatching.polygonal_connectedness",
        "GradientMatching.differences_to_gradients",
        "GradientMatching.gradients_to_differences",
        "GradientMatching.theorem_4",
        "GradientMatching.theorem_4_scaled",
        "GradientMatching.frechet_ddir",
        "Connectedness.interval_connected",
        "Connectedness.connectedness_needed",
    ),
    "proposition-kl-dro": (
        "Aggregation.maximum",
        "Aggregation.monotone",
        "Aggregation.at_one",
        "Aggregation.largest_exists",
        "Aggregation.limit_at_zero",
        "Aggregation.limit_at_infinity",
        "Aggregation.sign_of_derivative",
        "Aggregation.difference_quotient",
        "Aggregation.squeeze",
        "Aggregation.code_powers",
        "Aggregation.code_is",
        "Aggregation.code_tilt_is",
        "Aggregation.code_gradient",
        "Aggregation.power_mean_is",
    ),
    "regression-moments": (
        "Batch.moments_are",
        "Batch.parts_are",
        "Batch.slope_is",
        "Batch.scaled_covariance_is",
        "Batch.scale_is",
        "Batch.nothing_lost",
        "Batch.any_share",
        "Batch.error_share_is",
        "Batch.shifts_change_nothing",
        "Batch.part_of_whole",
        "Batch.var_r_is",
        "Batch.prediction_variance_is",
        "Batch.correlation_is",
    ),
    "concordance": ("Batch.concordance_is",),
    "closed-form-gradient": (
        "Gradient.error_variance_derivative",
        "Gradient.one_minus_pearson_derivative",
        "Gradient.one_minus_concordance_derivative",
        "Gradient.sub_losses_derivative",
        "Paper.gar_gradient",
    ),
    "released-constants": (
        "Released.released_terms",
        "Released.unbiased_scale",
        "Released.normaliser_shifts",
        "Released.log_derivative_with_eps",
        "Aggregation.power_mean_is",
    ),
    "conventional-losses": (
        "Released.huber_is",
        "Released.huber_derivative",
        "Released.square_derivative",
        "Released.absolute_derivative",
        "Released.absolute_at_0",
    ),
    "motivating-example": ("Released.mean_square_split", "Released.motivating_batches"),
    "sample-weights": (
        "Batch.theorem_1",
        "Batch.theorem_2",
        "Batch.theorem_2_ends",
        "Batch.theorem_3",
        "Batch.no_spread",
        "Batch.code_theorem_1",
        "Batch.code_theorem_2",
        "Batch.code_theorem_3",
    ),
    "several-targets": (
        "Targets.pairs_of_targets",
        "Targets.differences_of_vectors",
        "Targets.pooled_errors",
        "Targets.constants_cost_nothing",
        "Targets.two_stage_aggregation",
    ),
    "merging-moments": (
        "Merging.merge_is",
        "Merging.merge_nothing",
        "Merging.merge_either_order",
    ),
    "random-batches": (
        "Merging.code_without_self_pairs",
        "Draws.batch_with_replacement",
        "Draws.batch_without_replacement",
        "Draws.draws_exist",
    ),
    "graph-matching": (
        "Graph.along_chain",
        "Graph.matching_is_connected",
        "Graph.fewer_do_not",
        "Graph.star_suffices",
        "Graph.all_pairs_by_the_code",
        "Graph.one_reference_sample",
    ),
    "lipschitz-functions": (
        "Lipschitz.flat_almost_everywhere",
        "Lipschitz.few_contain",
        "Lipschitz.near_axis",
        "Lipschitz.lipschitz_differences_to_gradients",
        "Lipschitz.lipschitz_gradients_to_differences",
        "Lipschitz.line_has_coordinates",
        "Lipschitz.plane_has_coordinates",
    ),
    "rounding-errors": (
        "Rounding.rounded_without_self_pairs",
        "Rounding.rounded_error_variance",
        "Rounding.rounded_prediction_variance",
        "Rounding.rounded_scaled_difference",
        "Rounding.rounded_one_minus_pearson",
        "Rounding.rounded_one_minus_pearson_gradient",
        "Rounding.rounded_error_variance_gradient",
        "Rounding.rounded_concordance_scale",
        "Rounding.rounded_one_minus_concordance",
        "Rounding.rounded_one_minus_concordance_gradient",
        "Rounding.rounded_merge",
    ),
}
"""What Rocq proves of each statement."""

PARTIAL = {
    "lipschitz-functions": (
        "all but Rademacher's theorem, that the gradients exist almost everywhere"
    ),
}
"""Statements of which Rocq proves a part, and which."""

AXIOMS = {
    "ClassicalDedekindReals.sig_forall_dec": "the reals",
    "ClassicalDedekindReals.sig_not_dec": "the reals",
    "FunctionalExtensionality.functional_extensionality_dep": "the reals",
    "Classical_Prop.classic": "classical logic",
    "Description.constructive_definite_description": "classical logic",
}
"""What a theorem may rest on: the axioms of Coq's real numbers and classical logic."""

INSTALL = (
    "Rocq is not installed: on Debian or Ubuntu `apt-get install coq libcoq-coquelicot`, with opam "
    "`opam install coq.8.16.1 coq-coquelicot.3.2.0`"
)


class RocqError(RuntimeError):
    """The sources are not accepted, or rest on more than they may."""


class StaleError(RocqError):
    """The certificate is of other sources than these."""


@dataclass(frozen=True)
class Certificate:
    """What Rocq accepted, and of which sources."""

    rocq: str
    sources: dict[str, str]
    theorems: dict[str, dict[str, list[str]]]
    """Statement, theorem, axioms."""


def _sources() -> dict[str, str]:
    """The text of each source, the definitions being those that the formulas give *now*."""
    text = {name: (FOLDER / f"{name}.v").read_text(encoding="utf8") for name in FILES}
    source = SOURCE.read_text(encoding="utf8")
    return text | {"Formulas": translate(source), "Rounded": translate_rounded(source)}


def hashes() -> dict[str, str]:
    """The hash of each source, the definitions being those that the formulas give *now*."""
    return {n: hashlib.sha256(text.encode("utf8")).hexdigest() for n, text in _sources().items()}


def certificate(path: Path = CERTIFICATE) -> Certificate:
    """The certificate of the present sources; a `StaleError` says what has changed."""
    if not path.exists():
        raise StaleError(f"there is no {path.name}: run make rocq")
    kept = Certificate(**json.loads(path.read_text(encoding="utf8")))
    now = hashes()
    both = now.keys() | kept.sources.keys()
    changed = sorted(name for name in both if now.get(name) != kept.sources.get(name))
    if changed:
        raise StaleError(f"the certificate is of another {', '.join(changed)}: run make rocq")
    missing = [t for s, ts in THEOREMS.items() for t in ts if t not in kept.theorems.get(s, {})]
    if missing:
        raise StaleError(f"the certificate lacks {', '.join(missing)}: run make rocq")
    for statement, theorems in kept.theorems.items():
        for theorem, axioms in theorems.items():
            _only_known(f"{statement}, {theorem}", axioms)
    return kept


def _only_known(what: str, axioms: Sequence[str]) -> None:
    more = sorted(set(axioms) - AXIOMS.keys())
    if more:
        raise RocqError(f"{what} rests on {', '.join(more)}")


def roundings() -> dict[str, int]:
    """How many roundings a computed value may be away, from the statements of ``Rounding.v``.

    The keys are functions, with a field where it is that of a record: ``merge.var_y``.
    """
    text = (FOLDER / "Rounding.v").read_text(encoding="utf8")
    said = "".join(re.findall(r"^Theorem (.*?)^Proof", text, re.M | re.S))
    bound = re.compile(r"within (\d+) \((?:[A-Z]\w+?_(\w+) \()?Rounded\.(\w+) rnd")
    return {
        f"{function}.{part}" if part else function: int(count)
        for count, part, function in bound.findall(said)
    }


def available() -> bool:
    """Whether Rocq and its checker are installed, Coquelicot among its libraries."""
    if not (shutil.which("coqc") and shutil.which("coqchk")):
        return False
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Ask.v").write_text("From Coquelicot Require Import Coquelicot.\n")
        return _run(["coqc", "-w", "none", "Ask.v"], folder).returncode == 0


def _run(command: Sequence[str], folder: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _accepted(command: Sequence[str], folder: Path | str) -> str:
    done = _run(command, folder)
    if done.returncode != 0:
        raise RocqError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def place(folder: Path) -> None:
    """Put the sources into a folder, where the compiled files will be too."""
    for name, text in _sources().items():
        (folder / f"{name}.v").write_text(text, encoding="utf8")


def needs(name: str) -> tuple[str, ...]:
    """The sources that a source builds on itself."""
    text = (FOLDER / f"{name}.v").read_text(encoding="utf8")
    found = re.findall(r"^From GAR Require (?:Import )?([\w ]+)\.$", text, re.M)
    return tuple(name for line in found for name in line.split())


def compile_source(name: str, folder: Path) -> None:
    """Compile one source, those that it needs being compiled; a `RocqError` says what is wrong."""
    _accepted([*COMPILER, f"{name}.v"], folder)


def compiled(folder: Path) -> Certificate:
    """Compile the sources in a folder of their own, check the result, and ask for the axioms."""
    place(folder)
    names = [theorem for theorems in THEOREMS.values() for theorem in theorems]
    done: dict[str, Future[None]] = {}

    def compile_after_what_it_needs(name: str) -> None:
        for needed in needs(name):
            done[needed].result()
        compile_source(name, folder)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in FILES:
            done[name] = pool.submit(compile_after_what_it_needs, name)
        for future in done.values():
            future.result()
        checked = pool.submit(_accepted, [*CHECKER, *(f"GAR.{name}" for name in FILES)], folder)
        parts = [names[first::ASKED_AT_ONCE] for first in range(ASKED_AT_ONCE)]
        printed = list(pool.map(lambda part: _assumptions(part, folder), parts))
    axioms = _axioms("".join(printed))
    for name in names:
        _only_known(name, axioms[name])
    _only_known("coqchk's summary", _listed(checked.result()))
    version = re.search(r"version (\S+)", _accepted(["coqc", "--version"], folder))
    return Certificate(
        rocq=version[1] if version else "unknown",
        sources=hashes(),
        theorems={s: {t: axioms[t] for t in theorems} for s, theorems in THEOREMS.items()},
    )


def _assumptions(theorems: Sequence[str], folder: Path) -> str:
    """What ``Print Assumptions`` says of some theorems."""
    asked = [f"From GAR Require {' '.join(FILES)}."]
    asked += [f'Goal True. idtac "@ {t}". Abort.\nPrint Assumptions GAR.{t}.' for t in theorems]
    name = f"Asked{hashlib.sha256(' '.join(theorems).encode()).hexdigest()[:8]}.v"
    (folder / name).write_text("\n".join(asked) + "\n", encoding="utf8")
    return _accepted([*COMPILER, name], folder)


def _axioms(printed: str) -> dict[str, list[str]]:
    """The axioms of each theorem, from what ``Print Assumptions`` printed."""
    found: dict[str, list[str]] = {}
    for part in printed.split("@ ")[1:]:
        name, _, rest = part.partition("\n")
        if "Closed under the global context" in rest:
            found[name.strip()] = []
        elif "Axioms:" in rest:
            found[name.strip()] = sorted(re.findall(r"^([\w.]+)\s*(?::|$)", rest, re.M)[1:])
    return found


def _listed(summary: str) -> list[str]:
    """The axioms in the summary of ``coqchk``."""
    section = summary.partition("* Axioms:")[2].partition("* Constants")[0]
    return [name.split(".", 2)[2] for name in section.split() if name != "<none>"]


def mutations() -> str:
    """How many small changes of the formulas Rocq refuses, as last tried on all of them."""
    if not MUTATIONS.exists():
        return "no changes of the formulas were tried on Rocq"
    kept = json.loads(MUTATIONS.read_text(encoding="utf8"))
    refused, accepted = sum(kept["refused"].values()), len(kept["accepted"])
    now = hashes()
    other = "" if all(now[n] == h for n, h in kept["sources"].items()) else ", of earlier formulas"
    return f"Rocq refuses {refused} of {refused + accepted} changes of the formulas{other}"


def write(found: Certificate, path: Path = CERTIFICATE) -> None:
    """Write a certificate, whole or not at all."""
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(vars(found), indent=1, sort_keys=True) + "\n", encoding="utf8")
    os.replace(temporary, path)


def certify() -> int:
    """Generate, compile, check and certify; 1 when Rocq refuses, 2 when there is none."""
    if write_definitions():
        print(f"{TARGET.name} written anew from {SOURCE.name}")
    if not available():
        print(INSTALL, file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = compiled(Path(folder))
    except RocqError as error:
        print(f"Rocq refuses: {error}", file=sys.stderr)
        return 1
    write(found)
    for statement, theorems in found.theorems.items():
        print(statement)
        for theorem, axioms in theorems.items():
            short = ", ".join(a.rpartition(".")[2] for a in axioms)
            print(f"  {theorem}: {short or 'no axioms'}")
    print(mutations())
    print(f"{RocqOpinion(found.theorems)}; Coq {found.rocq}, coqchk agrees")
    return 0


@dataclass(frozen=True)
class RocqOpinion:
    """What the certificate says, or why it says nothing."""

    theorems: dict[str, dict[str, list[str]]]
    trouble: str = ""

    def of(self, statement: str) -> tuple[str, ...]:
        """The theorems that Rocq proved of a statement."""
        return tuple(self.theorems.get(statement, ()))

    def word(self, statement: str) -> str:
        """``yes``, ``part`` or ``-``, and ``stale`` without a certificate of these sources."""
        if self.trouble:
            return "stale"
        return ("part" if statement in PARTIAL else "yes") if self.of(statement) else "-"

    def __str__(self) -> str:
        """In one line."""
        if self.trouble:
            return f"Rocq: NO OPINION, {self.trouble}"
        count = len({t for theorems in self.theorems.values() for t in theorems})
        return f"Rocq: {count} theorems of {len(self.theorems)} statements, for every N"


def rocq_opinion() -> RocqOpinion:
    """What Rocq says about the present formulas, from the certificate."""
    try:
        return RocqOpinion(certificate().theorems)
    except (RocqError, UntranslatableError, OSError, ValueError, TypeError) as error:
        return RocqOpinion({}, str(error))
