"""Parts of the OpenAPI document: the operations of some resources, short enough to read whole."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

from api.openapi.document import METHODS, document
from api.responses.schema import Schema

# Keys that only the whole document has. A pattern beside a format repeats it more exactly.
LEFT_OUT = ("example", "examples", "headers")
JSON = "application/json"
NOTE = (
    "The operations of: {names}. The whole document, with examples, response headers and"
    " application/problem+json, is at `/api/v1/openapi.json`."
)


def resource_names() -> list[str]:
    """Return the names of all resources: the tags of the operations."""
    return [tag["name"] for tag in document()["tags"]]


@lru_cache(maxsize=32)
def selected_bytes(names: tuple[str, ...]) -> bytes:
    """Return an OpenAPI document with the operations of some resources."""
    return json.dumps(_selected(names), ensure_ascii=False, separators=(",", ":")).encode()


def _selected(names: Collection[str]) -> Schema:
    whole = document()
    paths = {path: _path(item, names) for path, item in whole["paths"].items()}
    paths = {path: item for path, item in paths.items() if item.keys() & set(METHODS)}
    return {
        **whole,
        "info": {**whole["info"], "description": NOTE.format(names=", ".join(sorted(names)))},
        "tags": [tag for tag in whole["tags"] if tag["name"] in names],
        "paths": paths,
        "components": {
            **_components(paths),
            "securitySchemes": whole["components"]["securitySchemes"],
        },
    }


def _path(item: Schema, names: Collection[str]) -> Schema:
    """Return a path item with the operations of some resources."""
    kept = {
        key: each for key, each in item.items() if key not in METHODS or each["tags"][0] in names
    }
    short: Schema = _short(kept)
    return short


def _short(value: Any) -> Any:
    """Return a value of the document without the keys in `LEFT_OUT`."""
    if isinstance(value, list):
        return [_short(each) for each in value]
    if not isinstance(value, dict):
        return value
    short: Schema = {}
    for key, each in value.items():
        if key == "properties":
            # A property can have the name of a key that is left out.
            short[key] = {name: _short(schema) for name, schema in each.items()}
        elif key == "content":
            short[key] = {JSON: _short(each[JSON])}
        elif key not in LEFT_OUT and not (key == "pattern" and "format" in value):
            short[key] = _short(each)
    return short


def _components(paths: Schema) -> Schema:
    """Return the components that paths refer to, directly or through other components."""
    found: dict[str, Schema] = {}
    waiting = list(_references(paths))
    while waiting:
        kind, name = waiting.pop()
        if name in found.setdefault(kind, {}):
            continue
        component = _short(document()["components"][kind][name])
        found[kind][name] = component
        waiting += _references(component)
    return {kind: dict(sorted(each.items())) for kind, each in sorted(found.items())}


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if "$ref" in value:
            kind, name = value["$ref"].split("/")[-2:]
            yield kind, name
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
