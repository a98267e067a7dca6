"""The routes of the JSON API, collected from the modules of this package that define `urls()`.

A module lists the bases of its routes in `BASES`; the default is the tenant's.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from django.urls import URLPattern

from api import v1
from api.views import Base


def shared_urls() -> list[URLPattern]:
    """Return the routes below all bases."""
    return [each for bases, urls in _routes() if Base.COLLECTIVE in bases for each in urls]


def tenant_urls() -> list[URLPattern]:
    """Return the routes below the tenant's base only."""
    return [each for bases, urls in _routes() if Base.COLLECTIVE not in bases for each in urls]


def workspace_urls() -> list[URLPattern]:
    """Return the routes below the bases of the tenant and of workspaces."""
    apart = {Base.TENANT, Base.WORKSPACE}
    return [each for bases, urls in _routes() if bases == apart for each in urls]


def _routes() -> Iterator[tuple[set[Base], list[URLPattern]]]:
    for found in walk_packages(v1.__path__, f"{v1.__name__}."):
        module: Any = import_module(found.name)
        if found.name != __name__ and hasattr(module, "urls"):
            yield set(getattr(module, "BASES", [Base.TENANT])), module.urls()
