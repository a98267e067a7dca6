"""A template tag that shows the search field of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template.context import Context
from django.template.loader import get_template
from django.utils.safestring import mark_safe

from harmonic.kernel.rendering.documents import Rendering

register = template.Library()


@register.simple_tag(takes_context=True)
def search_field(
    context: Context,
    name: str,
    label: str,
    q: str = "",
    kept: Mapping[str, str] | None = None,
    error: str = "",
    max_length: int | None = None,
) -> str:
    """Show the search field of the list on this page, or nothing in Markdown.

    `name` is the list, `q` what was searched for, and `kept` the other filters of the list, which
    searching and clearing keep.
    """
    rendering: Rendering = context["rendering"]
    if rendering.is_markdown:
        return ""
    path = rendering.access.path
    values: dict[str, Any] = {
        "rendering": rendering,
        "path": path,
        "name": name,
        "label": label,
        "q": q,
        "kept": kept or {},
        "all_path": f"{path}?{urlencode(kept)}" if kept else path,
        "error": error,
        "max_length": max_length,
    }
    return mark_safe(get_template("partials/_search.html").render(values))  # noqa: S308 a rendered template
