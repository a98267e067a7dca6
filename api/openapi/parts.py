"""What many operations share: headers, parameters, the security scheme, the groups."""

from __future__ import annotations

from collections.abc import Iterable

from api.openapi.objects import OBJECTS, Schema, text
from harmonic.kernel.http.negotiation import API_VERSION

SECURITY: Schema = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hmn_…",
        "description": "A token, made at `/u/{handle}/settings/tokens`.",
    }
}

TAGS: list[Schema] = [
    {"name": "info", "description": "What is offered, and who asks."},
    {"name": "notes", "description": "Notes, their comments, and confirming them."},
    {"name": "collectives", "description": "The caller's collectives, and their members."},
    {"name": "users", "description": "People, agents, and the identities of collectives."},
    {"name": "tokens", "description": "API tokens of oneself and of one's agents."},
]

HEADERS: dict[str, Schema] = {
    "ETag": {"description": "The strong tag of the body.", "schema": text('"5d41402abc4b2a76"')},
    "Last-Modified": {
        "description": "When the item changed last.",
        "schema": text("Wed, 13 May 2026 09:00:00 GMT"),
    },
    "Link": {
        "description": 'Where the list goes on: `rel="next"`, `prev` and `first` (RFC 8288).',
        "schema": text('<http://garden.localhost:8000/api/v1/notes>; rel="first"'),
    },
    "X-Total-Count": {
        "description": "The length of the whole list, with `count=true`.",
        "schema": {"type": "integer"},
    },
    "Location": {
        "description": "Where the API has what was made.",
        "schema": text("http://garden.localhost:8000/api/v1/notes/3f0c7a52"),
    },
    "Idempotency-Replayed": {
        "description": "`true` where an earlier answer is repeated.",
        "schema": text("true"),
    },
    "WWW-Authenticate": {
        "description": "Which credentials are asked for (RFC 6750). With 403 it stands where the"
        " token lacks a scope, and names it.",
        "schema": text('Bearer realm="Harmonic", error="insufficient_scope", scope="create:notes"'),
    },
    "Retry-After": {
        "description": "Seconds to wait. With 409 it stands where the first request still runs.",
        "schema": {"type": "integer", "examples": [41]},
    },
    "X-Request-Id": {
        "description": "What the server's log calls the request: the client's own value, or a new"
        " one.",
        "schema": text("728442d7-86d3-4ad0-8ab9-f1acca4e72cb"),
    },
    "API-Version": {"description": "The version of the API.", "schema": text(API_VERSION)},
    "RateLimit-Policy": {
        "description": "The limits: requests (`q`) in a window of seconds (`w`).",
        "schema": text('"requests";q=300;w=60, "writes";q=60;w=60'),
    },
    "RateLimit": {
        "description": "What is left of each limit (`r`), and after how many seconds it starts"
        " anew (`t`).",
        "schema": text('"requests";r=287;t=41, "writes";r=58;t=41'),
    },
    "X-RateLimit-Limit": {
        "description": "The limit of which least is left.",
        "schema": {"type": "integer", "examples": [60]},
    },
    "X-RateLimit-Remaining": {
        "description": "What is left of it.",
        "schema": {"type": "integer", "examples": [58]},
    },
    "X-RateLimit-Reset": {
        "description": "After how many seconds it starts anew.",
        "schema": {"type": "integer", "examples": [41]},
    },
}
# Those that every answer of a tenant's host has.
EVERYWHERE = (
    "X-Request-Id",
    "API-Version",
    "RateLimit-Policy",
    "RateLimit",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)
# Those that a refusal has besides, or may have.
_OF_REFUSALS = {
    304: ("ETag", "Last-Modified", "Link", "X-Total-Count"),
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# The answers that a key never repeats, or that no POST gets.
_NEVER_REPEATED = frozenset({304, 401, 412, 429, 500, 503})


def _header(name: str, description: str, example: str, **more: object) -> Schema:
    schema = text(example, **more)
    return {"name": name, "in": "header", "description": description, "schema": schema}


PARAMETERS: dict[str, Schema] = {
    "IfNoneMatch": _header(
        "If-None-Match",
        "A tag that the client has: 304 where it is still so.",
        '"5d41402abc4b2a76"',
    ),
    "IfMatch": _header(
        "If-Match", "The tag that the item must have, else 412.", '"5d41402abc4b2a76"'
    ),
    "IfUnmodifiedSince": _header(
        "If-Unmodified-Since",
        "412 where the item changed after this moment.",
        "Wed, 13 May 2026 09:00:00 GMT",
    ),
    "IdempotencyKey": _header(
        "Idempotency-Key",
        "1 to 255 printable ASCII characters. The same request under the same key is carried out"
        " once in 24 hours, and answered as the first time.",
        "9f1c6f0e-1b7c",
        minLength=1,
        maxLength=255,
    ),
}
CONDITIONS = {
    "get": ("IfNoneMatch",),
    "post": ("IdempotencyKey",),
    "put": ("IfMatch", "IfUnmodifiedSince"),
    "patch": ("IfMatch", "IfUnmodifiedSince"),
    "delete": ("IfMatch", "IfUnmodifiedSince"),
}

_NAMED_BY = {
    "note": ("A note's UUID, or its first eight characters.", "3f0c7a52"),
    "collective": ("A collective's UUID or handle.", "kitchen"),
    "user": ("A user's UUID, handle, `@handle`, or `me`.", "me"),
    "token": ("A token's UUID.", "3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90"),
}


def example_of_parameter(path: str, name: str) -> Schema:
    """Return a parameter of a path; `id` is of what stands before it."""
    before = path.partition("/{" + name + "}")[0].rpartition("/")[2]
    kind = name.removesuffix("_id") if name != "id" else before.removesuffix("s")
    description, example = _NAMED_BY[kind]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": text(example),
    }


def headers_of(method: str, answer: Schema, *, is_listed: bool) -> Schema:
    """Return the headers of a success, by what it answers with."""
    keys = OBJECTS[answer["$ref"].rpartition("/")[2]]["required"] if "$ref" in answer else []
    names: list[str] = []
    if method == "get":
        names = ["ETag", "Link", "X-Total-Count"] if is_listed else ["ETag"]
        names += ["Last-Modified"] if "updated_at" in keys else []
    if method == "post":
        is_made, is_secret = "updated_at" in keys, "token" in keys
        names = ["Location"] if is_made else []
        names += ["ETag"] if is_made and not is_secret else []
        names += [] if is_secret else ["Idempotency-Replayed"]
    return _named((*names, *EVERYWHERE))


def headers_of_refusal(status: int) -> Schema:
    repeated = () if status in _NEVER_REPEATED else ("Idempotency-Replayed",)
    return _named((*_OF_REFUSALS.get(status, ()), *repeated, *EVERYWHERE))


def _named(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
