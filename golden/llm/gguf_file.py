"""Model files in GGUF: their fields and their tensors as float32, through the optional package `gguf`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golden.arrays import UNREADABLE, finite_singles, reason
from golden.errors import InputError

#: `gguf` is imported where it is used, so that its classes are not known here.
Package = Any
MISSING = "needs a package: pip install 'tessera[llm]'"


class GgufFile:
    """One file. A field or tensor that is not there, or is of another kind, is refused by its name."""

    def __init__(self, path: Path) -> None:
        """Raises:
        InputError: no such file, no GGUF, or the package is missing.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        try:
            gguf: Package = import_module("gguf")  # optional: only where a model is read
        except ImportError as error:
            raise InputError(f"{path.name}: a model in GGUF {MISSING}") from error
        try:
            reader = bounded_reader(gguf)(path)
        except (IndexError, *UNREADABLE) as error:
            raise InputError(f"{path.name}: not a readable GGUF file: {reason(error)}") from error
        self.name = path.name
        self._dequantise = gguf.quants.dequantize
        self._fields = reader.fields
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}

    def get(self, name: str, default: Any) -> Any:
        """A field's value, or `default` where there is no such field."""
        return self._fields[name].contents() if name in self._fields else default

    def text(self, name: str) -> str:
        """A field that is a string."""
        return self._checked(name, "a string", lambda value: isinstance(value, str))

    def whole(self, name: str) -> int:
        """A field that is a positive integer."""
        return self._checked(name, "a positive integer", lambda value: isinstance(value, int) and value > 0)

    def number(self, name: str) -> float:
        """A field that is a positive number."""
        found = self._checked(name, "a positive number", lambda v: isinstance(v, int | float) and 0 < v < float("inf"))
        return float(found)

    def texts(self, name: str) -> list[str]:
        """A field that is a list of strings, not empty."""
        what = "a list of strings"
        return self._checked(name, what, lambda v: isinstance(v, list) and v and all(isinstance(t, str) for t in v))

    def _checked(self, name: str, what: str, accepts: Any) -> Any:
        if name not in self._fields:
            raise InputError(f"{self.name}: the field {name} is missing")
        value = self._fields[name].contents()
        if not accepts(value):
            raise InputError(f"{self.name}: {name} must be {what}, it is {str(value)[:40]}")
        return value

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._tensors

    def tensor(self, name: str, *shape: int) -> Tensor:
        """A tensor of finite numbers as float32, dequantised, with rows first as torch has them.

        Raises:
            InputError: it is missing, of another shape, of a format that `gguf` does not dequantise, or not finite.
        """
        if name not in self._tensors:
            raise InputError(f"{self.name}: the tensor {name} is missing")
        stored = self._tensors[name]
        found = tuple(reversed(stored.shape.tolist()))
        if found != shape:
            raise InputError(f"{self.name}: {name} must be {list(shape)}, it is {list(found)}")
        try:
            values = np.array(self._dequantise(stored.data, stored.tensor_type), np.float32)
        except (NotImplementedError, ValueError) as error:
            raise InputError(f"{self.name}: {name} cannot be dequantised: {reason(error)}") from error
        return torch.from_numpy(finite_singles(f"{self.name}: {name}", values).reshape(shape))


def bounded_reader(gguf: Package) -> Any:
    """The package's reader, which would count on in the nothing behind a file that a damaged length points beyond."""

    class Reader(gguf.GGUFReader):
        def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
            if int(offset) + int(count) * np.dtype(dtype).itemsize > len(self.data):
                raise ValueError("it ends before its fields do")
            return super()._get(offset, dtype, count, override_order)

    return Reader
