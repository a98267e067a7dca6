"""The secret key required in production."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).resolve().parents[2]
# The two entry points: the server imports the WSGI module, `make run` runs `prepare`.
PROGRAMS = [
    ["-c", "import harmonic.wsgi; print('started')"],
    ["-c", "from django.core.management import execute_from_command_line as run;"
     "run(['manage.py', 'check']); print('started')"],
]  # fmt: skip


def start(
    program: list[str], folder: Path, key: str | None, environment: str = "production"
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "HARMONIC_SECRET_KEY"}
    settings = {
        "DJANGO_SETTINGS_MODULE": "harmonic.settings",
        "HARMONIC_ENV": environment,
        "HARMONIC_HOST": "example.org",
        "HARMONIC_VAR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/test.sqlite3",
        **({} if key is None else {"HARMONIC_SECRET_KEY": key}),
    }
    return subprocess.run(
        [sys.executable, *program],
        env={**inherited, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "key",
    [None, "", " " * 60, "short", secrets.token_urlsafe(50)[:49], "x" * 60, "abcdefg" * 10],
    ids=["missing", "empty", "blank", "short", "49 characters", "one character", "seven"],
)
@pytest.mark.parametrize("program", PROGRAMS, ids=["server", "command"])
def test_a_weak_secret_key_stops_a_production_start(
    tmp_path: Path, program: list[str], key: str | None
) -> None:
    run = start(program, tmp_path, key)

    assert run.returncode != 0
    assert "started" not in run.stdout
    message = run.stderr.strip().splitlines()[-1]
    assert "HARMONIC_SECRET_KEY" in message
    if key is not None:
        assert "at least 50 characters, 8 of them different" in message
        assert not key.strip() or key not in run.stderr
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize("program", PROGRAMS, ids=["server", "command"])
def test_a_random_secret_key_is_accepted(tmp_path: Path, program: list[str]) -> None:
    for key in (secrets.token_urlsafe(50), secrets.token_hex(25)):
        run = start(program, tmp_path, key)

        assert (run.returncode, run.stdout.strip().splitlines()[-1]) == (0, "started"), run.stderr


def test_a_local_start_generates_a_key(tmp_path: Path) -> None:
    run = start(PROGRAMS[0], tmp_path, None, "local")

    assert run.returncode == 0, run.stderr
    assert len((tmp_path / "secret_key").read_text()) >= 50
