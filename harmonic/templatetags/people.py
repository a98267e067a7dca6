"""Template tags that show people and agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.template.context import Context
from django.template.loader import get_template
from django.utils.safestring import mark_safe

from harmonic.kernel.rendering.documents import Rendering

register = template.Library()


@register.simple_tag(takes_context=True)
def person(context: Context, who: Any, size: str = "") -> str:
    """Show a person with a link; an agent is shown with its parent."""
    rendering: Rendering = context["rendering"]
    # A feed shows the same people many times.
    shown = rendering.shown_people.get((who, size))
    if shown is None:
        shown = rendering.shown_people[who, size] = _drawn(rendering, who, size)
    return shown


@register.simple_tag(takes_context=True)
def people_or(context: Context, people: Sequence[Any]) -> str:
    """Show people with links: "Alice, Bob or Carol"."""
    shown = [person(context, who) for who in people]
    listed = ", ".join(shown[:-1])
    return mark_safe(" or ".join(filter(None, [listed, *shown[-1:]])))  # noqa: S308 shown by `person`


def _drawn(rendering: Rendering, who: Any, size: str) -> str:
    name = "people/person.md.html" if rendering.is_markdown else "people/person.html"
    shown = get_template(name).render({"rendering": rendering, "person": who, "size": size})
    return mark_safe(shown.strip())  # noqa: S308 a rendered template
