"""Reads safetensors files as numpy arrays, bfloat16 included, which numpy itself does not know."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zero_tune.errors import TuneError

Array = NDArray[Any]
MAX_HEADER = 64 * 1024 * 1024
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}


class Tensors:
    """All tensors of a folder's safetensors files, read when they are asked for."""

    def __init__(self, files: list[Path]) -> None:
        """Reads the headers.

        Raises:
            TuneError: a file is malformed, or two hold a tensor of one name.

        """
        self._at: dict[str, tuple[Path, int, dict[str, Any]]] = {}
        for file in files:
            for name, start, fields in _header(file):
                if name in self._at:
                    raise TuneError(f"{file} and {self._at[name][0]} both hold {name}")
                self._at[name] = (file, start, fields)

    @classmethod
    def of(cls, folder: Path) -> "Tensors":
        """Those of a folder; `adapter_model.safetensors` counts as well as a model's.

        Raises:
            TuneError: there are none.

        """
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise TuneError(f"{folder} holds no *.safetensors", code="not-found")
        return cls(files)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._at))

    def __contains__(self, name: str) -> bool:
        return name in self._at

    def __len__(self) -> int:
        return len(self._at)

    def read(self, name: str) -> Array:
        """One tensor, in 32 bits.

        Raises:
            TuneError: it is not there, or its place or type makes no sense.

        """
        if name not in self._at:
            raise TuneError(f"there is no tensor {name}")
        file, start, fields = self._at[name]
        kind = _TYPES.get(fields["dtype"])
        shape, (first, last) = fields["shape"], fields["data_offsets"]
        if kind is None:
            raise TuneError(f"{name} of {file} is of the type {fields['dtype']}, which is no floating-point type")
        count = int(np.prod(shape, dtype=np.int64))
        if last - first != count * np.dtype(kind).itemsize or start + last > file.stat().st_size or first < 0:
            raise TuneError(f"{file} is damaged: {name} does not lie within it")
        flat: Array = np.fromfile(file, dtype=kind, count=count, offset=start + first)
        if fields["dtype"] == "BF16":
            # The upper half of a 32-bit number.
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat.astype(np.float32, copy=False).reshape(shape)


def _header(file: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    try:
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > min(MAX_HEADER, file.stat().st_size):
                raise ValueError("its header is longer than the file")
            fields = json.loads(stream.read(size))
            for name, tensor in fields.items():
                if name != "__metadata__":
                    _check(tensor)
                    yield name, 8 + size, tensor
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TuneError(f"{file} is no safetensors file: {error}") from error


def _check(tensor: dict[str, Any]) -> None:
    first, last = tensor["data_offsets"]
    numbers = [first, last, *tensor["shape"]]
    if not all(isinstance(number, int) and number >= 0 for number in numbers) or not isinstance(tensor["dtype"], str):
        raise ValueError("a tensor's place is no number")
