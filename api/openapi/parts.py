"""What operations share: headers, parameters in headers, the security scheme."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from api.responses.schema import Schema
from harmonic.kernel.http.negotiation import API_VERSION

SECURITY: Schema = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hmn_…",
        "description": "A token, created at `/u/{handle}/settings/tokens`.",
    }
}
TAG, MOMENT = '"5d41402abc4b2a76"', "Wed, 13 May 2026 09:00:00 GMT"


def _header(description: str, example: str | int, **more: object) -> Schema:
    kind = "integer" if isinstance(example, int) else "string"
    return {"description": description, "schema": {"type": kind, **more, "examples": [example]}}


HEADERS: dict[str, Schema] = {
    "ETag": _header("The strong entity tag of the body.", TAG),
    "Last-Modified": _header("When the item last changed.", MOMENT),
    "Link": _header(
        'Other pages of the list: `rel="next"`, `prev` and `first` (RFC 8288).',
        '<http://garden.localhost:8000/api/v1/notes>; rel="first"',
    ),
    "X-Total-Count": _header("The length of the whole list, with `count=true`.", 120),
    "Location": _header(
        "The API's address of the new object.",
        "http://garden.localhost:8000/api/v1/notes/3f0c7a52",
    ),
    "Idempotent-Replayed": _header("`true` when an earlier answer is repeated.", "true"),
    "WWW-Authenticate": _header(
        "The credentials needed (RFC 6750). With 403, names the scope that the token lacks.",
        'Bearer realm="Harmonic", error="insufficient_scope", scope="create:notes"',
    ),
    "Retry-After": _header("Seconds to wait. With 409, the first request is still running.", 41),
    "X-Request-Id": _header(
        "The request's ID in the server's log: the client's own value, or a new one.",
        "728442d7-86d3-4ad0-8ab9-f1acca4e72cb",
    ),
    "API-Version": _header("The version of the API.", API_VERSION),
    "RateLimit-Policy": _header(
        "The rate limits: requests (`q`) per window of seconds (`w`).",
        '"requests";q=300;w=60, "writes";q=60;w=60',
    ),
    "RateLimit": _header(
        "What remains of each limit (`r`), and the seconds until it resets (`t`).",
        '"requests";r=287;t=41, "writes";r=58;t=41',
    ),
    "X-RateLimit-Limit": _header("The limit closest to being reached.", 60),
    "X-RateLimit-Remaining": _header("What remains of it.", 58),
    "X-RateLimit-Reset": _header("The seconds until it resets.", 41),
}
# The headers of every answer of a tenant's host.
EVERYWHERE = (
    *("X-Request-Id", "API-Version", "RateLimit-Policy", "RateLimit"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
# The other headers that a refusal can have.
_OF_REFUSALS = {
    304: ("ETag", "Last-Modified", "Link", "X-Total-Count"),
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# Answers that an idempotency key never repeats, or that no POST gets.
_NEVER_REPEATED = frozenset({304, 401, 412, 429, 500, 503})


def _sent(name: str, description: str, example: str, **more: object) -> Schema:
    return {"name": name, "in": "header", **_header(description, example, **more)}


PARAMETERS: dict[str, Schema] = {
    "IfNoneMatch": _sent("If-None-Match", "The client's tag: 304 if it is current.", TAG),
    "IfMatch": _sent("If-Match", "The tag that the item must have, else 412.", TAG),
    "IfUnmodifiedSince": _sent(
        "If-Unmodified-Since", "412 if the item changed after this time.", MOMENT
    ),
    "IdempotencyKey": _sent(
        "Idempotency-Key",
        "1 to 255 printable ASCII characters. A request repeated with its key within 24 hours is"
        " carried out once and gets the same answer.",
        "9f1c6f0e-1b7c",
        minLength=1,
        maxLength=255,
    ),
    "DryRun": {
        "name": "dry_run",
        "in": "query",
        "description": "Check the request and answer as usual, but change nothing. IDs, paths and"
        " times that a new object would get differ from those of the real request.",
        "schema": {"type": "boolean", "examples": [True]},
    },
}
_CHANGE = ("IfMatch", "IfUnmodifiedSince", "DryRun")
CONDITIONS = {
    "get": ("IfNoneMatch",),
    "post": ("IdempotencyKey", "DryRun"),
    **dict.fromkeys(("put", "patch", "delete"), _CHANGE),
}


def headers_of(method: str, keys: Collection[str], *, is_listed: bool) -> Schema:
    """Return the headers of a success whose object has these keys."""
    names: list[str] = []
    if method == "get":
        names = ["ETag", "Link", "X-Total-Count"] if is_listed else ["ETag"]
        names += ["Last-Modified"] if "updated_at" in keys else []
    if method in {"put", "patch"}:
        names = ["ETag"]
    if method == "post":
        is_made, is_secret = "updated_at" in keys, "token" in keys
        names = ["Location"] if is_made else []
        names += ["ETag"] if is_made and not is_secret else []
        names += [] if is_secret else ["Idempotent-Replayed"]
    return _named((*names, *EVERYWHERE))


def headers_of_refusal(status: int) -> Schema:
    repeated = () if status in _NEVER_REPEATED else ("Idempotent-Replayed",)
    return _named((*_OF_REFUSALS.get(status, ()), *repeated, *EVERYWHERE))


def _named(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
