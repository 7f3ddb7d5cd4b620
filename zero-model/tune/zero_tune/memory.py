"""Out of memory: which setting to lower, and how."""

from dataclasses import replace

from zero_tune.errors import TuneError
from zero_tune.presets import Settings

_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc", "cublas_status_alloc_failed")


def is_exhaustion(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    text = f"{type(error).__name__}: {error}".lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _SIGNS)


def refusal(settings: Settings) -> TuneError:
    """The error that names the first of the settings whose lowering costs least."""
    # With other settings it is another run, which `RunFolder` does not let go on in the same folder.
    return TuneError("the memory did not suffice", hint=f"with a new --out: {_advice(settings)}")


def _advice(settings: Settings) -> str:
    if settings.batch > 1:
        half = replace(settings, batch=settings.batch // 2, accumulation=settings.accumulation * 2)
        return f"--batch {half.batch} --accumulation {half.accumulation} computes the same with less at a time"
    if not settings.checkpointing:
        return "leave out --no-checkpointing"
    if settings.method == "lora":
        return "--method qlora keeps the base in 4 bits"
    return f"--max-length {settings.max_length // 2} leaves out longer records"
