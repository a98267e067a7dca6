"""The page of results: its template context and its JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from accounts.queries import People, Person, people
from collectives.items.models import Item
from collectives.search.language.grammar import Q_LENGTH
from collectives.search.language.operators import LISTED, OPERATORS
from collectives.search.ordering import grouped
from collectives.search.params import Asked
from collectives.search.queries import Found, find, suggested
from harmonic.kernel.access import Access
from harmonic.kernel.http import cursors
from harmonic.kernel.rendering.text import excerpt, preview

TITLE_SHOWN = 100
TEXT_SHOWN = 200
# A deadline further in the future means no deadline.
NO_DEADLINE = timedelta(days=365 * 50)
COUNTS = (
    *("backlink_count", "link_count", "participant_count", "voter_count"),
    *("option_count", "comment_count", "reader_count"),
)


def bound_to(access: Access, *parts: Any) -> str:
    """Return the name that binds cursors to a tenant, a search and its order."""
    whole = json.dumps([str(access.tenant.id), *parts], sort_keys=True)
    return f"search:{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Row:
    """A result."""

    kind: str
    title: str
    text: str
    path: str
    author: Person
    place: str
    place_path: str
    created_at: datetime
    # None for notes and for items without a deadline.
    deadline: datetime | None
    comments: int
    backlinks: int


@dataclass(frozen=True)
class Results:
    """The results of a request."""

    access: Access

    @cached_property
    def asked(self) -> Asked:
        return Asked(self.access)

    @cached_property
    def found(self) -> Found:
        """The page of results, which is empty if the search is blank."""
        asked = self.asked
        if asked.words.is_blank:
            return Found((), 0, None)
        return find(
            self.access,
            asked.query,
            asked.sort,
            limit=asked.limit,
            after=self._after,
            condition=asked.condition,
        )

    @cached_property
    def _bound(self) -> str:
        return bound_to(self.access, self.asked.q, self.asked.kept)

    @cached_property
    def _after(self) -> list[Any] | None:
        """The position after which the page begins, or None: an invalid cursor has no effect."""
        cursor = self.access.query.get("cursor", "")
        try:
            return cursors.decode_values(cursor, self._bound) if cursor else None
        except cursors.BadCursor:
            return None

    @property
    def next_cursor(self) -> str:
        end = self.found.end
        return cursors.encode_values(end, self._bound) if end else ""

    @cached_property
    def offset(self) -> int:
        """The number of results before this page, from the query string of its link."""
        given = OPERATORS["limit"].read(self.access.query.get("offset", ""))
        return min(int(given), self.found.total) if given and self._after else 0

    def href(self, **changed: str) -> str:
        """Return the path of this search with some parameters changed."""
        values = {"q": self.asked.q, **self.asked.kept, **changed}
        return f"{self.access.path}?{urlencode(values)}"


# --- Template -------------------------------------------------------------------------------


def show(access: Access, results: Results) -> Mapping[str, Any]:
    asked, found = results.asked, results.found
    known = people(item.created_by_id for item in found.items)
    first = results.offset + 1
    is_whole = not results.next_cursor and first == 1
    return {
        "q": asked.q.strip() and asked.q,
        "path": frontmatter_path(access, results),
        "q_length": Q_LENGTH,
        "kept": asked.kept,
        "groups": [
            (group.heading, [_row(item, known) for item in group.items])
            for group in grouped(found.items, asked.group, known, access.now)
        ],
        "total": found.total,
        "first": first,
        "last": results.offset + len(found.items),
        "is_whole": is_whole,
        "collective": asked.query.value("collective"),
        "remarks": found.remarks,
        "more_href": _more(results),
        "operators": () if asked.q.strip() else LISTED,
        **_suggestions(access, results),
    }


def frontmatter_path(access: Access, results: Results) -> str:
    """Return the path of the page with its search, for the frontmatter."""
    asked = results.asked
    return f"{access.path}?q={quote(asked.q, safe='')}" if asked.q.strip() else access.path


def _more(results: Results) -> str:
    cursor = results.next_cursor
    shown = str(results.offset + len(results.found.items))
    return results.href(cursor=cursor, offset=shown) if cursor else ""


def _suggestions(access: Access, results: Results) -> dict[str, str]:
    """Return alternatives to a search without results."""
    query = results.asked.query
    if results.found.total or query.is_blank:
        return {}
    words = " ".join(query.words)
    has_more = bool(query.given or query.excluded or query.phrases) and bool(words)
    similar = suggested(access, query)
    return {
        "similar": similar,
        "similar_href": f"{access.path}?{urlencode({'q': similar})}" if similar else "",
        "wider": words if has_more else "",
        "wider_href": f"{access.path}?{urlencode({'q': words})}" if has_more else "",
    }


def _row(item: Item, known: People) -> Row:
    collective = item.collective
    shown = excerpt(item.opening)
    text = shown if item.title else shown.removeprefix(item.shown_title).lstrip()
    return Row(
        kind=item.kind,
        title=preview(item.shown_title, TITLE_SHOWN),
        text=preview(text, TEXT_SHOWN),
        path=item.path_in(collective.path),
        author=known[item.created_by_id],
        place=collective.name,
        place_path=collective.path or "/",
        created_at=item.created_at,
        deadline=_deadline(item),
        comments=getattr(item, "comment_count", 0),
        backlinks=getattr(item, "backlink_count", 0),
    )


def _deadline(item: Item) -> datetime | None:
    is_set = item.deadline != item.created_at
    return item.deadline if is_set and item.deadline - item.created_at < NO_DEADLINE else None


# --- JSON -----------------------------------------------------------------------------------


def as_json(access: Access, results: Results) -> Mapping[str, Any]:
    """Return the page as JSON."""
    cursor = access.query.get("cursor", "")
    asked = results.asked
    return {
        "query": {"q": asked.q, **({"cursor": cursor} if cursor else {})},
        "total_count": results.found.total,
        "next_cursor": results.next_cursor or None,
        "results": [item_json(access, item) for item in results.found.items],
        "notes": [str(each) for each in results.found.remarks],
    }


def item_json(access: Access, item: Item) -> dict[str, Any]:
    """Return a result as JSON; `body` is the beginning of the text."""
    return {
        "item_type": item.kind,
        "item_id": str(item.id),
        "truncated_id": item.truncated_id,
        "title": item.shown_title,
        "body": item.opening,
        "path": item.path_in(item.collective.path),
        "created_at": _time(item.created_at),
        "updated_at": _time(item.updated_at),
        "deadline": _time(item.deadline),
        "is_open": item.deadline > access.now,
        "subtype": item.subtype,
        **{name: getattr(item, name) for name in COUNTS},
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
