"""Tokens as JSON."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from accounts.models import TenantUser
from api.responses.schema import Doc, DryRun, Id, OneOf, Scopes, Timestamp
from api.responses.timestamps import format_optional_timestamp, format_timestamp
from harmonic.kernel.access import Access
from tokens.models import ApiToken

TokenId = Annotated[str, Doc("A token's UUID.", example="3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90")]


class TokenJson(TypedDict):
    """An API token, without its plaintext."""

    id: Id
    name: Annotated[str | None, Doc(example="ci")]
    user_id: Annotated[Id, Doc("The token's owner.")]
    token_prefix: Annotated[str, Doc(example="hmn_k3Zq")]
    scopes: Scopes
    active: bool
    expires_at: Timestamp
    last_used_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
    token_type: Annotated[str, OneOf("TokenType", ["rest", "mcp"])]
    last_used_from: Annotated[
        str | None,
        Doc("The network of the last request, not the full address.", example="203.0.113.0/24"),
    ]
    last_used_by: Annotated[str | None, Doc("The client of the last request.", example="curl")]
    successor_id: Annotated[
        Id | None, Doc("The token that replaces it, until that is deleted.", example=None)
    ]
    note: Annotated[str, Doc("Where the token is stored.", example="GitHub secret")]
    dry_run: NotRequired[DryRun]


class NewTokenJson(TokenJson):
    """A new token. Only this response contains its plaintext."""

    token: Annotated[
        str | None,
        Doc("The plaintext, in this response only. Null in a dry run.", example="hmn_…"),
    ]


class ReplacedTokenJson(TypedDict):
    """The token that was rotated, and when it expires."""

    id: Id
    active: bool
    expires_at: Timestamp


class SuccessorJson(NewTokenJson):
    """The new token of a rotation, with its plaintext."""

    replaces: ReplacedTokenJson


def token_json(access: Access, token: ApiToken, owner: TenantUser) -> TokenJson:
    """Return a token without its plaintext, which is not stored."""
    return {
        "id": str(token.id),
        "name": token.name,
        "user_id": str(owner.user_id),
        "token_prefix": token.token_prefix,
        "scopes": token.scopes,
        "active": token.is_active(access.now),
        "expires_at": format_timestamp(token.expires_at),
        "last_used_at": format_optional_timestamp(token.last_used_at),
        "created_at": format_timestamp(token.created_at),
        "updated_at": format_timestamp(token.updated_at),
        "token_type": token.token_type,
        "last_used_from": token.last_used_from or None,
        "last_used_by": token.last_used_by or None,
        "successor_id": str(token.successor_id) if token.successor_id else None,
        "note": token.note,
    }
