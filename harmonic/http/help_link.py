"""Middleware that adds a link to the introduction for agents to every response."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

HELP_LINK = '</llms.txt>; rel="help"'


class HelpLinkMiddleware:
    """Middleware that adds a `Link` to `/llms.txt` to every response (RFC 8288).

    A program that has an address and nothing else finds its way from any response, refusals
    included. Other links of the response stay in front of it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        links = [response["Link"]] if response.has_header("Link") else []
        response["Link"] = ", ".join([*links, HELP_LINK])
        return response
