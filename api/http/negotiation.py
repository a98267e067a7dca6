"""Content negotiation: the API always responds with JSON."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request


class Json(JSONRenderer):
    charset = "utf-8"


class JsonOnly(DefaultContentNegotiation):
    """Content negotiation that always selects JSON. Parsers are chosen by the type of the body."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""
