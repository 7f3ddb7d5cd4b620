"""A generated function: what it is called, what it takes and gives, what is asked, the answer, and what it computes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nano.expr import Number


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
