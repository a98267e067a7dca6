"""Values of the environment: how they are parsed and checked (`harmonic/settings.py`)."""

from __future__ import annotations

from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import dj_email_url
from environs import EnvValidationError, ValidationError, validate

AT_LEAST_ONE = validate.Range(min=1)
POSITIVE = validate.Range(min=0, min_inclusive=False)
Network = IPv4Network | IPv6Network


def network(word: str) -> Network:
    """Return the network of an address or a prefix; IPv4-mapped addresses become IPv4."""
    parsed = ip_network(word, strict=False)
    mapped = getattr(parsed.network_address, "ipv4_mapped", None)
    return ip_network((mapped, parsed.prefixlen - 96)) if mapped else parsed


def networks(value: str) -> tuple[Network, ...]:
    """Return the networks of a comma-separated list."""
    words = [word.strip() for word in value.split(",")]
    try:
        return tuple(network(word) for word in words if word)
    except ValueError as error:
        raise EnvValidationError(str(error), [str(error)]) from error


# The minimum length of a secret key, and of distinct characters: a random key has more.
SECRET_KEY_LENGTH, SECRET_KEY_CHARACTERS = 50, 8


def check_secret_key(value: str) -> None:
    """Check that a secret key is long and varied enough to sign sessions with.

    Raises:
        ValidationError: the message says what to do.
    """
    if len(value) < SECRET_KEY_LENGTH or len(set(value)) < SECRET_KEY_CHARACTERS:
        raise ValidationError(
            f"It must have at least {SECRET_KEY_LENGTH} characters, {SECRET_KEY_CHARACTERS} of them"
            " different. Generate one with: python -c 'import secrets;"
            " print(secrets.token_urlsafe(50))'"
        )


def check_cache_url(value: str) -> None:
    """Check that a URL is empty or that of a Redis server, and that the redis package is installed.

    Raises:
        ValidationError: the message says what to do.
    """
    if not value:
        return
    if not value.startswith(("redis://", "rediss://")):
        raise ValidationError("It must be the URL of a Redis server, such as redis://10.0.0.5/0.")
    if find_spec("redis") is None:
        raise ValidationError(
            "The package redis is missing. Install it with: .venv/bin/pip install -e '.[redis]'"
        )


# --- E-mail ---------------------------------------------------------------------------------

# Seconds until an unresponsive mail server fails an attempt.
EMAIL_TIMEOUT = 15
EMAIL_SCHEMES = frozenset({"smtp", "submission", "console", "file", "dummy"})


def email_settings(value: str) -> dict[str, Any]:
    """Return Django's settings of e-mail for a URL; none for "", which sends no e-mail.

    Raises:
        EnvValidationError: the message does not repeat the URL, which can contain a password.
    """
    if not value:
        return {}
    problem = f"It must be a URL with one of these schemes: {', '.join(sorted(EMAIL_SCHEMES))}."
    if value.partition(":")[0] not in EMAIL_SCHEMES:
        raise EnvValidationError(problem, [problem])
    try:
        found: dict[str, Any] = dj_email_url.parse(value)
    except ValueError:
        problem = "Its port and its timeout must be numbers."
        raise EnvValidationError(problem, [problem]) from None
    return {**found, "EMAIL_TIMEOUT": found["EMAIL_TIMEOUT"] or EMAIL_TIMEOUT}


def check_sender(value: str) -> None:
    """Check that a sender is empty, or an address such as `Harmonic <no-reply@example.org>`.

    Raises:
        ValidationError: the message says what to do.
    """
    _, address = parseaddr(value)
    is_address = "@" in address.strip("@") and value.isprintable()
    if value and not is_address:
        raise ValidationError("It must be an address, such as Harmonic <no-reply@example.org>.")
