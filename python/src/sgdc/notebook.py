"""Whether there is a notebook, and pictures in it that are drawn anew in their place."""

from __future__ import annotations

import sys
from typing import Any


def in_notebook() -> bool:
    """Is this a kernel whose front end shows HTML?"""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None and hasattr(module, "get_ipython") else None
    return shell is not None and getattr(shell, "kernel", None) is not None


class Picture:
    """A place in the output of a cell."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, html: str, text: str) -> None:
        """Draws there, for the first time or anew; text for front ends without HTML."""
        from IPython.display import display

        data = {"text/html": html, "text/plain": text}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
