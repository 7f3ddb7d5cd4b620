"""Memory and time before anything is installed: arithmetic on shapes, not measurements.

Memory, in bytes: weights (2 each; in 4 bits 0.53 with their scales), what is trained with gradients and Adam's two
moments (16 for each parameter), activations (with checkpointing one hidden state a block, and all of one block), and
the logits in the precision that the loss needs. Time: an
adapter's step runs the weights forwards and backwards to the inputs, 4 operations for each weight and token, and once
more forwards with checkpointing.
"""

from dataclasses import dataclass

from zero_tune.presets import Settings, Shape

GIB = 1 << 30
# What the driver, the kernels and fragmentation take.
OVERHEAD = 3 * GIB // 2
# The card's dense 16-bit operations a second, its memory, and the share of the former that such runs reach.
CARDS = {
    "RTX 4090 (24 GB)": (165e12, 24, 0.35),
    "A100 (80 GB)": (312e12, 80, 0.40),
    "H100 (80 GB)": (989e12, 80, 0.35),
}


@dataclass(frozen=True)
class Estimate:
    """What a run will take on one card."""

    weights: int
    trained: int
    activations: int
    logits: int
    operations: float

    @property
    def memory(self) -> int:
        """The peak, in bytes."""
        return self.weights + self.trained + self.activations + self.logits + OVERHEAD

    def hours(self) -> dict[str, float | None]:
        """Hours on each card; `None` where it does not fit."""
        return {
            name: round(self.operations / (speed * share) / 3600, 4) if self.memory <= memory * 10**9 else None
            for name, (speed, memory, share) in CARDS.items()
        }


def estimate(shape: Shape, settings: Settings, tokens: int) -> Estimate:
    """Estimates a run over that many tokens, all epochs counted."""
    at_once = settings.batch * settings.max_length
    block = at_once * (12 * shape.hidden + 4 * shape.ffn) * 2
    kept = at_once * shape.hidden * 2 * shape.layers if settings.checkpointing else block * shape.layers
    linear = 0.53 if settings.method == "qlora" else 2
    full = settings.method == "full"
    trained = shape.parameters if full else shape.adapter(settings.rank)
    return Estimate(
        weights=0 if full else int(shape.block * linear) + 2 * shape.embedding,
        trained=16 * trained,
        activations=kept + block,
        # TRL computes the loss in pieces of the head: a quarter of the logits exists at a time, in 16 and 32 bits.
        logits=at_once * shape.vocab * 6 // 4,
        operations=((6 if full else 4) + (2 if settings.checkpointing else 0)) * float(shape.parameters) * tokens,
    )
