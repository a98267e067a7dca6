"""Builds `docs/endpoints.md`, the list of all operations, from the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from api.openapi.document import document, operations, resolved
from api.responses.schema import Schema

FILE = Path(settings.BASE_DIR) / "docs" / "endpoints.md"
HEAD = """\
# Endpoints

Every operation of the REST API. `manage.py describe_api` writes this page; do not edit it.
[openapi.json](openapi.json) has the parameters, bodies and responses; [api.md](api.md) explains
what they have in common. Paths are relative to a base, such as `/api/v1`. A * marks required
parameters.
"""


def reference() -> str:
    """Return the content of `docs/endpoints.md`."""
    return "\n".join([HEAD, *(_section(tag["name"], tag["description"]) for tag in _tags())])


def _tags() -> list[Schema]:
    tags: list[Schema] = document()["tags"]
    return tags


def _section(name: str, description: str) -> str:
    rows = [_row(*each) for each in operations() if name in each[2]["tags"]]
    head = ["| Request | Summary | Query | Body |", "|---|---|---|---|"]
    return "\n".join([f"## {name.capitalize()}", "", description.strip(), "", *head, *rows, ""])


def _row(path: str, method: str, operation: Schema) -> str:
    shown = re.sub(r"{(\w+)}", r":\1", path)
    cells = (
        f"`{method.upper()} {shown}`",
        operation["summary"],
        _query(operation),
        _body(operation),
    )
    return f"| {' | '.join(cells)} |"


def _query(operation: Schema) -> str:
    found = map(resolved, operation["parameters"])
    return _names(each["name"] for each in found if each["in"] == "query")


def _body(operation: Schema) -> str:
    contents = operation.get("requestBody", {}).get("content", {}).values()
    schemas = [resolved(each["schema"]) for each in contents]
    return _names(
        f"{name}*" if name in schema.get("required", ()) else name
        for schema in schemas
        for name in schema["properties"]
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"
