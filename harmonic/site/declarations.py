"""System checks of pages, actions and the access rules of routes.

The server runs them at startup (`harmonic/wsgi.py`), and so does every `manage.py` command with
system checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, run_checks
from django.core.management.base import SystemCheckError
from django.urls import URLPattern, URLResolver, get_resolver

from harmonic.access.checks import rule_of
from harmonic.kernel import registry

URL_MAPS = ("harmonic.urls", "harmonic.site.front_door")


def check_registry(**options: Any) -> list[CheckMessage]:
    """Return the errors in the declarations of pages and actions."""
    _ = [get_resolver(urls).url_patterns for urls in URL_MAPS]
    return [Error(fault, id="harmonic.E001") for fault in registry.site.faults()]


def check_rules(**options: Any) -> list[CheckMessage]:
    """Return an error for each route without an access rule."""
    return [
        Error(f"The route {route!r} of {urls} has no access rule.", id="harmonic.E002")
        for urls in URL_MAPS
        for route in without_rule(get_resolver(urls).url_patterns)
    ]


def without_rule(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    """Yield the routes whose views have no access rule."""
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from without_rule(pattern.url_patterns, route)
        elif rule_of(pattern.callback) is None:
            yield route


def require_sound_declarations() -> None:
    """Run the system checks of the declarations.

    Raises:
        SystemCheckError: a check found errors, which it lists.
    """
    if faults := run_checks(tags=[Tags.urls]):
        raise SystemCheckError("\n".join(map(str, faults)))
