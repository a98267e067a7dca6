"""Fixtures for REST clients, and the assertion about error objects."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.rest.contract import assert_documented

BASE = "/api/v1"
KITCHEN = "/collectives/kitchen/api/v1"
# The response of the test client, which has more attributes than its type declares.
Answer = Any
Headers = dict[str, str] | None
ERROR_KEYS = ["error", "code", "status", "request_id"]


class Program:
    """A client with a Bearer token that sends parameters as JSON.

    Every response is validated against the OpenAPI document.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        # Internal errors are responses too.
        self.client.raise_request_exception = False

    def get(self, path: str, headers: Headers = None, **query: Any) -> Answer:
        response = self.client.get(path, query, headers=headers or {})
        if "fields" not in query:  # objects with chosen keys are not complete
            assert_documented("GET", path, response)
        return response

    def head(self, path: str, **query: Any) -> Answer:
        return self.client.head(path, query)

    def options(self, path: str) -> Answer:
        return self.client.options(path)

    def delete(self, path: str, **headers: str) -> Answer:
        response = self.client.delete(path, headers=named(headers))
        assert_documented("DELETE", path, response)
        return response

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return self._send("post", path, body, headers)

    def put(self, path: str, body: object = None, **headers: str) -> Answer:
        return self._send("put", path, body, headers)

    def patch(self, path: str, body: object = None, **headers: str) -> Answer:
        return self._send("patch", path, body, headers)

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> Answer:
        send = getattr(self.client, method)
        sent = {} if body is None else body
        response = send(path, sent, content_type="application/json", headers=named(headers))
        assert_documented(method.upper(), path, response)
        return response


def named(headers: dict[str, str]) -> dict[str, str]:
    """Return headers from keyword arguments, with hyphens for underscores."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def rest(api):
    """Return a program for `rest(handle, scope=…, scopes=…, tenant=…, agent=…)`."""
    return lambda handle, *args, **token: Program(api(handle, *args, **token))


@pytest.fixture
def alice(rest):
    """Admin of the tenant and of the kitchen."""
    return rest("alice")


@pytest.fixture
def bob(rest):
    """A member of the kitchen."""
    return rest("bob")


@pytest.fixture
def carol(rest):
    """A member of the tenant, but not of the kitchen."""
    return rest("carol")


@pytest.fixture
def scout(rest):
    """Alice's agent, a member of the kitchen."""
    return rest("alice", agent="scout")


def error_of(response: Answer, status: int) -> str:
    """Return the sentence of an error, after checking its status and members."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json; charset=utf-8"
    body = response.json()
    assert list(body)[:4] == ERROR_KEYS
    assert set(body) <= {*ERROR_KEYS, "fields", "hint"}
    assert body["status"] == status
    assert body["request_id"] == response["X-Request-Id"]
    return str(body["error"])
