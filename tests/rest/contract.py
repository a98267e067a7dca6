"""Validation of the responses in tests against the OpenAPI document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from api.openapi.document import document

BASE = re.compile(r"(/(collectives|workspace)/[^/]+)?/api/v1(?P<rest>/.*)?")
# Statuses that no operation documents.
UNSAID = {405}


def assert_documented(method: str, path: str, response: Any) -> None:
    """Assert that a response matches the document, if its operation is documented."""
    operation = operation_at(method.lower(), path)
    if operation is None or response.status_code in UNSAID:
        return
    where = f"{method} {path} → {response.status_code}"
    described = document()["paths"][operation][method.lower()]["responses"]
    assert str(response.status_code) in described, f"{where}: a status that is not described"
    if response.status_code == 304:
        assert response.content == b""
        return
    kind = response["Content-Type"].partition(";")[0]
    body = response.json()
    errors = list(validator(operation, method.lower(), str(response.status_code), kind)(body))
    assert not errors, f"{where}: {errors[0].message} at {list(errors[0].absolute_path)}"


@cache
def validator(path: str, method: str, status: str, kind: str) -> Any:
    whole = document()
    response = whole["paths"][path][method]["responses"][status]
    if "$ref" in response:
        response = whole["components"]["responses"][status]
    schema = {**response["content"][kind]["schema"], "components": whole["components"]}
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(schema, format_checker=checker).iter_errors


def operation_at(method: str, path: str) -> str | None:
    """Return the documented path of a URL, or None."""
    match = BASE.fullmatch(path.partition("?")[0].removesuffix("/").removesuffix(".json"))
    if match is None:
        return None
    for described, item in document()["paths"].items():
        if method in item and pattern_of(described).fullmatch(match["rest"] or "/"):
            return str(described)
    return None


@cache
def pattern_of(described: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", described))
