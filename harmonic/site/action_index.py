"""The index of all actions, at `/actions`: those that the caller could run, by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, path

from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Action
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import Page, require_read_method, with_rule
from harmonic.kernel.parameters.decoding import declared_fields
from harmonic.kernel.registry import MountedPage, pages
from harmonic.kernel.rendering.documents import Document, respond


@dataclass(frozen=True, slots=True)
class Pattern:
    """The pattern of a page's path, and the actions listed under it."""

    path: str
    entries: list[str]


def patterns(access: Access) -> Iterator[Pattern]:
    for mounted in pages().values():
        page = mounted.page
        entries = [_entry(action) for action in page.actions if could_run(page, action, access)]
        if entries:
            yield Pattern(path_of(mounted), entries)


def could_run(page: Page[Any], action: Action[Any], access: Access) -> bool:
    """Return whether the caller could run an action of a page, on some target at least."""
    if not action.token_allows(access):
        return False
    if action.kind_denied(access) or action.capability_denied(access):
        return False
    return page.access_level != AccessLevel.TENANT or action.policy(access, None) is None


def path_of(mounted: MountedPage) -> str:
    """Return the pattern of a page's path: `/collectives/{handle}/n/{note_id}`."""
    return mounted.path_below("/collectives/{handle}", {})


def _entry(action: Action[Any]) -> str:
    names = ", ".join(declared_fields(action.params)) if action.params else ""
    return f"`{action.name}({names})` - {action.sentence}"


def index(request: AccessRequest) -> Any:
    require_read_method(request)
    access = request.access
    context: Mapping[str, Any] = {"patterns": list(patterns(access))}
    document = Document("Actions | Home", "actions/site.html", context, heading="Actions")
    return respond(request, access, document)


def urls() -> list[URLPattern]:
    return [path("actions", with_rule(index, Rule(AccessLevel.TENANT)), name="actions")]
