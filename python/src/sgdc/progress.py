"""The progress of a fit: a bar in a notebook, one redrawn line on a terminal, nothing elsewhere.

Trainings that end at once show nothing; longer ones are drawn ten times a second at most.
"""

from __future__ import annotations

import html
import sys
import time
from typing import TextIO

from . import notebook
from .report import Report

_BEFORE, _BETWEEN = 0.3, 0.1  # seconds


class Bar:
    """A bar of epochs. epochs 0: not known."""

    def __init__(self, epochs: int):
        self.epochs = epochs
        self._begin = self._drawn = time.monotonic()
        self._first: int | None = None  # the epoch before the first
        self._report: Report | None = None
        self._shown = False

    def show(self, report: Report) -> None:
        """A listener of a fit."""
        now = time.monotonic()
        if self._first is None:
            self._first = report.epoch - 1
        self._report = report
        if now - self._begin >= _BEFORE and (not self._shown or now - self._drawn >= _BETWEEN):
            self._drawn, self._shown = now, True
            self.draw(report, False)

    def end(self) -> None:
        """Draws what was last, and leaves it."""
        if self._shown and self._report is not None:
            self.draw(self._report, True)

    def part(self, report: Report) -> float:
        """How much is done, 0 to 1. A fit that goes on counts from where it began."""
        first = self._first or 0
        if not self.epochs:
            return 0.0
        total = self.epochs if first < self.epochs else first + self.epochs
        return min(1.0, max(0.0, (report.epoch - first) / max(1, total - first)))

    def text(self, report: Report) -> str:
        """The report, and the time left."""
        part, spent = self.part(report), time.monotonic() - self._begin
        left = f"  {_duration(spent / part - spent)} left" if 0 < part < 1 else f"  {_duration(spent)}"
        return report.text(self.epochs if (self._first or 0) < self.epochs else 0) + left

    def draw(self, report: Report, last: bool) -> None:
        """To be said by each kind of bar."""
        raise NotImplementedError


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    return f"{whole // 60} min" if whole < 6000 else f"{whole / 3600:.1f} h"


class TerminalBar(Bar):
    """One line, drawn over itself."""

    def __init__(self, epochs: int, out: TextIO):
        super().__init__(epochs)
        self._out, self._width = out, 0

    def draw(self, report: Report, last: bool) -> None:
        full = round(20 * self.part(report))
        bar = f"[{'=' * full}{' ' * (20 - full)}] " if self.epochs else ""
        line = bar + self.text(report)
        self._out.write("\r" + line.ljust(self._width) + ("\n" if last else ""))
        self._out.flush()
        self._width = len(line)


class NotebookBar(Bar):
    """An HTML progress element in the cell's output."""

    def __init__(self, epochs: int):
        super().__init__(epochs)
        self._picture = notebook.Picture()

    def draw(self, report: Report, last: bool) -> None:
        text = self.text(report)
        bar = f'<progress value="{self.part(report):.4f}" max="1"></progress> ' if self.epochs else ""
        self._picture.show(f"<div>{bar}<code>{html.escape(text)}</code></div>", text)


def begin(wanted: bool | None, epochs: int) -> Bar | None:
    """The bar for where we are. wanted None: only where somebody looks."""
    if wanted is False:
        return None
    if notebook.in_notebook():
        return NotebookBar(epochs)
    if wanted or sys.stderr.isatty():
        return TerminalBar(epochs, sys.stderr)
    return None
