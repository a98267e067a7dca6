"""Workers as processes: two of them, killed ones, and one command for server and worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django_tasks_db.models import DBTaskResult

from harmonic.jobs import claims, heartbeat, worker
from harmonic.jobs.models import Job, Worker
from harmonic.kernel.operations.jobs import regular_work
from tests.jobs import kinds
from tests.server.process import ROOT, UMASK, Running, environment_of, free_port, started

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

Process = subprocess.Popen[bytes]
# Seconds until a server and a worker have started again on a busy machine.
PATIENCE = 120.0


def database_url() -> str:
    """Return the address of the test database."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    host = quote(str(known["HOST"]), safe="")
    port = f":{known['PORT']}" if known["PORT"] else ""
    secret = f":{quote(known['PASSWORD'])}" if known["PASSWORD"] else ""
    return f"postgres://{known['USER']}{secret}@{host}{port}/{known['NAME']}"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Return a function that starts a worker on the test database."""
    begun: list[Process] = []
    environment = {**environment_of(tmp_path), "DATABASE_URL": database_url()}

    def begin(*words: str) -> Process:
        command = [sys.executable, "manage.py", "work", *words]
        with (tmp_path / "log").open("a") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
        begun.append(process)
        until(lambda: Worker.objects.filter(pid=process.pid).exists())
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lines"
    path.touch()
    return path


def until(is_true: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "It took too long."
        time.sleep(0.05)


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def statuses(task: Any) -> list[str]:
    rows = DBTaskResult.objects.filter(task_path=task.module_path)
    return list(rows.values_list("status", flat=True))


def test_two_workers_run_each_job_once(start: Callable[..., Process], file: Path):
    [start(), start()]
    for number in range(60):
        kinds.write.enqueue(path=str(file), name=str(number), seconds=0.01)
    until(lambda: set(statuses(kinds.write)) == {"SUCCESSFUL"})

    assert Counter(lines(file)) == Counter(
        f"{word} {number}" for number in range(60) for word in ("began", "ended")
    )
    assert Job.unscoped.filter(worker__isnull=False).count() == 0


def test_two_workers_begin_regular_work_once_per_period(start: Callable[..., Process]):
    [start(), start()]
    rows = DBTaskResult.objects.filter(task_path="harmonic.jobs.regular.do_regular_work")
    until(lambda: rows.filter(status="SUCCESSFUL").count() >= len(regular_work()))

    names = [row.args_kwargs["kwargs"]["name"] for row in rows]
    assert sorted(names) == sorted(regular_work())


def age(process: Process) -> None:
    """Move the last heartbeat of a worker back, so that the test need not wait."""
    pause = -Worker.LOST_AFTER + timedelta(seconds=1)
    Worker.objects.filter(pid=process.pid).update(beat_at=claims.from_now(pause))


def test_the_jobs_of_a_killed_worker_run_again_or_fail_as_declared(
    start: Callable[..., Process], file: Path
):
    first = start()
    kinds.write_again.enqueue(path=str(file), name="again")
    kinds.write_once.enqueue(path=str(file), name="once", seconds=60)
    DBTaskResult.objects.update(run_after=Now())
    until(lambda: {"began again", "began once"} <= set(lines(file)))
    first.kill()
    first.wait()
    age(first)

    start()
    until(lambda: statuses(kinds.write_once) == ["FAILED"])
    kinds.let_end(file)
    DBTaskResult.objects.filter(status="READY").update(run_after=Now())
    until(lambda: statuses(kinds.write_again) == ["SUCCESSFUL"])

    assert Counter(lines(file)) == Counter(
        ["began again", "began once", "failed once", "began again", "ended again"]
    )
    assert not Worker.objects.filter(pid=first.pid).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_worker_after_its_jobs(
    start: Callable[..., Process], file: Path, number: int
):
    process = start()
    kinds.write.enqueue(path=str(file), name="short", seconds=60)
    until(lambda: lines(file) == ["began short"])

    process.send_signal(number)

    assert process.wait(timeout=worker.GRACE) == 0
    assert lines(file) == ["began short", "ended short"]
    assert statuses(kinds.write) == ["SUCCESSFUL"]
    assert not Worker.objects.exists()


@pytest.mark.meets("time that jobs have to end when their worker stops")
def test_a_job_that_goes_on_is_queued_again_when_its_worker_stops(
    start: Callable[..., Process], file: Path
):
    process = start()
    kinds.go_on.enqueue(path=str(file), name="long")
    until(lambda: lines(file) == ["began long"])

    process.terminate()

    assert process.wait(timeout=worker.GRACE + 20) == 0
    assert statuses(kinds.go_on) == ["READY"]
    assert Job.unscoped.get(task__task_path=kinds.go_on.module_path).worker is None


def test_a_second_signal_ends_a_worker_at_once(start: Callable[..., Process], file: Path):
    process = start()
    kinds.go_on.enqueue(path=str(file), name="long")
    until(lambda: lines(file) == ["began long"])

    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=worker.GRACE - 2) == 1


def test_a_paused_worker_ends_when_its_jobs_were_taken_over(
    start: Callable[..., Process], file: Path
):
    process = start()
    kinds.go_on.enqueue(path=str(file), name="long")
    until(lambda: lines(file) == ["began long"])
    with transaction.atomic():
        # While this transaction has the lock, the worker cannot be stopped with it.
        Worker.objects.filter(pid=process.pid).update(lost_at=F("beat_at"))
        process.send_signal(signal.SIGSTOP)

    process.send_signal(signal.SIGCONT)

    assert process.wait(timeout=30) == 1


def test_long_jobs_never_delay_a_short_one(start: Callable[..., Process], file: Path):
    start("--concurrency", "4")
    for number in range(5):
        kinds.write_once.enqueue(path=str(file), name=str(number), seconds=60)
    until(lambda: len(lines(file)) == 2)
    kinds.write.enqueue(path=str(file), name="short", seconds=0)

    until(lambda: "ended short" in lines(file), seconds=20)

    assert statuses(kinds.write_once).count("RUNNING") == 2


@pytest.mark.meets("jobs at a time of a worker")
@pytest.mark.parametrize("concurrency", ["2", "65"])
def test_a_worker_refuses_another_concurrency(concurrency: str, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "manage.py", "work", "--concurrency", concurrency],
        cwd=ROOT,
        env={**os.environ, "HARMONIC_VAR": str(tmp_path)},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1
    assert f"The concurrency is 3 to 64, not {concurrency}." in done.stderr.decode()


def test_a_lost_worker_is_found_within_a_minute():
    """Half a minute without heartbeats, and the time until another worker looks."""
    looks = max(heartbeat.STEADY_AFTER, worker.SWEPT_EVERY) + worker.SWEPT_EVERY

    assert Worker.LOST_AFTER.total_seconds() + looks + worker.POLLED_EVERY < 60
    assert Worker.BEATS_EVERY * 3 < Worker.LOST_AFTER


# --- Together -------------------------------------------------------------------------------


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Running]:
    """Start server and worker, as `make run` does."""
    command = [sys.executable, "-m", "harmonic.server.supervisor"]
    with started(tmp_path, command=command, DATABASE_URL=database_url()) as running:
        until(Worker.objects.exists)
        yield running


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_that_is_killed_is_started_again(both: Running):
    killed = Worker.objects.get().pid
    os.kill(killed, signal.SIGKILL)

    until(lambda: Worker.objects.exclude(pid=killed).exists())

    assert both.process.poll() is None
    assert "The worker ended and is started again." in both.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_server_and_worker(both: Running, number: int):
    both.process.send_signal(number)

    assert both.process.wait(timeout=40) == 0
    assert not Worker.objects.exists()
    with pytest.raises(ConnectionRefusedError):
        both.connect()


def test_the_worker_stops_when_the_server_ends(both: Running):
    os.kill(child(both.process.pid, "gunicorn"), signal.SIGTERM)

    assert both.process.wait(timeout=40) == 0
    assert not Worker.objects.exists()


def known_workers() -> set[UUID]:
    return set(Worker.objects.values_list("id", flat=True))


def assert_reloaded_for(file: Path, running: Running) -> None:
    """Change a file, and wait until the server and the worker were started again."""
    until(known_workers, PATIENCE)
    workers = known_workers()
    boots = running.log.count("Booting worker")

    def is_noticed() -> bool:
        # Changes are seen once the files are watched, some time after the start.
        file.touch()
        time.sleep(1)
        return workers.isdisjoint(known_workers()) and running.log.count("Booting worker") > boots

    until(is_noticed, PATIENCE)
    until(Worker.objects.exists, PATIENCE)


def test_make_dev_reloads_server_and_worker_and_stops_both(tmp_path: Path):
    command = [sys.executable, "-m", "harmonic.server.supervisor"]
    with started(
        tmp_path,
        command=command,
        HARMONIC_RELOAD="1",
        DATABASE_URL=database_url(),
        HARMONIC_LOG_LEVEL="INFO",
    ) as running:
        for name in ("templates/mcp/context.html", "harmonic/jobs/models.py"):
            assert_reloaded_for(ROOT / name, running)
        running.process.send_signal(signal.SIGINT)

        assert running.process.wait(timeout=40) == 0
        until(lambda: not Worker.objects.exists())


def test_a_first_start_says_where_to_sign_in_and_nothing_else(tmp_path: Path):
    """As `make run` does on a new machine: prepare, then server and worker."""
    port = free_port()
    environment = {**environment_of(tmp_path), "HARMONIC_PORT": str(port)}
    prepared = subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    command = [sys.executable, "-m", "harmonic.server.supervisor"]
    output = tmp_path / "output"
    with output.open("w") as log:
        running = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, umask=UMASK
        )
    until(lambda: "Ready." in output.read_text() or running.poll() is not None)
    time.sleep(3)
    running.send_signal(signal.SIGINT)

    assert running.wait(timeout=40) == 0
    assert prepared.stderr == ""
    assert prepared.stdout.splitlines() == [
        "Migrating the database…",
        "Collecting static files…",
        "Creating the demo world…",
        "",
        "Open one of these addresses:",
        f"  http://garden.localhost:{port}/  Garden Cooperative",
        f"  http://harbor.localhost:{port}/  Harbor Makers",
        f"  http://summit.localhost:{port}/  Summit Network",
        "",
        "Sign in with the password harmonic-demo-password as:",
        "  alice@example.com  in garden, harbor, summit",
        "  bob@example.com    in garden",
        "  carol@example.com  in garden",
        "  dave@example.com   in harbor, summit",
    ]
    assert output.read_text() == "\nReady. Ctrl-C stops it.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="signals the end of a parent on Linux only")
def test_server_and_worker_end_when_their_parent_is_killed(both: Running):
    children = [child(both.process.pid, name) for name in ("gunicorn", "work")]

    both.process.kill()

    until(lambda: not any(map(is_alive, children)), seconds=40)


def child(parent: int, word: str) -> int:
    """Return the child process of `parent` with `word` in its command."""
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if word in Path(f"/proc/{pid}/cmdline").read_text():
            return int(pid)
    raise LookupError(word)
