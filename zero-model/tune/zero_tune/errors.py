"""What can go wrong, as far as the user can act on it."""

from typing import Literal

Code = Literal["failed", "not-found", "unreachable", "usage"]


class TuneError(Exception):
    """A refusal: what, and what to type next. The code is one of `cargo zero`'s (spec/cli.md, section 1)."""

    def __init__(self, message: str, *, hint: str | None = None, code: Code = "failed") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code: Code = code
