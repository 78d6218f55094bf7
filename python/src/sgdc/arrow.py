"""The Arrow C data interface, read by ctypes: columns of pyarrow, polars, duckdb and others, where they lie in memory.

An object offers `__arrow_c_array__` or `__arrow_c_stream__`, which give PyCapsules of the structs below
(arrow.apache.org/docs/format/CDataInterface.html). Numbers are viewed in place; a column of several chunks, of truth
values (bits), of texts, or behind a dictionary is copied. The producer's memory is released when the last view is gone.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from typing import Any

import numpy as np

from .errors import RowsError


class Schema(ctypes.Structure):
    """struct ArrowSchema"""


class Array(ctypes.Structure):
    """struct ArrowArray"""


class Stream(ctypes.Structure):
    """struct ArrowArrayStream"""


Schema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_void_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(Schema))),
    ("dictionary", POINTER(Schema)),
    ("release", CFUNCTYPE(None, POINTER(Schema))),
    ("private_data", c_void_p),
]
Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(Array))),
    ("dictionary", POINTER(Array)),
    ("release", CFUNCTYPE(None, POINTER(Array))),
    ("private_data", c_void_p),
]
Stream._fields_ = [
    ("get_schema", CFUNCTYPE(c_int, POINTER(Stream), POINTER(Schema))),
    ("get_next", CFUNCTYPE(c_int, POINTER(Stream), POINTER(Array))),
    ("get_last_error", CFUNCTYPE(c_char_p, POINTER(Stream))),
    ("release", CFUNCTYPE(None, POINTER(Stream))),
    ("private_data", c_void_p),
]

_NUMBERS = {
    "c": np.int8, "C": np.uint8, "s": np.int16, "S": np.uint16, "i": np.int32, "I": np.uint32,
    "l": np.int64, "L": np.uint64, "e": np.float16, "f": np.float32, "g": np.float64,
}  # fmt: skip

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = c_void_p, [ctypes.py_object, c_char_p]


class _Owned:
    """A struct of the producer; it is released with this object."""

    def __init__(self, struct: Any):
        self.struct = struct

    def __del__(self) -> None:
        if self.struct.release:
            self.struct.release(ctypes.byref(self.struct))


class _View:
    """Memory that numpy may look at, and what keeps it alive."""

    def __init__(self, address: int, count: int, dtype: np.dtype, owner: Any):
        self.owner = owner
        self.__array_interface__ = {
            "version": 3, "shape": (count,), "typestr": dtype.str, "data": (address, True),
        }  # fmt: skip


def is_arrow(value: Any) -> bool:
    """Does it offer the C data interface?"""
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")


def _moved(kind: Any, capsule: Any, name: bytes) -> _Owned:
    """The struct out of its capsule; the capsule's is marked as released."""
    address = _pointer(capsule, name)
    struct = kind()
    ctypes.memmove(ctypes.byref(struct), address, ctypes.sizeof(kind))
    kind.from_address(address).release = type(struct.release)()
    return _Owned(struct)


def _batches(value: Any) -> tuple[_Owned, list[_Owned]]:
    """The schema, and the chunks."""
    if not hasattr(value, "__arrow_c_stream__"):
        schema, array = value.__arrow_c_array__()
        return _moved(Schema, schema, b"arrow_schema"), [_moved(Array, array, b"arrow_array")]
    stream = _moved(Stream, value.__arrow_c_stream__(), b"arrow_array_stream")
    at = ctypes.byref(stream.struct)

    def check(status: int) -> None:
        if status:
            said = stream.struct.get_last_error(at)
            raise RowsError(f"the Arrow data cannot be read: {(said or b'').decode(errors='replace') or status}")

    schema = Schema()
    check(stream.struct.get_schema(at, ctypes.byref(schema)))
    chunks: list[_Owned] = []
    while True:
        array = Array()
        check(stream.struct.get_next(at, ctypes.byref(array)))
        if not array.release:
            return _Owned(schema), chunks
        chunks.append(_Owned(array))


