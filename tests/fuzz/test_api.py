"""Every operation at every base, with random parameters, bodies and headers.

Beside what schemathesis draws from the description this sends what it does not allow: forms
and broken bodies, keys and tags of all sorts, cursors that were tampered with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from api.openapi.document import document
from tests.fixtures.world import World
from tests.fuzz.answers import BOUNDED, Program, hold_api, undone
from tests.rest.items import filled as with_ids
from tests.rest.items import items_at

pytestmark = pytest.mark.django_db

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
BASES = ("/api/v1", "/collectives/kitchen/api/v1", "/workspace/{workspace}/api/v1")


class Operation(NamedTuple):
    base: str
    path: str
    method: str
    example: dict[str, Any]


def operations() -> list[Operation]:
    """Return every operation, at each base that has it."""
    return [
        Operation(base, path, method, example_of(item[method]))
        for path, item in document()["paths"].items()
        for base, server in zip(BASES, document()["servers"], strict=True)
        if server["url"] in {each["url"] for each in item.get("servers", document()["servers"])}
        for method in ("get", "post", "put", "patch", "delete")
        if method in item
    ]


def example_of(operation: dict[str, Any]) -> dict[str, Any]:
    """Return a body that an operation accepts."""
    content = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    return dict(content.get("example", {}))


WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["Note", "text", "comment", "owner", "me", "kitchen", "read:all", "true", ""]),
    st.sampled_from(["2027-01-01", "2020-01-01T00:00:00Z", "\x00", "\ud800", "9" * 40, "-1", "5"]),
)
VALUES = st.one_of(WORDS, st.lists(WORDS, max_size=2), st.none(), st.booleans(), st.integers())
NAMES = st.sampled_from(
    "title text subtype edit_access deadline commentable_type commentable_id name handle scopes"
    " expires_at overlap_days capabilities generate_token mode display_name archived tempo"
    " api_enabled force_update note".split()
)
BODIES = st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=3), max_size=4)
KINDS = st.sampled_from([JSON, FORM, MULTIPART_CONTENT, "text/plain", "multipart/form-data", "x"])
QUERIES = st.dictionaries(
    st.sampled_from("include limit cursor count sort_by subtype scope created_by x".split()),
    WORDS,
    max_size=2,
)
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
VALUES_OF_HEADERS = {
    "idempotency-key": st.sampled_from(['"a key"', "a key", "k" * 255, "k" * 256, '"', ""]) | ASCII,
    "if-match": st.sampled_from(["*", "TAG", "W/TAG", '"x", TAG', '"x"', '"', ""]) | ASCII,
    "if-none-match": st.sampled_from(["*", "TAG", "W/TAG", "x"]) | ASCII,
    "if-unmodified-since": st.sampled_from(
        ["Wed, 13 May 2020 09:00:00 GMT", "Thu, 31 Dec 2099 00:00:00 GMT", "yesterday", ""]
    )
    | ASCII,
    "accept": st.sampled_from(["application/problem+json", "text/html", "*/*;q=0", "x"]),
    "x-request-id": ASCII,
    "x-representation-session-id": st.just("1"),
}
PAIRS = [st.tuples(st.just(name), values) for name, values in VALUES_OF_HEADERS.items()]
HEADERS = st.lists(st.one_of(PAIRS), max_size=3).map(dict)


@pytest.fixture
def alice(api: Any, settings: Any) -> Client:
    settings.LIMIT_REQUESTS = settings.LIMIT_WRITES = settings.LIMIT_TENANT = 100_000
    client: Client = api("alice")
    return client


@pytest.fixture
def real(alice: Client, world: World) -> dict[str, dict[str, str]]:
    """Return existing ids for the paths of each base, by the word before the parameter."""
    agent = made(alice, "/api/v1/users", name="Newcomer", handle="newcomer")
    token = made(alice, f"/api/v1/users/{agent}/tokens", scopes=["read:all"])
    bases = {base: base.format(workspace=world.workspace("alice").handle) for base in BASES}
    return {
        base: {
            "base": at,
            **items_at(Program(alice), at),
            "collectives": "kitchen",
            "users": agent,
            "tokens": token,
        }
        for base, at in bases.items()
    }


def made(client: Client, path: str, **params: Any) -> str:
    answer = client.post(path, params, content_type=JSON)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["id"])


def filled(path: str, names: dict[str, str], word: str) -> str:
    """Return a path with existing ids, or with `word` if it is given."""
    if word:
        return re.sub(r"\{\w+\}", lambda _: quoted(word), path).rstrip("/")
    return with_ids(path, names).rstrip("/")


def quoted(word: str) -> str:
    return quote(word.encode("utf-8", "surrogatepass"), safe="")


def encoded(body: Any, kind: str) -> bytes:
    if kind == JSON:
        return json.dumps(body).encode()
    flat = {
        f"{name}[]" if isinstance(value, list) else name: value
        for name, value in body.items()
        if value is not None
    }
    if kind == MULTIPART_CONTENT:
        printable = {name: printed(value) for name, value in flat.items()}
        return bytes(encode_multipart(BOUNDARY, printable))
    return urlencode({name: printed(value) for name, value in flat.items()}, doseq=True).encode()


def printed(value: Any) -> Any:
    if isinstance(value, list):
        return [printed(each) for each in value]
    return str(value).encode("utf-8", "replace").decode()


@bounds(BOUNDED, max_examples=500)
@given(
    operation=st.sampled_from(operations()),
    word=st.sampled_from([False, False, True]).flatmap(lambda is_: WORDS if is_ else st.just("")),
    query=st.just({}) | QUERIES,
    body=st.just({}) | BODIES,
    is_apt=st.sampled_from([True, True, False]),
    kind=st.just(JSON) | KINDS,
    headers=HEADERS,
    is_repeated=st.booleans(),
)
def test_every_response_is_documented(
    alice: Client,
    real: Any,
    operation: Operation,
    word: str,
    query: dict[str, str],
    body: dict[str, Any],
    is_apt: bool,
    kind: str,
    headers: dict[str, str],
    is_repeated: bool,
) -> None:
    base, path, method, example = operation
    where = real[base]["base"] + filled(path, real[base], word)
    search = "&".join(f"{name}={quoted(value)}" for name, value in query.items())
    params = {**body, **(example if is_apt else {})}
    again = params if is_repeated else {**params, "name": "Another"}
    with undone():
        tag = alice.get(where).get("ETag", '"none"')
        sent = {name: value.replace("TAG", tag) for name, value in headers.items()}
        # A key has an effect on the second request.
        for each in [params, again] if "idempotency-key" in sent else [params]:
            data = b"" if method == "get" else encoded(each, kind)
            address = f"{where}?{search}" if search else where
            answer = alice.generic(method.upper(), address, data, kind, headers=sent)
            hold_api(method, where, answer)


# --- Cursors --------------------------------------------------------------------------------

LISTS = ("/collectives/kitchen/api/v1/notes", "/api/v1/users")
SAFE = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_:."
PLACES = st.integers(0, 150)
# Ways to tamper with a cursor: replace, truncate, repeat or append.
TAMPERINGS = st.one_of(
    st.builds(lambda at, by: lambda c: c[:at] + by + c[at + 1 :], PLACES, st.sampled_from(SAFE)),
    st.builds(lambda at: lambda c: c[:at], PLACES),
    st.builds(lambda at: lambda c: c[at:] + c[:at], PLACES),
    st.builds(lambda more: lambda c: c + more, st.text(SAFE, min_size=1, max_size=5)),
    st.just(str.swapcase),
)


def cursor_of(client: Client, where: str) -> str:
    """Return the cursor of the next page."""
    match = re.search(r'<([^>]*)>; rel="next"', client.get(where, {"limit": 1})["Link"])
    assert match
    return parse_qs(urlsplit(match[1]).query)["cursor"][0]


@pytest.mark.parametrize("where", LISTS)
@bounds(BOUNDED, max_examples=60)
@given(tampered=TAMPERINGS)
def test_tampered_cursor_is_refused(
    alice: Client, where: str, tampered: Callable[[str], str]
) -> None:
    cursor = cursor_of(alice, where)
    sent = tampered(cursor)

    answer = alice.get(where, {"cursor": sent})

    hold_api("get", where, answer)
    assert answer.status_code == (200 if sent in {cursor, ""} else 400)


@pytest.mark.parametrize(
    ("elsewhere", "query"),
    [
        (LISTS[1], {}),
        ("/api/v1/notes", {}),
        (LISTS[0], {"sort_by": "updated_at-asc"}),
        (LISTS[0], {"created_by": "alice"}),
    ],
)
def test_cursor_is_refused_in_other_lists(
    alice: Client, elsewhere: str, query: dict[str, str]
) -> None:
    cursor = cursor_of(alice, LISTS[0])

    answer = alice.get(elsewhere, {**query, "cursor": cursor})

    hold_api("get", elsewhere, answer)
    assert answer.status_code == 400
