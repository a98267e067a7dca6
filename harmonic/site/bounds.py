"""Every bound of Harmonic, as `docs/limits.md` lists them.

The values are those of the code; `manage.py describe_limits` writes the page, and a test fails
while it is another. A test that reaches a bound names it in its mark `meets`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from accounts import security
from accounts.models import User
from api import paging
from api.idempotency import FORM_WAIT, KEY_LENGTH
from api.models import KeyedRequest
from api.v1 import note_filters, note_lists, users
from collectives import cycles
from collectives import queries as collectives
from collectives.administration import pages as admin
from collectives.feed import pages as feed_pages
from collectives.feed import queries as feed
from collectives.items import queries as items
from collectives.items.models import Item, Pin
from collectives.models import Invite
from collectives.notes import threads
from collectives.profiles import pages as profiles
from harmonic.access import rate_limits
from harmonic.kernel.database import outages
from harmonic.kernel.http import cursors, numbered, selection
from harmonic.kernel.parameters import decoding
from harmonic.kernel.pipeline import RUNS
from harmonic.kernel.registry import actions
from harmonic.kernel.rendering import rendered, text
from harmonic.server import config, errors, worker
from harmonic.site import front_door
from tokens import queries as token_queries
from tokens.models import ApiToken, TokenRefusal

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bound:
    """A greatest number, size or time, and what happens beyond it.

    `setting` names the environment variable that changes it; the value is then the default.
    """

    name: str
    value: int | timedelta
    unit: str
    beyond: str
    setting: str = ""

    @property
    def shown(self) -> str:
        if isinstance(self.value, timedelta):
            return _duration(self.value)
        return f"{self.value:,} {self.unit}"


def _duration(value: timedelta) -> str:
    for name, unit in (
        ("day", timedelta(days=1)),
        ("hour", timedelta(hours=1)),
        ("minute", MINUTE),
        ("second", timedelta(seconds=1)),
    ):
        if value >= unit and not value % unit:
            count = value // unit
            return f"{count} {name}" + ("s" if count > 1 else "")
    raise ValueError(value)


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    bounds: tuple[Bound, ...]


REQUESTS = Section(
    "Requests",
    (
        Bound(
            "body of a request",
            settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20,
            "MB",
            "413 `payload_too_large`",
        ),
        Bound(
            "fields of a form",
            settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
            "fields",
            "400 `invalid`",
        ),
        Bound("nesting of a JSON body", decoding.MAX_DEPTH, "levels", "400 `invalid`"),
        Bound("request line", config.limit_request_line, "bytes", "414"),
        Bound("a header", config.limit_request_field_size, "bytes", "431"),
        Bound("headers of a request", config.limit_request_fields, "headers", "431"),
        Bound(
            "request line and headers together",
            errors.MAX_HEAD_BYTES // 1024,
            "kB",
            "431",
        ),
        Bound(
            "time for a request line and headers",
            timedelta(seconds=settings.HEADERS_TIMEOUT),
            "",
            "408 `request_timeout`",
            "HARMONIC_HEADERS_TIMEOUT",
        ),
        Bound(
            "time for a body, or for reading an answer",
            timedelta(seconds=settings.BODY_TIMEOUT),
            "",
            "408 `request_timeout`; a second more for each"
            f" {settings.BODY_BYTES_PER_SECOND // 1024} kB",
            "HARMONIC_BODY_TIMEOUT",
        ),
        Bound(
            "waiting for a database that is away",
            int(outages.CONNECT_SECONDS * 1000),
            "milliseconds",
            "503 `unavailable`",
        ),
        Bound(
            "waiting for a lock of the database",
            int(outages.LOCK_SECONDS * 1000),
            "milliseconds",
            "503 `unavailable`",
        ),
        Bound(
            "work of PostgreSQL on a statement",
            int(outages.STATEMENT_SECONDS * 1000),
            "milliseconds",
            "503 `unavailable`",
        ),
        Bound(
            "runs of an action that conflicts with others",
            RUNS,
            "runs",
            "503 `unavailable`",
        ),
        Bound(
            "connections of a process",
            config.worker_connections,
            "connections",
            "503 `overloaded` for the one that waits longest",
            "HARMONIC_CONNECTIONS",
        ),
        Bound(
            "bodies and unread answers of a process",
            worker.MAX_HELD_BYTES // 2**20,
            "MB",
            "503 `overloaded` for the one that holds most",
        ),
        Bound(
            "requests of a person or an address a minute",
            settings.LIMIT_REQUESTS,
            "requests",
            "429 `rate_limited`; the agents of a person count for the person",
            "HARMONIC_LIMIT_REQUESTS",
        ),
        Bound(
            "writes of a person or an address a minute",
            settings.LIMIT_WRITES,
            "writes",
            "429 `rate_limited`; the agents of a person count for the person",
            "HARMONIC_LIMIT_WRITES",
        ),
        Bound(
            "requests of a token a minute",
            settings.LIMIT_TOKEN_REQUESTS,
            "requests",
            "429 `rate_limited`",
            "HARMONIC_LIMIT_TOKEN_REQUESTS",
        ),
        Bound(
            "writes of a token a minute",
            settings.LIMIT_TOKEN_WRITES,
            "writes",
            "429 `rate_limited`",
            "HARMONIC_LIMIT_TOKEN_WRITES",
        ),
        Bound(
            "requests of a tenant's members a minute",
            settings.LIMIT_TENANT,
            "requests",
            "429 `rate_limited`",
            "HARMONIC_LIMIT_TENANT",
        ),
        Bound(
            "requests of a person in a tenant a minute",
            settings.LIMIT_TENANT // rate_limits.TENANT_SHARES,
            "requests",
            "429 `rate_limited`; it is a quarter of what the tenant's members have",
            "HARMONIC_LIMIT_TENANT",
        ),
        Bound(
            "wrong passwords in twenty minutes",
            settings.AXES_FAILURE_LIMIT,
            "attempts",
            "429; sign-in is closed for that account and address for 20 minutes",
        ),
        Bound(
            "bytes that one person stores in a day",
            settings.LIMIT_STORAGE,
            "MB",
            "429 `storage_limit`; agents count for their person, and the day is that of UTC",
            "HARMONIC_LIMIT_STORAGE",
        ),
        Bound("search of users", User.EMAIL_LENGTH, "characters", "400 `invalid`"),
        Bound("`Idempotency-Key`", KEY_LENGTH, "characters", "400 `idempotency_key_invalid`"),
        Bound(
            "bytes of an answer kept for its key",
            KeyedRequest.KEPT_BYTES,
            "bytes",
            "the answer is read again from what the request made",
        ),
    ),
)
SEARCHES = Section(
    "Searches and filters",
    (
        Bound("characters of a search", note_lists.Q_LENGTH, "characters", "400 `invalid`"),
        Bound("words of a search", note_filters.MAX_WORDS, "words", "400 `invalid`"),
        Bound("characters of filters", note_lists.NARROW_LENGTH, "characters", "400 `invalid`"),
        Bound(
            "notes that a search looks at for a page",
            note_filters.LOOKED_AT,
            "notes",
            "the page ends, and `Link` leads on",
        ),
        Bound(
            "bytes of text that a search looks at for a page",
            note_filters.LOOKED_AT_BYTES,
            "bytes",
            "the page ends, and `Link` leads on; one note is always looked at",
        ),
        Bound(
            "distance of a cycle",
            cycles.MAX_DISTANCE,
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
            note_lists.LIMIT,
            "rows",
            "the page ends, and `Link` leads on",
        ),
        Bound(
            "rows of a list of users without `limit`",
            users.LISTED,
            "rows",
            "the page ends, and `Link` leads on",
        ),
        Bound(
            "rows of a list that is given whole",
            paging.WHOLE,
            "rows",
            "the page ends, and `Link` leads on",
        ),
        Bound(
            "bytes of text in a list of notes",
            items.LIST_BYTES,
            "bytes",
            "the page ends, and `Link` leads on; one note is always there",
        ),
        Bound(
            "bytes of JSON in a list",
            paging.LIST_BYTES,
            "bytes",
            "the page ends, and `Link` leads on; one row is always there",
        ),
        Bound(
            "rows of each kind that an answer includes",
            items.INCLUDED,
            "rows",
            "the rest is left out, and the note says so in `incomplete`",
        ),
        Bound(
            "bytes of text in included comments and pins",
            items.LIST_BYTES,
            "bytes",
            "the rest is left out, and the note or user says so in `incomplete`",
        ),
        Bound("age of a cursor", cursors.LIFETIME, "", "400 `invalid`; pages begin at the top"),
    ),
)
PAGES = Section(
    "Pages",
    (
        Bound(
            "comments on a page of a thread", threads.PAGE, "comments", "a link leads to the rest"
        ),
        Bound(
            "rows of a thread looked at for a page",
            threads.LOOKED_AT,
            "comments",
            "the page says that there may be more replies",
        ),
        Bound(
            "characters of comments on a page",
            threads.TEXT_ON_PAGE,
            "characters",
            "the page ends, and a link leads to the rest",
        ),
        Bound(
            "a text in its HTML page",
            text.HTML_LIMIT,
            "characters",
            "cut at a line, with a link to the whole",
        ),
        Bound(
            "a text in its Markdown page",
            text.TRUNCATE_LIMIT,
            "characters",
            "cut at a line; `?full_text=true` has the whole",
        ),
        Bound(
            "a comment in a Markdown thread",
            text.PREVIEW_LIMIT,
            "characters",
            "a preview; the comment's own page has the whole",
        ),
        Bound(
            "a formatted text",
            text.FORMATTED_LIMIT,
            "characters",
            "shown unformatted",
        ),
        Bound(
            "brackets of a formatted text",
            text.BRACKETS_LIMIT,
            "brackets",
            "shown unformatted",
        ),
        Bound("links of a formatted text", text.LINKS_LIMIT, "links", "shown unformatted"),
        Bound(
            "cells of a formatted text",
            text.CELLS_LIMIT,
            "cells",
            "shown unformatted, unless they are written out with two characters each",
        ),
        Bound(
            "rendered texts kept",
            settings.CACHES[rendered.CACHE]["OPTIONS"]["MAX_ENTRIES"],
            "texts",
            "some are forgotten, and rendered again when they are read",
        ),
        Bound(
            "events in the history of a page",
            items.HISTORY_SHOWN,
            "events",
            "`?page=2` has the next",
        ),
        Bound("items of a feed", feed.PAGE, "items", "a link leads to older ones"),
        Bound(
            "items of a feed in Markdown", feed.MARKDOWN_PAGE, "items", "a link leads to older ones"
        ),
        Bound(
            "collectives on a profile",
            profiles.COMMON_SHOWN,
            "collectives",
            "the page says how many more there are",
        ),
        Bound(
            "members on a collective's page",
            feed_pages.TEAM_SHOWN,
            "members",
            "a link leads to all of them",
        ),
        Bound(
            "collectives and agents beside a page's subject",
            collectives.LISTED,
            "rows",
            "the rest is left out; `/collectives` and `/ai-agents` have all",
        ),
        Bound("rows of a numbered page", numbered.PER_PAGE, "rows", "`?page=2` has the next"),
        Bound(
            "users on a page of administration", admin.PER_PAGE, "users", "`?page=2` has the next"
        ),
        Bound("events on a page of the security log", security.PAGE, "events", "a link leads on"),
        Bound(
            "tokens on a page",
            token_queries.SHOWN,
            "tokens",
            "`?page=2` has the next",
        ),
        Bound("tenants at the front door", front_door.SHOWN, "tenants", "the rest are left out"),
    ),
)
COUNTS = Section(
    "Counts and times",
    (
        Bound("active tokens of an owner", ApiToken.MAX_ACTIVE, "tokens", "400 `limit_reached`"),
        Bound("pins of a place", Pin.MAX_PER_PLACE, "pins", "422 `limit_reached`"),
        Bound("life of a token", ApiToken.MAX_LIFETIME_MONTHS, "months", "it is cut to that"),
        Bound("overlap of a rotation", ApiToken.MAX_OVERLAP_DAYS, "days", "400 `invalid`"),
        Bound("refusals kept of a token", TokenRefusal.KEPT, "refusals", "older ones are deleted"),
        Bound("life of an invitation", Invite.LIFETIME, "", "it no longer opens the collective"),
        Bound("answers under a key", KeyedRequest.LIFETIME, "", "the request is carried out anew"),
        Bound(
            "a request under a key that was cut off",
            KeyedRequest.CUT_OFF_AFTER,
            "",
            "another request may take it over",
        ),
        Bound("wait of a form that is sent again", FORM_WAIT, "", "409 `idempotency_in_progress`"),
        Bound(
            "restoring a deleted note",
            Item.KEPT_AFTER_DELETION,
            "",
            "403 `forbidden`",
        ),
        Bound(
            "a session",
            settings.SESSION_ABSOLUTE_TIMEOUT,
            "",
            "signed out",
            "SESSION_ABSOLUTE_TIMEOUT",
        ),
        Bound(
            "a session without a request",
            settings.SESSION_IDLE_TIMEOUT,
            "",
            "signed out",
            "SESSION_IDLE_TIMEOUT",
        ),
        Bound(
            "a password as proof for sensitive actions",
            settings.REVERIFICATION_TIMEOUT,
            "",
            "asked for again",
            "REVERIFICATION_TIMEOUT",
        ),
    ),
)
SECTIONS = (REQUESTS, SEARCHES, REST_LISTS, PAGES, COUNTS)


def every() -> Iterator[Bound]:
    return (bound for section in SECTIONS for bound in section.bounds)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of one action or more that has a greatest length."""

    name: str
    length: int
    actions: tuple[str, ...]


