"""List of the kinds of items, which the settings and the URL map read.

A kind is the application `collectives.{name}` with its pages in `pages.urls()`, the page of a new
item in `pages.NEW`, and its REST routes in `api.v1.{name}.urls()`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.urls import URLPattern

    from harmonic.kernel.actions import Action
    from harmonic.kernel.pages import Page

KINDS = ("notes", "decisions", "commitments")


def applications() -> list[str]:
    """Return the applications of all kinds, for `INSTALLED_APPS`."""
    return [f"collectives.{kind}" for kind in KINDS]


def urls(package: str, module: str = "") -> list[URLPattern]:
    """Return the routes of all kinds from `{package}.{kind}.{module}`."""
    names = (".".join(filter(None, (package, kind, module))) for kind in KINDS)
    return [route for name in names for route in import_module(name).urls()]


def new_pages() -> tuple[Page[None], ...]:
    """Return the pages with the forms for new items, one for each kind."""
    return tuple(import_module(f"collectives.{kind}.pages").NEW for kind in KINDS)


def creations() -> tuple[Action[object], ...]:
    """Return the actions that create items, one for each kind."""
    pages: tuple[Page[Any], ...] = new_pages()
    return tuple(page.actions[0] for page in pages)
