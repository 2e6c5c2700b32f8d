r"""The formulas of the statements as MathML, which a browser sets without a network.

The statements are written in the part of LaTeX that matplotlib reads. A long formula is cut at its
relations and wide spaces, so that a narrow screen breaks it where a reader would.

>>> markup(r"\frac{1}{N}")
['<math display="inline" displaystyle="true"><mfrac><mn>1</mn><mi>N</mi></mfrac></math>']
"""

# ruff: noqa: RUF001  (the signs of mathematics look like others)

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

UPRIGHT = {
    "Delta": "Δ",
    "Omega": "Ω",
    "Phi": "Φ",
    "forall": "∀",
    "infty": "∞",
    "ldots": "…",
    "nabla": "∇",
}
ITALIC = {
    "alpha": "α",
    "beta": "β",
    "delta": "δ",
    "epsilon": "ε",
    "partial": "∂",
    "rho": "ρ",
    "varphi": "φ",
}
RELATIONS = {
    "Longleftrightarrow": "⟺",
    "Rightarrow": "⇒",
    "in": "∈",
    "leq": "≤",
    "neq": "≠",
    "propto": "∝",
    "subseteq": "⊆",
    "to": "→",
}
NAMED = ("lim", "log", "max", "min")
"""Operators that are written as words."""
LETTERS = {"mathbb": {"R": "ℝ"}, "mathcal": {"L": "ℒ"}}
SPACES = {",": 0.17, " ": 0.33, "quad": 1.0, "qquad": 2.0}
"""Width of each space in em."""
SIGNS = {"-": "−", "ast": "∗", "prime": "′", "'": "′"}
FENCES = {"(": "(", ")": ")", "[": "[", "]": "]", "|": "|", "Vert": "‖"}

WIDE = 1.0
"""Spaces of so many em and more separate the parts of a formula."""
BREAKING = {"=", "=:", "⟺", "≤", "∝"}
"""Relations before which a formula may be cut."""
LONG = 30
"""Signs from which on a part is cut before its sums as well."""

TOKEN = re.compile(r"\\([A-Za-z]+|.)|(\d+(?:\.\d+)?)|(=:|\S)")


class FormulaError(ValueError):
    """A formula uses something that this module does not write."""


def markup(formula: str) -> list[str]:
    """The parts of a formula in LaTeX, each a ``math`` element to be set on one line.

    Args:
        formula: in the part of LaTeX that the statements use.

    Raises:
        FormulaError: for a command that is not known here, or unbalanced braces or fences.
    """
    return [_math(part) for part in _parts(_Reader(formula).everything())]


def _math(nodes: Sequence[Element]) -> str:
    ends = bool(nodes) and _is_wide(nodes[-1])
    attributes = {"display": "inline", "displaystyle": "true"} | ({"class": "wide"} if ends else {})
    math = _element("math", *nodes[: len(nodes) - ends], **attributes)
    return ElementTree.tostring(math, encoding="unicode")


def _parts(nodes: Sequence[Element]) -> list[list[Element]]:
    """Cut after wide spaces and before relations, and long parts before their sums."""
    parts = _cut(nodes, BREAKING)
    return [
        piece
        for part in parts
        for piece in (_cut(part, {"+"}) if sum(map(_signs, part)) > LONG else [part])
    ]


def _cut(nodes: Sequence[Element], before: Collection[str]) -> list[list[Element]]:
    parts: list[list[Element]] = [[]]
    for node in nodes:
        if parts[-1] and ((node.tag == "mo" and node.text in before) or _is_wide(parts[-1][-1])):
            parts.append([])
        parts[-1].append(node)
    return [part for part in parts if not all(map(_is_wide, part))]


def _is_wide(node: Element) -> bool:
    return node.tag == "mspace" and float(node.attrib["width"].removesuffix("em")) >= WIDE


def _signs(node: Element) -> int:
    """How many signs a reader sees."""
    return sum(bool(part.text) for part in node.iter())


