"""In-process requests of tools to pages, through the whole middleware.

A tool can therefore do exactly what its caller can do over Markdown, and no rule is stated twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol, cast
from urllib.parse import quote, unquote_to_bytes, urlsplit

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from harmonic.kernel.access import Access
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.refusals import Refused

GetResponse = Callable[[AccessRequest], HttpResponse]

MAX_REDIRECTS = 5
# What a page's request takes over from the one that called the tool.
_KEPT = frozenset({"SCRIPT_NAME", "HTTP_AUTHORIZATION", "HTTP_FORWARDED", "HTTP_HOST"})
_KEPT_PREFIXES = ("wsgi.", "SERVER_", "REMOTE_", "HTTP_X_FORWARDED_", "HTTP_USER_AGENT")
# Characters of a query string that stay as they are.
_IN_QUERY = "%/?:@!$&'()*+,;=~-._[]"


@dataclass(frozen=True, slots=True)
class PageResponse:
    """The response of a page, and the refusal if it is one."""

    path: str
    response: HttpResponse
    refused: Refused | None
    resource: ResourceRef | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.response.status_code < 300

    @property
    def text(self) -> str:
        return self.response.content.decode()


class PageFetcher(Protocol):
    """Protocol of a function that sends a request to a page as the caller of a tool."""

    def __call__(
        self,
        method: str,
        target: str,
        params: Mapping[str, Any] | None = None,
        *,
        audience: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PageResponse: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a tool, and the function that sends requests as the caller."""

    access: Access
    fetch: PageFetcher
    request_id: str = ""

    def follow(self, target: str) -> PageResponse:
        """Read a page, and follow its redirects on the same host."""
        answer = self.fetch("GET", target)
        for _ in range(MAX_REDIRECTS):
            location = _location(answer)
            if not location:
                break
            answer = self.fetch("GET", location)
        return answer


def _location(answer: PageResponse) -> str:
    """Return the path that a response redirects to, or ""."""
    location = answer.response.headers.get("Location", "")
    parts = urlsplit(location)
    is_elsewhere = parts.netloc or not parts.path.startswith("/") or parts.path.startswith("//")
    if not 300 <= answer.response.status_code < 400 or is_elsewhere:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


class Pages:
    """Access to pages with the credentials of a request."""

    def __init__(self, get_response: GetResponse, outer: AccessRequest) -> None:
        self._get_response = get_response
        self._outer = outer
        self.were_requested = False

    def __call__(
        self,
        method: str,
        target: str,
        params: Mapping[str, Any] | None = None,
        *,
        audience: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PageResponse:
        self.were_requested = True
        body = b"" if params is None else json.dumps(params).encode()
        request = _request(self._outer, method, target, body, headers or {})
        request.claimed_audience = audience
        response = self._get_response(request)
        refused = getattr(request, "refused", None)
        return PageResponse(request.path, response, refused, getattr(request, "resource", None))


def _request(
    outer: AccessRequest, method: str, target: str, body: bytes, headers: Mapping[str, str]
) -> AccessRequest:
    """Return a request for a page as Markdown, with the host and credentials of `outer`."""
    kept = {
        key: value
        for key, value in outer.META.items()
        if key in _KEPT or key.startswith(_KEPT_PREFIXES)
    }
    path, _, query = target.partition("?")
    own = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": quote(query, safe=_IN_QUERY),
        "HTTP_ACCEPT": "text/markdown",
        "wsgi.input": BytesIO(body),
    }
    if key := outer.META.get("HTTP_IDEMPOTENCY_KEY", "") if method == "POST" else "":
        own["HTTP_IDEMPOTENCY_KEY"] = key
    if body:
        own |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    own |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    request = cast(AccessRequest, WSGIRequest({**kept, **own}))
    request.request_id = outer.request_id
    request.is_host_ours = outer.is_host_ours
    request.is_tool_call = True
    request.earlier_lookup = outer.earlier_lookup
    request.client_name = getattr(outer, "client_name", "")
    return request
