"""Searches on every surface, which return the short IDs of their results."""

from __future__ import annotations

import re
from typing import Any

from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller
from tests.mcp.client import mcp_of, text_of

JSON, MCP = "json", "mcp"
SURFACES = (HTML, MARKDOWN, JSON, REST, MCP)
_RESULT = re.compile(r"/[ndc]/([0-9a-f]{8})")


def answer_of(surface: str, handle: str, q: str, tenant: str = "garden", **token: Any) -> Any:
    """Return the response to a search on a page or over REST."""
    caller = Caller(MARKDOWN if surface == JSON else surface, handle, tenant, **token)
    path = {REST: "/api/v1/search", JSON: "/search.json"}.get(surface, "/search")
    return caller.client.get(path, {"q": q}, headers=caller._headers())


def found(q: str, handle: str = "alice", surface: str = REST, **options: Any) -> list[str]:
    """Return the short IDs of the results, in order."""
    if surface == MCP:
        return list(
            dict.fromkeys(
                _RESULT.findall(text_of(mcp_of(handle, **options).call("search", query=q)))
            )
        )
    answer = answer_of(surface, handle, q, **options)
    assert answer.status_code == 200, answer.content[:500]
    if surface == JSON:
        return [row["truncated_id"] for row in answer.json()["results"]]
    if surface == REST:
        return [row["truncated_id"] for row in answer.json()]
    text = answer.content.decode().partition("<main")[2] or answer.content.decode()
    return list(dict.fromkeys(_RESULT.findall(text)))


def write(
    title: str, text: str = "Some text", where: str = "/collectives/kitchen", handle: str = "bob"
) -> str:
    """Create a note and return its short ID."""
    made = Caller(REST, handle).act("create_note", where, title=title, text=text).assert_done()
    return str(made.json["path"])[-8:]


def decide(question: str, *options: str, where: str = "/collectives/kitchen", **more: Any) -> str:
    """Create a decision with options and return its short ID."""
    bob = Caller(REST, "bob")
    made = bob.act("create_decision", where, question=question, **more).assert_done()
    short = str(made.json["truncated_id"])
    for option in options:
        path = f"{where}/api/v1/decisions/{short}/options"
        added = bob.client.post(path, {"title": option}, content_type="application/json")
        assert added.status_code == 200, added.content
    return short


def commit(title: str, critical_mass: int = 1, **more: Any) -> str:
    """Create a commitment in the kitchen and return its short ID."""
    given = {"title": title, "critical_mass": critical_mass, **more}
    made = Caller(REST, "bob").act("create_commitment", "/collectives/kitchen", **given)
    return str(made.assert_done().json["truncated_id"])
