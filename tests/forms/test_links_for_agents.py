"""Pages link an agent only to pages that it can use."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.django_db

# Links that lead into this site. Programs read pages as Markdown alone. Excerpts of texts have
# their brackets escaped and may be cut within an address.
LINK = re.compile(r"(?<!\\)\]\((/[^)\s#]*)")
# Texts in fences were written by people, and may link anywhere.
FENCE = re.compile(r"^(`{3,}).*?^\1", re.MULTILINE | re.DOTALL)
START = ("/", "/whoami", "/collectives", "/help", "/settings", "/u/scout", "/u/alice")


def links_of(document: str) -> set[str]:
    return {unquote(link) for link in LINK.findall(FENCE.sub("", document))}


def test_an_agent_can_open_every_page_that_a_page_links(api: Any) -> None:
    scout = api("alice", agent="scout")
    seen: dict[str, int] = {}
    linked_from: dict[str, str] = dict.fromkeys(START, "")
    waiting = list(START)
    while waiting and len(seen) < 200:
        path = waiting.pop()
        answer = scout.get(path, follow=True, headers={"accept": "text/markdown"})
        seen[path] = answer.status_code
        for link in links_of(answer.text) - set(linked_from):
            linked_from[link] = path
            waiting.append(link)

    refused = {path: (status, linked_from[path]) for path, status in seen.items() if status != 200}
    assert len(seen) > 30
    assert refused == {}
