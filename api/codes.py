"""The error codes of the API.

Tests compare this list with the codes that are raised, and with `docs/api.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    """An error code, with its status, its meaning and an example."""

    status: int
    meaning: str
    sentence: str
    # Further members of the example.
    more: Mapping[str, Any] = field(default_factory=dict)


CODES: dict[str, Code] = {
    "invalid": Code(
        400,
        "A parameter is invalid, or the body cannot be read.",
        "Validation failed: Text can't be blank",
        {"fields": {"text": ["Text can't be blank"]}},
    ),
    "unknown_parameter": Code(
        400,
        "The route has no query parameter of this name.",
        "colour is not a parameter of this route",
        {
            "fields": {"colour": ["Colour is not a parameter of this route"]},
            "hint": "Parameters of this route: limit, cursor, count, include.",
        },
    ),
    "limit_reached": Code(
        400,
        "A limit is reached.",
        "Maximum of 50 active API tokens reached."
        " Delete an existing token before creating a new one.",
    ),
    "closed": Code(
        400,
        "The decision is closed. Over pages 409 or 422; changes of options are 403.",
        "This decision is closed and no longer accepting votes.",
        {"hint": "Its page has the results."},
    ),
    "immutable": Code(
        400,
        "This attribute cannot be changed.",
        "Tokens are immutable except for `name`."
        " To change scopes, create a new token and delete this one.",
    ),
    "idempotency_key_invalid": Code(
        400,
        "The key is not 1 to 255 printable ASCII characters.",
        "Idempotency-Key must be 1 to 255 printable ASCII characters, bare or in double quotes.",
    ),
    "unauthorized": Code(
        401,
        "The token is missing, unknown, deleted, or belongs to another tenant.",
        "Unauthorized",
        {"hint": "Send a token in the `Authorization: Bearer …` header."},
    ),
    "token_expired": Code(401, "The token has expired.", "Token expired"),
    "agent_paused": Code(
        403,
        "The person who manages the agent has paused it. Its tokens work again when it is resumed.",
        "This agent is paused",
        {
            "hint": "Alice (@alice) can resume it at /ai-agents/scout."
            " Its tokens stay valid until then."
        },
    ),
    "mcp_only": Code(
        403,
        "The token was created for an MCP client and works only over MCP.",
        "This token works only over MCP",
        {
            "hint": "Use it at https://garden.example.org/mcp, or create another token for pages"
            " and the API."
        },
    ),
    "api_disabled_tenant": Code(
        403,
        "The API is disabled for the tenant.",
        "API not enabled for this tenant",
        {"hint": "A tenant admin can enable it at /tenant-admin/settings."},
    ),
    "api_disabled_collective": Code(
        403,
        "The API is disabled for the collective.",
        "API not enabled for this collective",
        {"hint": "An admin of the collective can enable it at /collectives/treasury/settings."},
    ),
    "not_a_member": Code(
        403,
        "The caller is not a member of the collective.",
        "You are not a member of this collective",
        {"hint": "Join it with an invitation at /collectives/kitchen/join."},
    ),
    "collective_archived": Code(
        403, "The collective is deactivated.", "This collective is deactivated."
    ),
    "insufficient_scope": Code(
        403,
        "The token lacks the scope named in WWW-Authenticate.",
        "You do not have permission to perform that action",
        {
            "hint": "The token lacks the scope create:notes."
            " Make another token with the scopes you need."
        },
    ),
    "capability_denied": Code(
        403,
        "The agent does not have this capability.",
        "Your capabilities do not include 'delete_note'",
    ),
    "not_eligible": Code(
        403,
        "The decision names its voters, and the caller is not among them.",
        "You are not among those who can vote on this decision.",
        {"hint": "The person who created this decision chose who can vote. You can comment on it."},
    ),
    "scope_not_grantable": Code(
        403,
        "A new token cannot have scopes that the creating token lacks.",
        "Cannot grant scope(s) the creating token does not have: create:all",
    ),
    "representation_invalid": Code(
        403,
        "The representation headers match no running session.",
        "Invalid representation session ID",
    ),
    "tenant_suspended": Code(403, "The tenant is suspended.", "Tenant suspended"),
    "forbidden": Code(
        403, "The caller does not have permission, for any other reason.", "You may not do that."
    ),
    "not_found": Code(
        404,
        "The object does not exist, is elsewhere, or is not visible to the caller.",
        "Not found",
    ),
    "deleted": Code(
        404,
        "The note is deleted. The hint names who can restore it.",
        "Not found",
        {
            "hint": "This note is deleted. @alice or @bob can restore it until 2026-06-12: POST"
            " /collectives/kitchen/api/v1/notes/3f0c7a52/restore, or its page"
            " /collectives/kitchen/n/3f0c7a52."
        },
    ),
    "method_not_allowed": Code(
        405,
        "The path does not support this method. Allow names those that it supports.",
        "PUT is not offered here",
    ),
    "already_rotated": Code(
        409,
        "The token was rotated already.",
        "This token has already been rotated.",
        {"successor_id": "3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90"},
    ),
    "token_ended": Code(
        409,
        "The token has expired and cannot be rotated.",
        "This token has expired or was deleted.",
        {"hint": "Create a new one."},
    ),
    "idempotency_in_progress": Code(
        409,
        "A request with this key is still running.",
        "A request with this Idempotency-Key is still running.",
        {"hint": "Retry in a second."},
    ),
    "idempotency_secret_unavailable": Code(
        409,
        "The first response contained a token, which is not stored.",
        "The response contained a token, which is shown only once and is not stored.",
        {
            "hint": "Delete the token with this ID, and create another one with another key.",
            "id": "3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90",
        },
    ),
    "idempotency_answer_not_kept": Code(
        409,
        "The first response was too long to be stored.",
        "This request was carried out, but its response was too long to be stored.",
        {"hint": "Read what it changed. To repeat the request, use another key."},
    ),
    "precondition_failed": Code(
        412,
        "The object does not match If-Match or If-Unmodified-Since.",
        "The item has changed since, or never had this tag.",
        {"hint": "Read it again without parameters, then send its ETag in If-Match."},
    ),
    "payload_too_large": Code(
        413, "The body is larger than 16 MB.", "The body is too large (maximum 16 MB)."
    ),
    "unsupported_media_type": Code(
        415,
        "The body is neither JSON nor a form.",
        "The body's media type is not supported.",
        {
            "hint": "Send application/json, application/x-www-form-urlencoded"
            " or multipart/form-data."
        },
    ),
    "idempotency_key_reused": Code(
        422,
        "The key was used with other parameters.",
        "This Idempotency-Key was used for another request.",
        {"hint": "Send the same parameters, or use another key."},
    ),
    "rate_limited": Code(
        429,
        "Too many requests. Retry after the seconds in Retry-After.",
        "Rate limit exceeded. Retry after 41 seconds.",
    ),
    "storage_limit": Code(
        429,
        "The daily storage limit is reached. Retry after the seconds in Retry-After.",
        "You and your agents can store 50 MB a day. This would exceed the limit, so nothing was"
        " saved.",
        {"hint": "The limit resets at midnight (UTC). Shorter texts may still fit today."},
    ),
    "internal": Code(
        500,
        "An internal error. Report the request_id.",
        "Something went wrong on our side.",
    ),
    "unavailable": Code(
        503,
        "The database is unavailable. Nothing was changed. Retry after the seconds in Retry-After.",
        "The database is temporarily unavailable. Nothing was changed.",
        {"hint": "Try again in a few seconds."},
    ),
    "write_in_doubt": Code(
        503,
        "The connection to the database was lost during a write, which may have been saved.",
        "The connection to the database was lost while your change was being saved."
        " It may or may not have been saved.",
        {
            "hint": "Check whether it was saved before you send it again. Requests with an"
            " Idempotency-Key can be repeated safely."
        },
    ),
    "write_saved": Code(
        503,
        "The write was saved, but the response could not be created.",
        "Your change was saved, but the database became unavailable before it could be shown.",
        {"hint": "Do not send it again. Check the result in a few seconds."},
    ),
}


def codes_of(status: int) -> Iterator[str]:
    return (name for name, code in CODES.items() if code.status == status)


def example(name: str) -> dict[str, Any]:
    """Return an example of the error object with this code."""
    code = CODES[name]
    return {
        "error": code.sentence,
        "code": name,
        "status": code.status,
        "request_id": "728442d7-86d3-4ad0-8ab9-f1acca4e72cb",
        **code.more,
    }


def problem(name: str) -> dict[str, Any]:
    """Return an example of the problem details with this code."""
    shown = example(name)
    return {
        **shown,
        "type": f"http://garden.localhost:8000/api/v1/docs#{name}",
        "title": name.replace("_", " ").capitalize(),
        "detail": shown["error"],
    }
