"""An action's parameters as JSON Schema 2020-12, from the serializer that validates them."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from harmonic.kernel.actions import Action
from harmonic.kernel.parameters.fields import (
    AnyField,
    Block,
    Id,
    Line,
    Params,
    StringList,
    is_unlisted,
    widget_of,
    wire_type_of,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE = "application/schema+json"

# The types of the frontmatter in JSON Schema.
_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "array[string]": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object"},
    "array": {"type": "array", "items": {"type": "object"}},
    "array[object]": {"type": "array", "items": {"type": "object"}},
}


def schema_of(action: Action[Any]) -> dict[str, Any]:
    """Return the schema of the body of an action's POST.

    Additional properties are allowed, since unknown parameters are ignored.
    """
    return {
        "$schema": DIALECT,
        "title": action.name,
        "description": action.sentence,
        **params_schema(action.params),
    }


@cache
def params_schema(params: type[Params] | None, listed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of an object with these parameters.

    Parameters that pages do not list are left out, unless `listed` names them.
    """
    declared = params().fields if params else {}
    shown = {
        name: each for name, each in declared.items() if name in listed or not is_unlisted(each)
    }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: property_of(each) for name, each in shown.items()},
    }
    required = [name for name, each in shown.items() if each.required]
    return {**schema, "required": required} if required else schema


def property_of(field: AnyField) -> dict[str, Any]:
    """Return the schema of one parameter."""
    schema = dict(_TYPES[wire_type_of(field)])
    if field.help_text or field.label:
        schema["description"] = str(field.help_text or field.label)
    schema |= _limits(field)
    if field.default is not empty and not callable(field.default):
        schema["default"] = field.default
    if field.allow_null:
        schema["type"] = [schema["type"], "null"]
    return schema


def words_of(field: AnyField) -> list[str]:
    """Return the words that a parameter accepts, or [] if it accepts any text."""
    if isinstance(field, serializers.ChoiceField):
        words = [*field.choices, *getattr(field, "aliases", {})]
        return [word for word in words if word not in getattr(field, "unlisted", ())]
    if isinstance(field, Line):
        return [option[0] for option in widget_of(field).options]
    return []


def _limits(field: AnyField) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    words = words_of(field)
    if words:
        limits["enum"] = words
        if field.allow_null:
            limits["enum"].append(None)
    if isinstance(field, serializers.CharField):
        if not field.allow_blank:
            limits["minLength"] = 1
        if isinstance(field, Block) and not field.allow_blank:
            # White space only is blank too.
            limits["pattern"] = r"\S"
        if field.max_length is not None:
            limits["maxLength"] = field.max_length
    if isinstance(field, serializers.IntegerField):
        bounds = {"minimum": field.min_value, "maximum": field.max_value}
        limits |= {name: bound for name, bound in bounds.items() if bound is not None}
    if isinstance(field, StringList) and field.wire_type == StringList.wire_type:
        limits["items"] = {"type": "string"}
    if isinstance(field, Id):
        limits["format"] = "uuid"
    return limits
