"""Browser sessions: owner, expiry, and recent step-up verification."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from harmonic.kernel.database.tenancy import parse_uuid

USER, TENANT, SIGNED_IN, SEEN, VERIFIED = "user", "tenant", "signed_in_at", "seen_at", "verified"
REVERIFICATION_SCOPES = ("api_tokens", "admin")
# The time of the last request is stored at most this often.
LAST_REQUEST_STORED_EVERY = timedelta(minutes=1)

END_MESSAGES = {
    "session_absolute_timeout": "Your session has expired. Please sign in again.",
    "session_idle_timeout": (
        "Your session expired after a period of inactivity. Please sign in again."
    ),
    "sessions_revoked": "Your session was revoked. Please sign in again.",
    "user_suspended": "This account is suspended.",
}
# After these, the same person can sign in again.
EXPIRED = frozenset(END_MESSAGES) - {"user_suspended"}


def start(session: SessionBase, user_id: UUID, tenant_id: UUID, now: datetime) -> None:
    """Sign a person in at one tenant, under a new session ID."""
    session.cycle_key()
    session[USER], session[TENANT] = str(user_id), str(tenant_id)
    session[SIGNED_IN] = session[SEEN] = now.timestamp()
    session[VERIFIED] = {}


def user_id(session: SessionBase) -> UUID | None:
    return parse_uuid(session.get(USER, ""))


def is_signed_in_at(session: SessionBase, tenant_id: UUID) -> bool:
    """Return whether the session is signed in at this tenant."""
    return USER in session and session.get(TENANT) == str(tenant_id)


def end_reason(
    session: SessionBase, *, is_suspended: bool, revoked_at: datetime | None, now: datetime
) -> str:
    """Return the reason why the session ended, as recorded in the log, or ""."""
    signed_in, seen = session.get(SIGNED_IN, 0), session.get(SEEN, 0)
    moment = now.timestamp()
    if moment - signed_in > settings.SESSION_ABSOLUTE_TIMEOUT.total_seconds():
        return "session_absolute_timeout"
    if moment - seen > settings.SESSION_IDLE_TIMEOUT.total_seconds():
        return "session_idle_timeout"
    if is_suspended:
        return "user_suspended"
    is_revoked = revoked_at is not None and revoked_at.timestamp() >= signed_in
    return "sessions_revoked" if is_revoked else ""


def record_last_request(session: SessionBase, now: datetime) -> None:
    if now.timestamp() - session.get(SEEN, 0) >= LAST_REQUEST_STORED_EVERY.total_seconds():
        session[SEEN] = now.timestamp()


def record_verification(session: SessionBase, scope: str, now: datetime) -> None:
    session[VERIFIED] = {**session.get(VERIFIED, {}), scope: now.timestamp()}


def verified_scopes(session: SessionBase, now: datetime) -> frozenset[str]:
    """Return the step-up scopes verified recently; signing in verifies all of them."""
    verified = session.get(VERIFIED, {})
    lately = now.timestamp() - settings.REVERIFICATION_TIMEOUT.total_seconds()
    signed_in = session.get(SIGNED_IN, 0)
    return frozenset(
        scope for scope in REVERIFICATION_SCOPES if max(signed_in, verified.get(scope, 0)) > lately
    )
