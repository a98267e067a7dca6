"""Fixtures of the security log's tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import SecurityEvent
from tests.fixtures.world import World
from tests.markdown.reading import read

Seen = Callable[..., list[SecurityEvent]]
BESIDE = frozenset({"people", "with", "by_token", "by_token_id"})


@pytest.fixture
def seen(world: World) -> Seen:
    """Return a function that returns the test's events, oldest first, optionally of one name."""
    before = set(SecurityEvent.unscoped.values_list("id", flat=True))

    def rows(event: str = "") -> list[SecurityEvent]:
        found = SecurityEvent.unscoped.exclude(id__in=before).order_by("at")
        return [row for row in found if event in ("", row.event)]

    return rows


def facts(row: SecurityEvent) -> dict[str, Any]:
    """Return the data of an event without its actor and credential."""
    return {key: value for key, value in row.data.items() if key not in BESIDE}


def act(client: Client, path: str, **params: Any) -> Any:
    """Perform an action as a program does."""
    return client.post(path, json.dumps(params), "application/json", headers={"accept": "*/*"})


def markdown(client: Client, path: str) -> str:
    page, _, query = path.partition("?")
    answer = client.get(f"{page}.md" + (f"?{query}" if query else ""))
    assert answer.status_code == 200, answer.content
    document: str = answer.content.decode()
    read(document)
    return document


def said(client: Client, path: str) -> list[str]:
    """Return the cells of the log's table."""
    return read(markdown(client, path)).texts
