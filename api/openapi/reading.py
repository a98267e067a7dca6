"""The description as the reference and the help show it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.openapi.objects import Schema

METHODS = ("get", "post", "put", "patch", "delete")
SUCCESS = "200"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    where: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation, as it is read."""

    id: str
    method: str
    path: str
    summary: str
    parameters: list[Parameter]
    statuses: str
    request: str
    answer: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    description: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Route:
    """What one function answers: under one method, or several that are the same."""

    methods: str
    path: str
    summary: str


def routes(document: Schema) -> list[Route]:
    """Return every route in a line, its path as the info of a base spells it."""
    found: dict[tuple[str, str], list[str]] = {}
    for path, item in document["paths"].items():
        shown = re.sub(r"\{(\w+)\}", r":\1", path)
        for method in METHODS:
            if method in item:
                found.setdefault((shown, item[method]["summary"]), []).append(method.upper())
    return [
        Route(", ".join(methods), path, _plain(summary))
        for (path, summary), methods in found.items()
    ]


def groups(document: Schema) -> list[Group]:
    entries = list(_entries(document))
    return [
        Group(
            tag["name"].capitalize(),
            tag["description"],
            [entry for name, entry in entries if name == tag["name"]],
        )
        for tag in document["tags"]
    ]


def _entries(document: Schema) -> Iterator[tuple[str, Entry]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield item[method]["tags"][0], _entry(document, path, item, method)


def _entry(document: Schema, path: str, item: Schema, method: str) -> Entry:
    operation = item[method]
    named = [_resolved(document, each) for each in operation["parameters"]]
    refused = [status for status in operation["responses"] if status != SUCCESS]
    contents = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Entry(
        operation["operationId"],
        method.upper(),
        path,
        _plain(operation["summary"]),
        [*_parameters(item.get("parameters", []) + named), *_of_body(contents)],
        ", ".join(refused),
        _example(contents),
        _example(operation["responses"][SUCCESS]["content"]["application/json"]),
    )


def _resolved(document: Schema, parameter: Schema) -> Schema:
    name = parameter.get("$ref", "").rpartition("/")[2]
    return document["components"]["parameters"][name] if name else parameter


def _parameters(declared: list[Schema]) -> Iterator[Parameter]:
    for each in declared:
        yield Parameter(
            each["name"],
            each["in"],
            _type(each["schema"]),
            each.get("required", False),
            _plain(each.get("description", "")),
        )


def _of_body(contents: Schema) -> Iterator[Parameter]:
    schema = contents.get("schema", {})
    # Where there are several ways to send what is required, the plain one stands first.
    required = schema.get("anyOf", [schema])[0].get("required", ())
    for name, each in schema.get("properties", {}).items():
        described = _plain(each.get("description", ""))
        yield Parameter(name, "body", _type(each), name in required, described)


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(str(word) for word in schema["enum"] if word is not None)
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    return f"array of {schema['items']['type']}s" if kind == "array" else str(kind)


def _example(contents: dict[str, Any]) -> str:
    example = contents.get("example")
    return json.dumps(example, indent=2, ensure_ascii=False) if example else ""
