"""Limits of searches, filters and lists of the API."""

from __future__ import annotations

from api.http import paging
from api.v1 import item_lists, users
from collectives.cycles import filters, presence, queries, showing, windows
from collectives.items import queries as items
from collectives.search import params
from collectives.search import queries as searches
from collectives.search.index import entries
from collectives.search.language import grammar, operators
from harmonic.kernel.http import cursors, selection
from harmonic.site.bounds.bound import Bound, Section

SEARCHES = Section(
    "Searches and filters",
    (
        Bound("characters of a search", grammar.Q_LENGTH, "characters", "400 `invalid`"),
        Bound("terms of a search", grammar.MAX_TERMS, "terms", "400 `invalid`"),
        Bound(
            "texts that a search looks at",
            entries.LOOKED_AT,
            "texts",
            "older ones are not found, and the page says so",
        ),
        Bound(
            "words of a search that similar words are suggested for",
            searches.SUGGESTED_FOR,
            "words",
            "further ones, and very long ones, stay as they are",
        ),
        Bound("characters of filters", filters.MAX_LENGTH, "characters", "400 `invalid`"),
        Bound(
            "results on a page of a search",
            operators.MAX_LIMIT,
            "results",
            f"the page ends, and links to the next; {params.PAGE} without `limit:`",
        ),
        Bound(
            "distance of a cycle",
            windows.MAX_DISTANCE,
            "days, weeks, months or years",
            "400 `invalid`",
        ),
        Bound("sections asked for in Markdown", selection.NAMED, "names", "the rest are ignored"),
    ),
)
REST_LISTS = Section(
    "Lists of the API",
    (
        Bound("rows of a list with `limit`", paging.MAX_LIMIT, "rows", "400 `invalid`"),
        Bound(
            "rows of a list of notes without `limit`",
            item_lists.LIMIT,
            "rows",
            "the page ends, and `Link` has the next",
        ),
        Bound(
            "rows of a list of users without `limit`",
            users.LISTED,
            "rows",
            "the page ends, and `Link` has the next",
        ),
        Bound(
            "rows of a list that is given whole",
            paging.WHOLE,
            "rows",
            "the page ends, and `Link` has the next",
        ),
        Bound(
            "bytes of text in a list of notes",
            items.LIST_BYTES,
            "bytes",
            "the page ends, and `Link` has the next; it has at least one note",
        ),
        Bound(
            "bytes of JSON in a list",
            paging.LIST_BYTES,
            "bytes",
            "the page ends, and `Link` has the next; it has at least one row",
        ),
        Bound(
            "rows of each kind in a response",
            items.INCLUDED,
            "rows",
            "the rest is omitted, and `incomplete` in the note says so",
        ),
        Bound(
            "bytes of text in included comments and pins",
            items.LIST_BYTES,
            "bytes",
            "the rest is omitted, and `incomplete` in the note or user says so",
        ),
        Bound(
            "items of each kind in a cycle",
            queries.LISTED,
            "items",
            "the array ends, and `next` has the list that continues it",
        ),
        Bound(
            "items of each kind on the page of a cycle",
            showing.PAGE,
            "items",
            "the section ends, and links to its pages",
        ),
        Bound(
            "heartbeats of others on a page",
            presence.SHOWN,
            "heartbeats",
            "the newest are shown, and the page says so",
        ),
        Bound(
            "age of a cursor", cursors.LIFETIME, "", "400 `invalid`; pages start from the beginning"
        ),
    ),
)
