"""Conversion to GGUF, checked on synthetic tensors: no torch, no llama.cpp."""

import json

import numpy as np
import pytest
from gguf import GGUFReader
from safetensors.numpy import save_file

from zero_tune import convert, question, templates, tokenizer
from zero_tune.base import shape_of
from zero_tune.errors import TuneError
from zero_tune.presets import TARGETS
from zero_tune.tensors import Tensors
from zero_tune.wat import narrow

CONFIG = {
    "model_type": "mistral", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 64, "vocab_size": 512, "rms_norm_eps": 1e-5, "rope_theta": 12345.0,
    "max_position_embeddings": 256,
}  # fmt: skip
RANK = 4
ROWS = {"k_proj": 16, "v_proj": 16, "gate_proj": 64, "up_proj": 64}


def size(module: str) -> tuple[int, int]:
    part = module.rpartition(".")[2]
    return ROWS.get(part, 32), 64 if part == "down_proj" else 32


def path_of(target: str) -> str:
    return f"{'self_attn' if target[0] in 'qkvo' else 'mlp'}.{target}"


MODULES = [f"model.layers.{layer}.{path_of(target)}" for layer in range(2) for target in TARGETS]


@pytest.fixture
def base(tmp_path, harvested):
    random = np.random.default_rng(3)
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    texts = [templates.PLAIN.prompt(question.of_record(one)) + narrow(one.output) for one in harvested]
    tokenizer.train("byte-fallback", texts, 512, folder)
    weights = {f"{module}.weight": random.standard_normal(size(module), dtype=np.float32) for module in MODULES}
    for name in ("model.embed_tokens", "lm_head"):
        weights[f"{name}.weight"] = random.standard_normal((512, 32), dtype=np.float32)
    norms = [f"model.layers.{n}.{part}" for n in range(2) for part in ("input_layernorm", "post_attention_layernorm")]
    for name in [*norms, "model.norm"]:
        weights[f"{name}.weight"] = random.standard_normal(32, dtype=np.float32)
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture
def lora(tmp_path):
    return make_lora(tmp_path / "lora")


def make_lora(folder, **config):
    random = np.random.default_rng(4)
    folder.mkdir()
    fields = {"peft_type": "LORA", "r": RANK, "lora_alpha": 6, **config}
    (folder / "adapter_config.json").write_text(json.dumps(fields))
    weights = {}
    for module in MODULES:
        rows, columns = size(module)
        name = f"base_model.model.{module}"
        weights[f"{name}.lora_A.weight"] = random.standard_normal((RANK, columns), dtype=np.float32)
        weights[f"{name}.lora_B.weight"] = random.standard_normal((rows, RANK), dtype=np.float32)
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def read(path) -> tuple[dict, dict]:
    reader = GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    return fields, {tensor.name: tensor for tensor in reader.tensors}


def test_an_adapter_has_what_llama_cpp_asks_for(base, lora, tmp_path) -> None:
    convert.adapter(base, lora, tmp_path / "adapter.gguf", "f32")
    fields, tensors = read(tmp_path / "adapter.gguf")
    assert fields["general.architecture"] == "llama"
    assert fields["general.type"] == "adapter"
    assert fields["adapter.type"] == "lora"
    assert fields["adapter.lora.alpha"] == 6
    assert len(tensors) == 2 * len(MODULES)
    # llama.cpp's order of sizes is the reverse of numpy's: A is (columns, rank), B is (rank, rows).
    assert list(tensors["blk.1.ffn_down.weight.lora_a"].shape) == [64, RANK]
    assert list(tensors["blk.1.ffn_down.weight.lora_b"].shape) == [RANK, 32]


def rotated(x: np.ndarray, heads: int, *, neighbours: bool) -> np.ndarray:
    """One position's rotary embedding, the way of transformers (halves) or of llama.cpp (neighbours)."""
    by_head = x.reshape(heads, -1)
    half = by_head.shape[1] // 2
    angles = 3.0 / 12345.0 ** (np.arange(half) / half)
    if neighbours:
        left, right = by_head[:, 0::2], by_head[:, 1::2]
    else:
        left, right = by_head[:, :half], by_head[:, half:]
    return np.stack([left * np.cos(angles) - right * np.sin(angles), right * np.cos(angles) + left * np.sin(angles)])


