"""A compiled model: train, predict, evaluate, save and load."""

from __future__ import annotations

import ctypes
import math
import os
import tempfile
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from . import own_data, progress as progress_bar, training
from .compiler import Compiled, Source, find_compiler, read_source
from .errors import Error, RowsError, SavedFileError
from .library import DEFERRED, FILE, MISMATCH, STOPPED, Library
from .manifest import Run
from .memory import Memory, Parameters
from .report import Callback, Report
from .rows import Rows, make_rows, rows_without_fields


def compile(  # noqa: A001 (the field's word)
    program: str | os.PathLike[str],
    *,
    run: str | None = None,
    settings: Mapping[str, object] | None = None,
    seed: int | None = None,
    threads: int = 0,
    name: str = "program",
) -> "Model":
    """Compiles a program, a path or its text, to a model that has not been trained.

    run: which one, where the program has several (`each`, several train blocks), as `sgdc --run=` takes it.
    settings: as `--set`: lr, batch, epochs, names at the top of the program.
    seed: of initial values, order and draws; None: the program's.
    threads: fit trains on so many; 0: as many as there are. The bits are the same.
    name: what messages call a text.

    Raises CompileError with the compiler's diagnostics; its warnings are Python warnings.
    """
    source = read_source(program, name)
    compiled = find_compiler().compile(source, settings or {})
    return Model(source, compiled, _choose(compiled, run), dict(settings or {}), seed, threads)


def compile_all(
    program: str | os.PathLike[str],
    *,
    settings: Mapping[str, object] | None = None,
    seed: int | None = None,
    threads: int = 0,
    name: str = "program",
) -> dict[str, "Model"]:
    """The models of all runs of a program, by the names of the runs."""
    source = read_source(program, name)
    compiled = find_compiler().compile(source, settings or {})
    return {one.run: Model(source, compiled, one, dict(settings or {}), seed, threads) for one in compiled.manifest.models}


def _choose(compiled: Compiled, run: str | None) -> Run:
    models = compiled.manifest.models
    if run is None and len(models) == 1:
        return models[0]
    found = [model for model in models if run in (model.run, model.block)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(model.run) for model in models)
    if run is None:
        raise Error(f"the program has several runs: choose one by run=, or take them all by compile_all ({names})")
    raise Error(f"the program has {'several runs' if found else 'no run'} {run!r}; its runs are {names}")


