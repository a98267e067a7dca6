"""Actions under a page that redirects run on the page it redirects to.

Some agents post to the path they asked for and not to the one they were sent to
(`docs/agents.md`): `/settings/actions/…` and `/workspace/actions/…`.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, resolve

from collectives.queries import own_workspace
from harmonic.kernel.access import Access, Door, NotFound, Refused, Rule
from harmonic.kernel.pages import Request, action_path, with_rule
from harmonic.middleware import AccessMiddleware


def target_of(access: Access, page: str) -> str:
    """Return where `/settings` or `/workspace` sends its caller.

    Raises:
        NotFound: the caller has no workspace.
    """
    if page == "settings":
        return f"{access.user.path}/settings"
    workspace = own_workspace(access.user.person_id)
    if workspace is None:
        raise NotFound
    return workspace.path


def forward(request: Request, page: str, action_name: str = "") -> HttpResponse:
    """Serve the same request at the page's real path, access decided anew for it."""
    request.path_info = request.path = action_path(target_of(request.access, page), action_name)
    return AccessMiddleware(_served)(request)


def _served(request: HttpRequest) -> HttpResponse:
    match = resolve(request.path_info)
    middleware = AccessMiddleware(_served)
    try:
        refusal = middleware.process_view(request, match.func, match.args, match.kwargs)
        return refusal or match.func(request, *match.args, **match.kwargs)
    except Refused as refused:
        answer = middleware.process_exception(request, refused)
        assert answer is not None  # a refusal always has one
        return answer


def urls() -> list[URLPattern]:
    rule = Rule(Door.TENANT)
    return [
        path(f"{page}/{below}", with_rule(forward, rule), {"page": page}, name=f"forward.{page}")
        for page in ("settings", "workspace")
        for below in ("actions", "actions/<str:action_name>")
    ]
