"""Builds the OpenAPI document from the routes, functions, types and parameters of the API.

Needs pydantic, a development package. The server sends the file that `describe_api` writes.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pkgutil import walk_packages
from typing import Any, get_args, get_origin, get_type_hints

from django.urls import get_resolver

from api import v1
from api.codes import CODES, codes_of, example, problem
from api.openapi import parts
from api.openapi.document import METHODS
from api.openapi.schemas import Schemas
from api.operations import Operation, operation_of
from api.responses.schema import Schema
from api.v1.info import PARAMETER, below, resources, template_of
from api.views import ListResponse
from harmonic.http.refusals import ErrorJson, ProblemJson
from harmonic.kernel.http.negotiation import API_VERSION

BASE = "api/v1"
SERVERS: dict[str, Schema] = {
    BASE: {"url": "/api/v1", "description": "The main collective of the tenant"},
    f"collectives/<str:collective>/{BASE}": {
        "url": "/collectives/{collective_handle}/api/v1",
        "description": "A collective",
        "variables": {
            "collective_handle": {
                "default": "kitchen",
                "description": "The handle of the collective.",
            }
        },
    },
    f"workspace/<str:collective>/{BASE}": {
        "url": "/workspace/{workspace_handle}/api/v1",
        "description": "The caller's private workspace",
        "variables": {
            "workspace_handle": {
                "default": "workspace",
                "description": "The handle of the collective.",
            }
        },
    },
}
# Any request can have an unreadable query, or name a collective or item that does not exist.
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


def built() -> bytes:
    """Return the content of `docs/openapi.json`."""
    return (json.dumps(_document(), indent=1, ensure_ascii=False) + "\n").encode()


def _document() -> Schema:
    found = list(served())
    types = [each for one in found for each in one.types]
    schemas = Schemas([ErrorJson, ProblemJson, *types])
    paths = _paths(found, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Harmonic",
            "version": API_VERSION,
            "summary": "A place for groups to decide and act together",
            "description": "Every success is 200 with an object or a bare array. Every error is an"
            " `Error` object, also when the server cannot read the request: 400, 408 (too slow),"
            " 414, 417, 431, 501 or 503 (too many unfinished requests). Forms are accepted as"
            " bodies too. The guide is at `/help/rest-api`.",
            "license": {"name": "All rights reserved", "identifier": "LicenseRef-Harmonic"},
        },
        "servers": list(SERVERS.values()),
        "security": [{"bearerAuth": []}],
        "tags": _tags(found),
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "parameters": parts.PARAMETERS,
            "headers": parts.HEADERS,
            "responses": _refusals(schemas),
            "securitySchemes": parts.SECURITY,
        },
    }


# --- What is served -------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """An operation: a function of a resource, reached by one method at a route."""

    where: str
    method: str
    function: Callable[..., Any]

    @property
    def operation(self) -> Operation:
        operation = operation_of(self.function)
        assert operation is not None  # api.E001
        return operation

    @property
    def id(self) -> str:
        return self.operation.name + ("_by_put" if self.method == "put" else "")

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or "").partition("\n")[0].removesuffix(".")

    @cached_property
    def hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def response(self) -> Any:
        """The type of the response body: the argument of the function's return type."""
        (annotated,) = get_args(self.hints["return"])
        is_list = get_origin(self.hints["return"]) is ListResponse
        return list.__class_getitem__(annotated) if is_list else annotated

    @property
    def arguments(self) -> list[str]:
        """The names of the path parameters."""
        return PARAMETER.findall(self.where)

    @property
    def types(self) -> list[Any]:
        return [self.response, *(self.hints[name] for name in self.arguments)]

    @property
    def path(self) -> str:
        """The path relative to its base: `/notes/{id}`."""
        path = template_of(self.where).removeprefix(f"/{BASE}")
        return re.sub(r":(\w+)", r"{\1}", path) or "/"

    @property
    def tag(self) -> str:
        if self.operation.tag:
            return self.operation.tag
        words = re.findall(r"/(\w+)", self.path)
        return "tokens" if "tokens" in words else next(iter(words), "info")

    @property
    def servers(self) -> list[Schema]:
        rest = self.where.removeprefix(BASE)
        return [SERVERS[base] for base in SERVERS if rest in below(base)]


def served() -> Iterator[Served]:
    """Yield every operation below the tenant's base, by route and method."""
    for where, view in sorted(resources(get_resolver().url_patterns), key=lambda pair: pair[0]):
        for method in METHODS:
            if where.startswith(BASE) and method in view.functions:
                yield Served(where, method, getattr(view.resource, view.functions[method]))


