"""System checks of the API: functions are described, and bindings fit their effects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_type_hints

from django.core.checks import CheckMessage, Error
from django.urls import get_resolver

from api.operations import operation_of
from api.v1.info import VERBS, resources
from harmonic.kernel.parameters.signatures import mismatches


def description_errors() -> list[CheckMessage]:
    """Return an error for each function of a resource that is not completely described."""
    return [
        Error(
            f"{function.__module__}.{function.__qualname__} is not described.",
            hint="Add @Operation, a docstring, and ObjectResponse[…] as the return type.",
            id="api.E001",
        )
        for function in dict.fromkeys(_functions())
        if not _is_described(function)
    ]


def binding_errors() -> list[CheckMessage]:
    """Return an error for each binding whose effect does not take the binding's parameters."""
    bindings = {
        f"{view.resource.__qualname__}.{name}": binding
        for _, view in resources(get_resolver().url_patterns)
        for name, binding in view.resource.writes.items()
    }
    return [
        Error(f"The binding of {name} does not fit: {fault}.", id="api.E002")
        for name, binding in bindings.items()
        for fault in mismatches(binding.effect, binding.params)
    ]


def _functions() -> Iterator[Any]:
    for _, view in resources(get_resolver().url_patterns):
        for verb, name in view.functions.items():
            if verb.upper() in VERBS:
                yield getattr(view.resource, name)


def _is_described(function: Any) -> bool:
    answer = get_type_hints(function).get("return")
    is_typed = hasattr(answer, "__args__")
    return bool(operation_of(function) and function.__doc__ and is_typed)
