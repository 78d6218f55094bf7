"""sgdc: train programs of the sgd language from Python.

    import sgdc
    m = sgdc.compile("net.sgd")
    m.fit(x, y)
    m.predict(x)
"""

from __future__ import annotations

from typing import Any

from .cache import cache_folder, clear_cache
from .compiler import find_compiler
from .diagnostics import Diagnostic
from .errors import (
    CompileError,
    CompilerNotFound,
    DataError,
    Diverged,
    Error,
    RowsError,
    SavedFileError,
    SgdcWarning,
)
from .estimator import Classifier, NotFitted, Regressor
from .model import Model, compile, compile_all
from .report import Report

__all__ = [
    "Classifier",
    "CompileError",
    "CompilerNotFound",
    "DataError",
    "Diagnostic",
    "Diverged",
    "Error",
    "Model",
    "NotFitted",
    "Regressor",
    "Report",
    "RowsError",
    "SavedFileError",
    "SgdcWarning",
    "cache_folder",
    "clear_cache",
    "compile",
    "compile_all",
    "find_compiler",
]


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext sgdc`: the cell magic %%sgd."""
    from .magic import load_ipython_extension as load

    load(shell)
