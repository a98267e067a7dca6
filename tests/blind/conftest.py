"""The stage of the blind agents in the demo world."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.test import Client

from tests.blind.reading import Reply, Send, Wire
from tests.blind.stage import Stage
from tests.fixtures.surfaces import PARENTS
from tests.fixtures.world import World, make_token, token_client

WireFor = Callable[..., Wire]


def over(client: Client) -> Send:
    """Return the sender of a test client."""

    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        more = {name: value for name, value in headers.items() if name != "content-type"}
        answer: Any = client.generic(
            method, path, body, content_type=headers["content-type"], headers=more
        )
        return Reply(answer.status_code, answer.content.decode())

    return send


@pytest.fixture
def wire_for(world: World) -> WireFor:
    """Return the connection of an account with a new token."""

    def wire(who: str, tenant: str = "garden", at_tenant: str = "garden", **token: Any) -> Wire:
        parent = PARENTS.get(who)
        plaintext = make_token(parent or who, tenant=tenant, agent=who if parent else None, **token)
        return Wire(over(token_client(plaintext, at_tenant)))

    return wire


@pytest.fixture
def stage(wire_for: WireFor) -> Stage:
    return Stage(wire_for)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Disable logging during hundreds of refusals."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
