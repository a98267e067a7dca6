"""Permissions of the server's files, which only its own user can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
# New files are not accessible to group and others.
UMASK = 0o077


def make_private(folder: Path) -> None:
    """Create a folder that only the process's user can access, and make new files private too.

    A folder shared with other users, such as /tmp, is left unchanged.
    """
    os.umask(UMASK)
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    if is_own(folder):
        _set(folder, FOLDER)


def make_contents_private(folder: Path) -> None:
    """Remove the permissions of group and others from everything below a folder.

    Older versions created files with the default permissions of the system.
    """
    if not is_own(folder):
        return
    for path, folders, files in os.walk(folder):
        for name in folders:
            _set(Path(path, name), FOLDER)
        for name in files:
            _set(Path(path, name), FILE)


def is_own(folder: Path) -> bool:
    """Return whether a folder belongs to this user and has no sticky bit."""
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX


def _set(path: Path, mode: int) -> None:
    found = path.lstat()
    is_ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
    if is_ours and stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)
