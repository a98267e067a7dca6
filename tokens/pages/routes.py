"""The routes of the token pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import View, with_rule
from harmonic.kernel.refusals import Refused
from tokens import actions
from tokens.pages.creating import NEW
from tokens.pages.detail import CONNECTION, SELF, TOKEN
from tokens.pages.listing import LIST


def require_parameter_group(view: View) -> View:
    """Refuse forms posted to the list without the parameter group that public clients send."""

    def checked(request: AccessRequest, **kwargs: Any) -> HttpResponse:
        is_form = request.method == "POST" and request.content_type != "application/json"
        if is_form and not any(key.startswith("api_token[") for key in request.POST):
            raise Refused("The parameter group api_token is missing.", status=400, code="invalid")
        return view(request, **kwargs)

    return with_rule(checked, LIST.rule, LIST)


def urls() -> list[URLPattern]:
    base = "u/<str:handle>/settings/tokens"
    first, *rest = mount(base, LIST)
    return [
        path(base, require_parameter_group(first.callback), name=LIST.name),
        *rest,
        *mount(f"{base}/new", NEW),
        *mount(f"{base}/self", SELF),
        *mount(f"{base}/<str:token_id>", TOKEN),
        *mount(f"{base}/<str:token_id>/connection", CONNECTION)[:1],
        path(
            f"{base}/<str:token_id>/delete",
            form_alias(TOKEN, actions.delete_api_token),
            name="tokens.delete",
        ),
    ]
