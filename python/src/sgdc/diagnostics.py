"""What the compiler says about a program: one JSON object a line, as `sgdc --error-format=json` writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Iterable


@dataclass(frozen=True)
class Diagnostic:
    """One error, warning, note or help of the compiler. Lines and columns count from 1; 0 where there is no place."""

    code: str  # "E0214"; "" of notes and helps
    severity: str  # error, warning, note, help
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    notes: tuple["Diagnostic", ...] = ()
    source_line: str = ""  # the line of the program it is about

    @property
    def help(self) -> str:
        """What to write instead, where the compiler says it."""
        return "\n".join(note.message for note in self.notes if note.severity == "help")

    @property
    def explanation(self) -> str:
        """What `sgdc --explain=CODE` says of this kind of mistake."""
        from .compiler import find_compiler

        return find_compiler().explain(self.code) if self.code else ""

    def place(self) -> str:
        """`net.sgd:4:44`, or less of it."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def __str__(self) -> str:
        head = f"{self.severity}[{self.code}]" if self.code else self.severity
        lines = [": ".join(part for part in (self.place(), head, self.message) if part)]
        if self.source_line:
            number = f"{self.line:4d}"
            width = self.end_column - self.column if self.end_line == self.line else len(self.source_line) - self.column + 1
            blank = "".join("\t" if c == "\t" else " " for c in self.source_line[: self.column - 1])
            lines.append(f"{number} | {self.source_line}")
            lines.append(f"{' ' * len(number)} | {blank}{'^' * max(1, width)}")
        for note in self.notes:
            place = note.place()
            lines.append(f"  {note.severity}: {note.message}" + (f" ({place})" if place else ""))
        return "\n".join(lines)


def _diagnostic(entry: dict, texts: dict[str, list[str]], names: dict[str, str]) -> Diagnostic:
    file, line = entry.get("file") or "", entry.get("line") or 0
    text = texts.get(file, [])
    return Diagnostic(
        code=entry.get("code") or "",
        severity=entry.get("severity", "error"),
        message=entry.get("message", ""),
        file=names.get(file, file),
        line=line,
        column=entry.get("column") or 0,
        end_line=entry.get("end_line") or line,
        end_column=entry.get("end_column") or 0,
        notes=tuple(_diagnostic(note, {}, names) for note in entry.get("notes", ())),
        source_line=text[line - 1] if 0 < line <= len(text) else "",
    )


def _lines_of(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read().split("\n")
    except OSError:
        return []


def read_diagnostics(
    lines: Iterable[str], text: str | None = None, name: str = ""
) -> tuple[tuple[Diagnostic, ...], list[str]]:
    """The diagnostics among the lines of a compiler's stderr, and the lines that are none.

    `text` is the program where it came from no file (the compiler calls it stdin), `name` what it is called here.
    """
    entries, others = [], []
    for line in lines:
        try:
            entry = json.loads(line) if line.startswith("{") else None
        except ValueError:
            entry = None
        if isinstance(entry, dict) and "message" in entry:
            entries.append(entry)
        elif line.strip():
            others.append(line)
    texts = {file: _lines_of(file) for file in {entry.get("file") or "" for entry in entries} if file}
    if text is not None:
        texts["stdin"] = text.split("\n")
    names = {"stdin": name} if text is not None else {}
    return tuple(_diagnostic(entry, texts, names) for entry in entries), others
