"""The context of a tool call: the claimed identity of the caller and audience of the write.

A model that is wrong about either is stopped before anything is written (`docs/mcp.md`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Refused

AUDIENCES = ("public", "private", "shared")
AUDIENCE_CODES = frozenset({"visibility_missing", "visibility_mismatch"})
_NO_SLUG = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class ContextRefused(Exception):
    """An incomplete context, or one that does not match the caller."""

    error: str
    hint: str
    expected: str = ""
    got: Any = None

    def text(self) -> str:
        """Return the refusal as the JSON text of a tool's error."""
        return json.dumps(self.object(), ensure_ascii=False)

    def object(self) -> dict[str, Any]:
        compared = {"expected": self.expected, "got": self.got} if self.expected else {}
        return {"error": self.error, **compared, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Represented:
    """The person that an agent acts for, and the session that allows it."""

    handle: str
    session_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-Representation-Session-ID": self.session_id,
            "X-Representing-User": self.handle,
        }


@dataclass(frozen=True, slots=True)
class WriteContext:
    """The claims of a write: its audience, as sent, and the person the caller acts for."""

    audience: Any
    represented: Represented | None

    @property
    def claimed_audience(self) -> str:
        return self.audience if isinstance(self.audience, str) else ""


def check_write(access: Access, context: Any) -> WriteContext:
    """Return the context of a write.

    Raises:
        ContextRefused: the context of a write is missing, wrong or not complete.
    """
    if not isinstance(context, dict):
        raise ContextRefused(
            "context_missing",
            "Send an object `context` with `identity` (`actor`), `visibility` and `intention`.",
        )
    identity = context.get("identity")
    if not isinstance(identity, dict) or _is_blank(identity.get("actor")):
        raise ContextRefused(
            "identity_missing", f"Send `identity` with `actor`: {_handle(access)}."
        )
    _check_handle(access, identity["actor"], "identity_mismatch", "actor")
    if _is_blank(context.get("intention")):
        raise ContextRefused(
            "intention_missing", "Send `intention`: why you do this, in a sentence."
        )
    represented = _represented(context, identity.get("acting_as"), "acting_as")
    return WriteContext(context.get("visibility"), represented)


def check_read(access: Access, context: Any) -> Represented | None:
    """Return the person the caller reads for, if any. Reads need no context.

    Raises:
        ContextRefused: the context is wrong or not complete.
    """
    if not isinstance(context, dict):
        return None
    identity = context.get("identity")
    if not isinstance(identity, dict) or _is_blank(identity.get("viewer")):
        raise ContextRefused(
            "viewer_missing",
            f"Send `identity` with `viewer`: {_handle(access)}, or leave out `context`.",
        )
    _check_handle(access, identity["viewer"], "viewer_mismatch", "viewer")
    return _represented(context, identity.get("viewing_as"), "viewing_as")


def audience_refused(refused: Refused | None, context: WriteContext) -> ContextRefused | None:
    """Return the refusal of a wrong or missing audience, if `refused` is one."""
    if refused is None or refused.code not in AUDIENCE_CODES:
        return None
    expected = str(refused.extra.get("expected", ""))
    return ContextRefused(refused.code, refused.hint, expected, context.audience)


def _check_handle(access: Access, sent: Any, error: str, name: str) -> None:
    if _slug(sent) != access.user.handle:
        raise ContextRefused(
            error,
            f"This token belongs to {_handle(access)}. Send that as `{name}`, or use the token"
            " of the account that you mean.",
            _handle(access),
            sent,
        )


def _represented(context: dict[str, Any], sent: Any, name: str) -> Represented | None:
    session_id = context.get("representation_session_id")
    handle = ""
    if sent is not None and sent != "":
        handle = _slug(sent)
        if not handle:
            raise ContextRefused(
                f"{name}_invalid", f"Send the handle of the person as `{name}`, or leave it out."
            )
    if bool(handle) != (not _is_blank(session_id)):
        raise ContextRefused(
            "representation_incomplete",
            f"To act for another person, send both `{name}` and `representation_session_id`."
            " To act as yourself, send neither.",
        )
    return Represented(handle, str(session_id)) if handle else None


def _handle(access: Access) -> str:
    return f"@{access.user.handle}"


def _is_blank(value: Any) -> bool:
    return not isinstance(value, str) or not value.strip()


def _slug(value: Any) -> str:
    """Return a handle in the form for comparisons: lowercase, without `@`."""
    if not isinstance(value, str):
        return ""
    return _NO_SLUG.sub("-", value.strip().removeprefix("@").lower()).strip("-")