def parameters() -> list[Parameter]:
    """Return the parameters of all actions that have a greatest length, by name."""
    found: dict[tuple[str, int], set[str]] = {}
    for action in actions().values():
        for name, field in action.params().fields.items() if action.params else ():
            if length := getattr(field, "max_length", None):
                found.setdefault((name, length), set()).add(action.name)
    return [Parameter(*key, tuple(sorted(names))) for key, names in sorted(found.items())]


# --- The page -------------------------------------------------------------------------------

HEAD = """\
# Limits

Everything that waits or grows has a bound. This page is made from the code by
`manage.py describe_limits`; do not edit it. A value with a setting is the default, and the
setting is an environment variable ([operations.md](operations.md#settings)). A refusal is
answered in the format asked for; [api.md](api.md#errors) has the codes. Forms and actions of
pages answer 422 where the API answers 400.
"""
TEXTS = """\
## Texts

Beyond its length a parameter is refused with 400 `invalid` by the API and 422 by pages:
`text is too long (maximum 1000000 characters)`. Lengths are in characters.

| parameter | at most | actions |
|---|---|---|
"""


def document() -> str:
    """Return `docs/limits.md`."""
    return "\n".join([HEAD, *map(_section, SECTIONS), _texts()])


def _section(section: Section) -> str:
    rows = [
        f"| {bound.name} | {bound.shown} | {f'`{bound.setting}`' if bound.setting else '–'} |"
        f" {bound.beyond} |"
        for bound in section.bounds
    ]
    head = ["| what | at most | setting | beyond it |", "|---|---|---|---|"]
    return "\n".join([f"## {section.title}", "", *head, *rows, ""])


def _texts() -> str:
    rows = [
        f"| `{each.name}` | {each.length:,} | {', '.join(f'`{name}`' for name in each.actions)} |"
        for each in parameters()
    ]
    return "\n".join([TEXTS + "\n".join(rows), ""])
