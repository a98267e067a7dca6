"""The checks of a route's rule, and their order.

A check passes or raises a refusal.
"""

from __future__ import annotations

from typing import Any

from harmonic.kernel.access import Access, AccessLevel, CollectiveKind, Rule, TokenType
from harmonic.kernel.actions import Action, require_scope, scope_missing
from harmonic.kernel.http.methods import READS
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import RoutedView
from harmonic.kernel.refusals import (
    AGENTS_DO_NOT_JOIN,
    Forbidden,
    Link,
    NotFound,
    Refused,
    SignInRequired,
)
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope, Verb

VERBS_BY_METHOD = {
    "GET": Verb.READ,
    "HEAD": Verb.READ,
    "OPTIONS": Verb.READ,
    "POST": Verb.CREATE,
    "PUT": Verb.UPDATE,
    "PATCH": Verb.UPDATE,
    "DELETE": Verb.DELETE,
}


def rule_of(view: object) -> Rule | None:
    """Return the access rule of a view, or None if it declares none."""
    return view.rule if isinstance(view, RoutedView) else None


def check_signed_in(access: Access) -> None:
    if access.actor is not None:
        return
    if access.session_end_reason == "no_membership":
        raise Forbidden(
            "You do not belong to this tenant.",
            hint="Ask a member for an invitation, or sign out.",
            links=[Link("Sign out", "/logout")],
        )
    raise SignInRequired


def check_token_type(request: AccessRequest, access: Access) -> None:
    """Pass unless the token is confined to MCP and the request is not a tool's."""
    token = access.token
    if (
        token is None
        or token.token_type != TokenType.MCP
        or getattr(request, "is_tool_call", False)
    ):
        return
    raise Forbidden(
        "This token works only over MCP",
        code="mcp_only",
        hint=f"Use it at {access.origin}/mcp, or create another token for pages and the API.",
    )


def check_tenant_flag(access: Access) -> None:
    if access.is_subject_to_api_switches and not access.tenant.is_api_enabled:
        raise Forbidden(
            "API not enabled for this tenant",
            code="api_disabled_tenant",
            hint="A tenant admin can enable it at /tenant-admin/settings.",
        )


def check_place(access: Access, rule: Rule) -> None:
    place = access.place
    if place is None:
        raise NotFound
    if access.is_member or (rule.access_level == AccessLevel.TENANT and place.is_main):
        return
    if place.kind != CollectiveKind.STANDARD:
        raise NotFound
    if rule.access_level != AccessLevel.NON_MEMBERS:
        raise not_a_member(access)


ARCHIVED_WORKSPACE_HINT = (
    "A private workspace becomes available again when its owner rejoins the tenant."
)


def not_a_member(access: Access) -> Refused:
    join = path_to("collectives.join", access.required_place.path)
    is_agent = access.actor is not None and access.actor.is_agent
    return Forbidden(
        "You are not a member of this collective",
        code="not_a_member",
        hint=AGENTS_DO_NOT_JOIN if is_agent else f"Join it with an invitation at {join}.",
        links=[] if is_agent else [Link("Join", join)],
        location=join,
    )


def check_collective_flag(access: Access) -> None:
    place = access.required_place
    if not access.passes_api_switch(place):
        raise Forbidden(
            "API not enabled for this collective",
            code="api_disabled_collective",
            hint=f"An admin of the collective can enable it at {place.path}/settings.",
        )


def check_scope(
    request: AccessRequest, access: Access, rule: Rule, view: object, kwargs: dict[str, Any]
) -> None:
    """Pass if the token's scopes cover the request; a write needs the scope of its action.

    Raises:
        Forbidden: the token lacks the scope.
    """
    token = access.token
    if token is None or rule.any_scope:
        return
    verb = VERBS_BY_METHOD.get(request.method or "", Verb.CREATE)
    action = None if verb is Verb.READ else action_of(request.method or "", view, kwargs)
    if action is not None:
        require_scope(action, access)
        return
    needed = Scope(f"{verb}:{rule.resource or 'all'}")
    if not token.covers(needed):
        raise scope_missing(needed, access)


def action_of(method: str, view: object, kwargs: dict[str, Any]) -> Action[Any] | None:
    """Return the action that a write performs on a page, at a form's path, or over REST."""
    if not isinstance(view, RoutedView):
        return None
    return view.action(method, kwargs.get("action_name", ""))


def check_not_archived(request: AccessRequest, access: Access) -> None:
    """Pass unless the collective is archived; then only its settings are accessible."""
    place = access.required_place
    if not place.is_archived or access.path.split("/")[3:4] == ["settings"]:
        return
    settings_path = "" if place.is_workspace else path_to("collectives.settings", place.path)
    is_admin = access.is_collective_admin
    owned = f"Its settings are at {settings_path}."
    asked = f"An admin of the collective can open its settings at {settings_path}."
    raise Forbidden(
        "This collective is deactivated.",
        code="collective_archived",
        hint=(owned if is_admin else asked) if settings_path else ARCHIVED_WORKSPACE_HINT,
        links=[Link("Settings", settings_path)] if settings_path and is_admin else [],
        location=settings_path if request.method in READS else "",
    )


def check(
    request: AccessRequest, access: Access, rule: Rule, view: object, kwargs: dict[str, Any]
) -> None:
    """Pass if the rule of the route admits the caller.

    Raises:
        Refused: by the first check that fails, in the order of `docs/architecture.md`.
    """
    request.is_allowed = False
    if rule.access_level == AccessLevel.PUBLIC or (
        is_api_path(access.path) and request.method == "OPTIONS"
    ):
        return
    check_signed_in(access)
    check_token_type(request, access)
    check_tenant_flag(access)
    check_place(access, rule)
    check_collective_flag(access)
    if request.is_format_refused:
        raise Forbidden(
            "API only supports JSON or Markdown formats",
            code="format_refused",
            hint="Send `Accept: text/markdown`, or append .md to the address.",
        )
    check_scope(request, access, rule, view, kwargs)
    if any(name.startswith("HTTP_X_REPRESENT") for name in request.META):
        raise Forbidden(
            "Invalid representation session ID",
            code="representation_invalid",
            hint="Representation is not available. Omit the headers X-Represent….",
        )
    check_not_archived(request, access)
    request.is_allowed = True
