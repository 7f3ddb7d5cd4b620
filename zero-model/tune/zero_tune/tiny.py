"""Tiny bases with random weights and a tokenizer trained on a dataset: the shapes of the three families, for tests."""

from pathlib import Path
from typing import Any

from zero_tune import question, records, templates, tokenizer
from zero_tune.wat import narrow

VOCABULARY = 512
SEED = 5


def make(family: str, data: Path, out: Path) -> None:
    """Writes a base folder: configuration, weights, tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    found = records.load(data).records
    texts = [templates.PLAIN.prompt(question.of_record(record)) + narrow(record.output) for record in found]
    out.mkdir(parents=True, exist_ok=True)
    size = tokenizer.train("byte-level" if family == "llama" else "byte-fallback", texts, VOCABULARY, out)
    shape: dict[str, Any] = {
        "vocab_size": size,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 2048,
        "bos_token_id": 1,
        "eos_token_id": 2,
        # Wider than usual: the head stays as it is drawn, and an adapter must be able to move its logits.
        "initializer_range": 0.2,
    }
    torch.manual_seed(SEED)
    model: Any
    if family == "mistral":
        model = MistralForCausalLM(MistralConfig(**shape, num_key_value_heads=2, sliding_window=None))
    elif family == "llama":
        model = LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=2, rope_theta=500000.0))
    else:
        model = LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=4, rope_theta=1000000.0))
    model.save_pretrained(out)
