"""Chunked bodies, which are read like others, up to the same limit."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from collectives.notes.models import Note
from tests.fixtures.world import make_token
from tests.server.wire import END, answered, chunk, head

pytestmark = pytest.mark.django_db

API = "/collectives/kitchen/api/v1/notes"
ACTION = "/collectives/kitchen/note/actions/create_note"
JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
BODIES = {
    JSON: b'{"text": "In chunks"}',
    URLENCODED: b"text=In+chunks",
    MULTIPART: b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nIn chunks\r\n--x--\r\n',
}
EVERYWHERE = pytest.mark.parametrize("path", [API, ACTION])
ANY_TYPE = pytest.mark.parametrize("media_type", BODIES)


@pytest.fixture
def token(db: None) -> str:
    return make_token("alice")


def written() -> int:
    return Note.unscoped.filter(text="In chunks").count()


@ANY_TYPE
@EVERYWHERE
def test_a_chunked_body_is_read(token: str, path: str, media_type: str) -> None:
    first, rest = BODIES[media_type][:7], BODIES[media_type][7:]
    start = head("POST", path, token, Content_Type=media_type)

    answer = answered([start, chunk(first), chunk(rest), END])

    assert answer.status == 200, answer.text
    assert written() == 1


def test_a_chunked_patch_is_read(token: str) -> None:
    made = answered(
        [head("POST", API, token, Content_Type=JSON), chunk(BODIES[JSON]), END],
    ).json()
    start = head("PATCH", f"{API}/{made['id']}", token, Content_Type=URLENCODED)

    answer = answered([start, chunk(b"title=Changed"), END])

    assert (answer.status, answer.json()["title"]) == (200, "Changed")


def test_a_long_body_is_stored_in_a_file(token: str) -> None:
    text = "é" * 700_000
    start = head("POST", API, token, Content_Type=JSON)

    answer = answered([start, chunk(json.dumps({"text": text}).encode()), END])

    assert (answer.status, answer.json()["text"]) == (200, text)


def test_an_empty_chunked_body_is_no_body(token: str) -> None:
    answer = answered([head("GET", API, token), END])

    assert answer.status == 200


MALFORMED = {
    "no size": b"x\r\ntext\r\n",
    "no end": b"5\r\ntext=toolong\r\n0\r\n\r\n",
    "cut off": b"fff\r\ntext=",
    "without a last chunk": chunk(b"text=In+chunks"),
    "a forbidden trailer": chunk(b"text=In+chunks") + b"0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("tail", MALFORMED.values(), ids=MALFORMED)
@ANY_TYPE
@EVERYWHERE
def test_malformed_chunks_are_refused(token: str, path: str, media_type: str, tail: bytes) -> None:
    before = Note.unscoped.count()

    answer = answered([head("POST", path, token, Content_Type=media_type), tail])

    assert answer.status == 400
    assert "malformed" in answer.text
    assert Note.unscoped.count() == before


def test_malformed_chunks_are_refused_at_sign_in(db: None) -> None:
    start = head("POST", "/login", X_CSRF_Token="x", Content_Type=URLENCODED)

    assert answered([start, b"nonsense\r\n"]).status in {400, 403}


@pytest.mark.parametrize("key", ["", "once"])
@ANY_TYPE
@EVERYWHERE
def test_a_body_is_not_read_beyond_the_limit(
    token: str, path: str, media_type: str, key: str, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 200_000
    keyed = {"Idempotency_Key": key} if key else {}
    start = head("POST", path, token, Content_Type=media_type, **keyed)
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield start + chunk(BODIES[media_type])
        for number in range(1000):
            taken.append(number)
            yield chunk(b"x" * 10_000)
        yield END

    before = Note.unscoped.count()
    answer = answered(pieces())

    assert answer.status == 413
    assert len(taken) < 30
    assert Note.unscoped.count() == before


def test_malformed_chunks_with_an_idempotency_key_are_refused(token: str) -> None:
    for media_type in BODIES:
        start = head("POST", API, token, Content_Type=media_type, Idempotency_Key="once")

        assert answered([start, b"x\r\n"]).status == 400


@EVERYWHERE
def test_an_incomplete_body_is_refused(token: str, path: str) -> None:
    start = head("POST", path, token, Content_Type=URLENCODED, Content_Length="100")
    start = start.replace(b"Transfer-Encoding: chunked\r\n", b"")

    assert answered([start, b"text=In+chunks"]).status == 400
    assert written() == 0


@pytest.mark.parametrize("accept", ["text/html", "text/markdown", "application/json"])
@pytest.mark.parametrize("path", ["/login", "/logout", "/nowhere"])
def test_an_incomplete_body_is_refused_in_the_requested_format(
    db: None, path: str, accept: str
) -> None:
    start = head("POST", path, Accept=accept, Content_Type=URLENCODED, Content_Length="100")
    start = start.replace(b"Transfer-Encoding: chunked\r\n", b"")

    answer = answered([start, b"email=x"])

    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (400, accept)
    assert "The body broke off" in answer.text
