"""Only the server's user can access `var/`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from harmonic.server.private_files import make_contents_private, make_private
from tests.server.process import request_of, signed_in, started

pytestmark = pytest.mark.one_database


def modes_below(folder: Path) -> dict[str, str]:
    """Return the files and folders accessible to group or others, with their permissions."""
    paths = [folder, *folder.rglob("*")]
    modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in paths}
    return {path: oct(mode) for path, mode in modes.items() if mode not in (0o700, 0o600)}


def test_all_files_written_by_the_server_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with started(tmp_path, prepared=True, HARMONIC_VAR=str(folder)) as server:
        browser = signed_in(server)
        browser.open(request_of(server, "/collectives/kitchen"), timeout=30).close()
        names = {path.name for path in folder.iterdir()}
        shown = modes_below(folder)

    assert {"harmonic.sqlite3", "secret_key", "limits.sqlite3", "static"} <= names
    assert shown == {}


def test_an_upgrade_makes_older_files_private(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    (folder / "rendered").mkdir(parents=True)
    kept = folder / "rendered" / "kept"
    kept.write_text("A rendered text")
    for path, mode in {folder: 0o755, folder / "rendered": 0o755, kept: 0o644}.items():
        path.chmod(mode)

    with started(tmp_path, prepared=True, HARMONIC_VAR=str(folder)):
        pass

    assert modes_below(folder) == {}


def test_files_outside_the_folder_are_unchanged(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "var"
    outside.write_text("Somebody else's")
    outside.chmod(0o644)
    folder.mkdir()
    (folder / "link").symlink_to(outside)

    make_private(folder)
    make_contents_private(folder)

    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


@pytest.mark.parametrize("mode", [0o1777, 0o1755])
def test_a_shared_folder_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "shared" / "file"
    file.parent.mkdir()
    file.write_text("Somebody else's")
    file.chmod(0o644)
    file.parent.chmod(mode)

    make_private(file.parent)
    make_contents_private(file.parent)

    assert stat.S_IMODE(file.parent.stat().st_mode) == mode
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
