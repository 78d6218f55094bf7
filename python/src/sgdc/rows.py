"""Rows as the compiled functions take them, from whatever a user has: arrays, data frames, tables, by name or place.

`arrange` finds for each field of the program what is meant for it, `column.py` makes a pointer and a stride of it, and
`Rows` is the C struct of them, which keeps the arrays alive.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import replace
from typing import Any, Mapping, Sequence

import numpy as np

from .column import Column, make_column
from .errors import RowsError
from .manifest import Field, Run
from .table import Table, as_table


class Rows:
    """Rows in memory: NAME_data, and the arrays it points to.

    counts: how many rows there are of each data set, by its name; of the only one by None.
    """

    def __init__(self, run: Run, columns: Mapping[str, Column], counts: Mapping[str | None, int]):
        self.count = next(iter(counts.values()))
        self.columns = dict(columns)
        self._memory = ctypes.create_string_buffer(run.rows.bytes)
        places = {one.name: one.rows_offset for one in run.rows.sets} or {None: run.rows.rows_offset}
        for name, count in counts.items():
            struct.pack_into("=q", self._memory, places[name], count)
        for field in run.rows.fields:
            column = columns.get(field.name)
            struct.pack_into("=Q", self._memory, field.data_offset, column.address if column else 0)
            struct.pack_into("=q", self._memory, field.stride_offset, column.stride if column else 0)

    @property
    def pointer(self) -> int:
        """The address of the struct."""
        return ctypes.addressof(self._memory)


def make_rows(
    run: Run, given: Sequence[Any], named: Mapping[str, Any], needed: Sequence[Field] | None = None
) -> Rows:
    """Rows of what a call was given: `given` by place, `named` by the names of fields, or of data sets.

    needed: the fields that must be there; None: all. Raises RowsError.
    """
    needed = run.rows.fields if needed is None else needed
    values = arrange_sets(run, given, named, needed) if run.rows.sets else arrange(run, given, named, needed)
    columns: dict[str, Column] = {}
    counts: dict[str | None, int] = {}
    first: dict[str | None, str] = {}
    for field in needed:
        columns[field.name] = column = make_column(field, values[field.name])
        count = counts.setdefault(field.set, column.rows)
        first.setdefault(field.set, field.name)
        if column.rows != count:
            raise RowsError(f"{first[field.set]} has {count} rows, and {field.name} has {column.rows}")
    for name, count in counts.items():
        if not count:
            raise RowsError(f"there are no rows{f' of {name}' if name else ''}")
    if not counts:
        raise RowsError("there are no rows")
    return Rows(run, columns, counts)


def rows_without_fields(run: Run, given: Sequence[Any]) -> Rows:
    """So many rows, of which no field is read."""
    if len(given) != 1 or isinstance(given[0], bool) or not isinstance(given[0], (int, np.integer)) or given[0] < 1:
        raise RowsError("predict reads no field here: say how many rows, as in predict(100)")
    return Rows(run, {}, {run.rows.sets[0].name if run.rows.sets else None: int(given[0])})


def arrange_sets(run: Run, given: Sequence[Any], named: Mapping[str, Any], needed: Sequence[Field]) -> dict[str, Any]:
    """What is meant for each needed field where there are several data sets.

    Each set is given as rows of a single one are: by its name, in a dict of all, or by place, one argument for each.
    """
    sets = [one.name for one in run.rows.sets if any(field.set == one.name for field in needed)]
    if len(given) == 1 and not named and isinstance(given[0], Mapping) and set(given[0]) & set(sets):
        given, named = (), given[0]
    if len(given) == 1 and len(sets) == 1:
        given, named = (), {**named, sets[0]: given[0]}
    if given and (len(given) != len(sets) or named):
        raise RowsError(f"rows of {', '.join(sets)} are needed: one argument for each; there are {len(given)}")
    named = dict(zip(sets, given)) if given else dict(named)
    values: dict[str, Any] = {}
    for name in sets:
        fields = [field for field in needed if field.set == name]
        by_name = {field.name: named.pop(field.name) for field in fields if field.name in named}
        open_fields = [field for field in fields if field.name not in by_name]
        values.update(by_name)
        if name not in named and open_fields:
            raise RowsError(f"there are no rows of {name}: {_list(fields)}")
        if name in named:
            values.update(_of_set(run, name, named.pop(name), open_fields))
    for name in named:
        if name not in {one.name for one in run.rows.sets} and run.field(name) is None:
            raise RowsError(f"the program has no data {name}; it has {', '.join(one.name for one in run.rows.sets)}")
    return values


def _of_set(run: Run, name: str, value: Any, fields: Sequence[Field]) -> dict[str, Any]:
    """The rows of one set, whose fields have their own names there."""
    own = {field.name: replace(field, name=field.own_name) for field in run.rows.fields if field.set == name}
    alone = replace(run, rows=replace(run.rows, fields=tuple(own.values())))
    given = value if isinstance(value, tuple) else (value,)
    try:
        values = arrange(alone, given, {}, [own[field.name] for field in fields])
    except RowsError as problem:
        raise RowsError(f"{name}: {problem}") from problem
    return {field.name: values[field.own_name] for field in fields}


def arrange(run: Run, given: Sequence[Any], named: Mapping[str, Any], needed: Sequence[Field]) -> dict[str, Any]:
    """What is meant for each needed field."""
    known = [field.name for field in run.rows.fields]
    for name in named:
        if name not in known:
            raise RowsError(f"the program has no field {name}; it has {_list(run.rows.fields)}")
    missing = [field for field in needed if field.name not in named]
    if len(given) == 1:
        return {**named, **_from_one(run, given[0], missing)}
    if given:
        return {**named, **_from_several(run, given, missing)}
    if missing:
        raise RowsError(f"{_list(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    return dict(named)


def _list(fields: Sequence[Field]) -> str:
    return ", ".join(str(field) for field in fields)


def _from_one(run: Run, value: Any, fields: Sequence[Field]) -> dict[str, Any]:
    """One argument for all open fields: a table by names, or an array whose columns are theirs in order."""
    if not fields:
        raise RowsError("all fields were given by name, and something more by place")
    table = as_table(value)
    if table is None:
        return _split(value, fields)
    return _take(table, fields, run)


def _from_several(run: Run, given: Sequence[Any], fields: Sequence[Field]) -> dict[str, Any]:
    """x, y: what predict reads and what it does not; or an argument for each field in their order."""
    inputs = [field for field in fields if field.read_by_predict]
    others = [field for field in fields if not field.read_by_predict]
    if len(given) == 2 and inputs and others:
        return {**_from_one(run, given[0], inputs), **_from_one(run, given[1], others)}
    if len(given) == len(fields):
        values: dict[str, Any] = {}
        for field, value in zip(fields, given):
            values.update(_from_one(run, value, [field]))
        return values
    raise RowsError(f"{len(given)} arguments were given for {len(fields)} fields: {_list(fields)}")


def _take(table: Table, fields: Sequence[Field], run: Run) -> dict[str, Any]:
    """Each field's part of a table: the column of its name, those it has in a csv, or, of one field, what is left."""
    values, without = {}, []
    for field in fields:
        if field.name in table.names:
            values[field.name] = table.column(field.name)
        elif _names_of(table, field):
            values[field.name] = table.block(_names_of(table, field))
        else:
            without.append(field)
    if not without:
        return values
    taken = {name for field in run.rows.fields for name in _names_of(table, field)}
    left = [name for name in table.names if name not in taken]
    if len(without) == 1 and len(left) == without[0].elements:
        return {**values, without[0].name: table.block(left)}
    wanted = f"{len(left)} columns are left for it, and it has {without[0].elements} values"
    raise RowsError(
        f"no column is called {' or '.join(field.name for field in without)} ({_list(without)}); there are "
        f"{', '.join(map(str, table.names)) or 'none'}" + (f": {wanted}" if len(without) == 1 and left else "")
    )


def _names_of(table: Table, field: Field) -> list[Any]:
    """The columns that are this field's by their names."""
    if field.name in table.names:
        return [field.name]
    columns = list(field.columns or ())
    return columns if all(column in table.names for column in columns) else []


def _split(value: Any, fields: Sequence[Field]) -> dict[str, Any]:
    """One array: a field's own, or one whose columns are all fields' values in their order."""
    if len(fields) == 1:
        return {fields[0].name: value}
    array = np.asarray(value)
    width = sum(field.elements for field in fields)
    if array.ndim != 2 or array.shape[1] != width:
        shape = " x ".join(map(str, array.shape)) or "one number"
        raise RowsError(f"one array for {_list(fields)} has {width} columns in that order; this one is {shape}")
    values, at = {}, 0
    for field in fields:
        part = array[:, at : at + field.elements]
        values[field.name] = part if field.shape else part[:, 0]
        at += field.elements
    return values
