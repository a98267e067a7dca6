"""Template tags that show people and agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.template.context import Context
from django.template.loader import get_template
from django.utils.safestring import mark_safe

from harmonic.kernel.rendering.documents import Surface

register = template.Library()


@register.simple_tag(takes_context=True)
def person(context: Context, who: Any, size: str = "") -> str:
    """Show a person with a link; an agent is shown with its parent."""
    surface: Surface = context["surface"]
    # A feed shows the same people many times.
    shown = surface.shown_people.get((who, size))
    if shown is None:
        shown = surface.shown_people[who, size] = _drawn(surface, who, size)
    return shown


@register.simple_tag(takes_context=True)
def people_or(context: Context, people: Sequence[Any]) -> str:
    """Show people with links: "Alice, Bob or Carol"."""
    shown = [person(context, who) for who in people]
    listed = ", ".join(shown[:-1])
    return mark_safe(" or ".join(filter(None, [listed, *shown[-1:]])))  # noqa: S308 shown by `person`


def _drawn(surface: Surface, who: Any, size: str) -> str:
    name = "people/person.md.html" if surface.is_markdown else "people/person.html"
    shown = get_template(name).render({"surface": surface, "person": who, "size": size})
    return mark_safe(shown.strip())  # noqa: S308 a rendered template
