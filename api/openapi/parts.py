"""What many operations share: headers, parameters, the security scheme, the groups."""

from __future__ import annotations

from api.openapi.objects import Schema, text

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
    "WWW-Authenticate": {"schema": text('Bearer realm="Harmonic"')},
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "examples": [41]},
    },
}


def _header(name: str, description: str, example: str) -> Schema:
    return {"name": name, "in": "header", "description": description, "schema": text(example)}


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
    """Return the headers of a success."""
    names: list[str] = []
    if method == "get":
        names = ["ETag", "Link", "X-Total-Count"] if is_listed else ["ETag", "Last-Modified"]
    if method == "post":
        names = ["Location", "ETag", "Idempotency-Replayed"]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
