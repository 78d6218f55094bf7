"""The memory a model lives in, and its parameters as arrays in that memory."""

from __future__ import annotations

import ctypes
from typing import Iterator, Mapping

import numpy as np

from .column import DTYPES
from .errors import Error
from .library import Library, Options
from .manifest import Parameter, Run

ALIGNMENT = 64


def aligned(count: int) -> np.ndarray:
    """So many bytes, 64-byte aligned."""
    memory = np.zeros(count + ALIGNMENT, np.uint8)
    skip = -memory.ctypes.data % ALIGNMENT
    return memory[skip : skip + count]


class Memory:
    """One block that the model is initialised in, again and again; views of it keep it alive."""

    def __init__(self, library: Library, run: Run):
        self._library, self._run = library, run
        self.bytes = aligned(run.train_bytes)
        self.pointer = 0

    def init(self, seed: int | None) -> None:
        """The model before its first step. seed None: the program's."""
        options = Options(seed=0 if seed is None else seed, has_seed=seed is not None)
        model = ctypes.c_void_p()
        status = self._library.init(
            ctypes.byref(model), self.bytes.ctypes.data, len(self.bytes), ctypes.byref(options)
        )
        if status:
            raise Error(f"the model cannot begin: {self._library.strerror(status).decode()}")
        self.pointer = model.value or 0

    def view(self, parameter: Parameter) -> np.ndarray:
        """The parameter in place."""
        address = self._library.parameter_data(self.pointer, parameter.name.encode(), None, None)
        begin = address - self.bytes.ctypes.data
        dtype = DTYPES[parameter.dtype]
        count = int(np.prod(parameter.shape, dtype=np.int64))
        return self.bytes[begin : begin + count * dtype.itemsize].view(dtype).reshape(parameter.shape)


class Parameters(Mapping[str, np.ndarray]):
    """Parameters by name, in the program's order: arrays in place. What is written to one is what the model has."""

    def __init__(self, memory: Memory, run: Run):
        self._memory = memory
        self._all = {parameter.name: parameter for parameter in run.parameters}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._all:
            raise KeyError(f"there is no parameter {name}; there are {', '.join(self._all)}")
        return self._memory.view(self._all[name])

    def __setitem__(self, name: str, values: object) -> None:
        view = self[name]
        given = np.asarray(values)
        if given.shape != view.shape:
            raise ValueError(f"{name} has shape {view.shape}, not {given.shape}")
        view[...] = given

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return "\n".join(f"{p.name}: {p.dtype}{list(p.shape)}" for p in self._all.values())
