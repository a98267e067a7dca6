"""Random requests get valid responses, never an internal error."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from tests.fuzz.answers import BOUNDED, hold_bare, hold_page

pytestmark = pytest.mark.django_db

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


@bounds(BOUNDED, max_examples=60)
@given(accept=ACCEPT, authorization=HEADER, path=PATHS, suffix=SUFFIX)
def test_random_headers_get_a_valid_response(
    world: Any, accept: str, authorization: str, path: str, suffix: str
) -> None:
    client = Client(headers={"host": "garden.localhost"}, raise_request_exception=True)

    answer = client.get(path + suffix, headers={"accept": accept, "authorization": authorization})

    hold_page(answer)


@bounds(BOUNDED, max_examples=60)
@given(host=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_random_hosts_get_a_valid_response(world: Any, host: str) -> None:
    hold_bare(Client().get("/help", headers={"host": host}))


@bounds(BOUNDED, max_examples=60)
@given(tail=st.text(max_size=40), path=PATHS)
def test_random_paths_get_a_valid_response(alice: Any, tail: str, path: str) -> None:
    sent = quote(tail.encode("utf-8", "surrogatepass"))

    hold_page(alice.get(f"{path}/{sent}"))
    hold_page(alice.get(f"{path}?cursor={sent}&limit={sent}&q={sent}"))


@bounds(BOUNDED, max_examples=60)
@given(body=st.dictionaries(NAMES, JSON_VALUES, max_size=5), path=PATHS, suffix=SUFFIX)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_random_json_bodies_get_a_valid_response(
    alice: Any, method: str, body: dict[str, Any], path: str, suffix: str
) -> None:
    sent = json.dumps(body, ensure_ascii=True)

    answer = getattr(alice, method)(path + suffix, sent, content_type="application/json")

    hold_page(answer)


@bounds(BOUNDED, max_examples=60)
@given(body=st.binary(max_size=200), path=PATHS, kind=st.sampled_from(["application/json", "x"]))
def test_random_bytes_get_a_valid_response(alice: Any, body: bytes, path: str, kind: str) -> None:
    hold_page(alice.generic("POST", path, body, content_type=kind))


FORM_KEYS = st.one_of(
    NAMES,
    NAMES.map(lambda name: f"{name}[]"),
    NAMES.map(lambda name: f"api_token[{name}]"),
    st.text(max_size=8),
)
FORM_VALUES = st.lists(st.text(max_size=12), max_size=3)
FORMS = st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data"])


@bounds(BOUNDED, max_examples=60)
@given(
    form=st.dictionaries(FORM_KEYS, FORM_VALUES, max_size=5), kind=FORMS, path=PATHS, suffix=SUFFIX
)
@pytest.mark.parametrize("method", ["post", "patch"])
def test_random_forms_get_a_valid_response(
    alice: Any, method: str, form: dict[str, list[str]], kind: str, path: str, suffix: str
) -> None:
    is_plain = kind == "application/x-www-form-urlencoded"
    sent = urlencode(form, doseq=True).encode() if is_plain else encode_multipart(BOUNDARY, form)
    kind = kind if is_plain else MULTIPART_CONTENT

    hold_page(alice.generic(method.upper(), path + suffix, sent, content_type=kind))


@bounds(BOUNDED, max_examples=60)
@given(body=st.binary(max_size=120), boundary=HEADER, path=PATHS)
def test_random_bytes_as_a_form_get_a_valid_response(
    alice: Any, body: bytes, boundary: str, path: str
) -> None:
    kind = f"multipart/form-data; boundary={boundary}"

    hold_page(alice.generic("POST", path, body, content_type=kind))
