"""Pages link a person only to pages that they may open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

pytestmark = pytest.mark.django_db

START = ("/", "/whoami", "/collectives", "/help", "/settings", "/settings/security", "/ai-agents")
# Texts of notes and comments were written by people, and may link anywhere.
WRITTEN = ".prose"


def links_of(path: str, html: str) -> Iterable[str]:
    document: Any = BeautifulSoup(html, "html.parser")
    for written in document.select(WRITTEN):
        written.decompose()
    for link in document.select("a[href], link[rel=alternate]"):
        target = urldefrag(urljoin(f"http://here{path}", link["href"])).url
        if urlsplit(target).netloc == "here":
            yield target.removeprefix("http://here")


@pytest.mark.parametrize("who", ["alice", "bob", "carol"])
def test_a_person_can_open_every_page_that_a_page_links(page: Any, who: str) -> None:
    browser = page(who)
    seen: dict[str, int] = {}
    linked_from: dict[str, str] = dict.fromkeys(START, "")
    waiting = list(START)
    while waiting and len(seen) < 250:
        path = waiting.pop(0)
        answer = browser.get(path, follow=True)
        seen[path] = answer.status_code
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            final = answer.redirect_chain[-1][0] if answer.redirect_chain else path
            for link in set(links_of(final, answer.content.decode())) - set(linked_from):
                linked_from[link] = path
                waiting.append(link)

    refused = {path: (status, linked_from[path]) for path, status in seen.items() if status != 200}
    assert len(seen) > 60
    assert refused == {}
