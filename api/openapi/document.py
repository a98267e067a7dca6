"""The API's description: OpenAPI 3.1, from the routes and parameters that are served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from django.urls import get_resolver

from api.openapi.codes import CODES, codes_of, example, problem
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
    headers_of_refusal,
)
from api.v1.info import below, resources, template_of
from harmonic.kernel.http.negotiation import API_VERSION
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.parameters.schema import params_schema

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
# Any request may have a query that cannot be read, or name a place or an item that is not there.
ALWAYS = (400, 401, 403, 404, 429, 500, 503)
STATUSES = {
    "get": (304,),
    "post": (409, 413, 415, 422),
    "put": (412, 413, 415),
    "patch": (412, 413, 415),
    "delete": (412,),
}
MEDIA_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


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
            " object. What the server cannot read as a request at all is answered with it too: 400,"
            " 408 (too slow), 414, 417, 431, 501 or 503 (too many unfinished requests). The guide"
            " is at `/help/rest-api`.",
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
    statuses = sorted({*ALWAYS, *STATUSES[method]})
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
    form = params_schema(operation.body)
    form = {**form, "properties": {**form["properties"], **operation.takes}}
    if operation.together:
        form["dependentRequired"] = {
            name: [other for other in operation.together if other != name]
            for name in operation.together
        }
    required = form.get("required", [])
    example = {name: _example(name, form["properties"][name]) for name in required}
    json_ = _nested(form, operation.within) if operation.within else form
    schemas = {MEDIA_TYPE: json_, **dict.fromkeys(FORM_TYPES, form)}
    return {
        "required": bool(required),
        "content": {
            kind: {"schema": schema, "example": example} for kind, schema in schemas.items()
        },
    }


def _nested(schema: Schema, within: str) -> Schema:
    """Return the schema of a body whose parameters may also stand inside an object."""
    required = schema.get("required", [])
    inner: Schema = {
        "type": "object",
        "description": "The same parameters; one that stands here wins.",
        "properties": schema["properties"],
    }
    rest = {key: value for key, value in schema.items() if key != "required"}
    whole = {**rest, "properties": {**schema["properties"], within: inner}}
    if not required:
        return whole
    inside = {"required": [within], "properties": {within: {"required": required}}}
    return {**whole, "anyOf": [{"required": required}, inside]}


_WORDS = {"scopes": ["read:all"], "handle": "tool-library", "name": "Tool Library"}


def _example(name: str, schema: Schema) -> Any:
    return _WORDS.get(name) or (schema.get("enum") or ["Sharpen weekly."])[0]


# --- Refusals -------------------------------------------------------------------------------


def _refusals() -> Schema:
    statuses = {*ALWAYS, *(status for each in STATUSES.values() for status in each)}
    return {str(status): _refusal(status) for status in sorted(statuses)}


def _refusal(status: int) -> Schema:
    headers = headers_of_refusal(status)
    if status == HTTPStatus.NOT_MODIFIED:
        return {"description": "The client has it already.", "headers": headers}
    names = list(codes_of(status))
    words = " or ".join(f"`{name}`" for name in names)
    return {
        "description": f"{HTTPStatus(status).phrase}: {words}.",
        "headers": headers,
        "content": {
            MEDIA_TYPE: {"schema": ref("Error"), "examples": _shown(names, example)},
            PROBLEM_TYPE: {"schema": ref("Problem"), "examples": _shown(names, problem)},
        },
    }


def _shown(names: Iterable[str], write: Callable[[str], Schema]) -> Schema:
    return {name: {"summary": CODES[name].meaning, "value": write(name)} for name in names}
