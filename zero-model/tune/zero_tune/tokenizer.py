"""Trains tokenizers of the two kinds that the three families use, for bases that are made here."""

import json
from pathlib import Path
from typing import Any, Literal

from zero_tune.folder import write

Kind = Literal["byte-level", "byte-fallback"]
_SPECIAL = {
    "byte-level": ["<unk>", "<|begin_of_text|>", "<|end_of_text|>"],
    "byte-fallback": ["<unk>", "<s>", "</s>"],
}
# Llama 3's rule for where words end.
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


# What `byte-fallback` may join: a word, marks; digits never.
WORDS = r"▁?[A-Za-z_.]+|\d|▁?[^\w\s▁]+|▁|\n"


def train(kind: Kind, texts: list[str], size: int, out: Path, pieces: str = WORDS) -> int:
    """Writes `tokenizer.json` and `tokenizer_config.json`; gives the number of tokens.

    With `byte-fallback`, `pieces` says what may be joined while training. What never was is not joined later either,
    so the tokenizer itself needs no such rule, and llama.cpp's kind for it has none.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    special, alphabet = _SPECIAL[kind], []
    if kind == "byte-level":
        inner = Tokenizer(models.BPE(ignore_merges=True))
        cut = pre_tokenizers.Split(Regex(LLAMA3), "isolated")
        inner.pre_tokenizer = pre_tokenizers.Sequence(
            [cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
        inner.decoder = decoders.ByteLevel()
        alphabet, known = pre_tokenizers.ByteLevel.alphabet(), special
    else:
        inner = Tokenizer(models.BPE(byte_fallback=True, unk_token=special[0], fuse_unk=True))
        inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        inner.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        inner.pre_tokenizer = pre_tokenizers.Split(Regex(pieces), "isolated")
        known = special + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=known, initial_alphabet=alphabet, show_progress=False, max_token_length=24
    )
    inner.train_from_iterator(texts, trainer)
    count = int(inner.get_vocab_size())
    fields: dict[str, Any] = json.loads(inner.to_str())
    # Byte tokens are ordinary ones; the trainer knows no other way to put them first.
    fields["added_tokens"] = [token for token in fields["added_tokens"] if token["content"] in special]
    if kind == "byte-fallback":
        fields["pre_tokenizer"] = None
    write(out / "tokenizer.json", json.dumps(fields, ensure_ascii=False))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": special[1], "eos_token": special[2]}
    write(out / "tokenizer_config.json", json.dumps(names, indent=1))
    return count
