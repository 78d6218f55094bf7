"""Tables by the names of their columns, whatever library they are of; and one column of one as a numpy array.

pandas is met by its own methods, Arrow (pyarrow, polars, duckdb, ...) through the C data interface, which needs no
package (arrow.py); so nothing is imported that the user has not.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

import numpy as np

from . import arrow
from .errors import RowsError


class Table:
    """Named columns. column(name): as the table has it; block(names): shape (rows, len(names))."""

    def __init__(self, names: Sequence[Any], column: Callable[[Any], Any]):
        self.names = list(names)
        self.column = column

    def block(self, names: Sequence[Any]) -> np.ndarray:
        """These columns side by side, in this order."""
        columns = [plain(self.column(name), str(name)) for name in names]
        lengths = {len(column) for column in columns if column.ndim == 1}
        if len(lengths) != 1 or any(column.ndim != 1 for column in columns):
            raise RowsError(f"the columns {', '.join(map(str, names))} are not all single columns of one length")
        return np.stack(columns, axis=1)


def _is_pandas(value: Any, kind: str) -> bool:
    return any(
        base.__name__ == kind and base.__module__.split(".")[0] == "pandas" for base in type(value).__mro__
    )


def as_table(value: Any) -> Table | None:
    """The value as a table; None where it is one column, or an array."""
    if isinstance(value, Mapping):
        return Table(list(value), value.__getitem__)
    if isinstance(value, np.ndarray):
        return Table(value.dtype.names, value.__getitem__) if value.dtype.names else None
    if _is_pandas(value, "DataFrame"):
        names = list(value.columns)
        if len(set(names)) != len(names):
            raise RowsError("the data frame has two columns of one name")
        return Table(names, value.__getitem__)
    if arrow.is_arrow(value) and not _is_pandas(value, "Series") and not _is_pandas(value, "Index"):
        columns = arrow.read_table(value)
        return None if columns is None else Table(list(columns), columns.__getitem__)
    return None


def plain(value: Any, name: str) -> np.ndarray:
    """One column as an array, without a copy where its library allows it. Missing values become NaN, or stay None.

    Raises RowsError where it is none.
    """
    if isinstance(value, np.ndarray):
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            row = int(np.argwhere(np.ma.getmaskarray(value))[0][0])
            raise RowsError(f"row {row} of {name} is masked: leave such rows out, or say what stands for them")
        return np.asarray(value)
    if _is_pandas(value, "Series") or _is_pandas(value, "Index"):
        return _of_series(value)
    if arrow.is_arrow(value):
        return arrow.read_array(value, name)
    if hasattr(value, "tocsr") and hasattr(value, "nnz"):
        raise RowsError(f"{name} is a sparse matrix: hand over its toarray()")
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as problem:
        raise RowsError(f"{name} cannot be made an array: {problem}") from problem


def _of_series(series: Any) -> np.ndarray:
    kind = getattr(series.dtype, "kind", "O")
    if not isinstance(series.dtype, np.dtype) and kind in "iuf" and bool(series.isna().any()):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return series.to_numpy()
