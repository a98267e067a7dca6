"""The comments on the page of an item of any kind: the page of the thread, and its links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from accounts.queries import People
from collectives.items.models import Item
from collectives.notes import queries, threads
from harmonic.kernel.access import Access
from harmonic.kernel.http.negotiation import Format


@dataclass(frozen=True, slots=True)
class Discussion:
    """The comments that a request for an item's page shows, before their authors are read."""

    page: threads.ThreadPage
    path: str
    cursor: str
    is_full: bool

    @property
    def author_ids(self) -> set[UUID]:
        return self.page.author_ids

    @property
    def texts(self) -> list[str]:
        return [note.opening for note in self.page.notes.values()]

    def context(self, known: People, place_path: str) -> Mapping[str, Any]:
        """Return the context of `_thread.html`, with authors from `known`."""
        thread = self.page.thread(known, place_path)
        next_cursor = thread.next_cursor
        return {
            "thread": thread,
            "is_comment_marked": self.page.marked is not None,
            "more_path": _path(self.path, next_cursor, self.is_full) if next_cursor else "",
            "full_path": _path(self.path, self.cursor, True, anchor=""),
            "first_path": "" if thread.is_first else _path(self.path, "", self.is_full),
            "is_full": self.is_full,
        }


def discussion_of(access: Access, item: Item) -> Discussion:
    """Return the comments after the cursor of the request, or those around `comment_id`."""
    is_full = access.query.get("full_text") == "true"
    has_previews = access.format == Format.MARKDOWN and not is_full
    cursor = access.query.get("cursor", "")
    if comment := queries.comment_at(access, access.query.get("comment_id", "")):
        page = threads.page_with(item, comment, has_previews=has_previews)
    else:
        page = threads.thread_page(item, cursor, has_previews=has_previews)
    return Discussion(page, item.path_in(access.required_place.path), cursor, is_full)


def _path(path_: str, cursor: str, is_full: bool, anchor: str = "#comments") -> str:
    """Return the path of a page of the comments."""
    parameters = {"cursor": cursor, "full_text": "true" if is_full else ""}
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path_}?{query}{anchor}" if query else f"{path_}{anchor}"
