"""Outages of SQLite while another program holds the write lock."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median

import pytest

from tests.server.outages import HTML, JSON, MARKDOWN, NOTES, Caller, Seen, caller_of, mark
from tests.server.process import Running, request_of, signed_in, started

pytestmark = pytest.mark.one_database

AT_MOST = 3.0
CLIENTS = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("var"), prepared=True) as running:
        yield running


@pytest.fixture(scope="module")
def caller(server: Running) -> Caller:
    return caller_of(server)


AGE_SESSIONS = """
from django.contrib.sessions.models import Session
from django.contrib.sessions.backends.db import SessionStore
for row in Session.objects.all():
    session = SessionStore(row.session_key)
    session["seen_at"] -= 300
    session.save()
"""


@contextmanager
def locked(server: Running) -> Iterator[None]:
    """Hold the write lock of the database, like another program."""
    path = server.folder / "harmonic.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_reads_do_not_wait_for_the_lock(server: Running) -> None:
    fresh = caller_of(server)

    with locked(server):
        # The first use of a token is written immediately.
        seen = [fresh.get("/collectives/kitchen", MARKDOWN) for _ in range(5)]
        seen += [fresh.get(NOTES) for _ in range(5)]
        seen += [Caller(server).get("/login", HTML) for _ in range(5)]

    assert {each.status for each in seen} == {200}
    assert sum(each.seconds for each in seen) < AT_MOST


def test_a_page_is_shown_when_its_session_cannot_be_saved(server: Running) -> None:
    browser = signed_in(server)
    # The time of the session's last request must be written.
    server.manage("shell", "-v", "0", "-c", AGE_SESSIONS)
    with locked(server), browser.open(request_of(server, "/collectives"), timeout=30) as answer:
        page = answer.read()

    assert (answer.status, b"kitchen" in page) == (200, True)


@pytest.mark.parametrize("accept", [JSON, MARKDOWN])
def test_a_write_is_refused_in_time_and_succeeds_after_the_outage(
    server: Running, caller: Caller, accept: str
) -> None:
    text, path = mark(), NOTES if accept == JSON else "/collectives/kitchen/note"
    with locked(server):
        refused = caller.post(path, accept=accept, text=text)
    before = caller.texts()
    written = caller.post(path, accept=accept, text=text)

    assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    assert refused.seconds < AT_MOST
    assert "The database is temporarily unavailable. Nothing was changed." in refused.text
    assert text not in before
    assert written.status in {200, 303}
    assert caller.texts().count(text) == 1


def test_a_write_waits_for_a_brief_lock(server: Running, caller: Caller) -> None:
    text, seen = mark(), list[Seen]()
    assert caller.post(NOTES, text=mark()).status == 200
    writer = threading.Thread(target=lambda: seen.append(caller.post(NOTES, text=text)))
    with locked(server):
        writer.start()
        time.sleep(0.7)
    writer.join()

    assert seen[0].status == 200
    assert caller.texts().count(text) == 1


def test_waiting_writers_do_not_block_readers(server: Running, caller: Caller) -> None:
    """A process has as many threads as there are writers."""
    is_over = threading.Event()
    writes: list[Seen] = []
    assert caller.post(NOTES, text=mark()).status == 200

    def write() -> None:
        while not is_over.is_set():
            writes.append(caller.post(NOTES, text=mark()))

    writers = [threading.Thread(target=write) for _ in range(CLIENTS)]
    with locked(server):
        for writer in writers:
            writer.start()
        time.sleep(3)
        reads = [caller.get(NOTES) for _ in range(5)]
        is_over.set()
        for writer in writers:
            writer.join()

    assert {each.status for each in reads} == {200}
    assert {each.status for each in writes} == {503}
    assert max(each.seconds for each in reads) < AT_MOST
    # Only the first writers wait long.
    assert median(each.seconds for each in writes) < 1


def test_a_locked_database_is_ready(server: Running) -> None:
    with locked(server):
        assert Caller(server).get("/readycheck").status == 200
