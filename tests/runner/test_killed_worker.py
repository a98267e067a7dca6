"""A worker that is killed (SIGKILL) in the middle of twenty runs."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.runner.model_server import MODEL, ModelServer, acts, calls
from tests.server.process import ROOT, UMASK, environment_of, prepared_files

pytestmark = pytest.mark.one_database

RUNS = 20
WITHIN = 60
QUEUE = f"""
from tests.runner.runs import Runs
for number in range({RUNS}):
    Runs().queue(task=f"Run {{number}}", max_steps=50)
"""


class Installation:
    """An installation with its own files, and its workers."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.folder = folder
        shutil.copytree(prepared_files(), folder, dirs_exist_ok=True)
        self.environment = {
            **environment_of(folder),
            "HARMONIC_LLM_URL": server.url,
            "HARMONIC_LLM_MODELS": MODEL,
            "HARMONIC_RUNS_PER_AGENT": str(RUNS),
            "HARMONIC_RUNS_PER_TENANT": str(RUNS),
        }

    def manage(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            umask=UMASK,
        )

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "manage.py", "work", "--concurrency", str(RUNS + 4)]
        with (self.folder / "worker.log").open("a") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, umask=UMASK
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait(30)

    def rows(self, sql: str) -> list[Any]:
        path = f"file:{self.folder / 'harmonic.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(path, uri=True, timeout=30)) as database:
            return [row[0] for row in database.execute(sql)]

    def statuses(self) -> Counter[str]:
        return Counter(self.rows("SELECT status FROM runs_taskrun"))

    def notes(self) -> list[str]:
        return self.rows("SELECT title FROM items_item WHERE title LIKE 'Run %'")

    def live_tokens(self) -> int:
        sql = "SELECT count(*) FROM tokens_apitoken WHERE is_internal AND deleted_at IS NULL"
        count: int = self.rows(sql)[0]
        return count


def until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait for a condition, and return how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.fixture
def installation(tmp_path: Path, server: ModelServer) -> Installation:
    def script(number: int, sent: dict[str, Any]) -> Any:
        time.sleep(1)
        name, step = sent["messages"][1]["content"], len(sent["messages"])
        note = {"title": f"{name}: {step}", "text": "Written by a run."}
        return calls(acts("/collectives/kitchen/note", "create_note", note))

    server.script = script
    installation = Installation(tmp_path, server)
    installation.manage("shell", "-v", "0", "-c", QUEUE)
    return installation


@pytest.mark.rule("runs.killed-worker")
def test_the_runs_of_a_killed_worker_end_and_write_nothing_twice(installation: Installation):
    with installation.worker() as worker:
        until(lambda: installation.statuses()["running"] == RUNS, 60)
        until(lambda: len(installation.notes()) >= RUNS, 60)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(30)
    written = installation.notes()
    assert installation.live_tokens() == RUNS

    with installation.worker():
        took = until(lambda: installation.live_tokens() == 0, WITHIN)
        until(lambda: installation.statuses() == {"failed": RUNS}, WITHIN - took)

    endings = installation.rows("SELECT ended_because FROM runs_taskrun")
    assert Counter(endings) == {"interrupted": RUNS}
    assert sorted(installation.notes()) == sorted(written)
    assert max(Counter(written).values()) == 1
