"""The API's description: OpenAPI 3.1, from the routes and parameters that are served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from django.urls import get_resolver

from api.openapi.objects import OBJECTS, Schema, example_of, ref, text
from api.openapi.operations import OPERATIONS, Operation
from api.openapi.parts import (
    CONDITIONS,
    HEADERS,
    PARAMETERS,
    SECURITY,
    TAGS,
    example_of_parameter,
    headers_of,
)
from api.v1.info import below, resources, template_of
from harmonic.kernel.fields import Params
from harmonic.kernel.negotiation import API_VERSION
from harmonic.kernel.schema import params_schema

BASE = "api/v1"
SERVERS: dict[str, Schema] = {
    BASE: {"url": "/api/v1", "description": "The tenant's main collective"},
    f"collectives/<str:collective>/{BASE}": {
        "url": "/collectives/{collective_handle}/api/v1",
        "description": "A collective",
        "variables": {"collective_handle": {"default": "kitchen", "description": "Its handle."}},
    },
    f"workspace/<str:collective>/{BASE}": {
        "url": "/workspace/{workspace_handle}/api/v1",
        "description": "The caller's private workspace",
        "variables": {"workspace_handle": {"default": "workspace", "description": "Its handle."}},
    },
}
METHODS = ("get", "post", "put", "patch", "delete")
ALWAYS = (401, 403, 429, 500)
STATUSES = {
    "get": (304, 400, 404),
    "post": (400, 409, 413, 415, 422),
    "put": (400, 404, 412, 413, 415),
    "patch": (400, 404, 412, 413, 415),
    "delete": (404, 412),
}
MEDIA_TYPE = "application/json"


@cache
def document_bytes() -> bytes:
    """Return the description as it is served, and kept in `docs/openapi.json`."""
    return (json.dumps(document(), indent=1, ensure_ascii=False) + "\n").encode()


@cache
def document() -> Schema:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Harmonic",
            "version": API_VERSION,
            "summary": "A place for groups to decide and act together",
            "description": "Success is 200 with the object or a bare array; every error is one"
            " object. The guide is at `/help/rest-api`.",
        },
        "servers": list(SERVERS.values()),
        "security": [{"bearerAuth": []}],
        "tags": TAGS,
        "paths": _paths(),
        "components": {
            "schemas": OBJECTS,
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": _refusals(),
            "securitySchemes": SECURITY,
        },
    }


# --- Paths ----------------------------------------------------------------------------------


def _paths() -> Schema:
    bases = {base: set(below(base)) for base in SERVERS}
    found: dict[str, Schema] = {}
    for where, view in resources(get_resolver().url_patterns):
        rest = where.removeprefix(BASE)
        if where == rest:
            continue
        servers = [SERVERS[base] for base in SERVERS if rest in bases[base]]
        item = found.setdefault(path_of(where), {})
        item |= {"parameters": _path_parameters(path_of(where))} if "<" in where else {}
        item |= {"servers": servers} if len(servers) < len(SERVERS) else {}
        for method, function in sorted(view.actions.items(), key=lambda pair: _rank(pair[0])):
            if method in METHODS:
                operation = OPERATIONS[view.cls, function]
                item[method] = _operation(method, path_of(where), operation)
    return {path: found[path] for path in sorted(found)}


def _rank(method: str) -> int:
    return METHODS.index(method) if method in METHODS else len(METHODS)


def path_of(where: str) -> str:
    """Return a route below its base as the description spells it: `/notes/{id}`."""
    parts = template_of(where).removeprefix(f"/{BASE}").split("/")
    return "/".join(f"{{{part[1:]}}}" if part[:1] == ":" else part for part in parts) or "/"


def _path_parameters(path: str) -> list[Schema]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [example_of_parameter(path, name) for name in names]


def _operation(method: str, path: str, operation: Operation) -> Schema:
    twin = "_by_put" if method == "put" else ""
    shown: Schema = {
        "operationId": f"{operation.name}{twin}",
        "summary": operation.summary,
        "tags": [tag_of(path)],
        "parameters": list(_parameters(method, operation)),
    }
    if method in {"post", "put", "patch"}:
        shown["requestBody"] = _body(operation)
    statuses = sorted({*ALWAYS, *STATUSES[method], *operation.also})
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}
    success = {
        "description": "What was asked for.",
        "headers": headers_of(method, operation.answer, is_listed=operation.query is not None),
        "content": {
            MEDIA_TYPE: {"schema": operation.answer, "example": example_of(operation.answer)}
        },
    }
    return {**shown, "responses": {"200": success, **refused}}


def tag_of(path: str) -> str:
    words = [part for part in path.split("/") if part and not part.startswith("{")]
    if "tokens" in words:
        return "tokens"
    return words[0] if words else "info"


# --- Parameters -----------------------------------------------------------------------------


def _parameters(method: str, operation: Operation) -> Iterator[Schema]:
    if operation.query:
        yield from _of_query(operation.query)
    if operation.includes:
        yield {
            "name": "include",
            "in": "query",
            "description": f"Comma list of {', '.join(operation.includes)}; others are ignored.",
            "schema": text(operation.includes[0]),
        }
    for name in CONDITIONS[method]:
        yield {"$ref": f"#/components/parameters/{name}"}


def _of_query(params: type[Params]) -> Iterator[Schema]:
    for name, schema in params_schema(params)["properties"].items():
        rest = {key: value for key, value in schema.items() if key != "description"}
        described = {"description": schema["description"]} if "description" in schema else {}
        yield {"name": name, "in": "query", **described, "schema": rest}


def _body(operation: Operation) -> Schema:
    schemas = [params_schema(each) for each in operation.body]
    schema: Schema = schemas[0] if schemas else {"type": "object"}
    required = schema.get("required", [])
    properties = schema.get("properties", {})
    example = {name: _example(name, properties[name]) for name in required}
    return {
        "required": bool(required),
        "content": {
            kind: {"schema": schema, "example": example}
            for kind in (MEDIA_TYPE, "application/x-www-form-urlencoded")
        },
    }


_WORDS = {"scopes": ["read:all"], "handle": "tool-library", "name": "Tool Library"}


def _example(name: str, schema: Schema) -> Any:
    return _WORDS.get(name) or (schema.get("enum") or ["Sharpen weekly."])[0]


# --- Refusals -------------------------------------------------------------------------------


def _refusals() -> Schema:
    statuses = {*ALWAYS, *(status for each in STATUSES.values() for status in each)}
    return {str(status): _refusal(status) for status in sorted(statuses)}


def _refusal(status: int) -> Schema:
    phrase = HTTPStatus(status).phrase
    if status == HTTPStatus.NOT_MODIFIED:
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("ETag",)}
        return {"description": "The client has it already.", "headers": headers}
    names = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}.get(status, ())
    example = {**example_of(ref("Error")), "error": phrase, "status": status}
    example["code"] = "not_found" if status == 404 else phrase.lower().replace(" ", "_")
    return {
        "description": phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {
            MEDIA_TYPE: {"schema": ref("Error"), "example": example},
            "application/problem+json": {"schema": ref("Problem")},
        },
    }
