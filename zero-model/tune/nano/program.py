"""Programs: statements over the parameters and variables of a function, and the value that it gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nano.expr import NAMES, Expr, Number, code, source

MOST = 1 << 12
"""Turns of all loops of a call: what needs more is left out."""


@dataclass(frozen=True)
class Set:
    """A variable gets a value."""

    at: int
    value: Expr


@dataclass(frozen=True)
class When:
    """Statements that are carried out if a condition holds, and others that are if not."""

    condition: Expr
    then: tuple["Statement", ...]
    otherwise: tuple["Statement", ...] = ()


@dataclass(frozen=True)
class Until:
    """Statements that are repeated until a condition holds; it is asked first."""

    condition: Expr
    body: tuple["Statement", ...]


Statement = Set | When | Until


@dataclass(frozen=True)
class Program:
    """A function's inside."""

    params: tuple[str, ...]
    locals: tuple[str, ...]
    statements: tuple[Statement, ...]
    result: Expr

    @property
    def body(self) -> tuple[str, ...]:
        """Its instructions."""
        return (*_code(self.statements), *code(self.result))

    def function(self) -> Callable[[Sequence[Number]], Number]:
        """The same in Python."""
        variables = [f"v{at}" for at in range(len(self.params) + len(self.locals))]
        lines = [f"def run({', '.join(variables[: len(self.params)])}):", " turns = 0"]
        for name, type_ in zip(variables[len(self.params) :], self.locals, strict=True):
            lines.append(f" {name} = {'0.0' if type_ == 'f64' else '0'}")
        lines += [*_source(self.statements, 1), f" return {source(self.result)}"]
        names = dict(NAMES)
        exec("\n".join(lines), names)  # noqa: S102 - text of this package's own
        run = names["run"]
        return lambda values: run(*values)


def _code(statements: Sequence[Statement]) -> list[str]:
    found: list[str] = []
    for one in statements:
        match one:
            case Set(at, value):
                found += [*code(value), f"local.set {at}"]
            case When(condition, then, ()):
                found += [*code(condition), "if", *_code(then), "end"]
            case When(condition, then, otherwise):
                found += [*code(condition), "if", *_code(then), "else", *_code(otherwise), "end"]
            case Until(condition, body):
                found += ["block", "loop", *code(condition), "br_if 1", *_code(body), "br 0", "end", "end"]
    return found


def _source(statements: Sequence[Statement], depth: int) -> list[str]:
    pad = " " * depth
    found: list[str] = []
    for one in statements:
        match one:
            case Set(at, value):
                found.append(f"{pad}v{at} = {source(value)}")
            case When(condition, then, otherwise):
                found += [f"{pad}if {source(condition)}:", *_source(then, depth + 1)]
                if otherwise:
                    found += [f"{pad}else:", *_source(otherwise, depth + 1)]
            case Until(condition, body):
                found += [
                    f"{pad}while not {source(condition)}:",
                    f"{pad} turns += 1",
                    f"{pad} if turns > {MOST}: raise UndefinedError",
                    *_source(body, depth + 1),
                ]
    return found
