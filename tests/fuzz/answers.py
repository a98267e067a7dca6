"""Assertions about valid responses, whatever the request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator

from api.codes import CODES
from api.openapi.document import document
from tests.rest.contract import assert_documented, operation_at
from tests.rest.headers import api_headers, described

# Every run draws the same examples. They are not shrunk, which takes minutes.
BOUNDED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
STATUSES = {200, 204, 302, 303, 304, 400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429}
# The beginning of a response in lower case, by media type.
BEGINNINGS = {
    "text/html": "<!doctype html>",
    "text/markdown": "---\napp: harmonic\n",
    "application/json": "{",
    "application/schema+json": "{",
}
ERRORS = {"application/json": "Error", "application/problem+json": "Problem"}


class Program(NamedTuple):
    """A client that sends JSON."""

    client: Client

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.client.post(path, body, content_type="application/json")

    def get(self, path: str) -> Any:
        return self.client.get(path)


def hold_page(answer: Any) -> None:
    """Assert that a response is a valid response of a page, or an error of the API."""
    assert answer.status_code in STATUSES, (answer.status_code, answer.content[:500])
    if answer.has_header("API-Version"):
        hold_error(answer)
    elif answer.status_code in {204, 304}:
        assert answer.content == b""
    elif answer.status_code in {302, 303}:
        assert answer["Location"].startswith("/")
    else:
        body = answer.content.decode()
        assert body.lower().startswith(BEGINNINGS[kind_of(answer)]), body[:200]
        if "json" in kind_of(answer):
            json.loads(body)


def hold_bare(answer: Any) -> None:
    """Assert that a response is a valid response of a page or an unknown host."""
    if kind_of(answer) == "text/plain":
        assert answer.status_code in {400, 404}
    else:
        hold_page(answer)


def hold_api(method: str, path: str, answer: Any) -> None:
    """Assert that a response has a documented status, type, body and headers."""
    assert answer.has_header("API-Version")
    assert_documented(method, path, answer)
    hold_error(answer)
    operation = operation_at(method.lower(), path)
    if operation is not None and answer.status_code != 405:
        assert api_headers(answer) <= described(method.lower(), operation, answer.status_code)


def hold_error(answer: Any) -> None:
    """Assert that a response of the API is a success, or an error object with the right status."""
    if answer.status_code < 400:
        return
    body = answer.json()
    components = document()["components"]
    schema = {**components["schemas"][ERRORS[kind_of(answer)]], "components": components}
    assert list(Draft202012Validator(schema).iter_errors(body)) == []
    assert body["status"] == answer.status_code == CODES[body["code"]].status, body


def kind_of(answer: Any) -> str:
    return str(answer["Content-Type"]).partition(";")[0]


@contextmanager
def undone() -> Iterator[None]:
    """Roll back the writes in this block, so that each call starts from the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
