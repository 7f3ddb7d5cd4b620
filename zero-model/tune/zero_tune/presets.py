"""The three bases, with everything that a run needs to be decided.

The figures follow what has become common practice for adapters of 7 and 8 billion parameters: every linear layer of the
blocks, rank 16 with twice that as alpha, a learning rate of 2e-4 with a short warm-up and a cosine, sequences packed to
the full length, batches of 32 sequences. Micro-batches are sized so that QLoRA fits a card of 24 GB and LoRA one of 80.
"""

from dataclasses import dataclass, replace

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Shape:
    """What a transformer of the Llama family is made of."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    vocab: int
    tied: bool = False

    @property
    def block(self) -> int:
        """Parameters of all linear layers of the blocks."""
        head = self.hidden // self.heads
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * self.kv_heads * head
        return self.layers * (attention + 3 * self.hidden * self.ffn)

    @property
    def embedding(self) -> int:
        """Parameters of the embedding and the head."""
        return self.vocab * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.block + self.embedding + (2 * self.layers + 1) * self.hidden

    def adapter(self, rank: int) -> int:
        """Parameters of an adapter of that rank on every linear layer of the blocks."""
        kv = self.kv_heads * (self.hidden // self.heads)
        ends = 2 * (self.hidden + self.hidden) + 2 * (self.hidden + kv) + 3 * (self.hidden + self.ffn)
        return self.layers * rank * ends


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a run computes. All of it stands in the run card."""

    method: str = "lora"
    """`lora`, `qlora`, or `full` for small models whose every parameter is trained."""
    template: str = "plain"
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    learning_rate: float = 2e-4
    schedule: str = "cosine"
    warmup: float = 0.03
    weight_decay: float = 0.0
    clip: float = 1.0
    max_length: int = 4096
    batch: int = 2
    accumulation: int = 16
    epochs: float = 3.0
    max_steps: int = -1
    evaluations: int = 8
    """Evaluations and checkpoints an epoch, at most."""
    patience: int = 4
    """Evaluations without a better validation loss after which training ends; 0 for never."""
    packing: bool = True
    checkpointing: bool = True
    seed: int = 17


# What learning by reward does otherwise, whatever the base: small steps, for each answer is a sample of what to do, and
# answers of a length that tasks need.
REINFORCED = {"learning_rate": 2e-5, "epochs": 1.0, "max_length": 1024, "accumulation": 4, "dropout": 0.0}


@dataclass(frozen=True)
class Preset:
    """A base that is known by name."""

    base: str
    shape: Shape
    settings: Settings
    gated: bool
    license: str


_COMMON = Settings()

PRESETS = {
    preset.base: preset
    for preset in (
        Preset(
            "meta-llama/Meta-Llama-3-8B",
            Shape(4096, 32, 32, 8, 14336, 128256),
            # Its vocabulary is four times the others': logits of 4096 tokens take 4 GB, so one sequence at a time.
            replace(_COMMON, batch=1, accumulation=32),
            gated=True,
            license="Meta Llama 3 Community License",
        ),
        Preset(
            "mistralai/Mistral-7B-v0.3",
            Shape(4096, 32, 32, 8, 14336, 32768),
            # Mistral's own guidance is a lower rate than Llama's: its blocks diverge sooner.
            replace(_COMMON, learning_rate=1e-4),
            gated=False,
            license="Apache-2.0",
        ),
        Preset(
            "codellama/CodeLlama-7b-hf",
            Shape(4096, 32, 32, 32, 11008, 32016),
            _COMMON,
            gated=False,
            license="Llama 2 Community License",
        ),
    )
}
SIBLINGS = {
    "meta-llama/Meta-Llama-3-8B-Instruct": ("meta-llama/Meta-Llama-3-8B", "llama3"),
    "mistralai/Mistral-7B-Instruct-v0.3": ("mistralai/Mistral-7B-v0.3", "mistral"),
    "codellama/CodeLlama-7b-Instruct-hf": ("codellama/CodeLlama-7b-hf", "llama2"),
}


def preset(base: str) -> Preset | None:
    """The preset of a base or of its instruction-tuned sibling."""
    if base in SIBLINGS:
        of, template = SIBLINGS[base]
        parent = PRESETS[of]
        return replace(parent, base=base, settings=replace(parent.settings, template=template))
    return PRESETS.get(base)
