"""A tokenizer of the `tokenizers` library as the vocabulary of a GGUF file.

llama.cpp knows two kinds. `gpt2`: byte-level BPE, whose merges are listed and whose rule for the ends of words is
named. `llama`: pieces with a blank written as `▁` and bytes to fall back to; two neighbours join in the order of the
scores of what they make, which is the order of the merges.
"""

import json
from pathlib import Path
from typing import Any

from zero_tune.base import read_object
from zero_tune.errors import TuneError

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
# Llama 3's rule begins so; everything else here is GPT-2's.
_LLAMA3_RULE = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"


def add_vocabulary(writer: Any, folder: Path, size: int, lora: Path | None) -> None:
    """Adds the tokens, their kinds, what joins them, and the template of the adapter or else of the folder.

    Raises:
        TuneError: the tokenizer is of a kind that llama.cpp does not know.

    """
    fields = read_object(folder / "tokenizer.json")
    model = fields.get("model") or {}
    if model.get("type") != "BPE" or not isinstance(model.get("vocab"), dict):
        raise TuneError(f"the tokenizer of {folder} is no BPE, which is all that can be converted")
    special = {token["id"]: token["content"] for token in fields.get("added_tokens", []) if token.get("special")}
    tokens, kinds = _tokens(model["vocab"], fields.get("added_tokens", []), size, special)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model.get("merges", [])]
    if model.get("byte_fallback"):
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_scores(_scores(tokens, merges))
        writer.add_add_space_prefix("Prepend" in json.dumps(fields.get("normalizer")) or _prepends(fields))
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("llama-bpe" if _LLAMA3_RULE in _patterns(fields) else "gpt-2")
        writer.add_token_merges(merges)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    _add_special(writer, folder, tokens)
    for place in (lora, folder):
        template = place / "chat_template.jinja" if place else None
        if template and template.is_file():
            writer.add_chat_template(template.read_text(encoding="utf-8"))
            break


def _tokens(
    vocabulary: dict[str, int], added: list[dict[str, Any]], size: int, special: dict[int, str]
) -> tuple[list[str], list[int]]:
    """Every number has a token: what the model has room for and the tokenizer does not name is padding."""
    tokens = [f"[PAD{number}]" for number in range(size)]
    kinds = [CONTROL] * size
    named = list(vocabulary.items()) + [(token["content"], token["id"]) for token in added]
    for token, number in named:
        if not 0 <= number < size:
            raise TuneError(f"the token {token!r} has the number {number}, and the model has room for {size}")
        tokens[number] = token
        kinds[number] = BYTE if _is_byte(token) else NORMAL
    for number, token in special.items():
        kinds[number] = UNKNOWN if token == "<unk>" else CONTROL  # noqa: S105 - no secret
    return tokens, kinds


def _is_byte(token: str) -> bool:
    return len(token) == 6 and token.startswith("<0x") and token.endswith(">")


def _scores(tokens: list[str], merges: list[str]) -> list[float]:
    """The earlier a merge, the higher the score of what it makes. Single characters are not made by merges."""
    rank: dict[str, int] = {}
    for number, merge in enumerate(merges):
        left, _, right = merge.partition(" ")
        rank.setdefault(left + right, number)
    return [-float(rank.get(token, len(merges))) for token in tokens]


def _prepends(fields: dict[str, Any]) -> bool:
    """Newer files say it in the pre-tokenizer."""
    rule = fields.get("pre_tokenizer") or {}
    return rule.get("type") == "Metaspace" and rule.get("prepend_scheme", "always") != "never"


def _patterns(fields: dict[str, Any]) -> str:
    rule = fields.get("pre_tokenizer") or {}
    parts = rule.get("pretokenizers", [rule])
    return "\n".join(str((part.get("pattern") or {}).get("Regex", "")) for part in parts)


def _add_special(writer: Any, folder: Path, tokens: list[str]) -> None:
    names = read_object(folder / "tokenizer_config.json")
    number = {token: at for at, token in enumerate(tokens)}

    def of(field: str) -> int | None:
        value = names.get(field)
        return number.get(str(value.get("content") if isinstance(value, dict) else value))

    bos, eos, unknown, pad = of("bos_token"), of("eos_token"), of("unk_token"), of("pad_token")
    if bos is not None:
        writer.add_bos_token_id(bos)
    writer.add_add_bos_token(bos is not None)
    if eos is not None:
        writer.add_eos_token_id(eos)
    if unknown is not None:
        writer.add_unk_token_id(unknown)
    if pad is not None:
        writer.add_pad_token_id(pad)
