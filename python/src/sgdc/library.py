"""The functions of a compiled model, by ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import tempfile
import threading
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any

from .cache import cache_folder
from .errors import Error
from .manifest import Run

OK, LABEL, DIVERGED, STOPPED, FILE, MISMATCH, DEFERRED, NOT_FINITE, ROWS = 0, 5, 6, 7, 9, 10, 13, 14, 16


class Options(ctypes.Structure):
    """sgdc_options: zero everywhere is as the program says."""

    _fields_ = [("seed", c_uint64), ("planned_steps", c_uint64), ("has_seed", c_uint64), ("reserved", c_uint64 * 5)]


class CReport(ctypes.Structure):
    """sgdc_report: what fit tells after each epoch."""

    _fields_ = [("epoch", c_int64), ("step", c_int64), ("train_loss", c_double), ("valid_loss", c_double)]


Callback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(CReport))

# A function's name: what it returns, and what it takes. A model is a void *, and so are rows (rows.py).
_SHAPE = [POINTER(POINTER(c_int64)), POINTER(c_int)]
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "init": (c_int, [POINTER(c_void_p), c_void_p, c_size_t, POINTER(Options)]),
    "step": (c_int, [c_void_p, c_void_p, POINTER(c_float)]),
    "predict": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "sample": (c_int, [c_void_p, c_void_p, c_uint64, c_void_p, c_void_p]),
    "set": (c_int, [c_void_p, c_char_p, c_double]),
    "clear_lr": (c_int, [c_void_p]),
    "request_stop": (None, [c_void_p]),
    "parameter_data": (c_void_p, [c_void_p, c_char_p, *_SHAPE]),
    "refused": (c_char_p, [c_void_p, c_void_p, POINTER(c_int64)]),
    "strerror": (c_char_p, [c_int]),
    "set_threads": (c_int, [c_void_p, c_int]),
    "fit": (c_int, [c_void_p, c_void_p, c_void_p, Callback, c_void_p]),
    "evaluate": (c_int, [c_void_p, c_void_p, c_void_p]),
    "save": (c_int, [c_void_p, c_char_p]),
    "load": (c_int, [c_void_p, c_char_p]),
    "resume": (c_int, [c_void_p, c_char_p]),
    "save_memory": (c_int, [c_void_p, POINTER(c_void_p), POINTER(c_size_t)]),
    "resume_memory": (c_int, [c_void_p, c_char_p, c_size_t]),
    "free_bytes": (None, [c_void_p]),
    "steps": (c_int64, [c_void_p]),
}


_loaded: dict[str, ctypes.CDLL] = {}
_loading = threading.Lock()


def _load(content: bytes) -> ctypes.CDLL:
    """The shared object, loaded once: from a file of its own, which is gone afterwards, so that nobody can change what
    runs. It is never unloaded: views of parameters and other models may outlive who asked for it."""
    key = hashlib.sha256(content).hexdigest()
    with _loading:
        problem: OSError | None = None
        for folder in (str(cache_folder()), tempfile.gettempdir()):  # either may be where nothing is executed
            if key in _loaded:
                break
            try:
                with tempfile.NamedTemporaryFile(prefix="loading-", suffix=".so", dir=folder) as file:
                    file.write(content)
                    file.flush()
                    _loaded[key] = ctypes.CDLL(file.name)
            except OSError as failed:
                problem = problem or failed
        if key not in _loaded:
            raise Error(f"the compiled program cannot be loaded: {problem}") from problem
        return _loaded[key]


class Library:
    """One model's functions in a loaded shared object: `library.fit(...)` is NAME_fit."""

    def __init__(self, content: bytes, run: Run):
        loaded = _load(content)
        for name, (returns, takes) in _SIGNATURES.items():
            symbol = run.functions.get(name)
            function = getattr(loaded, symbol, None) if symbol else None
            if function is not None:
                function.restype, function.argtypes = returns, takes
            setattr(self, name, function)
        missing = [name for name in _SIGNATURES if name not in ("predict", "sample") and getattr(self, name) is None]
        if missing:
            raise Error(f"the compiled program has no {missing[0]}: sgdc is of another version than this package")

    def __getattr__(self, name: str) -> Any:  # for type checkers: all is set above
        raise AttributeError(name)
