"""What meets a request first: its id, the healthcheck, and whether its host is ours."""

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
    """Gives every request an id, or keeps the sender's, and says it in the answer."""

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
    """Answers `/healthcheck` and `/readycheck` on any host, before anything asks for the host.

    The first says that the process runs, the second that requests would find a database.
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
    """Marks a request for a host that is not ours, or is no host at all.

    Django would stop at it anywhere, with a traceback in the log. For the access middleware
    it is a tenant that is not there; whoever asks for the host behind this reads our own.
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
