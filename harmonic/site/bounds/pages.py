"""Limits of pages: rows, texts and related lists."""

from __future__ import annotations

from django.conf import settings

from accounts import security
from collectives import queries as collectives
from collectives.administration import pages as admin
from collectives.feed import attention, elsewhere
from collectives.feed import pages as feed_pages
from collectives.feed import queries as feed
from collectives.items import changes
from collectives.items import queries as items
from collectives.links import kind_pages as link_pages
from collectives.links import queries as links
from collectives.links import texts as link_texts
from collectives.notes import threads
from collectives.notifications import mentions
from collectives.notifications import queries as notifications
from collectives.profiles import pages as profiles
from collectives.reminders.queries import UPCOMING
from collectives.reports import pages as report_pages
from collectives.reports.models import Report
from harmonic.jobs import queries as jobs
from harmonic.kernel.http import numbered
from harmonic.kernel.rendering import rendered, text
from harmonic.site import front_door
from harmonic.site.bounds.bound import Bound, Section
from tokens import queries as token_queries

PAGES = Section(
    "Pages",
    (
        Bound(
            "comments on a page of a thread",
            threads.PAGE,
            "comments",
            "the page shows their number and a link",
        ),
        Bound(
            "replies counted for a page of a thread",
            threads.MAX_COUNTED_REPLIES,
            "comments",
            "the page shows that there are at least as many, and a link",
        ),
        Bound(
            "characters of comments on a page",
            threads.TEXT_ON_PAGE,
            "characters",
            "the page ends with the number of further comments and a link",
        ),
        Bound(
            "a text in its HTML page",
            text.HTML_LIMIT,
            "characters",
            "truncated at the end of a line, with a link to the full text",
        ),
        Bound(
            "a text in its Markdown page",
            text.TRUNCATE_LIMIT,
            "characters",
            "truncated at the end of a line; `?full_text=true` returns all of it",
        ),
        Bound(
            "a comment in a Markdown thread",
            text.PREVIEW_LIMIT,
            "characters",
            "a preview; the comment's own page has the full text",
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
            "shown unformatted, unless each cell is written with two characters",
        ),
        Bound(
            "rendered texts kept",
            settings.CACHES[rendered.CACHE]["OPTIONS"]["MAX_ENTRIES"],
            "texts",
            "some are evicted, and rendered again when read",
        ),
        Bound(
            "events in the history of a page",
            items.HISTORY_SHOWN,
            "events",
            "`?page=2` has the next",
        ),
        Bound("items of a feed", feed.PAGE, "items", "a link to older ones"),
        Bound("items of a feed in Markdown", feed.MARKDOWN_PAGE, "items", "a link to older ones"),
        Bound(
            "items of other collectives on the home page", elsewhere.SHOWN, "items", "the newest"
        ),
        Bound(
            "age of items of other collectives on the home page",
            elsewhere.RECENT,
            "",
            "older ones are on the pages of the collectives",
        ),
        Bound("reminders on `/whoami`", UPCOMING, "reminders", "the soonest"),
        Bound("text in a row of a feed in Markdown", feed.TEXT_SHOWN, "characters", "cut with …"),
        Bound("title in a row of a feed in Markdown", feed.TITLE_SHOWN, "characters", "cut with …"),
        Bound("row of a feed in Markdown", feed.ROW_SHOWN, "characters", "its text is cut with …"),
        Bound(
            "changes that a cursor lists",
            changes.REMEMBERED,
            "changes",
            "further ones are given when these have settled",
        ),
        Bound(
            "time until a change has settled",
            changes.SETTLED_AFTER,
            "",
            "a write that commits later is not among the changes since a cursor",
        ),
        Bound(
            "unread notes counted on the home page",
            attention.UNREAD_COUNTED,
            "notes",
            "the page says that there are more",
        ),
        Bound(
            "tokens and agents that the home page lists",
            attention.LISTED,
            "rows",
            "the rest is omitted; the token list and `/ai-agents` have all",
        ),
        Bound(
            "collectives on a profile",
            profiles.COMMON_SHOWN,
            "collectives",
            "the page shows how many more there are",
        ),
        Bound(
            "members on a collective's page",
            feed_pages.TEAM_SHOWN,
            "members",
            "a link to all members",
        ),
        Bound(
            "collectives and agents beside a page's subject",
            collectives.LISTED,
            "rows",
            "the rest is omitted; `/collectives` and `/ai-agents` have all",
        ),
        Bound(
            "notifications on the page of notifications",
            notifications.LISTED,
            "notifications",
            "older ones are not listed",
        ),
        Bound(
            "unread notifications that are counted",
            notifications.COUNTED,
            "notifications",
            "the number stops there",
        ),
        Bound(
            "names that a text mentions", mentions.MAX_NAMES, "names", "further ones are ignored"
        ),
        Bound(
            "items that a text links to", link_texts.MAX_LINKS, "items", "further ones are ignored"
        ),
        Bound("backlinks on the page of an item", links.SHOWN, "items", "a link to all backlinks"),
        Bound(
            "backlinks on a page of backlinks",
            link_pages.PER_PAGE,
            "items",
            "`?page=2` has the next",
        ),
        Bound(
            "most linked items of a collective", links.MOST_LINKED, "items", "the rest is omitted"
        ),
        Bound("reports on a page", report_pages.PER_PAGE, "reports", "`?page=2` has the next"),
        Bound("copy of a reported text", Report.COPIED, "characters", "the rest is not copied"),
        Bound("rows of a page of jobs", jobs.PAGE, "jobs", "a link to older ones"),
        Bound("rows of a numbered page", numbered.PER_PAGE, "rows", "`?page=2` has the next"),
        Bound(
            "users on a page of administration", admin.PER_PAGE, "users", "`?page=2` has the next"
        ),
        Bound(
            "events on a page of the security log",
            security.PAGE,
            "events",
            "a link to the next page",
        ),
        Bound(
            "tokens on a page",
            token_queries.SHOWN,
            "tokens",
            "`?page=2` has the next",
        ),
        Bound("tenants at the front door", front_door.SHOWN, "tenants", "the rest is omitted"),
    ),
)
