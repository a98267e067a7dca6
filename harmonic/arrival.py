"""What meets a request first: its id, and the healthcheck."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from harmonic.kernel.logs import request_began
from tokens import secret

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Gives every request an id, or keeps the sender's, and says it in the answer."""

    ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-Id", "")
        is_fine = self.ACCEPTED.fullmatch(sent) and not sent.startswith(secret.PREFIX)
        request.request_id = sent if is_fine else str(uuid.uuid4())  # type: ignore[attr-defined]  # ours
        request_began(request.request_id)  # type: ignore[attr-defined]  # set above
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]  # set above
        return response


class HealthcheckMiddleware:
    """Answers `/healthcheck` on any host, before anything asks for the host."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthcheck":
            return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")
        return self.get_response(request)
