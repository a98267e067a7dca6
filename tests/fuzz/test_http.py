"""Whatever is sent, there is an answer of a kind that the product names, and never a fault."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.django_db

NAMED = {200, 204, 302, 303, 304, 400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429}
BOUNDED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80)
MEDIA = st.sampled_from(["text/html", "text/markdown", "application/json", "*/*", "text/*", "x"])
ACCEPT = st.one_of(
    HEADER,
    st.lists(
        st.builds(lambda kind, q: f"{kind};q={q}", MEDIA, st.sampled_from(["0", "0.5", "1", "x"])),
        max_size=4,
    ).map(", ".join),
)
PATHS = st.sampled_from(
    [
        "/",
        "/collectives/kitchen",
        "/collectives/kitchen/note",
        "/collectives/kitchen/api/v1/notes",
        "/workspace",
        "/whoami",
        "/u/alice/settings/tokens",
        "/u/alice/settings/tokens/new",
        "/api/v1/users/me/tokens",
        "/api/v1/users",
        "/api/v1/collectives",
        "/login",
        "/help/api",
        "/tenant-admin/settings",
    ]
)
SUFFIX = st.sampled_from(
    ["", ".md", ".json", "/", "//", ".md/actions", "/actions/create_note", ".x"]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    "title text name scopes expires_at read_write duration duration_unit handle code subtype note"
    " deadline commentable_type commentable_id capabilities archived limit cursor".split()
)


@pytest.fixture
def alice(api: Any) -> Any:
    return api("alice")


def named(answer: Any) -> None:
    assert answer.status_code in NAMED, (answer.status_code, answer.content[:500])


@BOUNDED
@given(accept=ACCEPT, authorization=HEADER, path=PATHS, suffix=SUFFIX)
def test_any_headers_get_an_answer(
    world: Any, accept: str, authorization: str, path: str, suffix: str
) -> None:
    client = Client(headers={"host": "garden.localhost"}, raise_request_exception=True)

    answer = client.get(path + suffix, headers={"accept": accept, "authorization": authorization})

    named(answer)


@BOUNDED
@given(host=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_any_host_gets_an_answer(world: Any, host: str) -> None:
    named(Client().get("/help", headers={"host": host}))


@BOUNDED
@given(tail=st.text(max_size=40), path=PATHS)
def test_any_path_gets_an_answer(alice: Any, tail: str, path: str) -> None:
    sent = quote(tail.encode("utf-8", "surrogatepass"))

    named(alice.get(f"{path}/{sent}"))
    named(alice.get(f"{path}?cursor={sent}&limit={sent}&q={sent}"))


@BOUNDED
@given(body=st.dictionaries(NAMES, JSON_VALUES, max_size=5), path=PATHS, suffix=SUFFIX)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_any_json_body_gets_an_answer(
    alice: Any, method: str, body: dict[str, Any], path: str, suffix: str
) -> None:
    sent = json.dumps(body, ensure_ascii=True)

    answer = getattr(alice, method)(path + suffix, sent, content_type="application/json")

    named(answer)


@BOUNDED
@given(body=st.binary(max_size=200), path=PATHS, kind=st.sampled_from(["application/json", "x"]))
def test_any_bytes_get_an_answer(alice: Any, body: bytes, path: str, kind: str) -> None:
    named(alice.generic("POST", path, body, content_type=kind))
