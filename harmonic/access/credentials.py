"""The Authorization header: reading the token, and the refusals of invalid credentials."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.queries import people
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.refusals import AUTHENTICATE, Forbidden, SignInRequired
from harmonic.kernel.registry import path_to

ASK_YOUR_HUMAN = (
    "Agents cannot create tokens: ask your human for one."
    " People create theirs at /u/{handle}/settings/tokens."
)
INVALID_TOKEN_HINT = (
    "This token does not work here. It may be mistyped or revoked, or it may belong to another"
    f" community. {ASK_YOUR_HUMAN}"
)


def has_credentials(request: HttpRequest) -> bool:
    """Return whether the request has an Authorization header; then its session is ignored."""
    return bool(request.headers.get("Authorization", "").strip())


def bearer_token(request: HttpRequest) -> str:
    """Return the token of the Authorization header, or "" unless it has exactly two words."""
    words = request.headers.get("Authorization", "").split()
    return words[1] if len(words) == 2 else ""


def uses_bearer_scheme(request: HttpRequest) -> bool:
    return request.headers["Authorization"].split()[0].lower() == "bearer"


def unsupported_scheme() -> SignInRequired:
    """Return the refusal of credentials other than a Bearer token."""
    return SignInRequired(hint=f"{AUTHENTICATE}. {ASK_YOUR_HUMAN}")


def invalid_token() -> SignInRequired:
    """Return the refusal of a token that is unknown, revoked or of another tenant.

    It is the same for all of them, so that tokens cannot be probed.
    """
    return SignInRequired(
        hint=INVALID_TOKEN_HINT, headers={"WWW-Authenticate": _challenge("The token is not valid")}
    )


def expired_token() -> SignInRequired:
    return SignInRequired(
        "Token expired",
        code="token_expired",
        hint=ASK_YOUR_HUMAN,
        headers={"WWW-Authenticate": _challenge("The token expired")},
    )


def agent_paused(access: Access) -> Forbidden:
    """Return the refusal of an agent that its parent has paused."""
    agent = access.user
    assert agent.parent_id is not None  # only agents are paused
    with tenant_bound(access.tenant.id):
        parent = people([agent.parent_id])[agent.parent_id]
    return Forbidden(
        "This agent is paused",
        code="agent_paused",
        hint=(
            f"{parent.name} (@{parent.handle}) can resume it at"
            f" {path_to('agents.show', handle=agent.handle)}. Its tokens stay valid until then."
        ),
    )


def _challenge(description: str) -> str:
    return f'Bearer realm="Harmonic", error="invalid_token", error_description="{description}"'