def _tags(served: Iterable[Served]) -> list[Schema]:
    """Return the tags; the docstring of the module of the same name describes each."""
    names = dict.fromkeys(each.tag for each in served)
    found = sorted((each.name for each in walk_packages(v1.__path__, "api.v1.")), reverse=True)
    modules = {name.rpartition(".")[2]: name for name in found}
    return [
        {"name": name, "description": importlib.import_module(modules[name]).__doc__}
        for name in names
    ]


# --- Paths ----------------------------------------------------------------------------------


def _paths(served: Iterable[Served], schemas: Schemas) -> Schema:
    found: dict[str, Schema] = {}
    for each in served:
        item = found.setdefault(each.path, {})
        if each.arguments:
            item["parameters"] = list(_path_parameters(each, schemas))
        if len(each.servers) < len(SERVERS):
            item["servers"] = each.servers
        item[each.method] = _operation(each, schemas)
    return {path: found[path] for path in sorted(found)}


def _path_parameters(served: Served, schemas: Schemas) -> Iterator[Schema]:
    for shown, name in zip(re.findall(r"{(\w+)}", served.path), served.arguments, strict=True):
        yield _parameter(shown, "path", schemas.of(served.hints[name]), required=True)


def _parameter(name: str, where: str, schema: Schema, **more: Any) -> Schema:
    rest = {key: value for key, value in schema.items() if key != "description"}
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": where, **more, **described, "schema": rest}


def _operation(served: Served, schemas: Schemas) -> Schema:
    statuses = sorted({*ALWAYS, *STATUSES[served.method]})
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}
    return {
        "operationId": served.id,
        "summary": served.summary,
        "tags": [served.tag],
        "parameters": list(_parameters(served, schemas)),
        **({"requestBody": _body(served.operation, schemas)} if served.operation.body else {}),
        "responses": {"200": _success(served, schemas), **refused},
    }


def _parameters(served: Served, schemas: Schemas) -> Iterator[Schema]:
    for name, schema in schemas.query(served.operation).items():
        yield _parameter(name, "query", schema)
    if includes := served.operation.includes:
        described = f"Comma-separated: {', '.join(includes)}. Other values are ignored."
        schema = {"description": described, "type": "string", "examples": [includes[0]]}
        yield _parameter("include", "query", schema)
    for name in parts.CONDITIONS[served.method]:
        yield {"$ref": f"#/components/parameters/{name}"}


def _body(operation: Operation, schemas: Schemas) -> Schema:
    schema = schemas.body(operation)
    required = schemas.resolved(schema).get("required", [])
    example = {name: _example(operation, name) for name in required}
    content = {MEDIA_TYPE: {"schema": schema, "example": example}}
    return {"required": bool(required), "content": content}


def _example(operation: Operation, name: str) -> object:
    """Return the example of a required parameter.

    Raises:
        ValueError: the parameter declares none.
    """
    field = operation.body().fields[name] if operation.body else None
    example = getattr(field, "example", None)
    if example is None:
        raise ValueError(f"{operation.name}: `{name}` needs an example.")
    return example


def _success(served: Served, schemas: Schemas) -> Schema:
    schema = schemas.of(served.response)
    keys = schemas.resolved(schema).get("required", ())
    is_listed = served.operation.query is not None
    return {
        "description": "Success.",
        "headers": parts.headers_of(served.method, keys, is_listed=is_listed),
        "content": {MEDIA_TYPE: {"schema": schema, "example": schemas.example(schema)}},
    }


# --- Refusals -------------------------------------------------------------------------------


def _refusals(schemas: Schemas) -> Schema:
    statuses = {*ALWAYS, *(status for each in STATUSES.values() for status in each)}
    return {str(status): _refusal(status, schemas) for status in sorted(statuses)}


def _refusal(status: int, schemas: Schemas) -> Schema:
    headers = parts.headers_of_refusal(status)
    if status == HTTPStatus.NOT_MODIFIED:
        return {"description": "The client's copy is current.", "headers": headers}
    names = list(codes_of(status))
    words = ", ".join(f"`{name}`" for name in names)
    kinds = ((MEDIA_TYPE, ErrorJson, example), (PROBLEM_TYPE, ProblemJson, problem))
    return {
        "description": f"{HTTPStatus(status).phrase}: {words}.",
        "headers": headers,
        "content": {
            kind: {"schema": schemas.of(annotated), "examples": _shown(names, write)}
            for kind, annotated, write in kinds
        },
    }


def _shown(names: Iterable[str], write: Callable[[str], Schema]) -> Schema:
    return {name: {"summary": CODES[name].meaning, "value": write(name)} for name in names}
