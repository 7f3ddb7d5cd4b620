"""Settings to what transformers, TRL and PEFT take."""

import os
from pathlib import Path
from typing import Any

from zero_tune.errors import TuneError
from zero_tune.presets import TARGETS, Settings


def load(path: Path, settings: Settings) -> Any:
    """The base, in 4 bits for QLoRA, else in 16 bits on a GPU and in 32 on a CPU.

    Raises:
        TuneError: 4 bits are not to be had here.

    """
    import torch
    from transformers import AutoModelForCausalLM

    cuda = torch.cuda.is_available()
    options: dict[str, Any] = {"dtype": torch.bfloat16 if cuda and settings.method != "full" else torch.float32}
    if settings.method == "qlora":
        options["quantization_config"] = _four_bits(cuda=cuda)
        # Each process holds its copy on its own card.
        options["device_map"] = {"": int(os.environ.get("LOCAL_RANK", "0"))}
    return AutoModelForCausalLM.from_pretrained(path, use_safetensors=True, **options)


def _four_bits(*, cuda: bool) -> Any:
    lora = "--method lora computes the same kind of adapter in 16 bits, with four times the memory for the base"
    if not cuda:
        raise TuneError("QLoRA needs a GPU with CUDA, and there is none here", hint=lora)
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise TuneError(f"QLoRA needs bitsandbytes, which does not load: {error}", hint=lora) from error
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def peft_config(settings: Settings) -> Any:
    """The adapter; `None` where all parameters are trained."""
    if settings.method == "full":
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(TARGETS),
        task_type="CAUSAL_LM",
    )


def common(settings: Settings, checkpoints: Path, *, fsdp: bool) -> dict[str, Any]:
    """What every trainer is told."""
    import torch

    cuda = torch.cuda.is_available()
    options: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": settings.warmup,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.clip,
        "per_device_train_batch_size": settings.batch,
        "per_device_eval_batch_size": settings.batch,
        "gradient_accumulation_steps": settings.accumulation,
        "num_train_epochs": settings.epochs,
        "max_steps": settings.max_steps,
        "gradient_checkpointing": settings.checkpointing,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "bf16": cuda,
        "use_cpu": not cuda,
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
        "save_total_limit": 2,
    }
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        options["ddp_backend"] = "nccl" if cuda else "gloo"
        options["ddp_find_unused_parameters"] = False
    if fsdp:
        options["fsdp"] = True
        options["fsdp_config"] = {"activation_checkpointing": settings.checkpointing}
        options["gradient_checkpointing"] = False
    return options


def train_arguments(settings: Settings, checkpoints: Path, *, fsdp: bool) -> Any:
    """TRL's arguments for supervised fine-tuning; the intervals are set once the sequences are packed."""
    from trl import SFTConfig

    return SFTConfig(
        **common(settings, checkpoints, fsdp=fsdp),
        max_length=settings.max_length,
        packing=settings.packing,
        eval_packing=settings.packing,
        # Rows that are not packed are padded to the longest beside them.
        train_sampling_strategy="random" if settings.packing else "group_by_length",
        eval_strategy="steps",
        save_strategy="steps",
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
    )