@pytest.mark.parametrize(("name", "heads"), [("attn_q", 4), ("attn_k", 2)])
def test_rows_change_places_so_that_both_ways_of_turning_agree(name: str, heads: int) -> None:
    shape = shape_of(CONFIG, "test")
    weight = np.random.default_rng(0).standard_normal((heads * 8, 32))
    x = np.random.default_rng(1).standard_normal(32)
    ours = rotated(convert.turned(f"blk.0.{name}", weight, shape) @ x, heads, neighbours=True)
    np.testing.assert_allclose(ours, rotated(weight @ x, heads, neighbours=False), rtol=1e-12)


def test_the_adapter_of_llama_cpp_is_the_merged_model_less_the_base(base, lora, tmp_path) -> None:
    convert.adapter(base, lora, tmp_path / "adapter.gguf", "f32")
    convert.whole(base, None, tmp_path / "base.gguf", "f32")
    convert.whole(base, lora, tmp_path / "merged.gguf", "f32")
    _, adapter = read(tmp_path / "adapter.gguf")
    _, before = read(tmp_path / "base.gguf")
    _, after = read(tmp_path / "merged.gguf")
    for module in MODULES:
        name = convert.tensor_name(module) + ".weight"
        delta = adapter[f"{name}.lora_b"].data @ adapter[f"{name}.lora_a"].data * np.float32(6 / RANK)
        np.testing.assert_allclose(after[name].data - before[name].data, delta, atol=1e-4)


def test_rank_stabilised_adapters_keep_their_scale(base, tmp_path) -> None:
    lora = make_lora(tmp_path / "rs", use_rslora=True)
    convert.adapter(base, lora, tmp_path / "adapter.gguf", "f16")
    assert read(tmp_path / "adapter.gguf")[0]["adapter.lora.alpha"] == pytest.approx(6 * RANK**0.5)


def test_a_model_carries_its_vocabulary_and_shape(base, tmp_path) -> None:
    convert.whole(base, None, tmp_path / "model.gguf", "q8_0")
    fields, tensors = read(tmp_path / "model.gguf")
    assert fields["tokenizer.ggml.model"] == "llama"
    assert len(fields["tokenizer.ggml.tokens"]) == 512
    assert fields["llama.rope.freq_base"] == 12345
    assert fields["llama.attention.head_count_kv"] == 2
    assert tensors["blk.0.attn_q.weight"].tensor_type.name == "Q8_0"
    assert tensors["blk.0.attn_norm.weight"].tensor_type.name == "F32"


@pytest.mark.parametrize("config", [{"use_dora": True}, {"peft_type": "IA3"}, {"rank_pattern": {"q_proj": 8}}])
def test_adapters_that_llama_cpp_cannot_load_are_refused(base, tmp_path, config) -> None:
    with pytest.raises(TuneError):
        convert.adapter(base, make_lora(tmp_path / "odd", **config), tmp_path / "adapter.gguf", "f16")
    assert not (tmp_path / "adapter.gguf").exists()


def test_an_adapter_of_another_base_is_refused(base, lora, tmp_path) -> None:
    (base / "config.json").write_text(json.dumps({**CONFIG, "num_key_value_heads": 4}))
    with pytest.raises(TuneError, match="another base"):
        convert.adapter(base, lora, tmp_path / "adapter.gguf", "f16")


DAMAGE = {
    "cut off": lambda data: data[:-100],
    "header longer than the file": lambda data: (2**40).to_bytes(8, "little") + data[8:],
    "header is no JSON": lambda data: data[:8] + b"x" + data[9:],
    "empty": lambda _: b"",
    "offsets are negative": lambda data: data.replace(b'"data_offsets":[0,', b'"data_offsets":[-1'),
}


@pytest.mark.parametrize("fault", DAMAGE)
def test_damaged_tensors_are_refused(base, fault: str) -> None:
    path = base / "model.safetensors"
    path.write_bytes(DAMAGE[fault](path.read_bytes()))
    with pytest.raises(TuneError):
        read_all(base)


def read_all(folder) -> None:
    tensors = Tensors.of(folder)
    for name in tensors:
        tensors.read(name)


def test_bfloat16_is_read_exactly(tmp_path) -> None:
    values = np.array([1.0, -2.5, 0.0, 3.140625], dtype=np.float32)
    data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    header = json.dumps({"x": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)
    np.testing.assert_array_equal(Tensors.of(tmp_path).read("x"), values)
