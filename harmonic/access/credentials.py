"""The Authorization header: whether it is there, what it holds, and how it is refused."""

from __future__ import annotations

from django.http import HttpRequest

from harmonic.kernel.refusals import SignInRequired

HOW_TO_ENTER = "Make a token at /u/{handle}/settings/tokens."


def has_credentials(request: HttpRequest) -> bool:
    """Answer whether an Authorization header is there; then the session plays no role."""
    return bool(request.headers.get("Authorization", "").strip())


def bearer_token(request: HttpRequest) -> str:
    """Return the second word of the Authorization header, or "" if there are not two."""
    words = request.headers.get("Authorization", "").split()
    return words[1] if len(words) == 2 else ""


def uses_bearer_scheme(request: HttpRequest) -> bool:
    return request.headers["Authorization"].split()[0].lower() == "bearer"


def unsupported_scheme() -> SignInRequired:
    """Return the refusal of credentials that are no Bearer token: they prove nothing wrong."""
    return SignInRequired(hint=HOW_TO_ENTER)


def invalid_token(message: str = "", code: str = "unauthorized") -> SignInRequired:
    """Return the one refusal for tokens that are unknown, deleted or somebody else's."""
    description = "The token expired" if code == "token_expired" else "The token is not valid"
    return SignInRequired(
        message,
        code=code,
        hint=HOW_TO_ENTER,
        headers={
            "WWW-Authenticate": (
                f'Bearer realm="Harmonic", error="invalid_token", error_description="{description}"'
            )
        },
    )
