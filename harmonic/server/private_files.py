"""Permissions of the files that the server keeps: for its own user only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
# What group and others may do with new files: nothing.
UMASK = 0o077


def make_private(folder: Path) -> None:
    """Create a folder of the process's user alone, and let new files be private as well.

    A folder that belongs to others too, such as /tmp, is left as it is.
    """
    os.umask(UMASK)
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    if is_own(folder):
        _set(folder, FOLDER)


def make_contents_private(folder: Path) -> None:
    """Take all files and folders below a folder from group and others.

    Older versions created them with the permissions that the system gives by default.
    """
    if not is_own(folder):
        return
    for path, folders, files in os.walk(folder):
        for name in folders:
            _set(Path(path, name), FOLDER)
        for name in files:
            _set(Path(path, name), FILE)


def is_own(folder: Path) -> bool:
    """Return whether a folder belongs to this user and is not shared by the sticky bit."""
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX


def _set(path: Path, mode: int) -> None:
    found = path.lstat()
    is_ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
    if is_ours and stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)
