"""Parts of a feed that the query string asks for: what changed (`since`), what matches (`q`)."""

from __future__ import annotations

from urllib.parse import urlencode

from collectives.feed.queries import changes_of, search_feed
from collectives.items.changes import Since, parse_since
from collectives.items.search import SearchTerms, parse_search, q_field
from harmonic.kernel.access import Access
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import Invalid, Problem
from harmonic.kernel.rendering.documents import Document


class FeedParams(Params):
    q = q_field()


def feed_scope(access: Access, target: None) -> str:
    """Return the filter of the collective's feed, in the syntax of searches."""
    if access.required_place.is_main:
        return "visibility:public"
    if access.required_place.is_workspace:
        return "visibility:private"
    return f"collective:{access.required_place.handle}"


def narrowed(access: Access, target: None) -> Document | None:
    """Return the part of the feed that the query string asks for, or None for the whole page.

    Raises:
        Invalid: a parameter has an invalid value, or both are given.
    """
    since = access.query.get("since")
    words = validated(FeedParams, RawParams({"q": access.query.get("q", "")})).get("q", "")
    if since is not None:
        if words or access.query.get("cursor"):
            raise Invalid(Problem("since", "cannot be combined with q or cursor"))
        return _changes(access, parse_since(since))
    terms = parse_search(words)
    return _found(access, words, terms) if terms.are_any else None


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


def _found(access: Access, words: str, terms: SearchTerms) -> Document:
    found = search_feed(access, terms)
    return Document(
        title=_title(access),
        template="feed/found.html",
        context={
            "feed": found,
            "words": words,
            "whole_path": access.path,
            "older_href": _href(access, q=words, cursor=found.older) if found.older else "",
        },
        scope=feed_scope(access, None),
        query=words,
    )


def _title(access: Access) -> str:
    return "Home" if access.required_place.is_main else access.required_place.name


def _href(access: Access, **query: str) -> str:
    return f"{access.path}?{urlencode(query)}"
