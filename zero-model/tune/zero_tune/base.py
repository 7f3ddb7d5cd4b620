"""What the base is: a folder or a name on the hub, and whether it is of a kind that we can train and convert."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zero_tune.errors import TuneError
from zero_tune.presets import PRESETS, Preset, Settings, Shape, preset

# Both are the same computation; llama.cpp runs both as `llama`.
ARCHITECTURES = {"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM"}


@dataclass(frozen=True)
class Base:
    """A base whose shape is known. `path` is `None` where nothing was fetched yet."""

    name: str
    path: Path | None
    shape: Shape
    preset: Preset | None

    @property
    def settings(self) -> Settings:
        """The preset's, or the common ones."""
        return self.preset.settings if self.preset else Settings()


def resolve(name: str) -> Base:
    """Finds the base without the network: a folder with a configuration, or one of the presets.

    Raises:
        TuneError: it is neither, or of another architecture.

    """
    path = Path(name)
    if path.is_dir():
        return Base(name, path, shape_of(read_object(path / "config.json"), name), preset(name))
    if path.exists():
        raise TuneError(
            f"{name} is a file; a base is a folder with config.json and *.safetensors",
            hint="GGUF files cannot be trained: take the folder that they were made from",
        )
    if known := preset(name):
        return Base(name, None, known.shape, known)
    if "/" in name and not name.startswith((".", "/", "~")) and name.count("/") == 1:
        raise TuneError(
            f"{name} is not a folder here and not one of the bases that Zero has settings for",
            code="not-found",
            hint=f"fetch it and name the folder, or take one of: {', '.join(PRESETS)}",
        )
    raise TuneError(f"there is no folder {name}", code="not-found", hint=f"--base {next(iter(PRESETS))}")


def shape_of(config: dict[str, Any], name: str) -> Shape:
    """Reads the shape off a configuration.

    Raises:
        TuneError: the architecture is not of the Llama family, or a figure is missing or makes no sense.

    """
    kind = config.get("model_type")
    if kind not in ARCHITECTURES:
        raise TuneError(
            f"{name} is of the architecture {kind!r}; only {' and '.join(ARCHITECTURES)} can be trained and converted",
            hint=f"--base {next(iter(PRESETS))}",
        )
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    if scaling.get("rope_type", "default") != "default" or scaling.get("type", "default") != "default":
        raise TuneError(
            f"{name} stretches its positions ({scaling.get('rope_type') or scaling.get('type')}), which the "
            "conversion to GGUF does not carry over",
            hint=f"--base {next(iter(PRESETS))}",
        )
    heads = _figure(config, "num_attention_heads", name)
    hidden = _figure(config, "hidden_size", name, heads)
    # What the conversion has no tensors for is refused now, and not after hours of training.
    for field, plain in (("attention_bias", False), ("mlp_bias", False), ("head_dim", hidden // heads)):
        if config.get(field) not in (None, plain):
            raise TuneError(
                f"{name} has {field} {config[field]!r}, which the conversion to GGUF does not carry over",
                hint=f"--base {next(iter(PRESETS))}",
            )
    return Shape(
        hidden=hidden,
        layers=_figure(config, "num_hidden_layers", name),
        heads=heads,
        kv_heads=_figure({"num_key_value_heads": heads, **config}, "num_key_value_heads", name),
        ffn=_figure(config, "intermediate_size", name),
        vocab=_figure(config, "vocab_size", name),
        tied=bool(config.get("tie_word_embeddings", False)),
    )


def _figure(config: dict[str, Any], field: str, name: str, multiple: int = 1) -> int:
    value = config.get(field)
    if not isinstance(value, int) or not 0 < value < 1 << 32 or value % multiple:
        raise TuneError(f"the configuration of {name} has no usable {field}: {value!r}")
    return value


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON object that belongs to a model.

    Raises:
        TuneError: there is none, or it is something else.

    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TuneError(f"{path.parent} is no model: it has no {path.name}", code="not-found") from error
    except (OSError, ValueError) as error:
        raise TuneError(f"cannot read {path}: {error}") from error
    if not isinstance(config, dict):
        raise TuneError(f"{path} is no JSON object")
    return config
