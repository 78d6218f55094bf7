"""Training on the program's own data: `sgdc --run`, whose rows per epoch are read as they come."""

from __future__ import annotations

import csv
import math
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Mapping, Sequence

from .compiler import Source, compile_error, find_compiler, set_options
from .errors import CompileError, DataError, Diverged, Error
from .manifest import Run
from .report import Callback, Report

SOURCE, USAGE, DATA, DIVERGED, ENDED = 1, 2, 3, 4, 128 + signal.SIGTERM


@dataclass(frozen=True)
class Options:
    """What is said beside the program."""

    run: Run
    settings: Mapping[str, object]
    seed: int | None
    threads: int

    def arguments(self) -> list[str]:
        seed = [] if self.seed is None else [f"--seed={self.seed}"]
        threads = [f"--threads={self.threads}"] if self.threads else []
        return [f"--run={self.run.run}", *set_options(self.settings), *seed, *threads]


def train(
    source: Source, options: Options, saved: Path, history: list[Report], listeners: Sequence[Callback]
) -> None:
    """Trains in a process of its own and writes the state to `saved`. A listener that returns true ends it.

    Raises DataError, CompileError, Diverged.
    """
    compiler = find_compiler()
    command = [compiler.path, source.path, *options.arguments(), f"--save={saved}"]
    command += ["--log=-", "--progress=none", "--error-format=json", "-q"]
    with tempfile.TemporaryFile("w+", errors="replace") as said, tempfile.TemporaryFile("w+") as text:
        text.write(source.text if source.path == "-" else "")
        text.seek(0)
        process = subprocess.Popen(  # in a session of its own, so that Ctrl-C comes to this process alone
            command, stdin=text, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        )
        assert process.stdout is not None
        try:
            asked = False  # a second time would end it at once, without a state
            for report in _reports(process.stdout):
                history.append(report)
                if any([listener(report) for listener in listeners]) and not asked:
                    asked = True
                    process.terminate()
        except BaseException:
            process.terminate()
            raise
        finally:
            process.stdout.close()
            code = process.wait()
        said.seek(0)
        _check(code, said.read(), source, saved)


def _reports(lines: Iterable[str]) -> Iterator[Report]:
    """The rows of the log among what is printed: they stand below a heading, and have as many fields."""
    heading: list[str] = []
    for row in csv.reader(line for line in lines if not line.startswith("#")):
        if row[:2] == ["run", "epoch"]:
            heading = row
        elif heading and len(row) == len(heading) and row[1].isdigit():
            yield _report(dict(zip(heading, row)))


def _report(row: dict[str, str]) -> Report:
    numbers = {name: float(value) for name, value in row.items() if name != "run" and value}
    for name in ("epoch", "step", "lr", "seconds"):
        numbers.pop(name, None)
    train_loss, valid_loss = numbers.pop("train_loss", math.nan), numbers.pop("valid_loss", math.nan)
    return Report(int(row["epoch"]), int(row["step"]), train_loss, valid_loss, numbers)


def _check(code: int, said: str, source: Source, saved: Path) -> None:
    if code == 0 or (code == ENDED and saved.exists()):
        return
    problem = compile_error(said, source)
    if code == DIVERGED:
        raise Diverged(str(problem))
    if code == DATA:
        raise DataError(str(problem))
    if code in (SOURCE, USAGE):
        raise CompileError(str(problem), problem.diagnostics)
    raise Error(str(problem))
