"""The token pages: the list, making one, one token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from accounts.models import TenantUser
from accounts.rules import editable_person, is_parent_of
from harmonic.kernel.access import Access, Forbidden, Refused
from harmonic.kernel.actions import Resource
from harmonic.kernel.pages import Page, View, form_alias, mounted, with_rule
from tokens import actions, queries, rules
from tokens.models import ApiToken

# --- The list -------------------------------------------------------------------------------


def listed(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    tokens = queries.listed(access, owner)
    own_active = sum(1 for each in tokens if each.owner.id == owner.id and each.is_active)
    return {
        "owner": owner,
        "tokens": tokens,
        "active": own_active,
        "cap": ApiToken.MAX_ACTIVE,
        "is_own": owner.user_id == access.user.user_id,
        "new_path": f"{actions.list_path(owner)}/new",
        "may_create": rules.may_create_token(access, owner) is None,
        "is_internal": owner.user.is_internal_agent,
        "is_tenant_api_on": access.tenant.is_api_enabled,
    }


LIST = Page(
    name="tokens.list",
    template="tokens/list.html",
    title=lambda access, owner: "API Tokens",
    find=editable_person,
    show=listed,
    writes={"POST": actions.create_api_token},
    resource="api_tokens",
)


# --- A new one ------------------------------------------------------------------------------


def maker(access: Access, handle: str) -> TenantUser:
    """Return whom a new token is for.

    Raises:
        Forbidden: the caller is no human, or the owner is run by Harmonic itself.
    """
    owner = editable_person(access, handle)
    if not access.user.is_human:
        raise Forbidden(f"403 Unauthorized - {rules.ONLY_HUMANS}")
    if owner.user.is_internal_agent:
        raise Forbidden(f"403 Forbidden - {rules.NOT_FOR_INTERNAL}")
    return owner


def new(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    return {
        "owner": owner,
        "is_own": owner.user_id == access.user.user_id,
        "list_path": actions.list_path(owner),
        "is_tenant_api_on": access.tenant.is_api_enabled,
        "active": queries.active_count(owner, access.now),
        "cap": ApiToken.MAX_ACTIVE,
    }


NEW = Page(
    name="tokens.new",
    template="tokens/new.html",
    title=lambda access, owner: "New API Token",
    find=maker,
    show=new,
    actions=(actions.create_api_token,),
    fresh="api_tokens",
    resource="api_tokens",
)


# --- One token ------------------------------------------------------------------------------


def token_of(access: Access, handle: str, token_id: str) -> ApiToken:
    return queries.token_at(editable_person(access, handle), token_id)


@dataclass(frozen=True, slots=True)
class Example:
    label: str
    line: str


def show(access: Access, token: ApiToken) -> Mapping[str, Any]:
    owner = token.owner
    return {
        "token": queries.ListedToken(
            token, owner, owner.user_id == access.user.user_id, token.is_active(access.now)
        ),
        "owner": owner,
        "is_parent": is_parent_of(access, owner),
        "scopes": token.scopes,
        "list_path": actions.list_path(owner),
        "is_write": "create:all" in token.scopes,
        "api_path": f"http://{access.host}/api/v1",
    }


def about(access: Access, token: ApiToken | None) -> Resource | None:
    return actions.resource(token.owner, token) if token else None


TOKEN = Page(
    name="tokens.show",
    template="tokens/show.html",
    title=lambda access, token: "API Token",
    find=token_of,
    show=show,
    about=about,
    actions=(actions.rename_api_token, actions.delete_api_token),
    writes={"DELETE": actions.delete_api_token},
    resource="api_tokens",
)


def create_from_group(view: View) -> View:
    """Ask a form post at the list for the group that public clients send."""

    def checked(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        is_form = request.method == "POST" and request.content_type != "application/json"
        if is_form and not any(key.startswith("api_token[") for key in request.POST):
            raise Refused("The parameter group api_token is missing.", status=400, code="invalid")
        return view(request, **kwargs)

    return with_rule(checked, LIST.rule, LIST)


def urls() -> list[URLPattern]:
    base = "u/<str:handle>/settings/tokens"
    first, *rest = mounted(base, LIST)
    return [
        path(base, create_from_group(first.callback), name=LIST.name),
        *rest,
        *mounted(f"{base}/new", NEW),
        *mounted(f"{base}/<str:token_id>", TOKEN),
        path(
            f"{base}/<str:token_id>/delete",
            form_alias(TOKEN, actions.delete_api_token),
            name="tokens.delete",
        ),
    ]
