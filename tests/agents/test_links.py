"""Pages offer an agent only links and actions that it can open."""

from __future__ import annotations

from collections import deque
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from tests.fixtures.surfaces import MARKDOWN, Caller
from tests.markdown.reading import read

pytestmark = pytest.mark.django_db

START = ("/", "/whoami", "/collectives", "/help", "/actions")
MOST = 200


def offered_by(path: str, text: str) -> set[str]:
    """Return the paths that a document links, and those of the actions that it lists."""
    document = read(text)
    links = {urljoin(f"http://here{path}", link) for link in document.targets}
    here = {urldefrag(link).url for link in links if urlsplit(link).netloc == "here"}
    actions = {str(action["path"]) for action in document.fields.get("actions", [])}
    return {link.removeprefix("http://here") for link in here} | actions


@pytest.mark.parametrize("scope", ["read", "write"])
@pytest.mark.parametrize("who", ["scout", "pilot", "steward"])
def test_an_agent_can_open_everything_that_a_page_offers(who: str, scope: str) -> None:
    client: Any = Caller(MARKDOWN, who, scope=scope).client
    seen: dict[str, int] = {}
    offered_at: dict[str, str] = dict.fromkeys(START, "")
    waiting = deque(START)
    while waiting and len(seen) < MOST:
        path = waiting.popleft()
        answer = client.get(path, headers={"accept": "text/markdown"}, follow=True)
        seen[path] = answer.status_code
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/markdown"):
            for link in offered_by(path, answer.content.decode()) - set(offered_at):
                offered_at[link] = path
                waiting.append(link)

    refused = {path: (status, offered_at[path]) for path, status in seen.items() if status >= 400}
    assert len(seen) > 20
    assert refused == {}
    assert "/collectives/new" not in offered_at
