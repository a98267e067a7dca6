"""The page of a person's notification settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.models import TenantUser
from accounts.queries import person_at
from collectives.notifications.preferences import rules
from collectives.notifications.preferences.actions import PATH, update_notification_preferences
from collectives.notifications.preferences.fields import CHANNELS, NAMES
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.http.methods import READS
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations.mail import is_mail_on
from harmonic.kernel.page_views import mount, run
from harmonic.kernel.pages import Page, RoutedView, redirect, require_read_method
from harmonic.kernel.refusals import Forbidden, Link
from harmonic.kernel.registry import path_to


@dataclass(frozen=True, slots=True)
class Row:
    """A type of notification, and whether each channel is enabled for it."""

    name: str
    key: str
    channels: list[bool]


def own_person(access: Access, handle: str) -> TenantUser:
    """Return the caller, whose handle must be in the path.

    Raises:
        NotFound: no account has this handle.
        Forbidden: the handle is not the caller's.
    """
    person = person_at(access, handle)
    if denied := rules.may_choose(access, person):
        raise Forbidden.because(denied)
    return person


def _show(access: Access, person: TenantUser) -> Mapping[str, Any]:
    choices = rules.choices_of(person.user_id)
    return {
        "rows": [Row(name, kind, list(choices[kind].values())) for kind, name in NAMES.items()],
        "channels": CHANNELS.values(),
        "is_mail_on": is_mail_on(),
    }


def _crumbs(access: Access, person: TenantUser) -> list[Link]:
    return [Link("Settings", path_to("people.settings", handle=person.handle))]


PREFERENCES: Page[TenantUser] = Page(
    name=PATH,
    template="notifications/preferences.html",
    title=lambda access, person: "Notification Settings",
    heading=lambda access, person: "Notification settings",
    find=own_person,
    show=_show,
    crumbs=_crumbs,
    actions=(update_notification_preferences,),
    writes={"POST": update_notification_preferences},
    resource="users",
)


def _own(request: AccessRequest) -> HttpResponse:
    """Redirect to the caller's settings, or save them, because public clients post to this path."""
    access = request.access
    base = path_to(PATH, handle=access.user.handle)
    if request.method == "POST":
        return run(request, PREFERENCES, update_notification_preferences, _found, base)
    if request.method not in READS:
        require_read_method(request, PREFERENCES)
    return redirect(access, base)


def _found(access: Access) -> TenantUser:
    return own_person(access, access.user.handle)


def urls() -> list[URLPattern]:
    own = RoutedView(
        _own,
        Rule(AccessLevel.TENANT, "users"),
        writes={"POST": update_notification_preferences},
    )
    return [
        *mount("u/<str:handle>/settings/notifications", PREFERENCES),
        path("settings/notifications", own, name="notifications.preferences.own"),
    ]
