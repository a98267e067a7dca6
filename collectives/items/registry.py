"""List of the kinds of items, which the settings and the URL map read.

A kind is the application `collectives.{name}` with its pages in `pages.urls()`, the page of a new
item in `pages.NEW`, and its REST routes in `api.v1.{name}.urls()`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.urls import URLPattern

    from harmonic.kernel.actions import Action

KINDS = ("notes", "decisions", "commitments")


def applications() -> list[str]:
    """Return the applications of all kinds, for `INSTALLED_APPS`."""
    return [f"collectives.{kind}" for kind in KINDS]


def urls(package: str, module: str = "") -> list[URLPattern]:
    """Return the routes of all kinds from `{package}.{kind}.{module}`."""
    names = (".".join(filter(None, (package, kind, module))) for kind in KINDS)
    return [route for name in names for route in import_module(name).urls()]


def creations() -> tuple[Action[object], ...]:
    """Return the actions that create items, one for each kind."""
    pages = (import_module(f"collectives.{kind}.pages").NEW for kind in KINDS)
    return tuple(action for page in pages for action in page.actions)