class _Reader:
    """Reads a formula from left to right."""

    def __init__(self, formula: str) -> None:
        self.formula = formula
        self.tokens = [
            (f"\\{command}" if command else number or sign)
            for command, number, sign in TOKEN.findall(formula)
        ]
        self.position = 0

    def everything(self) -> list[Element]:
        nodes = self.row(())
        if self.position < len(self.tokens):
            raise self.error(f"{self.tokens[self.position]!r} closes nothing")
        return nodes

    def error(self, what: str) -> FormulaError:
        return FormulaError(
            f"{what} in the formula {self.formula!r}; statements use the LaTeX that "
            "gar_verify/report/mathml.py lists"
        )

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise self.error(f"{expected or 'something'!r} is missing")
        self.position += 1
        return token

    def row(self, ends: Sequence[str]) -> list[Element]:
        """Everything up to one of the ends, which is left to be read, with scripts attached."""
        nodes: list[Element] = []
        while self.peek() not in ("", "}", "\\right", *ends):
            named = self.peek().removeprefix("\\") in NAMED
            if named and nodes and nodes[-1].tag not in ("mo", "mspace"):
                nodes.append(_space(SPACES[","]))
            nodes.append(self.scripted(self.atom()))
            if named and self.peek() not in ("(", "\\left", "\\ ", "\\,"):
                nodes.append(_space(SPACES[","]))
        return nodes

    def scripted(self, base: Element) -> Element:
        """The base with what stands below and above it."""
        scripts: dict[str, Element] = {}
        while self.peek() in ("_", "^", "'"):
            token = self.take()
            key = "_" if token == "_" else "^"
            if key in scripts:
                raise self.error(f"two {key!r} at one base")
            scripts[key] = _sign("'") if token == "'" else self.atom()
        if not scripts:
            return base
        apart = base.text == "∑" or base.text in NAMED
        names = ("munder", "mover", "munderover") if apart else ("msub", "msup", "msubsup")
        name = names[2] if len(scripts) == 2 else names["^" in scripts]
        return _element(name, base, *(scripts[key] for key in "_^" if key in scripts))

    def atom(self) -> Element:
        token = self.take()
        if token == "{":
            nodes = self.row(())
            self.take("}")
            return nodes[0] if len(nodes) == 1 else _element("mrow", *nodes)
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return _leaf("mn", token)
        if token.isalpha():
            return _leaf("mi", token)
        return _sign(token)

    def command(self, name: str) -> Element:
        if name == "frac":
            return _element("mfrac", self.atom(), self.atom())
        if name == "bar":
            return _element("mover", self.atom(), _leaf("mo", "¯"), accent="true")
        if name == "left":
            return self.fenced()
        if name == "mathrm":
            return _word(self.text())
        if name in LETTERS:
            letter = self.text()
            if letter not in LETTERS[name]:
                raise self.error(f"\\{name}{{{letter}}} is not known")
            return _leaf("mi", LETTERS[name][letter])
        return self.symbol(name)

    def symbol(self, name: str) -> Element:
        if name in SPACES:
            return _space(SPACES[name])
        if name in ITALIC:
            return _leaf("mi", ITALIC[name])
        if name in UPRIGHT:
            return _leaf("mi", UPRIGHT[name], mathvariant="normal")
        if name in RELATIONS:
            return _leaf("mo", RELATIONS[name])
        if name in NAMED:
            return _leaf("mi", name)
        if name == "sum":
            return _leaf("mo", "∑")
        if name in SIGNS or name in FENCES:
            return _sign(name)
        raise self.error(f"\\{name} is not known")

    def fenced(self) -> Element:
        """What stands between ``\\left`` and ``\\right``, the fences as tall as it is."""
        opening = self.fence()
        nodes = self.row(())
        self.take("\\right")
        return _element("mrow", opening, *nodes, self.fence())

    def fence(self) -> Element:
        token = self.take().removeprefix("\\")
        if token not in FENCES:
            raise self.error(f"{token!r} is no fence")
        return _leaf("mo", FENCES[token], fence="true", stretchy="true")

    def text(self) -> str:
        """The words between braces, with the spaces that are written in LaTeX."""
        self.take("{")
        words = ""
        while (token := self.take()) != "}":
            words += " " if token == "\\ " else token
        return words


def _word(text: str) -> Element:
    if " " in text:
        return _leaf("mtext", text)
    upright = {"mathvariant": "normal"} if len(text) == 1 else {}  # one letter would be italic
    return _leaf("mi", text, **upright)


def _sign(token: str) -> Element:
    if token in FENCES:
        return _leaf("mo", FENCES[token], stretchy="false", lspace="0", rspace="0")
    if token == "/":
        return _leaf("mo", token, lspace="0", rspace="0")
    return _leaf("mo", SIGNS.get(token, token))


def _space(width: float) -> Element:
    return Element("mspace", width=f"{width}em")


def _leaf(tag: str, text: str, **attributes: str) -> Element:
    leaf = Element(tag, attributes)
    leaf.text = text
    return leaf


def _element(tag: str, *children: Element, **attributes: str) -> Element:
    element = Element(tag, attributes)
    element.extend(children)
    return element