def read_table(value: Any) -> dict[str, np.ndarray] | None:
    """Its columns by name; None where it is no struct, but one column."""
    schema, chunks = _batches(value)
    if schema.struct.format != b"+s":
        return None
    columns: dict[str, np.ndarray] = {}
    for k in range(schema.struct.n_children):
        child = schema.struct.children[k].contents
        name = (child.name or b"").decode(errors="replace")
        if name in columns:
            raise RowsError(f"the table has two columns {name}")
        parts = [
            _column(child, chunk.struct.children[k].contents, chunk.struct.offset, chunk.struct.length, chunk, name)
            for chunk in chunks
        ]
        columns[name] = _joined(parts)
    return columns


def read_array(value: Any, name: str) -> np.ndarray:
    """One column: shape (rows,), or (rows, n) of lists of a fixed size."""
    schema, chunks = _batches(value)
    parts = [_column(schema.struct, chunk.struct, 0, chunk.struct.length, chunk, name) for chunk in chunks]
    return _joined(parts)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0)


def _buffer(array: Any, place: int, dtype: Any, first: int, count: int, owner: Any) -> np.ndarray:
    dtype = np.dtype(dtype)
    address = array.buffers[place] if place < array.n_buffers else None
    if not address or not count:
        return np.zeros(count, dtype)
    base, inner = dtype.base, dtype.shape
    width = int(np.prod(inner, dtype=np.int64))
    flat = np.asarray(_View(address + first * dtype.itemsize, count * width, base, owner))
    return flat.reshape(count, *inner)


def _bits(array: Any, place: int, first: int, count: int, owner: Any) -> np.ndarray:
    packed = _buffer(array, place, np.uint8, 0, (first + count + 7) // 8, owner)
    return np.unpackbits(packed, bitorder="little")[first : first + count].astype(np.bool_)


def _column(schema: Any, array: Any, skip: int, count: int, owner: Any, name: str) -> np.ndarray:
    """`count` values behind the first `skip`."""
    first = array.offset + skip
    if array.null_count and array.n_buffers and array.buffers[0]:
        valid = _bits(array, 0, first, count, owner)
        if not valid.all():
            row = int(np.argmin(valid))
            raise RowsError(f"row {row} of {name} is null: leave such rows out, or say what stands for them")
    form = (schema.format or b"").decode()
    if schema.dictionary and array.dictionary:
        words = array.dictionary.contents
        values = _column(schema.dictionary.contents, words, 0, words.length, owner, name)
        return values[_buffer(array, 1, _NUMBERS[form], first, count, owner)]
    if form in _NUMBERS:
        return _buffer(array, 1, _NUMBERS[form], first, count, owner)
    if form == "b":
        return _bits(array, 1, first, count, owner)
    if form in ("u", "U"):
        return _texts(array, np.int32 if form == "u" else np.int64, first, count, owner)
    if form == "vu":
        return _text_views(array, first, count, owner)
    if form.startswith("+w:"):
        width = int(form[3:])
        child = _column(
            schema.children[0].contents, array.children[0].contents, first * width, count * width, owner, name
        )
        return child.reshape(count, width, *child.shape[1:])
    raise RowsError(f"{name} is of Arrow's type {form!r}; numbers, truth values, texts and lists of a fixed size can be read")


def _texts(array: Any, offsets: type, first: int, count: int, owner: Any) -> np.ndarray:
    ends = _buffer(array, 1, offsets, first, count + 1, owner)
    result = np.empty(count, object)
    if not count:
        return result
    text = _buffer(array, 2, np.uint8, 0, int(ends[-1]), owner).tobytes()
    for k in range(count):
        result[k] = text[ends[k] : ends[k + 1]].decode(errors="replace")
    return result


def _text_views(array: Any, first: int, count: int, owner: Any) -> np.ndarray:
    """Texts of 16 bytes each: the length, then up to 12 bytes of text, or its start, its buffer and its place there."""
    views = _buffer(array, 1, np.dtype((np.int32, 4)), first, count, owner)
    result = np.empty(count, object)
    for k in range(count):
        length, _, place, offset = views[k].tolist()
        if length <= 12:
            text = views[k, 1:].tobytes()[:length]
        else:
            text = ctypes.string_at(array.buffers[2 + place] + offset, length)
        result[k] = text.decode(errors="replace")
    return result
