"""The compiler: where it is, and what it makes of a program."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping

from . import cache
from .diagnostics import Diagnostic, read_diagnostics
from .errors import CompileError, CompilerNotFound, SgdcWarning
from .manifest import Manifest, read_manifest

_BESIDE = Path(__file__).resolve().parent / "bin" / "sgdc"
_INCLUDE = re.compile(r'\binclude\s*"((?:[^"\\\n]|\\.)*)"')


@dataclass(frozen=True)
class Source:
    """A program: a file, or text under a name. Paths in a text are relative to the current folder."""

    text: str
    path: str  # "-": the text goes to the compiler's standard input
    name: str  # what messages call it

    @property
    def folder(self) -> Path:
        return Path(self.path).parent if self.path != "-" else Path()

    def with_includes(self) -> list[str]:
        """The text, then those of the files that it and they include, in an order that is always the same."""
        seen: dict[str, str] = {}

        def follow(folder: Path, text: str) -> None:
            for match in _INCLUDE.finditer(text):
                path = folder / re.sub(r"\\(.)", r"\1", match.group(1))
                key = os.path.normpath(path)
                if key in seen:
                    continue
                try:
                    seen[key] = path.read_text(encoding="utf-8", errors="surrogateescape")
                except OSError:  # the compiler says it
                    seen[key] = ""
                follow(path.parent, seen[key])

        follow(self.folder, self.text)
        return [self.text, *(part for item in seen.items() for part in item)]


def read_source(program: str | os.PathLike[str], name: str = "program") -> Source:
    """A path to a program, or its text: what has a line break or a `{` in it is text.

    Raises CompileError where the file cannot be read.
    """
    if isinstance(program, str) and ("\n" in program or "{" in program):
        return Source(program, "-", name)
    path = os.fspath(program)
    if not path:
        raise CompileError("the program is empty")
    try:
        text = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as problem:
        raise CompileError(f"{path} cannot be read: {problem.strerror or problem}") from problem
    return Source(text, path, os.path.basename(path))


@dataclass(frozen=True)
class Compiled:
    """A program as a shared object."""

    library: bytes
    manifest: Manifest
    diagnostics: tuple[Diagnostic, ...]


def setting_text(value: object) -> str:
    """A setting as the compiler reads it. Raises TypeError where it cannot be one."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()  # a number of numpy
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return value
    raise TypeError(f"a setting is a number, a truth value or a text, not {type(value).__name__}: {value!r}")


def set_options(settings: Mapping[str, object]) -> list[str]:
    """`--set NAME=VALUE` for each."""
    return [f"--set={name}={setting_text(value)}" for name, value in sorted(settings.items())]


@dataclass(frozen=True)
class Compiler:
    """An executable sgdc."""

    path: str
    version: str = field(compare=False)  # "sgdc 0.1.0 (LLVM 22, native: x86-64-v4)"
    stamp: str  # changes when the file does

    def call(self, source: Source, options: list[str]) -> "subprocess.CompletedProcess[str]":
        """Runs it on a program, with diagnostics as JSON."""
        return subprocess.run(
            [self.path, source.path, "--error-format=json", *options],
            input=source.text if source.path == "-" else None,
            stdin=subprocess.DEVNULL if source.path != "-" else None,
            capture_output=True,
            text=True,
            errors="replace",
        )

    def explain(self, code: str) -> str:
        """What this kind of diagnostic means."""
        answer = subprocess.run([self.path, f"--explain={code}"], capture_output=True, text=True, errors="replace")
        return answer.stdout.strip()

    def compile(self, source: Source, settings: Mapping[str, object]) -> Compiled:
        """The program as a shared object for this processor, from the cache if it is there.

        Raises CompileError with the compiler's diagnostics; its warnings become Python's.
        """
        options = set_options(settings)
        texts = source.with_includes()
        files = cache.cached(
            cache.key_of(self.version, self.stamp, platform.machine(), source.name, *options, "", *texts),
            lambda made: self._make(source, options, made),
        )
        said = files["diagnostics"].decode("utf-8", "replace").split("\n")
        compiled = Compiled(
            files["model.so"],
            read_manifest(files["manifest.json"]),
            read_diagnostics(said, source.text if source.path == "-" else None, source.name)[0],
        )
        for diagnostic in compiled.diagnostics:
            if diagnostic.severity == "warning":
                warnings.warn(SgdcWarning(str(diagnostic)), stacklevel=4)
        return compiled

    def _make(self, source: Source, options: list[str], made: Path) -> None:
        emitted = f"--emit=so={made / 'model.so'},manifest={made / 'manifest.json'}"
        answer = self.call(source, [emitted, "--cpu=native", "--name=model", *options])
        if answer.returncode:
            raise compile_error(answer.stderr, source)
        (made / "diagnostics").write_text(answer.stderr, encoding="utf-8")


def compile_error(said: str, source: Source) -> CompileError:
    """The exception for what the compiler wrote to stderr."""
    diagnostics, others = read_diagnostics(
        said.split("\n"), source.text if source.path == "-" else None, source.name
    )
    errors = [str(d) for d in diagnostics if d.severity == "error"]
    lines = errors or [line[6:] if line.startswith("sgdc: ") else line for line in others]
    return CompileError("\n".join(lines) or "sgdc failed and said nothing", diagnostics)


def _candidates() -> list[str]:
    chosen = os.environ.get("SGDC")
    if chosen:
        return [shutil.which(chosen) or chosen]
    found = [str(_BESIDE)] if _BESIDE.exists() else []
    on_path = shutil.which("sgdc")
    return found + ([on_path] if on_path else [])


@functools.lru_cache(maxsize=8)
def _compiler(path: str, stamp: str) -> Compiler:
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, errors="replace")
    except OSError as problem:
        raise CompilerNotFound(f"{path} cannot be run: {problem.strerror or problem}") from problem
    if answer.returncode or not answer.stdout.startswith("sgdc "):
        raise CompilerNotFound(f"{path} is not sgdc: --version says {(answer.stdout + answer.stderr)[:80]!r}")
    return Compiler(path, answer.stdout.strip(), stamp)


def find_compiler() -> Compiler:
    """The sgdc of $SGDC, else the one beside this package, else the first on the PATH.

    Raises CompilerNotFound.
    """
    for path in _candidates():
        try:
            status = os.stat(path)
        except OSError as problem:
            raise CompilerNotFound(f"{path} (from $SGDC) cannot be run: {problem.strerror}") from problem
        return _compiler(path, f"{status.st_size} {status.st_mtime_ns}")
    raise CompilerNotFound(
        "sgdc was not found: install a wheel that carries it, put it on the PATH, or say where it is in $SGDC"
    )
