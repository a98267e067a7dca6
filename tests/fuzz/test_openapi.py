"""Schemathesis calls every operation with valid and invalid data, and checks the responses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import settings as bounds
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fixtures.world import World, host, make_token
from tests.fuzz.answers import BOUNDED, Program, undone
from tests.rest.items import ids_in, items_at

pytestmark = pytest.mark.django_db

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The other phases make hundreds of calls each.
CONFIG = schemathesis.Config.from_dict(
    {
        "generation": {"with-security-parameters": False},
        "phases": {"coverage": {"enabled": False}, "examples": {"enabled": False}},
    }
)
kept = json.loads((Path(settings.BASE_DIR) / "docs" / "openapi.json").read_text())
PARAMETER = re.compile(r"\{(\w+)\}")
TENANT, COLLECTIVE = "/api/v1", "/collectives/kitchen/api/v1"


def at_base(number: int, base: str) -> Any:
    """Return the document for one of its servers, with the variables filled in."""
    server = kept["servers"][number]
    paths = {
        path: {name: value for name, value in item.items() if name != "servers"}
        for path, item in kept["paths"].items()
        if server in item.get("servers", kept["servers"])
    }
    whole = {**kept, "servers": [{"url": base}], "paths": paths}
    schema = schemathesis.openapi.from_dict(whole, config=CONFIG)
    schema.app = application
    return schema


handler = cache(WSGIHandler)


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Call the application, which is loaded after the static files are collected."""
    return handler()(environ, start_response)


of_tenant, of_collective = at_base(0, TENANT), at_base(1, COLLECTIVE)


@pytest.fixture
def alice(world: World, settings: Any) -> dict[str, str]:
    """Return the headers of Alice's client, which can write and is not rate limited."""
    settings.LIMIT_REQUESTS = settings.LIMIT_WRITES = settings.LIMIT_TENANT = 100_000
    return {"Host": host("garden"), "Authorization": f"Bearer {make_token('alice')}"}


@pytest.fixture
def real(alice: dict[str, str]) -> dict[str, str]:
    """Return existing ids for paths, by the word before the parameter.

    Items of Alice's, and an agent that has a token and wrote nothing.
    """
    agent = made(alice, f"{TENANT}/users", name="Newcomer", handle="newcomer")
    return {
        **items_at(Program(Client(headers=alice)), TENANT),
        "collectives": "kitchen",
        "users": agent,
        "tokens": made(alice, f"{TENANT}/users/{agent}/tokens", scopes=["read:all"]),
    }


@pytest.fixture
def in_kitchen(alice: dict[str, str]) -> dict[str, str]:
    return items_at(Program(Client(headers=alice)), COLLECTIVE)


def made(headers: dict[str, str], path: str, **params: Any) -> str:
    answer = Client(headers=headers).post(path, params, content_type="application/json")
    return str(answer.json()["id"])


@of_tenant.given(is_real=st.sampled_from([True, True, False]))
@of_tenant.parametrize()
@bounds(BOUNDED, max_examples=25)
def test_every_response_matches_the_document(
    case: schemathesis.Case, alice: dict[str, str], real: dict[str, str], is_real: bool
) -> None:
    check(case, alice, real if is_real else {})


@of_collective.given(is_real=st.sampled_from([True, True, False]))
@of_collective.parametrize()
@bounds(BOUNDED, max_examples=15)
def test_every_response_of_a_collective_matches_the_document(
    case: schemathesis.Case, alice: dict[str, str], in_kitchen: dict[str, str], is_real: bool
) -> None:
    check(case, alice, in_kitchen if is_real else {})


def check(case: schemathesis.Case, headers: dict[str, str], real: dict[str, str]) -> None:
    """Validate the response to a call against the document.

    Each call finds the same world: what it writes, ends with it. So a call may delete its own
    token, or its caller, and the next one is none the poorer.
    """
    if real:
        name_real_things(case, real)
    with connected(), undone():
        case.call_and_validate(headers=headers, checks=CHECKS)


def name_real_things(case: schemathesis.Case, real: dict[str, str]) -> None:
    """Replace values that random data never hits: ids in the path, scopes, an expiry."""
    for name, value in zip(PARAMETER.findall(case.path), ids_in(case.path, real), strict=True):
        case.path_parameters[name] = value
    if case.path.endswith("/tokens") and isinstance(case.body, dict):
        case.body["scopes"] = ["read:all"]
        case.body.pop("expires_at", None)


@contextmanager
def connected() -> Iterator[None]:
    """Keep the database connection open, which each request closes otherwise."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
