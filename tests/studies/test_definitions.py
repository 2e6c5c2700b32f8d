"""The fingerprint of code: what it sees, and what it does not."""

from __future__ import annotations

import pytest

from gar_verify.losses import get_spec
from gar_verify.studies.definitions import SOURCES, Definition, Sources, definition_of
from gar_verify.training import train

PACKAGE = {
    "gar_verify": "",
    "gar_verify.a": """
import math
from gar_verify import b
from gar_verify.c import SCALE, helper as help_me

def f(x: int) -> float:
    \"\"\"Says.\"\"\"
    return help_me(x) * SCALE + b.g(x) + math.sqrt(x)  # note

def unused(x):
    return x
""",
    "gar_verify.b": """
def g(x):
    return h(x) - 1

def h(x):
    return g(x - 1) if x > 0 else 0
""",
    "gar_verify.c": """
SCALE = 3.0

def helper(x):
    return x + 1
""",
}


def digest(package: dict[str, str], module: str = "gar_verify.a", name: str = "f") -> str:
    return Sources(package.get).digest([Definition(module, name)])


def edited(module: str, old: str, new: str) -> dict[str, str]:
    source = PACKAGE[f"gar_verify.{module}"]
    assert old in source
    return {**PACKAGE, f"gar_verify.{module}": source.replace(old, new)}


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("a", "  # note", ""),
        ("a", "Says.", "Says more."),
        ("a", "(x: int) -> float", "(x)"),
        ("a", "return x\n", "return -x\n"),
        ("a", "help_me(x) * SCALE", "(\n        help_me(x)\n        * SCALE\n    )"),
        ("c", "SCALE = 3.0\n", "SCALE = 3.0\nOTHER = 4.0\n"),
    ],
)
def test_what_computes_the_same_has_the_same_digest(module: str, old: str, new: str) -> None:
    assert digest(edited(module, old, new)) == digest(PACKAGE)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("a", "math.sqrt", "math.exp"),
        ("a", "import math", "import numpy as math"),
        ("a", "help_me(x) * SCALE", "help_me(x) / SCALE"),
        ("a", "from gar_verify.c import SCALE, helper", "from gar_verify.c import SCALE, SCALE"),
        ("a", "b.g(x)", "b.h(x)"),
        ("b", "h(x) - 1", "h(x) - 2"),
        ("b", "x > 0", "x >= 0"),
        ("c", "SCALE = 3.0", "SCALE = 3.1"),
        ("c", "x + 1", "x - 1"),
    ],
)
def test_an_edit_of_what_is_reached_changes_the_digest(module: str, old: str, new: str) -> None:
    assert digest(edited(module, old, new)) != digest(PACKAGE)


def test_modules_may_be_renamed_moved_and_merged() -> None:
    renamed = {
        "gar_verify": "",
        "gar_verify.house": "",
        "gar_verify.house.one": PACKAGE["gar_verify.a"]
        .replace("from gar_verify import b", "from gar_verify.house import two as b")
        .replace("gar_verify.c", "gar_verify.house"),
        "gar_verify.house.two": PACKAGE["gar_verify.b"],
        "gar_verify.house.three": PACKAGE["gar_verify.c"].replace("helper", "assistant"),
    }
    renamed["gar_verify.house"] = (
        "from gar_verify.house.three import SCALE\n"
        "from gar_verify.house.three import assistant as helper\n"
    )
    assert digest(renamed, "gar_verify.house.one") == digest(PACKAGE)
    merged = PACKAGE["gar_verify.a"].replace("from gar_verify import b\n", "").replace("b.g", "g")
    merged = merged.replace("from gar_verify.c import SCALE, helper as help_me\n", "")
    merged = merged.replace("help_me", "helper") + PACKAGE["gar_verify.b"] + PACKAGE["gar_verify.c"]
    assert digest({"gar_verify": "", "gar_verify.all": merged}, "gar_verify.all") == digest(PACKAGE)


def test_a_module_that_is_passed_on_counts_as_a_whole() -> None:
    passing = edited("a", "b.g(x)", "getattr(b, 'g')(x)")
    whole = digest(passing)
    passing["gar_verify.b"] = PACKAGE["gar_verify.b"] + "\ndef more(x):\n    return x\n"
    assert digest(passing) != whole


def test_imports_inside_functions_are_followed() -> None:
    inside = "def f(x):\n    from gar_verify.c import helper\n    return helper(x)\n"
    one = {**PACKAGE, "gar_verify.a": inside}
    other = {**one, "gar_verify.c": PACKAGE["gar_verify.c"].replace("x + 1", "x + 2")}
    assert digest(one) != digest(other)


def test_a_function_inside_another_is_found() -> None:
    source = "def f(x):\n    def inner(y):\n        return y + 1\n    return inner\n"
    one = digest({"gar_verify.a": source}, name="f.inner")
    assert one != digest({"gar_verify.a": source.replace("y + 1", "y + 2")}, name="f.inner")
    assert one == digest(
        {"gar_verify.a": source.replace("return inner", "return 0")}, name="f.inner"
    )
    with pytest.raises(ValueError, match=r"gar_verify.a defines no 'f.outer'"):
        digest({"gar_verify.a": source}, name="f.outer")


def test_what_is_no_code_of_the_package_is_refused() -> None:
    with pytest.raises(ValueError, match="is not of gar_verify"):
        definition_of(digest)
    with pytest.raises(ValueError, match=r"'gar_verify\.absent' is no module"):
        digest(PACKAGE, "gar_verify.absent")


def test_the_trainer_reaches_what_it_computes_with_and_no_loss() -> None:
    def names(root: Definition) -> set[str]:
        return {f"{found.module}.{found.name}" for found in SOURCES.reached([root])}

    trainer = names(definition_of(train))
    assert {"gar_verify.training.mlp.product", "gar_verify.metrics.scores.Scorer"} <= trainer
    assert not any(name.startswith("gar_verify.losses") for name in trainer)
    mae, gar = (names(definition_of(get_spec(name).stacked)) for name in ("mae", "gar"))
    assert "gar_verify.formulas.absolute" in mae
    assert {"gar_verify.formulas.moments", "gar_verify.formulas.one_minus_pearson"} <= gar - mae
    assert not any(name.startswith("gar_verify.losses.rnc") for name in gar | mae)
