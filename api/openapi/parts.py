"""Parts of the OpenAPI document that operations share: headers, parameters, security scheme."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from api.responses.schema import Schema
from harmonic.kernel.http.negotiation import API_VERSION

SECURITY: Schema = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hmn_…",
        "description": "An API token, created at `/u/{handle}/settings/tokens`.",
    }
}
TAG, MOMENT = '"5d41402abc4b2a76"', "Wed, 13 May 2026 09:00:00 GMT"


def _header(description: str, example: str | int, **more: object) -> Schema:
    kind = "integer" if isinstance(example, int) else "string"
    return {"description": description, "schema": {"type": kind, **more, "examples": [example]}}


HEADERS: dict[str, Schema] = {
    "ETag": _header("The strong entity tag of the object or list.", TAG),
    "Last-Modified": _header("When the object was last changed.", MOMENT),
    "Link": _header(
        'Other pages of a list: `rel="next"`, `prev` and `first` (RFC 8288). On every response:'
        ' `rel="help"`, an introduction for agents.',
        '<http://garden.localhost:8000/api/v1/notes>; rel="first", </llms.txt>; rel="help"',
    ),
    "X-Total-Count": _header("The number of objects in the whole list, with `count=true`.", 120),
    "Location": _header(
        "The URL of the new object.",
        "http://garden.localhost:8000/api/v1/notes/3f0c7a52",
    ),
    "Idempotent-Replayed": _header(
        "`true` when the response is that of an earlier request with the same key.", "true"
    ),
    "WWW-Authenticate": _header(
        "The credentials required (RFC 6750). With 403, the scope that the token lacks.",
        'Bearer realm="Harmonic", error="insufficient_scope", scope="create:notes"',
    ),
    "Retry-After": _header(
        "Seconds to wait before retrying. With 409, the first request is still running.", 41
    ),
    "X-Request-Id": _header(
        "The request's ID in the server log: the value that the client sent, or a new one.",
        "728442d7-86d3-4ad0-8ab9-f1acca4e72cb",
    ),
    "API-Version": _header("The version of the API.", API_VERSION),
    "RateLimit-Policy": _header(
        "The rate limits: requests (`q`) per window of seconds (`w`).",
        '"requests";q=300;w=60, "writes";q=60;w=60',
    ),
    "RateLimit": _header(
        "Requests remaining under each limit (`r`), and seconds until it resets (`t`).",
        '"requests";r=287;t=41, "writes";r=58;t=41',
    ),
    "X-RateLimit-Limit": _header("The rate limit closest to being reached.", 60),
    "X-RateLimit-Remaining": _header("Requests remaining under that limit.", 58),
    "X-RateLimit-Reset": _header("Seconds until that limit resets.", 41),
}
# Headers of every response.
EVERYWHERE = (
    *("X-Request-Id", "API-Version", "Link", "RateLimit-Policy", "RateLimit"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
# Further headers of error responses.
_OF_REFUSALS = {
    304: ("ETag", "Last-Modified", "X-Total-Count"),
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# Statuses that are never replayed under an idempotency key, or that no POST has.
_NEVER_REPEATED = frozenset({304, 401, 412, 429, 500, 503})


def _sent(name: str, description: str, example: str, **more: object) -> Schema:
    return {"name": name, "in": "header", **_header(description, example, **more)}


PARAMETERS: dict[str, Schema] = {
    "IfNoneMatch": _sent(
        "If-None-Match",
        "The entity tag of the client's copy. The response is 304 if it is current.",
        TAG,
    ),
    "IfMatch": _sent(
        "If-Match", "The entity tag that the object must have. Otherwise the response is 412.", TAG
    ),
    "IfUnmodifiedSince": _sent(
        "If-Unmodified-Since",
        "The response is 412 if the object was changed after this time.",
        MOMENT,
    ),
    "IdempotencyKey": _sent(
        "Idempotency-Key",
        "1 to 255 printable ASCII characters. A request repeated with the same key within 24 hours"
        " is carried out once, and gets the same response.",
        "9f1c6f0e-1b7c",
        minLength=1,
        maxLength=255,
    ),
    "DryRun": {
        "name": "dry_run",
        "in": "query",
        "description": "Validate the request and return the usual response, but change nothing."
        " The ID, path and times of a new object differ from those that the real request returns.",
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
    """Return the headers of a successful response whose object has `keys`."""
    names: list[str] = []
    if method == "get":
        names = ["ETag", "X-Total-Count"] if is_listed else ["ETag"]
        names += ["Last-Modified"] if "updated_at" in keys else []
    if method in {"put", "patch"}:
        names = ["ETag"]
    if method == "post":
        # Rows of tables have no time of their last change.
        is_made = "updated_at" in keys or "created_by_id" in keys
        is_secret = "token" in keys
        names = ["Location"] if is_made else []
        names += ["ETag"] if is_made and not is_secret else []
        names += [] if is_secret else ["Idempotent-Replayed"]
    return _named((*names, *EVERYWHERE))


def headers_of_refusal(status: int) -> Schema:
    repeated = () if status in _NEVER_REPEATED else ("Idempotent-Replayed",)
    return _named((*_OF_REFUSALS.get(status, ()), *repeated, *EVERYWHERE))


def _named(names: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
