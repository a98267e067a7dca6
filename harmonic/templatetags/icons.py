"""The template tag for icons; cached, since the package builds an element tree for each."""

from __future__ import annotations

from functools import lru_cache

from django import template
from lucide.templatetags.lucide import lucide

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, size: int = 20) -> str:
    """Show a decorative icon, `size` pixels wide; Markdown omits it."""
    return lucide(name, size=size, **{"class": "icon", "aria_hidden": "true"})
