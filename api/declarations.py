"""System check of the API: each route is described, and each description has a route."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.core.checks import CheckMessage, Error
from django.urls import get_resolver

from api.openapi.operations import OPERATIONS
from api.v1.info import resources

# A resource and the name of its function, as routes bind them.
Bound = tuple[type, str]


def faults() -> list[CheckMessage]:
    """Return the differences between the routes and their descriptions as errors."""
    return [Error(fault, id="api.E001") for fault in differences(bound(), OPERATIONS)]


def bound() -> set[Bound]:
    """Return every function of a resource that a route serves."""
    return {
        (view.cls, function)
        for _, view in resources(get_resolver().url_patterns)
        for function in view.actions.values()
    }


def differences(routed: Collection[Bound], described: Collection[Bound]) -> Iterator[str]:
    """Yield what is served without a description, or described without being served."""
    for resource, function in routed:
        if (resource, function) not in described:
            yield f"The route of {resource.__name__}.{function} has no description."
    for resource, function in described:
        if (resource, function) not in routed:
            yield f"The description of {resource.__name__}.{function} has no route."
