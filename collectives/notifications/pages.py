"""The page of a user's notifications."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse, JsonResponse
from django.urls import URLPattern, path

from collectives.notifications import queries
from collectives.notifications.actions import ACTIONS, PATH
from collectives.notifications.emails import pages as emails
from collectives.notifications.preferences import pages as preferences
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page, require_read_method, with_rule
from harmonic.kernel.rendering.documents import keep_private


@dataclass(frozen=True, slots=True)
class Inbox:
    """The caller's notifications, and the number of unread ones."""

    groups: list[queries.Group]
    unread: int


def _inbox(access: Access) -> Inbox:
    return Inbox(queries.grouped(access), queries.unread_count(access))


def _title(access: Access, inbox: Inbox) -> str:
    return f"({inbox.unread}) Notifications" if inbox.unread else "Notifications"


LIST = Page(
    name=PATH,
    template="notifications/list.html",
    title=_title,
    find=_inbox,
    show=lambda access, inbox: {"inbox": inbox, "listed": queries.LISTED},
    actions=ACTIONS,
    nav=(
        NavEntry(
            menu=Menu.SITE, order=1, label="Notifications", icon="bell", badge=queries.unread_count
        ),
    ),
)


def _unread_count(request: AccessRequest) -> HttpResponse:
    """Return the number of unread notifications as JSON, for programs that need nothing else."""
    require_read_method(request)
    response = JsonResponse({"count": queries.unread_count(request.access)})
    keep_private(response)
    return response


def urls() -> list[URLPattern]:
    counted = with_rule(_unread_count, Rule(AccessLevel.TENANT))
    return [
        *mount("notifications", LIST),
        path("notifications/unread_count", counted),
        *emails.urls(),
        *preferences.urls(),
    ]
