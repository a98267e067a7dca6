"""Parts of a feed that the query string asks for: what changed (`since`), what matches (`q`)."""

from __future__ import annotations

from urllib.parse import urlencode

from collectives.feed.queries import changes_of, search_feed
from collectives.items.changes import Since, parse_since
from collectives.search.language.grammar import Q_LENGTH, Query, parse, q_field
from harmonic.kernel.access import Access
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.parameters.wording import reason
from harmonic.kernel.refusals import Invalid, Problem
from harmonic.kernel.rendering.documents import Document

NOTHING = (
    "No matches. A search finds items that contain all of its words in their title or text. Try"
    " fewer or other words."
)
NO_MORE = "No more matches."


class FeedParams(Params):
    q = q_field()


def feed_scope(access: Access, target: object) -> str:
    """Return the filter of the collective's feed, in the syntax of searches."""
    if access.required_place.is_main:
        return "visibility:public"
    if access.required_place.is_workspace:
        return "visibility:private"
    return f"collective:{access.required_place.handle}"


def narrowed(access: Access, target: object) -> Document | None:
    """Return the part of the feed that the query string asks for, or None for the whole page.

    Raises:
        Invalid: a parameter has an invalid value, or both are given.
    """
    since = access.query.get("since")
    try:
        words, query = _asked_for(access)
    except Invalid as refused:
        # People correct what they typed in the search field.
        if access.format != Format.HTML:
            raise
        return _refused(access, refused)
    if since is not None:
        if words or access.query.get("cursor"):
            raise Invalid(Problem("since", "cannot be combined with q or cursor"))
        return _changes(access, parse_since(since))
    return None if query.is_blank else _found(access, words, query)


def _asked_for(access: Access) -> tuple[str, Query]:
    raw = RawParams({"q": access.query.get("q", "")})
    words = validated(FeedParams, raw).get("q", "")
    return words, parse(words)


def _changes(access: Access, since: Since) -> Document:
    changed = changes_of(access, since)
    return Document(
        title=_title(access),
        template="feed/changes.html",
        context={
            "feed": changed,
            "since": since.moment,
            "whole_path": access.path,
            "more_href": _href(access, since=changed.next_since) if changed.has_more else "",
        },
        scope=feed_scope(access, None),
        fields={"next_since": changed.next_since},
        is_bare=not changed.rows,
    )


def _found(access: Access, words: str, query: Query) -> Document:
    found = search_feed(access, query)
    empty = NOTHING if found.is_first else NO_MORE
    return Document(
        title=_title(access),
        template="feed/found.html",
        context={
            "feed": found,
            "words": words,
            "whole_path": access.path,
            "q_length": Q_LENGTH,
            "older_href": _href(access, q=words, cursor=found.older) if found.older else "",
            "empty": empty,
        },
        scope=feed_scope(access, None),
        query=words,
    )


def _refused(access: Access, refused: Invalid) -> Document:
    sentences = [f"The search {reason(problem)}." for problem in refused.problems]
    return Document(
        title=_title(access),
        template="feed/found.html",
        context={
            "words": access.query.get("q", ""),
            "q_length": Q_LENGTH,
            "error": " ".join(sentences),
        },
        status=refused.status,
        error=refused.message,
        code=refused.code,
    )


def _title(access: Access) -> str:
    return "Home" if access.required_place.is_main else access.required_place.name


def _href(access: Access, **query: str) -> str:
    return f"{access.path}?{urlencode(query)}"
