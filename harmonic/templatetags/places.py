"""Template tags for collectives and the paths inside them."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context
from django.utils.html import format_html

from collectives.models import Collective
from harmonic.kernel.pages import action_path
from harmonic.kernel.registry import pages, path_to
from harmonic.kernel.rendering.documents import Rendering
from harmonic.templatetags.content import user_line

register = template.Library()


@register.simple_tag(takes_context=True)
def collective_link(context: Context, collective: Collective) -> str:
    """Show a link to a collective, with a note if its API switch excludes the caller."""
    rendering: Rendering = context["rendering"]
    name = user_line(context, collective.name)
    note = "" if rendering.access.passes_api_switch(collective) else " (API off)"
    return format_html('<a href="{}">{}</a>{}', collective.path, name, note)


@register.simple_tag(takes_context=True)
def may_use(context: Context, name: str) -> bool:
    """Return whether the caller could perform an action of the page `name`, to link it."""
    rendering: Rendering = context["rendering"]
    actions = pages()[name].page.actions
    return any(action.is_listed(rendering.access, None) for action in actions)


@register.simple_tag
def place_url(place: Any, name: str, action: str = "", **kwargs: Any) -> str:
    """Return the path of the page `name` inside a collective, or of one of its actions.

    `kwargs` fill the parameters of the page's route.
    """
    page_path = path_to(name, place.path, **kwargs)
    return action_path(page_path, action) if action else page_path
