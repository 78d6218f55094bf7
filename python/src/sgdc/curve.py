"""The losses against the epoch as a picture: SVG, made here, so that a notebook needs no library for it."""

from __future__ import annotations

import html
import math
import time
from typing import Callable, Sequence

from . import notebook
from .report import Report

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 560, 240, 64, 34, 24, 12
_COLOURS = {"train_loss": "#1f77b4", "valid_loss": "#d62728"}
_MOST_POINTS = 400
_BETWEEN = 0.15  # seconds


def _thinned(reports: Sequence[Report]) -> list[Report]:
    step = max(1, len(reports) // _MOST_POINTS)
    chosen = list(reports[::step])
    if chosen[-1] is not reports[-1]:
        chosen.append(reports[-1])
    return chosen


def _scale(values: list[float]) -> tuple[bool, float, float]:
    """Logarithmic where the values say so; the least and the greatest on that scale."""
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > 20
    if logarithmic:
        low, high = math.log10(low), math.log10(high)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    return logarithmic, low, high


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    """Round values on the scale: 1, 2 and 5 times powers of ten, as many as there is room for."""
    if logarithmic:
        powers = range(math.floor(low), math.ceil(high) + 1)
        digits = (1, 2, 5) if high - low < 2.5 else (1,)
        values = [math.log10(digit) + power for power in powers for digit in digits]
        return [value for value in values if low <= value <= high]
    step = 10 ** math.floor(math.log10((high - low) / 2))
    step *= next(times for times in (5, 2, 1) if (high - low) / (step * times) >= 2)
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def draw(reports: Sequence[Report], title: str = "") -> str:
    """An SVG of train_loss and valid_loss. "" where there is nothing to draw."""
    series = {
        name: [(r.epoch, getattr(r, name)) for r in _thinned(reports) if math.isfinite(getattr(r, name))]
        for name in _COLOURS
    } if reports else {}  # fmt: skip
    values = [y for points in series.values() for _, y in points]
    if not values:
        return ""
    logarithmic, low, high = _scale(values)
    first, last = reports[0].epoch, max(reports[-1].epoch, reports[0].epoch + 1)

    def x_of(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - first) / (last - first)

    def y_of(value: float) -> float:
        at = math.log10(value) if logarithmic else value
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (at - low) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11" fill="currentColor">'
    ]
    for at in _ticks(low, high, logarithmic):
        value = 10**at if logarithmic else at
        y = y_of(value)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity="0.2"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for epoch, anchor in ((first, "start"), (last, "end")):
        parts.append(f'<text x="{x_of(epoch):.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="{anchor}">{epoch}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">epoch</text>')
    parts += _lines(series, x_of, y_of, title)
    return "".join(parts) + "</svg>"


def _lines(
    series: dict[str, list[tuple[int, float]]],
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
    title: str,
) -> list[str]:
    parts, at = [f'<text x="{LEFT}" y="14">{html.escape(title)}</text>'], WIDTH - RIGHT
    for name, points in reversed(series.items()):
        if not points:
            continue
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_COLOURS[name]}" stroke-width="1.5"/>')
        if len(points) == 1:
            parts.append(f'<circle cx="{x_of(points[0][0]):.1f}" cy="{y_of(points[0][1]):.1f}" r="2" fill="{_COLOURS[name]}"/>')
        text = f"{name} {points[-1][1]:.6g}"
        parts.append(f'<text x="{at}" y="14" text-anchor="end" fill="{_COLOURS[name]}">{text}</text>')
        at -= 7 * len(text)
    return parts


class LiveCurve:
    """A listener of a fit that draws its curve in a notebook while it grows."""

    def __init__(self, title: str = ""):
        self._title, self._reports, self._drawn = title, [], 0.0  # type: ignore[var-annotated]
        self._picture = notebook.Picture()

    def __call__(self, report: Report) -> None:
        self._reports.append(report)
        if time.monotonic() - self._drawn >= _BETWEEN:
            self._draw()
            self._drawn = time.monotonic()

    def end(self) -> None:
        """Draws all of it."""
        self._draw()

    def _draw(self) -> None:
        picture = draw(self._reports, self._title)
        if picture:
            self._picture.show(picture, self._reports[-1].text())
