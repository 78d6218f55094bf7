"""One field's values as the compiled functions read them: a pointer, and a stride in bytes from row to row.

Nothing is copied where the array has the field's type, aligned, with each row's elements one after the other; else it
is converted once. Whatever would change a value (a fraction that becomes a whole number, a number too large) is an
error that names the field, the row and the value. Values that are not finite, and labels out of range, the compiled
functions find themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import RowsError
from .manifest import Field
from .table import plain

DTYPES: dict[str, np.dtype] = {
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i32": np.dtype(np.int32),
    "u8": np.dtype(np.uint8),
    "bool": np.dtype(np.bool_),
}


@dataclass(frozen=True)
class Column:
    """Rows of one field: array has shape (rows, *field.shape)."""

    array: np.ndarray

    @property
    def rows(self) -> int:
        return self.array.shape[0]

    @property
    def address(self) -> int:
        return self.array.ctypes.data

    @property
    def stride(self) -> int:
        return self.array.strides[0]


def make_column(field: Field, value: Any) -> Column:
    """The field's values from an array, a list, a series or an Arrow array. Raises RowsError."""
    array = _take_shape(field, plain(value, field.name))
    if field.classes and (array.dtype.kind in "OUST" or field.class_values):
        array = _classes_of(field, array)
    array = _take_dtype(field, array)
    return Column(array if _is_dense(array) else np.ascontiguousarray(array))


def _is_dense(array: np.ndarray) -> bool:
    if not array.flags.aligned or array.strides[0] % array.itemsize:
        return False
    step = array.itemsize
    for extent, stride in zip(array.shape[:0:-1], array.strides[:0:-1]):
        if extent > 1 and stride != step:
            return False
        step *= extent
    return True


def _take_shape(field: Field, array: np.ndarray) -> np.ndarray:
    """(rows, *shape), from that or from rows of as many values in one axis."""
    if array.dtype == object and array.ndim == 1 and field.shape and len(array):
        array = _stacked(field, array)
    wanted = field.shape
    if array.ndim >= 1:
        if array.shape[1:] == wanted:
            return array
        flat = array.ndim == 2 and array.shape[1] == field.elements
        single = array.ndim == 1 and field.elements == 1
        if flat or single:
            return array.reshape(array.shape[0], *wanted)
    shape = ", ".join(["rows", *map(str, wanted)])
    also = f" or (rows, {field.elements})" if len(wanted) > 1 else ""
    raise RowsError(f"{field} takes an array of shape ({shape}{',' if not wanted else ''}){also}, not {array.shape}")


def _stacked(field: Field, array: np.ndarray) -> np.ndarray:
    """Rows that are lists or arrays themselves."""
    if not isinstance(array[0], (list, tuple, np.ndarray)):
        return array
    try:
        return np.stack([np.asarray(row) for row in array])
    except ValueError as problem:
        raise RowsError(f"the rows of {field} differ in their shapes") from problem


def _first(bad: np.ndarray, array: np.ndarray) -> tuple[int, Any]:
    """The row and the value of the first element that is marked."""
    at = np.unravel_index(int(np.argmax(bad)), bad.shape)
    value = array[at]
    return int(at[0]), value.item() if isinstance(value, np.generic) else value


def _class_of(field: Field, numbers: dict[str, int], value: Any) -> Any:
    """The number of a text's class; what is no text as it is."""
    if isinstance(value, str):
        return numbers.get(value, value if field.other_class is None else field.other_class)
    missing = value is None or value != value
    return field.missing_class if missing and field.missing_class is not None else value


def _classes_of(field: Field, array: np.ndarray) -> np.ndarray:
    """Numbers of classes, from their names, or from the values that stand for them in the data."""
    if array.dtype.kind in "OUST" and field.class_names:
        numbers = {name: k for k, name in enumerate(field.class_names)}
        flat = [_class_of(field, numbers, value) for value in array.ravel().tolist()]
        result = np.array([k if isinstance(k, int) else -1 for k in flat], np.int64).reshape(array.shape)
        if (result < 0).any():
            row, value = _first(result < 0, array)
            raise RowsError(f"row {row} of {field.name}: {value!r} is none of {', '.join(field.class_names)}")
        return result
    if field.class_values and array.dtype.kind in "biuf":
        values = np.asarray(field.class_values)
        order = np.argsort(values)
        place = np.minimum(np.searchsorted(values[order], array), len(values) - 1)
        result = order[place]
        if (values[result] != array).any():
            row, value = _first(values[result] != array, array)
            known = ", ".join(f"{v:g}" for v in values)
            raise RowsError(f"row {row} of {field.name}: {value} is none of {known}, which the program makes classes of")
        return result
    return array


def _numbers(field: Field, array: np.ndarray) -> np.ndarray:
    """An array of objects as one of f64."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as problem:
        flat = array.ravel().tolist()
        for place, value in enumerate(flat):
            try:
                float(value)
            except (TypeError, ValueError):
                row = place // max(1, field.elements)
                known = f"one of {', '.join(field.class_names)}" if field.class_names else "a number"
                raise RowsError(f"row {row} of {field.name}: {value!r} is not {known}") from problem
        raise RowsError(f"{field} cannot be made of these values") from problem


def _take_dtype(field: Field, array: np.ndarray) -> np.ndarray:
    wanted = DTYPES[field.dtype]
    if array.dtype == wanted:
        return array
    if array.dtype.kind in "OUST":
        array = _numbers(field, array)
    if array.dtype.kind not in "biuf":
        raise RowsError(f"{field} cannot be made of values of type {array.dtype}")
    return _as_real(field, array, wanted) if wanted.kind == "f" else _as_whole(field, array, wanted)


def _as_real(field: Field, array: np.ndarray, wanted: np.dtype) -> np.ndarray:
    with np.errstate(over="ignore"):
        result = array.astype(wanted)
    if array.dtype.kind == "f" and array.dtype.itemsize > wanted.itemsize:
        bad = np.isinf(result) & np.isfinite(array)
        if bad.any():
            row, value = _first(bad, array)
            raise RowsError(f"row {row} of {field.name}: {value} is too large for {field.dtype}")
    return result


def _as_whole(field: Field, array: np.ndarray, wanted: np.dtype) -> np.ndarray:
    low, high = (0, 1) if wanted.kind == "b" else (np.iinfo(wanted).min, np.iinfo(wanted).max)
    bad = ~((array >= low) & (array <= high))
    if array.dtype.kind == "f":
        bad |= array != np.floor(array)
    if bad.any():
        row, value = _first(bad, array)
        raise RowsError(f"row {row} of {field.name}: {value} is no whole number from {low} to {high}, as {field} takes")
    return array.astype(wanted)
