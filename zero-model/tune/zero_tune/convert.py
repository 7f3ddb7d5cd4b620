"""Adapters and models to GGUF, as llama.cpp reads them. Needs numpy and gguf, but no torch.

llama.cpp turns pairs of neighbours where transformers turns the two halves of a head, so the rows of the query and key
projections change places; of an adapter that is B, whose rows are those of the product.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zero_tune import base as bases
from zero_tune.errors import TuneError
from zero_tune.events import Events
from zero_tune.folder import RunFolder
from zero_tune.gguf_vocabulary import add_vocabulary
from zero_tune.presets import Shape
from zero_tune.tensors import Array, Tensors

_TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
_BLOCK = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)")
_ADAPTER = re.compile(r"base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight")
# `general.file_type` of llama.cpp
_FILE_TYPES = {"f32": 0, "f16": 1, "q8_0": 7}


def command(model: Path, lora: Path | None, out: Path, outtype: str, events: Events) -> None:
    """`convert`: the adapter alone, or the model where there is none."""
    if lora:
        adapter(model, lora, out, outtype)
    else:
        whole(model, None, out, outtype)
    events.send("done", out=str(out), files=[str(out)])


def after_training(base: Path, folder: RunFolder, method: str, merge: str | None) -> list[Path]:
    """What a run leaves for `ask` and `eval`: the adapter; the whole model if it was trained or is wanted."""
    written = []
    if method == "full":
        written.append(folder.path / "model.gguf")
        whole(folder.model, None, written[-1], merge or "f16")
        return written
    written.append(folder.path / "adapter.gguf")
    adapter(base, folder.adapter, written[-1], "f16")
    if merge:
        written.append(folder.path / "model.gguf")
        whole(base, folder.adapter, written[-1], merge)
    return written


def tensor_name(name: str) -> str:
    """llama.cpp's name for a module of transformers.

    Raises:
        TuneError: the module has no counterpart there.

    """
    if found := _TOP.get(name):
        return found
    if (match := _LAYER.fullmatch(name)) and (part := _BLOCK.get(match[2])):
        return f"blk.{match[1]}.{part}"
    raise TuneError(f"llama.cpp has no counterpart of {name}")


def turned(name: str, weight: Array, shape: Shape) -> Array:
    """Rows in llama.cpp's order: those of each head of queries and keys, interleaved."""
    if name.endswith(".attn_q"):
        heads = shape.heads
    elif name.endswith(".attn_k"):
        heads = shape.kv_heads
    else:
        return weight
    rows, rest = weight.shape[0], weight.shape[1:]
    return weight.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(rows, *rest)


def adapter(base: Path, lora: Path, out: Path, outtype: str) -> None:
    """Writes an adapter of PEFT as a GGUF adapter for that base.

    Raises:
        TuneError: it is no LoRA adapter, or uses what llama.cpp has no counterpart of.

    """
    config = bases.read_object(lora / "adapter_config.json")
    shape = bases.shape_of(bases.read_object(base / "config.json"), str(base))
    pairs = _pairs(Tensors.of(lora))
    writer = _writer(out)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", _alpha(config, lora))
    writer.add_file_type(_FILE_TYPES["f32" if outtype == "f32" else "f16"])
    for module, (a, b) in pairs.items():
        name = tensor_name(module)
        _check_pair(module, a, b, shape)
        # Adapters are small: eight bits would save nothing and llama.cpp's tools write none.
        kind = np.float32 if outtype == "f32" else np.float16
        writer.add_tensor(f"{name}.weight.lora_a", np.ascontiguousarray(a.astype(kind)))
        writer.add_tensor(f"{name}.weight.lora_b", np.ascontiguousarray(turned(name, b, shape).astype(kind)))
    _close(writer, out)


def whole(base: Path, lora: Path | None, out: Path, outtype: str) -> None:
    """Writes a model, with an adapter merged into it if there is one.

    Raises:
        TuneError: it is of another architecture, or a tensor is missing or has no counterpart.

    """
    config = bases.read_object(base / "config.json")
    shape = bases.shape_of(config, str(base))
    tensors = Tensors.of(base)
    deltas = _deltas(lora)
    writer = _writer(out)
    writer.add_type("model")
    writer.add_name(base.name)
    _add_shape(writer, config, shape)
    writer.add_file_type(_FILE_TYPES[outtype])
    add_vocabulary(writer, base, shape.vocab, lora)
    for module, weight in _weights(tensors, shape):
        delta = deltas.pop(module, None)
        if delta is not None:
            weight = weight + delta
        name = tensor_name(module)
        _add(writer, f"{name}.weight", turned(name, weight, shape), outtype)
    if deltas:
        raise TuneError(f"the adapter changes what the base does not have: {', '.join(sorted(deltas))}")
    _close(writer, out)


