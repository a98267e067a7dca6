"""Parameters of writes are read in the same way on every surface."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.test import Client

from collectives.notes.models import Note
from tests.fixtures.world import make_token, token_client

pytestmark = pytest.mark.django_db

API = "/collectives/kitchen/api/v1/notes"
ACTION = "/collectives/kitchen/note/actions/create_note"
JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
EVERYWHERE = pytest.mark.parametrize("path", [API, ACTION])


@pytest.fixture
def program(db: None) -> Client:
    return token_client(make_token("alice"))


def refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    if answer["Content-Type"].startswith(JSON):
        assert answer.json()["code"] == code
    else:
        assert answer["Content-Type"] == "text/markdown; charset=utf-8"


@pytest.mark.parametrize("media_type", ["text/plain", "text/xml", "text/markdown", "nonsense", ""])
@EVERYWHERE
def test_a_body_of_another_type_is_refused(program: Client, path: str, media_type: str) -> None:
    before = Note.unscoped.count()

    answer = program.post(f"{path}?text=By+query", "text=x", content_type=media_type)

    refused(answer, 415, "unsupported_media_type")
    assert "application/json" in answer.content.decode()
    assert Note.unscoped.count() == before


def test_a_body_of_another_type_is_refused_in_json_when_requested(program: Client) -> None:
    answer = program.post(ACTION, "text=x", content_type="text/xml", headers={"accept": JSON})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_of_another_type_is_refused_to_a_browser(page: Any) -> None:
    answer = page("alice").post(ACTION, "text=x", content_type="text/plain")

    assert answer.status_code == 415
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("media_type", ["text/plain", "text/xml", JSON, URLENCODED, ""])
@EVERYWHERE
def test_an_empty_body_can_have_any_type(program: Client, path: str, media_type: str) -> None:
    answer = program.post(f"{path}?text=By+query", "", content_type=media_type)

    assert answer.status_code == 200


@pytest.mark.parametrize("media_type", [JSON, URLENCODED])
@EVERYWHERE
def test_a_compressed_body_is_refused(program: Client, path: str, media_type: str) -> None:
    body = gzip.compress(b'{"text": "x"}')

    answer = program.post(path, body, content_type=media_type, headers={"content-encoding": "gzip"})

    refused(answer, 415, "unsupported_media_type")
    assert answer["Accept-Encoding"] == "identity"


@EVERYWHERE
def test_a_body_with_identity_coding_is_read(program: Client, path: str) -> None:
    answer = program.post(
        path, '{"text": "x"}', content_type=JSON, headers={"content-encoding": "identity"}
    )

    assert answer.status_code == 200


@EVERYWHERE
def test_a_nested_form_parameter_takes_precedence(program: Client, path: str) -> None:
    for order in ("note[text]=a&note[title]=b&title=c", "title=c&note[text]=a&note[title]=b"):
        assert program.post(path, order, content_type=URLENCODED).status_code == 200

    assert list(Note.unscoped.filter(text="a").values_list("title", flat=True)) == ["b", "b"]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_nested_form_parameter_takes_precedence_in_updates(
    program: Client, note_id: Any, method: str
) -> None:
    path = f"{API}/{note_id('Welcome to the kitchen')}"

    answer = getattr(program, method)(path, "note[title]=b&title=c", content_type=URLENCODED)

    assert answer.json()["title"] == "b"


@pytest.mark.parametrize("body", ["text=%FF%FE", "text=ok&%FF=x", b"text=\xff", "text=%ed%a0%80"])
@EVERYWHERE
def test_a_form_that_is_not_utf_8_is_refused(program: Client, path: str, body: str) -> None:
    refused(program.post(path, body, content_type=URLENCODED), 400, "invalid")


@EVERYWHERE
def test_a_query_that_is_not_utf_8_is_refused_on_a_write(program: Client, path: str) -> None:
    refused(program.post(f"{path}?text=%FF%FE"), 400, "invalid")


@EVERYWHERE
def test_a_form_in_another_charset_is_refused(program: Client, path: str) -> None:
    answer = program.post(path, "text=x", content_type=f"{URLENCODED}; charset=latin-1")

    refused(answer, 400, "invalid")


@EVERYWHERE
def test_a_form_keeps_every_character(program: Client, path: str) -> None:
    text = "Grüße 👋 \N{REPLACEMENT CHARACTER} ü+%"

    assert program.post(path, {"text": text}).status_code == 200
    assert program.post(path, {"text": text}, headers={"accept": JSON}).status_code == 200
    assert Note.unscoped.filter(text=text).count() == 2


def test_a_large_upload_is_refused(program: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n%s\r\n--x--\r\n'
    media_type = "multipart/form-data; boundary=x"
    for path in (API, ACTION):
        answer = program.post(path, part % (b"x" * 2000), content_type=media_type)

        refused(answer, 413, "payload_too_large")


@pytest.mark.parametrize("media_type", [URLENCODED, "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", [ACTION, "/login"])
def test_a_large_form_from_a_browser_is_refused(
    page: Any, anonymous: Any, settings: Any, media_type: str, path: str
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    part = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n%s\r\n--x--\r\n'
    browser = anonymous() if path == "/login" else page("alice")
    browser.handler.enforce_csrf_checks = True
    browser.get(path)  # for the cookie beside the form's token

    answer = browser.post(path, part % (b"x" * 2000), content_type=media_type)

    assert answer.status_code == 413
    assert answer["Content-Type"].startswith("text/html")


def test_a_confirmation_ignores_its_body(program: Client, note_id: Any) -> None:
    path = f"{API}/{note_id('Welcome to the kitchen')}/confirm"

    assert program.post(path, "junk", content_type="text/plain").status_code == 200


# --- Of a list ------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["subtype[]=text&subtype[]=reminder", "subtype=text,reminder"])
def test_a_name_with_brackets_is_a_list(program: Client, query: str) -> None:
    whole = program.get(API).json()

    found = program.get(f"{API}?{query}").json()

    assert found == [note for note in whole if note["subtype"] in {"text", "reminder"}]
    assert {note["subtype"] for note in found} == {"text", "reminder"}


@pytest.mark.parametrize(
    "query",
    ["subtype=text&subtype=comment", "subtype=text&subtype[]=comment", "limit=1&limit=2"],
)
def test_a_repeated_parameter_is_refused(program: Client, query: str) -> None:
    answer = program.get(f"{API}?{query}")

    assert answer.status_code == 400
    assert "is given more than once" in answer.json()["error"]


@pytest.mark.parametrize("query", ["limit[]=1&limit[]=2", "count[]=true&count[]=false"])
def test_list_syntax_for_a_scalar_is_refused(program: Client, query: str) -> None:
    assert program.get(f"{API}?{query}").status_code == 400


def test_repeated_includes_are_combined(program: Client) -> None:
    row = program.get(f"{API}?include=comments&include=created_by").json()[0]

    assert {"comments", "created_by"} <= set(row)
