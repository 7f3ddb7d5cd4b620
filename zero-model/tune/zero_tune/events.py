"""What the caller is told while it waits: one JSON object a line on standard output.

Each has the member `event`. `cargo zero tune` turns them into its progress bar, its report and its errors; everything
that libraries print goes to standard error.
"""

import json
import os
import sys
from typing import TextIO

from zero_tune.errors import TuneError


class Events:
    """Writes events to a stream; in a run of several processes only the first one speaks."""

    def __init__(self, stream: TextIO, *, speak: bool = True) -> None:
        self._stream = stream
        self._speak = speak

    @classmethod
    def open(cls) -> "Events":
        """Takes standard output for itself and sends what libraries print to standard error."""
        stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return cls(stream, speak=os.environ.get("RANK", "0") == "0")

    def send(self, event: str, **fields: object) -> None:
        """Says one thing."""
        if self._speak:
            self._stream.write(json.dumps({"event": event, **fields}) + "\n")
            self._stream.flush()

    def note(self, text: str) -> None:
        """Something that a person should know."""
        self.send("note", text=text)

    def error(self, error: TuneError) -> None:
        """The last event of a run that failed. Any process may say it: the first one may be waiting for this one."""
        fields = {"event": "error", "code": error.code, "message": error.message, "hint": error.hint}
        self._stream.write(json.dumps(fields) + "\n")
        self._stream.flush()
