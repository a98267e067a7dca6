"""Template tags that show times, relative and exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django import template
from django.template.context import Context
from django.utils.html import format_html

from harmonic.kernel.rendering.documents import Surface

register = template.Library()

_UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=7), "week"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)


@register.simple_tag(takes_context=True)
def when(
    context: Context, moment: datetime | None, shape: str = "ago", never: str = "never"
) -> str:
    """Show a time: relative ("ago"), exact with its zone ("exact") or without ("local").

    "clock" is the time of day if the time is today, else exact without its zone.

    Readers who switched to exact times get them instead of relative ones. A script converts exact
    times to the reader's zone.
    """
    surface: Surface = context["surface"]
    if moment is None:
        return never
    words = relative_time(moment, surface.access.now)
    if surface.is_markdown:
        return words if shape == "ago" else iso(moment)
    local = local_time(moment, surface)
    exact = f"{local} {surface.access.tenant.timezone}"
    is_exact = shape == "ago" and surface.has_exact_times
    return format_html(
        '<time datetime="{}" title="{}" data-shape="{}"{}>{}</time>',
        iso(moment),
        exact,
        shape,
        format_html(' data-words="{}"', words) if is_exact else "",
        local if is_exact else _shapes(moment, surface, words).get(shape, exact),
    )


def _shapes(moment: datetime, surface: Surface, words: str) -> dict[str, str]:
    zone_ = surface.access.tenant.zone
    there, today = moment.astimezone(zone_), surface.access.now.astimezone(zone_)
    local = local_time(moment, surface)
    clock = f"{there:%H:%M}" if there.date() == today.date() else local
    return {"ago": words, "local": local, "clock": clock}


@register.simple_tag(takes_context=True)
def zone(context: Context) -> str:
    """Show the zone of the exact times on this page."""
    surface: Surface = context["surface"]
    return format_html("<span data-zone>{}</span>", surface.access.tenant.timezone)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(moment: datetime, surface: Surface) -> str:
    local = moment.astimezone(surface.access.tenant.zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def relative_time(moment: datetime, now: datetime) -> str:
    """Return the distance to a time in the largest unit that fits: `2 days ago`."""
    distance = abs(moment - now)
    for size, unit in _UNITS:
        count = distance // size
        if count:
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {words}" if moment > now else f"{words} ago"
    return "in a moment" if moment > now else "just now"