class Model:
    """One model in memory, with what it takes to train it. Made by `compile`.

    Rows are handed over by place (`x, y`: what predict reads, and what it does not), by the names of the program's
    fields (`x=..., y=...` or a dict), as a data frame or an Arrow table (columns by name), or as one array whose
    columns are the fields' in their order. A field `x: f32[2]` takes shape (rows, 2), a number a row shape (rows,).
    """

    def __init__(
        self, source: Source, compiled: Compiled, run: Run, settings: dict[str, object], seed: int | None, threads: int
    ):
        self._source, self._settings, self._seed = source, settings, seed
        self.run = run  #: what the compiler says of it: fields, parameters, settings (manifest.Run)
        self.diagnostics = compiled.diagnostics  #: warnings and notes of the compiler
        self.threads = threads  #: that fit trains on; 0: as many as there are
        self.history: list[Report] = []  #: a report for each epoch since the last reset
        self._set: dict[str, float] = {}
        self._library = Library(compiled.library, run)
        self._memory = Memory(self._library, run)
        self._memory.init(seed)
        self.parameters = Parameters(self._memory, run)  #: arrays in place, by name

    def __repr__(self) -> str:
        fields = ", ".join(map(str, self.run.rows.fields))
        numbers = sum(view.size for view in self.parameters.values())
        return f"<sgdc.Model {self._source.name}: {self.run.run}; {fields}; {numbers:,} parameters>"

    # ---- training ---------------------------------------------------------------------------
    def fit(
        self,
        *rows: Any,
        valid: Any = None,
        callback: Callback | Iterable[Callback] | None = None,
        progress: bool | None = None,
        **fields: Any,
    ) -> "Model":
        """Trains as the program says: batch, order, epochs, hold-out. Again, it goes on by as many epochs.

        Without rows it trains on the program's own data, as `sgdc --run` does, from the beginning.
        valid: rows to validate with, (x, y) or as the rows are given.
        callback: told a Report after each epoch; what it returns as true ends the training.
        progress: a bar; None: in notebooks and on terminals.

        Raises RowsError, before anything is changed; Diverged; KeyboardInterrupt after the step in flight.
        """
        listeners = _listeners(callback)
        bar = progress_bar.begin(progress, self._epochs())
        if bar:
            listeners.append(bar.show)
        try:
            if rows or fields:
                self._fit_rows(make_rows(self.run, rows, fields), self._valid_rows(valid), listeners)
            elif valid is not None:
                raise RowsError("rows to validate with were given, and none to train on")
            elif self.run.settings.source is None:
                raise RowsError(f"the program has no data of its own; fit takes {', '.join(map(str, self.run.rows.fields))}")
            else:
                self._fit_own(listeners)
        finally:
            if bar:
                bar.end()
        return self

    def _epochs(self) -> int:
        return self.run.settings.epochs

    def _valid_rows(self, valid: Any) -> Rows | None:
        if valid is None:
            return None
        return make_rows(self.run, valid if isinstance(valid, (tuple, list)) else (valid,), {})

    def _fit_rows(self, rows: Rows, valid: Rows | None, listeners: list[Callback]) -> None:
        status = training.train(self._library, self._memory, rows, valid, self.history, listeners, self.threads)
        training.check(self._library, self.run, self._pointer, rows, status)

    def _fit_own(self, listeners: list[Callback]) -> None:
        self.reset()
        with tempfile.TemporaryDirectory(prefix="sgdc-") as folder:
            saved = Path(folder) / "trained.safetensors"
            options = own_data.Options(self.run, {**self._settings, **self._set}, self._seed, self.threads)
            own_data.train(self._source, options, saved, self.history, listeners)
            self.load(saved)

    def step(self, *rows: Any, **fields: Any) -> float:
        """One step on these rows as one mini-batch; their mean loss before it."""
        given = make_rows(self.run, rows, fields)
        loss = ctypes.c_float()
        self._check(self._library.step(self._pointer, given.pointer, ctypes.byref(loss)), given)
        return loss.value

    def stop(self) -> None:
        """Ends a fit that runs on another thread, after the step in flight."""
        self._library.request_stop(self._pointer)

    def reset(self, seed: int | None = None) -> "Model":
        """The model before its first step; views of parameters stay what they are. seed None: as before."""
        self._seed = self._seed if seed is None else seed
        self._memory.init(self._seed)
        self.history.clear()
        for name, value in self._set.items():
            self._check(self._library.set(self._pointer, name.encode(), value))
        return self

    # ---- use --------------------------------------------------------------------------------
    def predict(self, *rows: Any, seed: int | None = None, **fields: Any) -> np.ndarray:
        """What the program's `predict` says for each row: f32 of shape (rows, ...). Needs the fields it reads alone.

        What reads no field, such as a generator's samples, takes how many rows there are: predict(100, seed=7).
        Where it draws, the draws follow from the seed (None: the program's own) and the number of the row.
        """
        predict = self.run.predict
        if predict is None or self._library.predict is None:
            raise Error("the program predicts nothing: say `predict = ...` in its train block")
        needed = [field for field in self.run.rows.fields if field.read_by_predict]
        given = self._rows_to_predict(rows, fields, needed)
        out = np.empty((given.count, *predict.shape), np.float32)
        if seed is None:
            status = self._library.predict(self._pointer, given.pointer, out.ctypes.data, None)
        elif self._library.sample is None:
            raise Error("a seed is given, and what the program predicts has no draw")
        else:
            status = self._library.sample(self._pointer, given.pointer, seed, out.ctypes.data, None)
        self._check(status, given)
        return out

    def _rows_to_predict(self, rows: Sequence[Any], fields: Mapping[str, Any], needed: list) -> Rows:
        if len(rows) > 1 and len(rows) != len(needed):
            raise RowsError(f"predict takes rows of {', '.join(map(str, needed))}; {len(rows)} arguments were given")
        if not needed and not fields:
            return rows_without_fields(self.run, rows)
        return make_rows(self.run, rows, fields, needed)

    def evaluate(self, *rows: Any, **fields: Any) -> dict[str, float | np.ndarray]:
        """The loss and the program's measures on these rows, by name: numbers, or arrays such as a confusion matrix."""
        given = make_rows(self.run, rows, fields)
        figures, arrays = self.run.figures, self.run.figure_arrays
        out = np.empty(len(figures) + sum(math.prod(array.shape) for array in arrays), np.float32)
        self._check(self._library.evaluate(self._pointer, given.pointer, out.ctypes.data), given)
        found: dict[str, float | np.ndarray] = dict(zip(figures, out.tolist()))
        at = len(figures)
        for array in arrays:
            size = math.prod(array.shape)
            found[array.name] = out[at : at + size].reshape(array.shape)
            at += size
        return found

    @property
    def steps(self) -> int:
        """Steps done since the beginning, also of what was loaded."""
        return self._library.steps(self._pointer)

    # ---- numbers that are no parameters -------------------------------------------------------
    @property
    def hyper_parameters(self) -> dict[str, float | None]:
        """Numbers that `set` changes; None: it follows its schedule."""
        return {one.name: self._set.get(one.name, one.value) for one in self.run.hyper_parameters}

    def set(self, name: str, value: float) -> "Model":
        """Changes a hyper-parameter from the next step on, such as lr, which replaces its schedule."""
        if name not in self.hyper_parameters:
            raise Error(f"there is no hyper-parameter {name}; there are {', '.join(self.hyper_parameters) or 'none'}")
        self._check(self._library.set(self._pointer, name.encode(), float(value)))
        self._set[name] = float(value)
        return self

    # ---- files ------------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str]) -> None:
        """Parameters, optimizer state, statistics of the data, counters: a safetensors file, whole or not at all."""
        self._file(self._library.save, path, "written")

    def load(self, path: str | os.PathLike[str]) -> "Model":
        """What serves of a file that `save`, an application or `sgdc --save` wrote."""
        self._file(self._library.load, path, "read")
        return self

    def resume(self, path: str | os.PathLike[str]) -> "Model":
        """The last state of such a file: fit goes on exactly."""
        self._file(self._library.resume, path, "read")
        return self

    def _file(self, function: Any, path: str | os.PathLike[str], done: str) -> None:
        name = os.fsencode(path)
        if b"\0" in name:
            raise ValueError(f"{path!r} is no path: it has a NUL in it")
        status = function(self._pointer, name)
        if not status:
            return
        text = self._library.strerror(status).decode()
        if status == FILE:
            raise SavedFileError(f"{os.fspath(path)} cannot be {done}: {text}")
        if status == MISMATCH:
            raise SavedFileError(f"{os.fspath(path)} is of another model: {text}")
        self._check(status)

    # ---- inside -----------------------------------------------------------------------------
    @property
    def _pointer(self) -> int:
        return self._memory.pointer

    def _check(self, status: int, rows: Rows | None = None) -> None:
        if status == DEFERRED:
            raise Error("the program standardizes fields, and no statistics of the data are known yet: fit or load first")
        if status != STOPPED:
            training.check(self._library, self.run, self._pointer, rows, status)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: the program, and the model as `save` writes it."""
        return {
            "source": self._source, "run": self.run.run, "settings": self._settings, "seed": self._seed,
            "threads": self.threads, "set": self._set, "history": self.history, "saved": self._bytes(),
        }  # fmt: skip

    def _bytes(self) -> bytes:
        saved, length = ctypes.c_void_p(), ctypes.c_size_t()
        self._check(self._library.save_memory(self._pointer, ctypes.byref(saved), ctypes.byref(length)))
        try:
            return ctypes.string_at(saved, length.value)
        finally:
            self._library.free_bytes(saved)

    def __setstate__(self, state: dict[str, Any]) -> None:
        compiled = find_compiler().compile(state["source"], state["settings"])
        run = _choose(compiled, state["run"])
        self.__init__(state["source"], compiled, run, state["settings"], state["seed"], state["threads"])  # type: ignore[misc]
        self._check(self._library.resume_memory(self._pointer, state["saved"], len(state["saved"])))
        self.history = state["history"]
        for name, value in state["set"].items():
            self.set(name, value)


def _listeners(callback: Callback | Iterable[Callback] | None) -> list[Callback]:
    if callback is None:
        return []
    return [callback] if callable(callback) else list(callback)
