"""404 responses for paths without a route, with the page or route that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from django.http import HttpResponse
from django.urls import resolve
from django.urls.exceptions import Resolver404

from harmonic.http.refusals import render_refusal
from harmonic.http.tenant_origin import tenant_origin
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.http.request import AccessRequest, has_access
from harmonic.kernel.pages import page_of
from harmonic.kernel.refusals import Link, NotFound, Refused
from harmonic.kernel.registry import pages

# Paths are only compared up to this length.
MAX_LENGTH = 300
PLACE = r"(?P<place>(?:/(?:collectives|workspace)/[\w-]+)?)"
PLAIN = re.compile(r"[\w/.@-]+")
# What people and agents try, and what serves it.
KNOWN = (
    (
        rf"{PLACE}(?:/api/v1)?/notes/(?P<id>[\w-]+)/(?P<verb>pin|unpin)",
        "Pinning is an action of a page: POST {place}/n/{id}/settings/actions/{verb}_note.",
    ),
    (
        r"/collectives/(?P<handle>[\w-]+)/api/v1/members",
        "The API has the members at GET /api/v1/collectives/{handle}/members.",
    ),
    (
        r"/(?P<handle>[\w-]+)/members",
        "The members of a collective are at GET /collectives/{handle}/members.",
    ),
    (
        r"(?P<place>/(?:collectives|workspace)/(?P<handle>[\w-]+))/search",
        "Search one collective with GET /search?q=collective:{handle} WORDS.",
    ),
)
# Segments of paths that other products and the API use, and those of pages.
SEGMENTS = {
    "agents": "ai-agents",
    "collective": "collectives",
    "note": "n",
    "notes": "n",
    "people": "u",
    "profile": "u",
    "user": "u",
    "users": "u",
    "workspaces": "workspace",
}
# Last segments that name what a page's settings can do.
SETTINGS = frozenset({"delete", "pin", "unpin"})


def not_found(request: AccessRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the 404 for a path of a tenant without a route."""
    return render_refusal(request, _refusal(request))


def _refusal(request: AccessRequest) -> Refused:
    path = request.path[:MAX_LENGTH]
    if sentence := known_neighbour(path):
        return NotFound(hint=sentence)
    if is_api_path(path) or not has_access(request):
        return NotFound()
    handle = request.access.actor.handle if request.access.actor else ""
    if neighbour := nearest_page(path, handle):
        return NotFound(
            hint=f"The nearest page is {neighbour}.", links=[Link("Nearest page", neighbour)]
        )
    return NotFound()


def known_neighbour(path: str) -> str:
    """Return the sentence about a path of `KNOWN`, or ""."""
    for pattern, sentence in KNOWN:
        if match := re.fullmatch(pattern, path):
            return sentence.format(**match.groupdict())
    return ""


def nearest_page(path: str, handle: str) -> str:
    """Return the path of an existing page that is nearest to `path`, or "".

    `handle` is the caller's, for which `me` stands. Only routes are compared; the object that
    a path names may not exist.
    """
    if not PLAIN.fullmatch(path):
        return ""
    return next((each for each in _candidates(path, handle) if _is_page(each)), "")


def _candidates(path: str, handle: str) -> Iterator[str]:
    segments = [handle if each == "me" and handle else each for each in path.split("/")[1:]]
    segments = [SEGMENTS.get(each, each) for each in segments]
    yield _joined(segments)
    *above, last = segments
    if last in SETTINGS:
        yield _joined([*above, "settings"])
    for literal in get_close_matches(last, _literals(), n=3, cutoff=0.75):
        yield _joined([*above, literal])
    while len(above) > 1:
        yield _joined(above)
        above.pop()


def _literals() -> list[str]:
    """Return the words that routes of pages end with."""
    ends = {mounted.route.rpartition("/")[2] for mounted in pages().values()}
    return sorted(end for end in ends if end and not end.startswith("<"))


def _joined(segments: list[str]) -> str:
    return "/" + "/".join(segments)


def _is_page(path: str) -> bool:
    try:
        match = resolve(path)
    except Resolver404:
        return False
    page = page_of(match.func)
    return page is not None and match.url_name == page.name


def community_missing(request: AccessRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the 404 for a path of the base domain that only communities have."""
    origin = tenant_origin(request, "COMMUNITY")
    path = "/api/v1" if is_api_path(request.path) else "/whoami"
    hint = (
        f"Start with the address of a community: {origin}{path}."
        f" {tenant_origin(request)}/ lists communities. A token works in one of them: ask the"
        " person who created it which one."
    )
    return render_refusal(request, NotFound(hint=hint))
