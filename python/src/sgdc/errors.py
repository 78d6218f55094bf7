"""Every exception of this package is an `Error`; each is also the built-in exception that it comes nearest to."""

from __future__ import annotations

from .diagnostics import Diagnostic


class Error(Exception):
    """Something sgdc refuses."""


class CompilerNotFound(Error, FileNotFoundError):
    """There is no sgdc beside the package, in $SGDC, or on the PATH."""

    def __str__(self) -> str:
        return str(self.args[0])


class CompileError(Error, ValueError):
    """The program is refused. `diagnostics` says what, where, and what to write instead."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()):
        super().__init__(message)
        self.diagnostics = diagnostics

    def _first(self) -> Diagnostic:
        errors = [d for d in self.diagnostics if d.severity == "error"] or list(self.diagnostics)
        return errors[0] if errors else Diagnostic("", "error", str(self))

    @property
    def code(self) -> str:
        """The code of the first error, such as E0214; "" where there is none."""
        return self._first().code

    @property
    def line(self) -> int:
        """The line of the first error, from 1; 0 where it has none."""
        return self._first().line

    @property
    def column(self) -> int:
        """The column of the first error, in bytes from 1; 0 where it has none."""
        return self._first().column

    @property
    def help(self) -> str:
        """What the compiler proposes for the first error, or ""."""
        return self._first().help

    def __reduce__(self):
        return CompileError, (str(self), self.diagnostics)


class RowsError(Error, ValueError):
    """Rows that do not fit the program: a wrong name, shape, type or value. Nothing was changed."""


class DataError(Error, ValueError):
    """The program's own data cannot be read."""


class Diverged(Error, ArithmeticError):
    """Training came to a loss or a parameter that is not finite; the model is lost: `reset` it."""


class SavedFileError(Error, OSError):
    """A saved file cannot be read or written, or is of another model. Nothing was changed."""

    def __str__(self) -> str:
        return str(self.args[0])


class SgdcWarning(UserWarning):
    """A warning of the compiler."""
