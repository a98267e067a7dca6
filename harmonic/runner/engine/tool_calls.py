"""Tool calls of a run: requests to the MCP endpoint in this process, with the run's token.

They pass through the whole middleware like those of an external agent, so a run can do exactly what
its agent can do, and no rule is stated twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any, cast

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponse

from harmonic.kernel.http.request import AccessRequest
from harmonic.mcp.middleware import PATH

# The address of these requests; an installation counts them against its rate limits.
ADDRESS = "127.0.0.1"
UNAUTHORIZED = 401


class TokenRevoked(Exception):
    """The run's token does not work any more, because the run or its agent has ended."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a tool call: the text for the model, and its structured content."""

    text: str
    is_error: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """The tools, for one run."""

    subdomain: str
    token: str
    run_id: str

    def call(self, name: str, arguments: Mapping[str, Any]) -> CallResult:
        """Call a tool, and return its result or its refusal.

        Raises:
            TokenRevoked: the run's token does not work any more.
        """
        params = {"name": name, "arguments": arguments}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        # In a context of its own: a request binds a tenant and a request ID.
        response = copy_context().run(_handler().get_response, self._request(body.encode()))
        if response.status_code == UNAUTHORIZED:
            raise TokenRevoked
        result = _result(cast(HttpResponse, response))
        if result.facts.get("status") == UNAUTHORIZED:
            raise TokenRevoked
        return result

    def _request(self, body: bytes) -> AccessRequest:
        port = "" if settings.IS_PRODUCTION else f":{settings.PORT}"
        host = f"{self.subdomain}.{settings.HOST}{port}"
        return cast(
            AccessRequest,
            WSGIRequest(
                {
                    "REQUEST_METHOD": "POST",
                    "PATH_INFO": PATH,
                    "SERVER_NAME": settings.HOST,
                    "SERVER_PORT": str(settings.PORT),
                    "SERVER_PROTOCOL": "HTTP/1.1",
                    "REMOTE_ADDR": ADDRESS,
                    "CONTENT_TYPE": "application/json",
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_HOST": host,
                    "HTTP_ACCEPT": "application/json",
                    "HTTP_AUTHORIZATION": f"Bearer {self.token}",
                    "HTTP_USER_AGENT": "harmonic-runner",
                    "HTTP_X_REQUEST_ID": f"run-{self.run_id}",
                    "wsgi.url_scheme": settings.PUBLIC_SCHEME,
                    "wsgi.input": BytesIO(body),
                    **_FROM_THE_PROXY,
                }
            ),
        )


# In production the pages expect a proxy that ends TLS.
_FROM_THE_PROXY = {"HTTP_X_FORWARDED_PROTO": settings.PUBLIC_SCHEME}


@cache
def _handler() -> WSGIHandler:
    return WSGIHandler()


def _result(response: HttpResponse) -> CallResult:
    sent = json.loads(response.content)
    if error := sent.get("error"):
        # The endpoint's own refusals, such as a body that is too large.
        return CallResult(error["message"], True, {"error": error["message"]})
    result = sent["result"]
    text = "".join(part["text"] for part in result["content"])
    return CallResult(text, result.get("isError", False), result.get("structuredContent", {}))