def _weights(tensors: Tensors, shape: Shape) -> Iterator[tuple[str, Array]]:
    modules = ["model.embed_tokens", "model.norm"]
    modules += [f"model.layers.{layer}.{part}" for layer in range(shape.layers) for part in _BLOCK]
    if "lm_head.weight" in tensors and not shape.tied:
        modules.append("lm_head")
    unknown = set(tensors) - {f"{module}.weight" for module in modules} - {"lm_head.weight"}
    unknown = {name for name in unknown if not name.endswith("rotary_emb.inv_freq")}
    if unknown:
        raise TuneError(f"llama.cpp has no counterpart of {', '.join(sorted(unknown)[:5])}")
    for module in modules:
        yield module, tensors.read(f"{module}.weight")


def _add(writer: Any, name: str, weight: Array, outtype: str) -> None:
    import gguf

    if weight.ndim == 1 or outtype == "f32":
        # Norms stay in 32 bits, as llama.cpp wants them.
        writer.add_tensor(name, np.ascontiguousarray(weight))
    elif outtype == "q8_0" and weight.shape[-1] % 32 == 0:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(weight), kind), raw_dtype=kind)
    else:
        writer.add_tensor(name, np.ascontiguousarray(weight.astype(np.float16)))


def _add_shape(writer: Any, config: dict[str, Any], shape: Shape) -> None:
    rope = config.get("rope_parameters") or config
    writer.add_vocab_size(shape.vocab)
    writer.add_context_length(int(config.get("max_position_embeddings", 4096)))
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(float(config.get("rms_norm_eps", 1e-6)))
    writer.add_rope_freq_base(float(rope.get("rope_theta", config.get("rope_theta", 10000.0))))
    writer.add_rope_dimension_count(shape.hidden // shape.heads)


def _pairs(tensors: Tensors) -> dict[str, tuple[Array, Array]]:
    found: dict[str, dict[str, Array]] = {}
    for name in tensors:
        match = _ADAPTER.fullmatch(name)
        if not match:
            raise TuneError(f"{name} is no part of a LoRA adapter on linear layers")
        found.setdefault(match[1], {})[match[2]] = tensors.read(name)
    halves = [module for module, pair in found.items() if len(pair) != 2]
    if halves or not found:
        raise TuneError(f"the adapter is incomplete: {', '.join(halves) or 'it is empty'}")
    return {module: (pair["A"], pair["B"]) for module, pair in found.items()}


def _check_pair(module: str, a: Array, b: Array, shape: Shape) -> None:
    """The product must have the shape of the weight that it changes."""
    kv = shape.kv_heads * (shape.hidden // shape.heads)
    part = module.rpartition(".")[2]
    rows = {"k_proj": kv, "v_proj": kv, "gate_proj": shape.ffn, "up_proj": shape.ffn}.get(part, shape.hidden)
    columns = shape.ffn if part == "down_proj" else shape.hidden
    if a.ndim != 2 or b.ndim != 2 or (b.shape[0], a.shape[1]) != (rows, columns) or a.shape[0] != b.shape[1]:
        raise TuneError(
            f"the adapter was made for another base: {module} is {b.shape} × {a.shape}, the base's {rows} × {columns}"
        )


def _alpha(config: dict[str, Any], lora: Path) -> float:
    """The alpha that llama.cpp divides by the rank, whatever PEFT divides by.

    Raises:
        TuneError: the adapter computes something else than LoRA.

    """
    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("lora_bias"):
        raise TuneError(f"{lora} is no plain LoRA adapter, which is all that llama.cpp loads")
    if config.get("alpha_pattern") or config.get("rank_pattern") or config.get("modules_to_save"):
        raise TuneError(f"{lora} has parts of other ranks or whole layers, which llama.cpp does not load")
    rank, alpha = float(config["r"]), float(config["lora_alpha"])
    return alpha * float(rank**0.5) if config.get("use_rslora") else alpha


def _deltas(lora: Path | None) -> dict[str, Array]:
    if lora is None:
        return {}
    scale = _alpha(config := bases.read_object(lora / "adapter_config.json"), lora) / float(config["r"])
    return {module: (b @ a) * np.float32(scale) for module, (a, b) in _pairs(Tensors.of(lora)).items()}


def _writer(out: Path) -> Any:
    import gguf

    out.parent.mkdir(parents=True, exist_ok=True)
    return gguf.GGUFWriter(_partial(out), "llama", use_temp_file=False)


def _close(writer: Any, out: Path) -> None:
    """The file appears in one step."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    _partial(out).replace(out)


def _partial(out: Path) -> Path:
    return out.with_name(out.name + ".partial")
