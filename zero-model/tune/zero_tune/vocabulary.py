"""The base's own tokenizer, read from its files: what training and the checks count and cut with."""

import json
from pathlib import Path
from typing import Any

from zero_tune.errors import TuneError


class Vocabulary:
    """Text to token numbers and back, without special tokens unless asked for by name."""

    def __init__(self, folder: Path) -> None:
        """Reads `tokenizer.json` and the names of the special tokens.

        Raises:
            TuneError: a file is missing or is no tokenizer, or no token ends a text.

        """
        from tokenizers import Tokenizer

        self.folder = folder
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise TuneError(
                f"{folder} has no tokenizer.json",
                hint="save it with transformers: AutoTokenizer.from_pretrained(BASE).save_pretrained(FOLDER)",
            )
        try:
            self._inner = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception
            raise TuneError(f"cannot read {path}: {error}") from error
        self._inner.no_truncation()
        self._inner.no_padding()
        names = _names(folder / "tokenizer_config.json")
        self.bos_token, self.eos_token = names.get("bos_token"), names.get("eos_token")
        if self.eos_token is None:
            raise TuneError(f"{folder} names no eos_token: no answer could end")
        self.bos = [self.id(self.bos_token)] if self.bos_token else []
        self.eos = self.id(self.eos_token)
        self.size: int = self._inner.get_vocab_size()

    def id(self, token: str) -> int:
        """The number of a special token.

        Raises:
            TuneError: the vocabulary lacks it.

        """
        number = self._inner.token_to_id(token)
        if number is None:
            raise TuneError(
                f"the vocabulary of {self.folder} has no token {token}",
                hint="--template plain uses no special tokens but the end of text",
            )
        return int(number)

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Many texts at once."""
        return [found.ids for found in self._inner.encode_batch(texts, add_special_tokens=False)]

    def decode(self, ids: list[int]) -> str:
        """The text of these tokens."""
        return str(self._inner.decode(ids, skip_special_tokens=False))


def _names(path: Path) -> dict[str, str]:
    try:
        fields: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TuneError(f"cannot read {path}: {error}") from error
    names = {}
    for field in ("bos_token", "eos_token"):
        value = fields.get(field)
        if isinstance(value, dict):
            value = value.get("content")
        if isinstance(value, str):
            names[field] = value
    return names
