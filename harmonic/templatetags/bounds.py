"""The template tag for the limits of `docs/limits.md`."""

from __future__ import annotations

from django import template

from harmonic.site.bounds.document import every

register = template.Library()


@register.simple_tag
def bound(name: str) -> str:
    """Return a limit as `docs/limits.md` shows it, such as `12 months`.

    Raises:
        KeyError: no limit has this name.
    """
    return {each.name: each for each in every()}[name].shown
