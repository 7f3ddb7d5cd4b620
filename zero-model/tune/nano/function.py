"""A generated function: what it is called, what it takes and gives, what is asked, the answer, and what it computes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from nano.expr import Expr, Number
from nano.program import Program, Statement

_WORDS = (
    "a an the of and or to is are if else in on by for from with it its that which as not but at most least than be "
    "return compute calculate give find what then take both all number numbers only count unsigned signed modulo "
    "otherwise one has how many whose where again until"
)
_DULL = frozenset(_WORDS.split())
"""Words that no function is named after."""


@dataclass(frozen=True)
class Function:
    """One task with its answer."""

    family: str
    name: str
    params: tuple[str, ...]
    result: str
    prompt: str
    body: tuple[str, ...]
    """Instructions after the locals."""
    locals: tuple[str, ...]
    compute: Callable[[Sequence[Number]], Number]

    @property
    def signature(self) -> str:
        """The type as datasets write it."""
        return f"({', '.join(self.params)}) -> {self.result}"

    @property
    def answer(self) -> str:
        """The module, in the one spelling that models are held to (spec/wat-subset.md, "Generation")."""
        parts = [f'(export "{self.name}")', f"(param {' '.join(self.params)})", f"(result {self.result})"]
        if self.locals:
            parts.append(f"(local {' '.join(self.locals)})")
        return f"(module (func {' '.join(parts)} {' '.join(self.body)}))"


def define(
    random: Random,
    family: str,
    params: Sequence[str],
    result: Expr,
    prompt: str,
    *statements: Statement,
    extra: Sequence[str] = (),
) -> Function:
    """A function of statements and the value after them; `extra` are the types of its variables."""
    program = Program(tuple(params), tuple(extra), statements, result)
    return Function(
        family, name(random, prompt), program.params, result.type, prompt, program.body, program.locals,
        program.function(),
    )  # fmt: skip


def name(random: Random, prompt: str) -> str:
    """A name made of words of the prompt, as people name functions; sometimes with a number behind it."""
    words = [word for word in dict.fromkeys(re.findall(r"[a-z]{2,10}", prompt.lower())) if word not in _DULL] or ["f"]
    chosen = random.sample(words, min(len(words), random.choice((1, 2, 2, 2, 3))))
    chosen.sort(key=words.index)
    return "_".join(chosen) + random.choice(("", "", "", "", str(random.randrange(2, 100))))
