"""Size and media type of a body are checked first, on every path."""

from __future__ import annotations

import gzip
from itertools import product
from typing import Any

import pytest
from django.core.files import uploadedfile
from django.test import Client

from collectives.notes.models import Note
from tests.fixtures.world import BROWSER, make_token, token_client

pytestmark = pytest.mark.django_db

LIMIT = 1000
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n\r\n%s\r\n'
TEXT = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nBeside a file\r\n--x--\r\n'
NOTES = "/collectives/kitchen/api/v1/notes"
PATHS = ["/login", "/logout", "/reverify", "/whoami", "/nowhere", "/settings", NOTES]
FORMATS = {
    BROWSER: "text/html; charset=utf-8",
    "text/markdown": "text/markdown; charset=utf-8",
    "application/json": "application/json; charset=utf-8",
}
ANY_FORMAT = pytest.mark.parametrize("accept", FORMATS, ids=["html", "markdown", "json"])
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# Status, message, and a refused body.
REFUSED: dict[str, tuple[int, str, dict[str, Any]]] = {
    "too large": (
        413,
        "The body is too large (maximum 16 MB).",
        {"data": b"x" * (LIMIT + 1), "content_type": FORM},
    ),
    "a large file": (
        413,
        "The body is too large (maximum 16 MB).",
        {"data": FILE % (b"f", b"x" * LIMIT) + b"--x--\r\n", "content_type": MULTIPART},
    ),
    "compressed": (
        415,
        "A compressed body is not supported.",
        {
            "data": gzip.compress(b"text=x"),
            "content_type": FORM,
            "headers": {"content-encoding": "gzip"},
        },
    ),
}
EVERY_REFUSAL = pytest.mark.parametrize(
    ("status", "sentence", "sent"), REFUSED.values(), ids=REFUSED
)


@pytest.fixture(autouse=True)
def small_limit(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT


def send(client: Client, method: str, path: str, accept: str, sent: dict[str, Any]) -> Any:
    headers = {"accept": accept, **sent.get("headers", {})}
    return client.generic(method, path, **{**sent, "headers": headers})


@ANY_FORMAT
@EVERY_REFUSAL
def test_an_anonymous_body_is_refused_in_the_requested_format(
    anonymous: Any, accept: str, status: int, sentence: str, sent: dict[str, Any]
) -> None:
    for path in PATHS:
        answer = send(anonymous(), "POST", path, accept, sent)

        expected = "application/json" if path == NOTES else accept
        assert (answer.status_code, answer["Content-Type"]) == (status, FORMATS[expected]), path
        assert sentence in answer.content.decode()


@EVERY_REFUSAL
def test_a_large_body_is_refused_for_every_method(
    anonymous: Any, status: int, sentence: str, sent: dict[str, Any]
) -> None:
    for path, method in product(PATHS, METHODS):
        answer = send(anonymous(), method, path, "*/*", sent)

        assert answer.status_code == status, (path, method)


@EVERY_REFUSAL
def test_a_large_form_is_refused_before_the_csrf_check(
    page: Any, status: int, sentence: str, sent: dict[str, Any]
) -> None:
    browser = page("alice")
    browser.handler.enforce_csrf_checks = True

    assert send(browser, "POST", "/logout", BROWSER, sent).status_code == status


@EVERY_REFUSAL
def test_the_health_check_ignores_the_body(
    anonymous: Any, status: int, sentence: str, sent: dict[str, Any]
) -> None:
    assert send(anonymous(), "POST", "/healthcheck", "*/*", sent).status_code == 200


@EVERY_REFUSAL
def test_an_unknown_token_with_a_large_body_is_unauthorized(
    db: None, status: int, sentence: str, sent: dict[str, Any]
) -> None:
    answer = send(token_client("hmn_" + "x" * 42), "POST", NOTES, "*/*", sent)

    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")


@pytest.mark.parametrize("path", ["/login", "/logout", "/reverify", "/whoami"])
@ANY_FORMAT
def test_a_page_refuses_a_body_of_another_media_type(
    anonymous: Any, path: str, accept: str
) -> None:
    sent = {"data": "email=x", "content_type": "text/plain"}

    answer = send(anonymous(), "POST", path, accept, sent)

    assert (answer.status_code, answer["Content-Type"]) == (415, FORMATS[accept])
    assert "media type is not supported." in answer.content.decode()


@pytest.mark.parametrize("path", ["/whoami", NOTES])
@pytest.mark.parametrize("media_type", ["text/plain", "application/json", FORM, MULTIPART])
def test_a_read_ignores_a_small_body(db: None, path: str, media_type: str) -> None:
    client = token_client(make_token("alice"))

    assert client.generic("GET", path, "junk", content_type=media_type).status_code == 200


@pytest.mark.parametrize("path", [NOTES, "/collectives/kitchen/note/actions/create_note"])
def test_a_file_in_a_form_is_ignored_and_never_stored(
    db: None, path: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
    stored: list[object] = []
    for kind in (uploadedfile.TemporaryUploadedFile, uploadedfile.InMemoryUploadedFile):
        monkeypatch.setattr(kind, "__init__", lambda *_, **__: stored.append(1))
    client = token_client(make_token("alice"))
    for size in (10, 3_000_000):
        answer = client.post(path, FILE % (b"f", b"x" * size) + TEXT, content_type=MULTIPART)

        assert answer.status_code == 200, answer.content
    as_text = client.post(path, FILE % (b"text", b"x") + b"--x--\r\n", content_type=MULTIPART)

    assert as_text.status_code in {400, 422}
    assert Note.unscoped.filter(text="Beside a file").count() == 2
    assert not stored
