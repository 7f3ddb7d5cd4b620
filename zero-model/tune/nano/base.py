"""`python -m nano.base`: the untrained `zero-nano`, a small Llama with a tokenizer of its own.

The tokenizer is of the kind that llama.cpp calls `llama`. Its pieces are words of the descriptions, one or two digits
(a constant is copied, and what is one token is copied at once), and whole instructions with the index of a local or
label.
"""

import argparse
from pathlib import Path
from typing import Any

from zero_tune import question, records, templates, tokenizer
from zero_tune.wat import narrow

SEED = 11
# What may be joined: an instruction with its index, an operator, a word, two digits, marks. A name is joined of
# words, so that it is copied as it was read.
PIECES = (
    r"▁(?:local\.(?:get|set|tee)|br_if|br)▁\d(?!\d)|▁?[if](?:32|64)(?:\.[a-z0-9_]+)?"
    r"|▁?[A-Za-z]+|_|\d{1,2}|▁?[^\w\s▁]+|▁|\n"
)


def main() -> None:
    """Trains the tokenizer, draws the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--hidden", type=int, default=160)
    parser.add_argument("--layers", type=int, default=6)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    size = tokenizer.train("byte-fallback", _texts(args.data), args.vocabulary, args.out, PIECES)
    weights(size, args.hidden, args.layers, args.out)


def _texts(data: Path) -> list[str]:
    return [
        templates.PLAIN.prompt(question.of_record(record)) + narrow(record.output)
        for record in records.load(data).split("train")
    ]


def weights(size: int, hidden: int, layers: int, out: Path) -> None:
    """Draws and writes them."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    shape: dict[str, Any] = {
        "vocab_size": size,
        "hidden_size": hidden,
        # Blocks of 32 can be quantised.
        "intermediate_size": -(-hidden * 8 // 96) * 32,
        "num_hidden_layers": layers,
        "num_attention_heads": hidden // 32,
        "num_key_value_heads": hidden // 32,
        "max_position_embeddings": 1024,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": True,
    }
    LlamaForCausalLM(LlamaConfig(**shape)).save_pretrained(out)


if __name__ == "__main__":
    main()
