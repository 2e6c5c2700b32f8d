"""The functions of `gar_verify.formulas` as Rocq definitions, generated from their syntax tree.

The definitions keep names, order of operations and guards against 0 / 0. A comparison used as a
number, ``1 * (x == 0)``, becomes ``if Req_EM_T x 0 then 1 else 0``; ``xp`` goes, since there is one
``sqrt``; a column, one number for each sample, is a function of the sample's place. A function of
numbers that is called on a column is taken sample by sample, as the readers do.

Only what the formulas use is translated; anything else raises `UntranslatableError` with its line.

    python -m proofs --rocq        write them to proofs/rocq/Formulas.v, and check all of it
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard

from gar_verify import formulas

SOURCE = Path(str(formulas.__file__))
TARGET = Path(__file__).parent / "rocq" / "Formulas.v"
ROUNDED = TARGET.with_name("Rounded.v")

NUMBER, COLUMN, MEAN, TRIPLE = "R", "nat -> R", "(nat -> R) -> R", "R * R * R"

PARAMETERS = {"f": COLUMN, "y": COLUMN, "log_losses": COLUMN, "weights": TRIPLE}
"""Types of parameters by name; numbers, records and means are recognised by their annotations."""

COLUMNS_IN = {
    ("moments", "conventional"),
    ("Decomposition", "residual"),
    ("Decomposition", "label"),
}
"""Parameters and fields of a name that elsewhere is a number."""

NUMBERS_IN = {
    (function, name)
    for function in ("lost", "shifted", "unexplained", "residual")
    for name in ("f", "y")
}
"""Parameters of a name that elsewhere is a column."""

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
RELATIONS: dict[type[ast.cmpop], tuple[int, int]] = {ast.Eq: (1, 0), ast.NotEq: (0, 1)}
FUNCTIONS = {
    "abs": "Rabs",
    "sqrt": "sqrt",
    "exp": "exp",
    "log": "ln",
    "expm1": "expm1",
    "log1p": "log1p",
    "sign": "sign",
}

HEADER = """\
(* Generated from gar_verify/formulas.py by `python -m proofs --rocq`: not to be edited.
   Columns are functions of a sample's place; the guards against 0 / 0 are those of the source. *)
From Coq Require Import Reals.
Open Scope R_scope.

Definition sign (x : R) : R :=
  if Rlt_dec 0 x then 1 else if Rlt_dec x 0 then -1 else 0.
Definition expm1 (x : R) : R := exp x - 1.
Definition log1p (x : R) : R := ln (1 + x).
"""


ROUNDED_HEADER = """\
(* Generated from gar_verify/formulas.py by `python -m proofs --rocq`: not to be edited.
   The same functions of moments with every operation rounded: `rnd` rounds a number, and is any
   function. *)
From Coq Require Import Reals.
From GAR Require Import Formulas.
Open Scope R_scope.

Section Rounded.
Variable rnd : R -> R.
"""

ROUNDED_FUNCTIONS = (
    "ratio",
    "square",
    "error_variance",
    "without_self_pairs",
    "prediction_variance",
    "scaled_difference",
    "one_minus_pearson",
    "concordance_scale",
    "one_minus_concordance",
    "error_variance_gradient",
    "one_minus_pearson_gradient",
    "one_minus_concordance_gradient",
    "error_share",
    "unexplained",
    "residual",
    "merge",
)
"""The functions from the moments on whose rounding errors Rocq bounds."""


class UntranslatableError(ValueError):
    """Something in the formulas that has no translation."""

    def __init__(self, node: ast.AST, why: str) -> None:
        """Name the line and what stands there."""
        line = getattr(node, "lineno", "?")
        super().__init__(f"{SOURCE.name}, line {line}: {why}; teach proofs/rocq_formulas.py")


@dataclass(frozen=True)
class Value:
    """A translated expression: its type, and its text, which for a column is a function's body."""

    kind: str
    text: str
    at: Callable[[str], str] | None = None
    """The entry of a column at a place."""

    def entry(self, place: str) -> str:
        """The text of one sample: a number is the same for all of them."""
        return self.at(place) if self.at else self.text


@dataclass(frozen=True)
class Definition:
    """A translated function: the kinds of its parameters, of what it returns, and its text."""

    parameters: dict[str, str]
    defaults: dict[str, Value]
    returns: str
    text: str


@dataclass
class Translation:
    """The state of a translation: records and functions known so far."""

    records: dict[str, dict[str, str]] = field(default_factory=dict)
    defaults: dict[str, dict[str, Value]] = field(default_factory=dict)
    """The defaults of the fields of a record."""
    known: dict[str, Definition] = field(default_factory=dict)
    constants: dict[str, Value] = field(default_factory=dict)
    rounded: bool = False
    """Whether the result of every operation is rounded."""

    # --- records and functions ---------------------------------------------------------------

    def record(self, node: ast.ClassDef) -> str:
        """A NamedTuple as a record, whose fields carry the record's name."""
        names = [n.target.id for n in node.body if _is_field(n)]  # type: ignore[attr-defined]
        kinds = {n: COLUMN if (node.name, n) in COLUMNS_IN else NUMBER for n in names}
        self.records[node.name] = kinds
        self.defaults[node.name] = {
            n.target.id: self.expression(n.value, {})  # type: ignore[attr-defined]
            for n in node.body
            if _is_field(n) and n.value is not None  # type: ignore[attr-defined]
        }
        lines = "; ".join(f"{node.name}_{name} : {kind}" for name, kind in kinds.items())
        return f"Record {node.name} := {{ {lines} }}.\n"

    def constant(self, node: ast.Assign) -> str:
        """A record that is given a name."""
        (target,) = node.targets
        assert isinstance(target, ast.Name)
        value = self.expression(node.value, {})
        self.constants[target.id] = _named(target.id, value.kind)
        return f"Definition {target.id} : {value.kind} :=\n  {_whole(value)}.\n"

    def function(self, node: ast.FunctionDef) -> str:
        """A function as a definition."""
        arguments = [a for a in node.args.args if a.arg != "xp"]
        kinds = {a.arg: self._kind(node, a) for a in arguments}
        given = node.args.defaults
        late = [a.arg for a in node.args.args][len(node.args.args) - len(given) :]
        values = {name: _named(name, kind) for name, kind in kinds.items()}
        defaults = {
            name: self.expression(default, {}) for name, default in zip(late, given, strict=True)
        }
        lines, result = self._body(node, values)
        parameters = " ".join(f"({name} : {kind})" for name, kind in kinds.items())
        text = "\n".join(
            [
                f"Definition {node.name} {parameters} : {result.kind} :=",
                *(f"  {line}" for line in lines),
                f"  {_whole(result)}.\n",
            ]
        )
        self.known[node.name] = Definition(kinds, defaults, result.kind, text)
        return text

    def _kind(self, node: ast.FunctionDef, argument: ast.arg) -> str:
        said = ast.unparse(argument.annotation) if argument.annotation else ""
        if said in self.records:
            return said
        if said == "Mean" or said.startswith("Callable"):
            return MEAN
        if (node.name, argument.arg) in COLUMNS_IN:
            return COLUMN
        if (node.name, argument.arg) in NUMBERS_IN:
            return NUMBER
        if said not in ("Scalar", "Any"):
            raise UntranslatableError(argument, f"the parameter {argument.arg}: {said}")
        return PARAMETERS.get(argument.arg, NUMBER)

    def _body(self, node: ast.FunctionDef, names: dict[str, Value]) -> tuple[list[str], Value]:
        lines: list[str] = []
        for statement in node.body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # the docstring
            if isinstance(statement, ast.Return) and statement.value is not None:
                return lines, self.expression(statement.value, names)
            if not (isinstance(statement, ast.Assign) and len(statement.targets) == 1):
                raise UntranslatableError(statement, "neither an assignment nor the result")
            lines += self._assign(statement.targets[0], statement.value, names)
        raise UntranslatableError(node, "no result")

    def _assign(self, target: ast.expr, source: ast.expr, names: dict[str, Value]) -> Iterator[str]:
        if isinstance(target, ast.Name):
            value = self.expression(source, names)
            names[target.id] = _named(target.id, value.kind)
            yield f"let {target.id} := {_whole(value)} in"
        elif isinstance(target, ast.Tuple) and isinstance(source, ast.Tuple):
            values = [self.expression(part, names) for part in source.elts]
            written: set[str] = set()
            for part, value, text in zip(target.elts, values, source.elts, strict=True):
                assert isinstance(part, ast.Name)
                if written & {n.id for n in ast.walk(text) if isinstance(n, ast.Name)}:
                    raise UntranslatableError(source, f"{part.id} needs what is assigned with it")
                written.add(part.id)
                names[part.id] = _named(part.id, value.kind)
                yield f"let {part.id} := {_whole(value)} in"
        elif isinstance(target, ast.Tuple):
            value = self.expression(source, names)
            parts = [part.id for part in target.elts if isinstance(part, ast.Name)]
            kinds = [k.removeprefix("(").removesuffix(")") for k in value.kind.split(" * ")]
            names |= {part: _named(part, kind) for part, kind in zip(parts, kinds, strict=True)}
            yield f"let '({', '.join(parts)}) := {_whole(value)} in"
        else:
            raise UntranslatableError(target, "an assignment to neither a name nor names")

    def _rounded(self, text: str) -> str:
        return f"(rnd {text})" if self.rounded else text

    # --- expressions -------------------------------------------------------------------------

    def expression(self, node: ast.expr, names: Mapping[str, Value]) -> Value:
        """An expression with its kind."""
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return Value(NUMBER, str(node.value))
        if isinstance(node, ast.Name) and node.id in {**self.constants, **names}:
            return names.get(node.id) or self.constants[node.id]
        if isinstance(node, ast.Tuple):
            parts = [self.expression(part, names) for part in node.elts]
            kinds = " * ".join(f"({p.kind})" if p.at else p.kind for p in parts)
            return Value(kinds, f"({', '.join(map(_whole, parts))})")
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            sides = [self.expression(side, names) for side in (node.left, node.right)]
            sign = OPERATORS[type(node.op)]
            return _lifted(lambda a, b: self._rounded(f"({a} {sign} {b})"), *sides)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return _lifted(lambda a: f"(- {a})", self.expression(node.operand, names))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in RELATIONS:
            sides = [self.expression(side, names) for side in (node.left, node.comparators[0])]
            yes, no = RELATIONS[type(node.ops[0])]
            return _lifted(lambda a, b: f"(if Req_EM_T {a} {b} then {yes} else {no})", *sides)
        if isinstance(node, ast.Attribute):
            return self._field(node, names)
        if isinstance(node, ast.Call):
            return self._call(node, names)
        raise UntranslatableError(node, ast.unparse(node))

    def _field(self, node: ast.Attribute, names: Mapping[str, Value]) -> Value:
        owner = self.expression(node.value, names)
        try:
            kind = self.records[owner.kind][node.attr]
        except KeyError:
            raise UntranslatableError(node, f"{ast.unparse(node)} is no field") from None
        return _named(f"({owner.kind}_{node.attr} {owner.text})", kind)

    def _call(self, node: ast.Call, names: Mapping[str, Value]) -> Value:
        called = ast.unparse(node.func)
        positional = [a for a in node.args if ast.unparse(a) != "xp"]
        given = [self.expression(a, names) for a in positional]
        if called in names and names[called].kind == MEAN:
            factors = given[0] if len(given) == 1 else _lifted(lambda a, b: f"({a} * {b})", *given)
            return Value(NUMBER, f"({called} {_whole(factors, column=True)})")
        by_name = {k.arg: self.expression(k.value, names) for k in node.keywords if k.arg}
        if called in self.records:
            fields = dict(zip(self.records[called], given, strict=False)) | by_name
            return self._build(called, self.defaults[called] | fields)
        if called.removeprefix("xp.") in FUNCTIONS:
            function = FUNCTIONS[called.removeprefix("xp.")]
            exact = function in ("Rabs", "sign")
            write: Callable[[str], str] = lambda a: f"({function} {a})"  # noqa: E731 - one line
            return _lifted(write if exact else lambda a: self._rounded(write(a)), *given)
        if called not in self.known:
            raise UntranslatableError(node, f"{called} is no formula")
        definition = self.known[called]
        arguments = (
            definition.defaults | dict(zip(definition.parameters, given, strict=False)) | by_name
        )
        return _applied(called, definition, arguments)

    def _build(self, record: str, fields: Mapping[str, Value]) -> Value:
        kinds = self.records[record]
        parts = [_whole(fields[name], column=kind == COLUMN) for name, kind in kinds.items()]
        return Value(record, f"(Build_{record} {' '.join(parts)})")


def _is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _named(name: str, kind: str) -> Value:
    return Value(kind, name, (lambda place: f"({name} {place})") if kind == COLUMN else None)


def _whole(value: Value, column: bool = False) -> str:
    """A value as a term: a column that is no name, or a number where a column is asked for."""
    if value.at is None:
        return f"(fun _ => {value.text})" if column else value.text
    return value.text or f"(fun i => {value.at('i')})"


def _lifted(write: Callable[..., str], *values: Value) -> Value:
    """A function of numbers, taken sample by sample where a value is a column."""
    if any(value.kind not in (NUMBER, COLUMN) for value in values):
        raise ValueError(f"arithmetic with {[value.kind for value in values]}")
    if not any(value.at for value in values):
        return Value(NUMBER, write(*(value.text for value in values)))
    return Value(COLUMN, "", lambda place: write(*(value.entry(place) for value in values)))


def _applied(called: str, definition: Definition, arguments: Mapping[str, Value]) -> Value:
    """A formula applied: as it is, or sample by sample where it takes numbers and gets columns."""
    kinds = definition.parameters
    over = [n for n, k in kinds.items() if k == NUMBER and arguments[n].at is not None]

    def term(place: str | None) -> str:
        parts = [
            arguments[n].entry(place)
            if place is not None and n in over
            else _whole(arguments[n], column=k == COLUMN)
            for n, k in kinds.items()
        ]
        return f"({called} {' '.join(parts)})"

    if over and definition.returns == TRIPLE:
        parts = (f"fst (fst {term('i')})", f"snd (fst {term('i')})", f"snd {term('i')}")
        columns = ", ".join(f"(fun i => {part})" for part in parts)
        return Value(" * ".join([f"({COLUMN})"] * 3), f"({columns})")
    if over:
        return Value(COLUMN, "", term)
    return _named(term(None), definition.returns)


@lru_cache(4)
def translate(source: str) -> str:
    """All records and functions of a source, each after those that it calls."""
    tree = ast.parse(source)
    state = Translation()
    parts = [HEADER]
    parts += [state.record(node) for node in tree.body if isinstance(node, ast.ClassDef)]
    parts += [state.constant(node) for node in tree.body if _is_constant(node)]
    waiting = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    while waiting:
        ready = [n for n, node in waiting.items() if not _calls(node) & (waiting.keys() - {n})]
        if not ready:
            raise ValueError(f"the formulas call one another in a circle: {', '.join(waiting)}")
        parts.append(state.function(waiting.pop(ready[0])))
    return "\n".join(parts)


@lru_cache(4)
def translate_rounded(source: str) -> str:
    """The functions from the moments on with every operation rounded."""
    tree = ast.parse(source)
    state = Translation(rounded=True)
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            state.record(node)
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    parts = [ROUNDED_HEADER]
    parts += [state.function(functions[name]) for name in ROUNDED_FUNCTIONS]
    return "\n".join([*parts, "End Rounded.\n"])


def _is_constant(node: ast.stmt) -> TypeGuard[ast.Assign]:
    """Whether a record is given a name, and not another type."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)


def _calls(node: ast.FunctionDef) -> set[str]:
    return {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and _is_name(n.func)}  # type: ignore[attr-defined]


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def write() -> bool:
    """Write the definitions of the present formulas; whether they differ from those before."""
    source = SOURCE.read_text(encoding="utf8")
    files = {TARGET: translate(source), ROUNDED: translate_rounded(source)}
    old = {p: p.read_text(encoding="utf8") if p.exists() else None for p in files}
    for path in [path for path, text in files.items() if text != old[path]]:
        path.write_text(files[path], encoding="utf8")
    return old != files
