"""Compiled programs, kept in the user's cache folder.

An entry is a folder named by the hash of all that its content depends on. It is made beside its place and renamed to
it whole, so processes that make the same one at the same time do not disturb each other. A list of hashes in it says
what its files are: an entry that was cut off or changed is made anew. What is read is what was checked: callers get the
bytes, never a path that could change under them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Callable

MOST_ENTRIES = 200  # the oldest go
_SEAL = "seal.json"  # file name -> SHA-256


def cache_folder() -> Path:
    """$SGDC_CACHE, or `sgdc` in the user's cache folder, or a temporary folder where neither can be written."""
    chosen = os.environ.get("SGDC_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(chosen) if chosen else Path(base) / "sgdc"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except OSError:
        pass
    return _temporary_folder()


_temporary: str | None = None


def _temporary_folder() -> Path:
    global _temporary
    if _temporary is None or not os.path.isdir(_temporary):
        _temporary = tempfile.mkdtemp(prefix="sgdc-")
    return Path(_temporary)


def key_of(*parts: str) -> str:
    """A name for what depends on these texts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_whole(entry: Path) -> dict[str, bytes] | None:
    """The files of an entry by name; None where it is not there, or not what it was."""
    try:
        seal = json.loads((entry / _SEAL).read_text())
        files = {name: (entry / name).read_bytes() for name in seal}
        return files if files and all(_hash_of(files[name]) == seal[name] for name in seal) else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _forget_oldest(folder: Path) -> None:
    def used(path: Path) -> float:
        try:
            return path.stat().st_mtime
        except OSError:
            return 0.0

    entries = sorted((path for path in folder.iterdir() if path.is_dir()), key=used, reverse=True)
    for path in entries[MOST_ENTRIES:]:
        _remove(path)


def cached(key: str, make: Callable[[Path], None]) -> dict[str, bytes]:
    """The files of that key by name; where there are none, `make` fills an empty folder that becomes the entry.

    What `make` raises leaves nothing behind.
    """
    folder = cache_folder()
    entry = folder / key
    files = _read_whole(entry)
    if files is not None:
        try:
            os.utime(entry)
        except OSError:
            pass
        return files
    made = Path(tempfile.mkdtemp(prefix="making-", dir=folder))
    try:
        make(made)
        files = {path.name: path.read_bytes() for path in sorted(made.iterdir())}
        (made / _SEAL).write_text(json.dumps({name: _hash_of(content) for name, content in files.items()}))
        _put(made, entry)
        return files
    finally:
        _remove(made)


def _put(made: Path, entry: Path) -> None:
    """Renames made to the entry, and a broken one that is there out of the way. Where it cannot be, nothing is kept."""
    for _ in range(3):
        try:
            os.rename(made, entry)
            _forget_oldest(entry.parent)
            return
        except OSError:  # there is one already: another process was faster, or it is broken
            if _read_whole(entry) is not None:
                return
            broken = Path(tempfile.mkdtemp(prefix="broken-", dir=entry.parent))
            try:
                os.rename(entry, broken / "entry")
            except OSError:
                pass
            _remove(broken)


def clear_cache() -> None:
    """Removes all compiled programs from the cache."""
    for path in cache_folder().iterdir():
        if path.is_dir():
            _remove(path)
