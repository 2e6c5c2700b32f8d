"""Formulas as MathML: every statement, the structure, the places to break, and errors."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from gar_verify.report import mathml
from gar_verify.report.mathml import FormulaError, markup
from proofs import catalogue

STATEMENTS = [catalogue.statement(name) for name in catalogue.names()]
FORMULAS = [(s.name, formula) for s in STATEMENTS for formula in s.latex]


def inside(formula: str) -> str:
    (part,) = markup(formula)
    return part.removeprefix('<math display="inline" displaystyle="true">').removesuffix("</math>")


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_every_formula_of_a_statement_is_written(name: str, formula: str) -> None:
    parts = markup(formula)
    text = "".join("".join(ElementTree.fromstring(part).itertext()) for part in parts)
    assert text
    assert "\\" not in text
    assert "{" not in text
    fences = {opening: text.count(opening) for opening in "()[]"}
    assert fences == {fence: _fences(formula).count(fence) for fence in "()[]"}
    for letter in "fydNLW":
        assert text.count(letter) >= formula.count(f"{letter}_"), letter


def _fences(formula: str) -> str:
    return formula.replace(r"\left", "").replace(r"\right", "")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"\frac{1}{N^2}", "<mfrac><mn>1</mn><msup><mi>N</mi><mn>2</mn></msup></mfrac>"),
        (r"d_i^2", "<msubsup><mi>d</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\sum_{i=1}^{N}", "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow>"),
        (r"\max_k", "<munder><mi>max</mi><mi>k</mi></munder>"),
        (r"\bar{d}", '<mover accent="true"><mi>d</mi><mo>¯</mo></mover>'),
        (r"\mathrm{Var}", "<mi>Var</mi>"),
        (r"\mathrm{d}f", '<mi mathvariant="normal">d</mi><mi>f</mi>'),
        (r"\mathrm{for\ some}", "<mtext>for some</mtext>"),
        (r"\varphi'", "<msup><mi>φ</mi><mo>′</mo></msup>"),  # noqa: RUF001
        (r"a<b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
    ],
)
def test_structure(formula: str, expected: str) -> None:
    assert inside(formula).startswith(expected)


def test_fences_grow_with_what_they_hold_only_where_asked() -> None:
    assert '<mo fence="true" stretchy="true">(</mo>' in inside(r"\left(\frac{a}{b}\right)")
    assert '<mo stretchy="false" lspace="0" rspace="0">(</mo>' in inside("(a)")


def test_a_long_formula_is_cut_at_relations_wide_spaces_and_sums() -> None:
    assert len(markup(r"a=b=c")) == 3
    first, second = markup(r"a,\quad b")
    assert 'class="wide"' in first
    assert 'class="wide"' not in second
    sums = "+".join(f"a_{{{n}}}b" for n in range(mathml.LONG))
    assert len(markup(sums)) == mathml.LONG
    assert len(markup("a+b")) == 1


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (r"\sqroot{2}", r"\\sqroot is not known"),
        (r"\quadc", r"\\quadc is not known"),
        (r"\frac{1}{2", "'}' is missing"),
        (r"\left(a", r"right' is missing"),
        (r"a}", "'}' closes nothing"),
        (r"a_1_2", "two '_' at one base"),
        (r"\mathbb{Q}", r"\\mathbb\{Q\} is not known"),
        (r"a^", "'something' is missing"),
    ],
)
def test_errors_name_the_formula(formula: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        markup(formula)
    assert repr(formula) in str(caught.value)
