"""Checks that effects accept the parameters of their serializers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Unpack, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from harmonic.kernel.parameters.decoding import declared_fields
from harmonic.kernel.parameters.fields import Params

# Annotations of keyword arguments by name, and the names of those without a default.
Arguments = tuple[Mapping[str, Any], frozenset[str]]


def mismatches(effect: Callable[..., Any], params: type[Params] | None) -> Iterator[str]:
    """Yield the differences between the keyword arguments of an effect and its parameters.

    Each parameter must be an argument that accepts its type, and its absence if it is not
    required. An argument without a default must be a required parameter.
    """
    hints, needed = arguments_of(effect)
    fields = declared_fields(params) if params else {}
    for name, field in fields.items():
        value_type = getattr(field, "value_type", None)
        if name not in hints:
            yield f"it takes no argument {name!r}"
        elif not accepts(hints[name], value_type):
            yield f"its argument {name!r} does not accept {value_type}"
        elif field.allow_null and not accepts(hints[name], type(None)):
            yield f"its argument {name!r} does not accept null"
    for name in needed:
        if name not in fields or not fields[name].required:
            yield f"its argument {name!r} needs a default, or a required parameter"


@cache
def arguments_of(effect: Callable[..., Any]) -> Arguments:
    """Return the keyword arguments of an effect; those of an unpacked TypedDict are optional."""
    hints = get_type_hints(effect)
    taken: dict[str, Any] = {}
    needed: set[str] = set()
    for parameter in inspect.signature(effect).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            taken[parameter.name] = hints[parameter.name]
            needed |= {parameter.name} if parameter.default is parameter.empty else set()
        elif parameter.kind is parameter.VAR_KEYWORD:
            taken |= _unpacked(hints[parameter.name])
    return taken, frozenset(needed)


def _unpacked(hint: Any) -> Mapping[str, Any]:
    (values,) = get_args(hint) if get_origin(hint) is Unpack else (None,)
    return get_type_hints(values) if is_typeddict(values) else {}


def accepts(hint: Any, value_type: Any) -> bool:
    """Return whether an annotation is a type, a union with it, or a generic base of it."""
    options = (hint, *get_args(hint))
    if value_type in options:
        return True
    origins = [get_origin(option) for option in options]
    wanted = get_origin(value_type)
    return wanted is not None and any(
        isinstance(origin, type) and issubclass(wanted, origin) for origin in origins
    )
