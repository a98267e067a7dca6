"""The OpenAPI document that the server sends, and its content for the reference and the help.

`manage.py describe_api` writes the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from api.responses.schema import Schema

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")


@cache
def document_bytes() -> bytes:
    return FILE.read_bytes()


@cache
def document() -> Schema:
    """Return the parsed document. Callers share it and must not change it."""
    shared: Schema = json.loads(document_bytes())
    return shared


def resolved(schema: Schema) -> Schema:
    """Return the component that a schema or parameter refers to, or else itself."""
    if "$ref" not in schema:
        return schema
    kind, name = schema["$ref"].split("/")[-2:]
    component: Schema = document()["components"][kind][name]
    return component


def operations() -> Iterator[tuple[str, str, Schema]]:
    """Yield the path, method and content of every operation."""
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def routes() -> list[dict[str, str]]:
    """Return one row for each route. Methods with the same summary share a row."""
    found: dict[tuple[str, str], list[str]] = {}
    for path, method, operation in operations():
        shown = re.sub(r"\{(\w+)\}", r":\1", path)
        found.setdefault((shown, operation["summary"]), []).append(method.upper())
    return [
        {"methods": ", ".join(methods), "path": path, "summary": _plain(summary)}
        for (path, summary), methods in found.items()
    ]


def groups() -> list[Schema]:
    """Return the tags with their operations for the reference."""
    entries = [(each["tags"][0], _entry(path, method, each)) for path, method, each in operations()]
    return [
        {**tag, "entries": [entry for name, entry in entries if name == tag["name"]]}
        for tag in document()["tags"]
    ]


def _entry(path: str, method: str, operation: Schema) -> Schema:
    declared = document()["paths"][path].get("parameters", []) + operation["parameters"]
    contents = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": _plain(operation["summary"]),
        "parameters": [*map(_parameter, map(resolved, declared)), *_of_body(contents)],
        "statuses": ", ".join(status for status in operation["responses"] if status != "200"),
        "request": _example(contents),
        "answer": _example(operation["responses"]["200"]["content"]["application/json"]),
    }


def _parameter(parameter: Schema) -> Schema:
    described = _plain(parameter.get("description", ""))
    return {**parameter, "type": _type(parameter["schema"]), "description": described}


def _of_body(contents: Schema) -> Iterator[Schema]:
    schema = resolved(contents.get("schema", {}))
    for name, each in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        described = each.get("description", "")
        body = {"name": name, "in": "body", "required": required, "description": described}
        yield _parameter({**body, "schema": each})


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")


def _type(schema: Schema) -> str:
    shown = resolved(schema)
    if "enum" in shown:
        return ", ".join(shown["enum"])
    kind = shown["type"] if isinstance(shown["type"], str) else shown["type"][0]
    return f"array of {shown['items'].get('type', 'value')}s" if kind == "array" else str(kind)


def _example(contents: dict[str, Any]) -> str:
    example = contents.get("example")
    return json.dumps(example, indent=2, ensure_ascii=False) if example else ""
