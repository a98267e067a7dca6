"""Template tags that show times, relative and exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django import template
from django.template.context import Context
from django.utils.html import format_html

from harmonic.kernel.rendering.documents import Rendering

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
    context: Context, moment: datetime | None, style: str = "ago", never: str = "never"
) -> str:
    """Show a time: relative ("ago"), exact with its zone ("exact") or without ("local").

    "clock" is the time of day if the time is today, else exact without its zone.

    Readers who switched to exact times get them instead of relative ones. A script converts exact
    times to the reader's zone.
    """
    rendering: Rendering = context["rendering"]
    if moment is None:
        return never
    relative = relative_time(moment, rendering.access.now)
    if rendering.is_markdown:
        return relative if style == "ago" else iso(moment)
    local = local_time(moment, rendering)
    exact = f"{local} {rendering.access.tenant.timezone}"
    is_exact = style == "ago" and rendering.has_exact_times
    return format_html(
        '<time datetime="{}" title="{}" data-style="{}"{}>{}</time>',
        iso(moment),
        exact,
        style,
        format_html(' data-relative="{}"', relative) if is_exact else "",
        local if is_exact else _formats(moment, rendering, relative).get(style, exact),
    )


def _formats(moment: datetime, rendering: Rendering, relative: str) -> dict[str, str]:
    zone_ = rendering.access.tenant.zone
    local_moment, today = moment.astimezone(zone_), rendering.access.now.astimezone(zone_)
    local = local_time(moment, rendering)
    clock = f"{local_moment:%H:%M}" if local_moment.date() == today.date() else local
    return {"ago": relative, "local": local, "clock": clock}


@register.simple_tag(takes_context=True)
def zone(context: Context) -> str:
    """Show the zone of the exact times on this page."""
    rendering: Rendering = context["rendering"]
    return format_html("<span data-zone>{}</span>", rendering.access.tenant.timezone)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(moment: datetime, rendering: Rendering) -> str:
    local = moment.astimezone(rendering.access.tenant.zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def relative_time(moment: datetime, now: datetime) -> str:
    """Return the distance to a time in the largest unit that fits: `2 days ago`."""
    distance = abs(moment - now)
    for size, unit in _UNITS:
        count = distance // size
        if count:
            relative = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {relative}" if moment > now else f"{relative} ago"
    return "in a moment" if moment > now else "just now"
