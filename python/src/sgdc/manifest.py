"""What `sgdc --emit=manifest` says of a program: its models, their fields, parameters and functions.

Keys that this version does not know are left alone, so a newer compiler may say more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from .errors import Error

FORMAT = 1


@dataclass(frozen=True)
class Field:
    """A field of the data block: one column of rows."""

    name: str
    dtype: str  # f32, f64, i32, u8, bool
    shape: tuple[int, ...]  # of one row; () is one number
    data_offset: int
    stride_offset: int
    classes: int = 0  # 0: no label
    class_names: tuple[str, ...] | None = None
    class_values: tuple[float, ...] | None = None
    standardized: bool = False
    may_be_missing: bool = False  # NaN stands for a value that is missing
    other_class: int | None = None  # of texts that are none of class_names
    missing_class: int | None = None  # of texts that are missing
    read_by_predict: bool = False
    columns: tuple[Any, ...] | None = None  # of a csv: headers, or numbers from 0
    doc: str | None = None
    member: str = ""  # what the C struct calls it
    set: str | None = None  # the data set it is of, where a step takes several: wall of wall.x

    @property
    def own_name(self) -> str:
        """Its name in its data set."""
        return self.name[len(self.set) + 1 :] if self.set else self.name

    @property
    def elements(self) -> int:
        """Numbers in one row."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    def __str__(self) -> str:
        kind = f"label[{self.classes}]" if self.classes else self.dtype
        return f"{self.name}: {kind}{list(self.shape) if self.shape else ''}"


@dataclass(frozen=True)
class DataSet:
    """One of the data sets that a step takes rows of."""

    name: str
    rows_offset: int
    batch: int = 0  # 0: as many as the first, of the first all; -1: all


@dataclass(frozen=True)
class Rows:
    """The C struct that rows are handed over in."""

    bytes: int
    rows_offset: int
    fields: tuple[Field, ...]
    sets: tuple[DataSet, ...] = ()  # of one data set: none


@dataclass(frozen=True)
class Parameter:
    """A learnt array, row-major."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    trained: bool = True
    doc: str | None = None


@dataclass(frozen=True)
class HyperParameter:
    """A number that can be changed while the model lives; None: it follows its schedule until it is set."""

    name: str
    value: float | None


@dataclass(frozen=True)
class Predict:
    """What `predict` answers for a row."""

    shape: tuple[int, ...]
    elements: int
    name: str | None = None
    classes: int = 0
    class_names: tuple[str, ...] | None = None
    target: str | None = None  # the field it is to come near
    rule: str | None = None  # how a class follows: largest, itself, half (of a probability), sign; None: no class


@dataclass(frozen=True)
class Settings:
    """How the program trains. batch 0: all rows; of epochs and steps one is 0."""

    data: str | None = None
    batch: int = 0
    epochs: int = 0
    steps: int = 0
    seed: int = 0
    hold_out: float | None = None
    source: str | None = None  # csv, idx, npy, synthetic; None: the application hands over rows
    data_doc: str | None = None


@dataclass(frozen=True)
class FigureArray:
    """A measure that is an array."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """One model: a train block, or one choice of its `each`."""

    prefix: str
    run: str
    block: str
    train_bytes: int
    rows: Rows
    parameters: tuple[Parameter, ...]
    hyper_parameters: tuple[HyperParameter, ...]
    predict: Predict | None
    figures: tuple[str, ...]
    functions: dict[str, str]  # "fit": its symbol
    settings: Settings
    identity: str | None = None
    doc: str | None = None
    figure_arrays: tuple[FigureArray, ...] = ()  # behind the figures

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((field for field in self.rows.fields if field.name == name), None)

    def member(self, name: str) -> Field | None:
        """The field that the compiled functions call so."""
        return next((field for field in self.rows.fields if name == (field.member or field.name)), None)

    @property
    def target(self) -> Field | None:
        """The field that predictions are to come near."""
        return self.field(self.predict.target) if self.predict and self.predict.target else None


@dataclass(frozen=True)
class Manifest:
    """A compiled program."""

    sgdc: str
    program: str
    models: tuple[Run, ...]


_PARTS = {"rows": Rows, "settings": Settings, "predict": Predict}
_LISTS = {
    "fields": Field,
    "sets": DataSet,
    "parameters": Parameter,
    "hyper_parameters": HyperParameter,
    "figure_arrays": FigureArray,
}


def _make(kind: type, entry: dict) -> Any:
    """The dataclass from what JSON has under the names of its fields."""
    known = {}
    for part in fields(kind):
        if part.name not in entry:
            continue
        value = entry[part.name]
        if part.name == "functions":
            value = {function["name"]: function["symbol"] for function in value}
        elif part.name in _LISTS:
            value = tuple(_make(_LISTS[part.name], one) for one in value)
        elif part.name in _PARTS and value is not None:
            value = _make(_PARTS[part.name], value)
        elif isinstance(value, list):
            value = tuple(value)
        known[part.name] = value
    return kind(**known)


def read_manifest(text: bytes) -> Manifest:
    """The manifest in that JSON. Raises Error where it is none, or of a format this package does not know."""
    try:
        entry = json.loads(text)
        if entry["manifest"] > FORMAT:
            raise Error(f"sgdc writes manifests of format {entry['manifest']}; this package knows {FORMAT}: update it")
        return Manifest(
            sgdc=entry["sgdc"],
            program=entry["program"],
            models=tuple(_make(Run, model) for model in entry["models"]),
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise Error(f"this is no manifest of sgdc: {problem!r}") from problem
