"""Middleware that runs first: request ID, health check, host validation."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpResponse

from harmonic.http import readiness
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations.logs import add_log_fields, bind_request_id
from harmonic.kernel.operations.redaction import without_tokens

GetResponse = Callable[[AccessRequest], HttpResponse]

PLAIN_TEXT = "text/plain; charset=utf-8"


class RequestIdMiddleware:
    """Middleware that assigns a request ID, or keeps the client's, and returns it as a header."""

    ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-Id", "")
        is_fine = self.ACCEPTED.fullmatch(sent) and without_tokens(sent) == sent
        request.request_id = sent if is_fine else str(uuid.uuid4())
        bind_request_id(request.request_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id
        return response


class HealthcheckMiddleware:
    """Middleware that serves `/healthcheck` and `/readycheck` on any host.

    `/healthcheck` succeeds while the process runs, `/readycheck` only with a ready database.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        if request.path == "/healthcheck":
            return HttpResponse("ok\n", content_type=PLAIN_TEXT)
        if request.path == "/readycheck":
            return _readiness()
        return self.get_response(request)


def _readiness() -> HttpResponse:
    reason = readiness.problem()
    status = 503 if reason else 200
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(
        f"{reason or 'ready'}\n", status=status, content_type=PLAIN_TEXT, headers=headers
    )


class HostMiddleware:
    """Middleware that flags requests whose Host header is not one of ours.

    Django would raise an exception wherever the host is read, with a traceback in the log. The
    access middleware treats such a host as an unknown tenant; other code reads our own host.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        request.is_host_ours = True
        try:
            request.get_host()
        except DisallowedHost:
            request.is_host_ours = False
            add_log_fields(unknown_host=request.META.get("HTTP_HOST", ""))
            request.META["HTTP_HOST"] = settings.HOST
        return self.get_response(request)
