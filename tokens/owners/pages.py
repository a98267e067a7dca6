"""The settings page of an account, with its API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path, reverse

from accounts.actions import people as actions
from accounts.models import TenantUser
from accounts.queries import people
from accounts.rules import editable_person
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page, redirect, require_read_method, with_rule
from harmonic.kernel.registry import path_to
from tokens.queries import first_listed, owners_of


def about(access: Access, person: TenantUser | None) -> ResourceRef | None:
    return actions.resource(person) if person else None


def settings(access: Access, person: TenantUser) -> Mapping[str, Any]:
    is_api_on = access.tenant.is_api_enabled
    return {
        "person": person,
        "is_self": person.user_id == access.user.user_id,
        "mode": person.user.agent.mode if person.user.is_agent else "",
        "model": person.user.agent.model if person.user.is_agent else "",
        "parent": people([person.user.parent_id])[person.user.parent_id]
        if person.user.parent_id
        else None,
        "is_api_on": is_api_on,
        "tokens": first_listed(access, owners_of(person)) if is_api_on else [],
        "tokens_path": reverse("tokens.list", kwargs={"handle": person.handle}),
        "new_token_path": reverse("tokens.new", kwargs={"handle": person.handle}),
        "may_create": access.user.is_human and not person.user.is_internal_agent,
    }


def settings_title(access: Access, person: TenantUser) -> str:
    is_self = person.user_id == access.user.user_id
    return "Your Settings" if is_self else f"{person.display_name}'s Settings"


SETTINGS = Page(
    name="people.settings",
    template="accounts/settings.html",
    title=settings_title,
    find=editable_person,
    show=settings,
    about=about,
    actions=(actions.update_profile,),
    resource="users",
)


def own_settings(request: AccessRequest) -> HttpResponse:
    require_read_method(request)
    access = request.access
    return redirect(access, path_to("people.settings", handle=access.user.handle))


def urls() -> list[URLPattern]:
    return [
        path("settings", with_rule(own_settings, Rule(AccessLevel.TENANT)), name="settings"),
        *mount("u/<str:handle>/settings", SETTINGS),
        path(
            "u/<str:handle>/settings/profile",
            form_alias(SETTINGS, actions.update_profile),
            name="people.settings.profile",
        ),
    ]
