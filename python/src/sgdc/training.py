"""A call of fit: the compiled loop runs on a thread of its own, and this thread hears what it reports.

So Ctrl-C ends a training after the step in flight, however long its epochs are, and callbacks run where the user
called: the loop waits for their answer. Where nobody listens it does not wait.
"""

from __future__ import annotations

import ctypes
import queue
import threading
from typing import Sequence

import numpy as np

from .errors import Diverged, Error, RowsError
from .library import DIVERGED, OK, ROWS, STOPPED, Callback as CCallback, Library
from .manifest import Run
from .memory import Memory
from .report import Callback, Report
from .rows import Rows


def train(
    library: Library,
    memory: Memory,
    rows: Rows,
    valid: Rows | None,
    history: list[Report],
    listeners: Sequence[Callback],
    threads: int,
) -> int:
    """Calls NAME_fit on so many threads; its status. What a listener raises ends the training and is raised here.

    Each report is added to history. The thread holds what it works on, also where a second Ctrl-C leaves it behind.
    """
    reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    status = [OK]

    def told(_user: object, said: object) -> int:
        c = said.contents  # type: ignore[attr-defined]
        report = Report(c.epoch, c.step, c.train_loss, c.valid_loss)
        history.append(report)
        if not listeners:
            return 0
        reports.put(report)
        return int(answers.get())

    callback = CCallback(told)

    def work() -> None:
        try:
            library.set_threads(memory.pointer, threads)
            status[0] = library.fit(memory.pointer, rows.pointer, valid.pointer if valid else None, callback, None)
            library.set_threads(memory.pointer, 1)
        finally:
            reports.put(None)

    thread = threading.Thread(target=work, name="sgdc fit", daemon=True)
    thread.start()
    try:
        while (report := reports.get()) is not None:
            answers.put(any([listener(report) for listener in listeners]))
    except BaseException:
        answers.put(True)
        while thread.is_alive():  # again and again: a stop that is asked for before fit has begun is forgotten
            library.request_stop(memory.pointer)
            thread.join(0.05)
        raise
    thread.join()
    return status[0]


def check(library: Library, run: Run, model: int, rows: Rows | None, status: int) -> None:
    """Raises what a status means, in the user's terms. rows: those the call was given."""
    if status in (OK, STOPPED):
        return
    text = library.strerror(status).decode()
    if status == DIVERGED:
        raise Diverged(f"{text}: the learning rate may be too high; reset() begins anew")
    if status == ROWS:
        raise RowsError(text)
    refused = _refused(library, run, model, rows) if rows is not None else None
    raise refused or Error(text)


def _refused(library: Library, run: Run, model: int, rows: Rows) -> RowsError | None:
    """What the compiled functions find wrong with a row."""
    row = ctypes.c_int64()
    name = library.refused(model, rows.pointer, ctypes.byref(row))
    field = run.member(name.decode()) if name else None
    if field is None:
        return None
    values = rows.columns[field.name].array[row.value]
    if field.classes:
        bad = (values < 0) | (values >= field.classes)
        names = f" ({', '.join(field.class_names)})" if field.class_names else ""
        wrong = f"is none of 0 to {field.classes - 1}{names}"
    else:
        bad, wrong = ~np.isfinite(values) & ~(np.isnan(values) & field.may_be_missing), "is not finite; leave such rows out, or say what stands for them"
    place = np.argwhere(bad)[0].tolist() if bad.ndim else []
    value = values[tuple(place)]
    kind = "label " if field.classes else ""
    return RowsError(f"row {row.value} of {field.name}{place or ''}: {kind}{value} {wrong}")
