"""`%%sgd` in a notebook: a program in a cell, its curve while it trains, and the model under a name.

    %load_ext sgdc
    %%sgd net --fit X,y --set lr=0.1
    ...

Without --fit a program with data of its own is trained on it, as `sgdc --run` does; one without is compiled alone.
Errors of the program are shown as the compiler says them.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from . import curve, notebook
from .errors import Error
from .model import Model, compile


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Error(f"%%sgd: {message}\n{self.format_usage().strip()}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%%sgd", add_help=False)
    parser.add_argument("name", nargs="?", default="model", help="the variable that the model becomes")
    parser.add_argument("--fit", default=None, help="variables to train on: X,y")
    parser.add_argument("--valid", default=None, help="variables to validate with: X,y")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE, as sgdc --set")
    parser.add_argument("--run", default=None, help="which run of several")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true", help="do not train")
    return parser


def _variables(names: str, namespace: dict[str, Any]) -> tuple[Any, ...]:
    values = []
    for name in names.split(","):
        if name.strip() not in namespace:
            raise Error(f"%%sgd: there is no variable {name.strip()}")
        values.append(namespace[name.strip()])
    return tuple(values)


def _settings(pairs: list[str]) -> dict[str, object]:
    for pair in pairs:
        if "=" not in pair:
            raise Error(f"%%sgd: --set takes NAME=VALUE, not {pair}")
    return {name: value for name, value in (pair.split("=", 1) for pair in pairs)}


def _train(model: Model, rows: tuple[Any, ...], valid: tuple[Any, ...] | None, title: str) -> None:
    live = curve.LiveCurve(title) if notebook.in_notebook() else None
    try:
        model.fit(*rows, valid=valid, callback=live, progress=False if live else None)
    finally:
        if live:
            live.end()


def run_cell(line: str, cell: str, namespace: dict[str, Any]) -> Model:
    """What the magic does: the model is put into the namespace."""
    options = _parser().parse_args(shlex.split(line))
    model = compile(
        cell, run=options.run, settings=_settings(options.set), seed=options.seed, threads=options.threads, name="cell"
    )
    namespace[options.name] = model
    if options.fit:
        valid = _variables(options.valid, namespace) if options.valid else None
        _train(model, _variables(options.fit, namespace), valid, options.name)
    elif not options.compile and model.run.settings.source is not None:
        _train(model, (), None, options.name)
    return model


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext sgdc`."""

    def sgd(line: str, cell: str) -> None:
        try:
            model = run_cell(line, cell, shell.user_ns)
        except Error as problem:  # the program's fault, not Python's: no traceback
            print(problem, file=sys.stderr)
            shell.user_ns.pop("_sgd_error", None)
            raise _Quiet(problem) from None
        print(repr(model) if not model.history else model.history[-1].text(model.run.settings.epochs))

    shell.register_magic_function(sgd, magic_kind="cell", magic_name="sgd")


class _Quiet(Error):
    """An error that has been shown: IPython shows no traceback of it."""

    def __init__(self, problem: Exception):
        super().__init__(str(problem))
        self.__cause__ = problem

    def _render_traceback_(self) -> list[str]:
        return []
