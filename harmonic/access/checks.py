"""The checks of a route's rule, each alone, and their order.

A check passes, or raises the refusal that the caller gets.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from harmonic.kernel.access import (
    Access,
    CollectiveKind,
    Door,
    Forbidden,
    Link,
    NotFound,
    Refused,
    Rule,
    SignInRequired,
)
from harmonic.kernel.http.negotiation import is_api_path

VERBS = {
    "GET": "read",
    "HEAD": "read",
    "OPTIONS": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}


def rule_of(view: object) -> Rule | None:
    """Return the rule that a route's view, or its class, declares."""
    for holder in (view, getattr(view, "cls", None), getattr(view, "view_class", None)):
        rule = getattr(holder, "rule", None)
        if isinstance(rule, Rule):
            return rule
    return None


def check_signed_in(access: Access) -> None:
    if access.actor is not None:
        return
    if access.is_session_ended == "no_membership":
        raise Forbidden(
            "You do not belong to this tenant.",
            hint="Ask one of its members for an invitation, or sign out.",
            links=[Link("Sign out", "/logout")],
        )
    raise SignInRequired


def check_tenant_flag(access: Access) -> None:
    if access.is_bound_by_switches and not access.tenant.is_api_enabled:
        raise Forbidden(
            "API not enabled for this tenant",
            code="api_disabled_tenant",
            hint="A tenant admin can turn it on at /tenant-admin/settings.",
        )


def check_place(access: Access, rule: Rule) -> None:
    place = access.place
    if place is None:
        raise NotFound
    if access.is_member or (rule.door == Door.TENANT and place.is_main):
        return
    if place.kind != CollectiveKind.STANDARD:
        raise NotFound
    if rule.door != Door.THRESHOLD:
        raise not_a_member(access)


NO_WAY_BACK = "A private workspace comes back with its owner's place in the tenant."
AGENTS_DO_NOT_JOIN = (
    "Agents do not join collectives. The person who manages the agent can add it"
    " on the collective's members page, if they may invite there."
)


def not_a_member(access: Access) -> Refused:
    join = f"{access.here.path}/join"
    is_agent = access.actor is not None and access.actor.is_agent
    return Forbidden(
        "You are not a member of this collective",
        code="not_a_member",
        hint=AGENTS_DO_NOT_JOIN if is_agent else f"Join it with an invitation at {join}.",
        links=[Link("Join", join)],
        location=join,
    )


def check_collective_flag(access: Access) -> None:
    place = access.here
    if access.is_bound_by_switches and not place.is_api_open:
        raise Forbidden(
            "API not enabled for this collective",
            code="api_disabled_collective",
            hint=f"An admin of the collective can turn it on at {place.path}/settings.",
        )


def check_scope(
    request: HttpRequest, access: Access, rule: Rule, view: object, kwargs: dict[str, Any]
) -> None:
    token = access.token
    if token is None or rule.any_scope:
        return
    verb = VERBS.get(request.method or "", "create")
    action = None if verb == "read" else _action_of(request.method, view, kwargs)
    if action is not None:
        if action.token_allows(access):
            return
        needed = action.scope
    elif token.grants(verb, rule.resource) or (verb == "create" and _also(rule, token)):
        return
    else:
        needed = f"{verb}:{rule.resource or 'all'}"
    raise Forbidden(
        "You do not have permission to perform that action",
        code="insufficient_scope",
        hint=f"The token lacks the scope {needed}. Make another token with the scopes you need.",
        headers={
            "WWW-Authenticate": (
                f'Bearer realm="Harmonic", error="insufficient_scope", scope="{needed}"'
            )
        },
    )


def _action_of(method: str | None, view: object, kwargs: dict[str, Any]) -> Any:
    """Return the action that a write on a page runs, at its own path or at that of a form."""
    page = getattr(view, "page", None)
    if page is None:
        return getattr(view, "action", None)
    if "action_name" in kwargs:
        return page.action(kwargs["action_name"])
    return page.writes.get(method)


def _also(rule: Rule, token: Any) -> bool:
    return any(token.grants("create", resource) for resource in rule.also_create)


def check_open(request: HttpRequest, access: Access) -> None:
    """Pass unless the collective is archived: then only its settings are left."""
    place = access.here
    if not place.is_archived or access.path.split("/")[3:4] == ["settings"]:
        return
    settings_path = "" if place.is_workspace else f"{place.path}/settings"
    is_read = request.method in {"GET", "HEAD"}
    raise Forbidden(
        "This collective is deactivated.",
        code="collective_archived",
        hint=f"Its settings are at {settings_path}." if settings_path else NO_WAY_BACK,
        links=[Link("Settings", settings_path)] if settings_path else [],
        location=settings_path if is_read else "",
    )


def check(
    request: HttpRequest, access: Access, rule: Rule, view: object, kwargs: dict[str, Any]
) -> None:
    """Pass if the route's rule admits the caller; the first failing check answers.

    Raises:
        Refused: in the order of `docs/architecture.md`.
    """
    request.is_let_in = False  # type: ignore[attr-defined]  # ours
    if rule.door == Door.PUBLIC or (is_api_path(access.path) and request.method == "OPTIONS"):
        return
    check_signed_in(access)
    check_tenant_flag(access)
    check_place(access, rule)
    check_collective_flag(access)
    if request.is_format_refused:  # type: ignore[attr-defined]  # set by the middleware
        raise Forbidden(
            "API only supports JSON or Markdown formats",
            code="format_refused",
            hint="Ask with `Accept: text/markdown`, or append .md to the address.",
        )
    check_scope(request, access, rule, view, kwargs)
    if any(name.startswith("HTTP_X_REPRESENT") for name in request.META):
        raise Forbidden(
            "Invalid representation session ID",
            code="representation_invalid",
            hint="Representation is not available: leave out the headers X-Represent….",
        )
    check_open(request, access)
    request.is_let_in = True  # type: ignore[attr-defined]  # ours
