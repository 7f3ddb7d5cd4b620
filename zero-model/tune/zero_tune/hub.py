"""Fetches a base from the hub: only what training reads, and never code."""

from pathlib import Path

from zero_tune.base import Base
from zero_tune.errors import TuneError

# No pickles: they are programs.
WANTED = (
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_*",
)


def fetch(base: Base) -> Path:
    """The folder of the base's files, fetched if they are not here yet.

    Raises:
        TuneError: there is no such base, no right to it, or no way to the hub.

    """
    if base.path is not None:
        return base.path
    import huggingface_hub
    from huggingface_hub import errors

    try:
        return Path(huggingface_hub.snapshot_download(base.name, allow_patterns=list(WANTED)))
    except errors.GatedRepoError as error:
        terms = base.preset.license if base.preset else "its licence"
        raise TuneError(
            f"{base.name} is given only to people who accepted {terms}",
            hint="accept the terms on the base's page, then `hf auth login`, or set HF_TOKEN",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise TuneError(
            f"the hub has no {base.name}, or shows it only to those with a token",
            code="not-found",
            hint="`hf auth login`, or name a folder",
        ) from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
        raise TuneError(
            f"cannot fetch {base.name}: {error}",
            code="unreachable",
            hint="fetch it where there is a network, and name its folder with --base",
        ) from error
