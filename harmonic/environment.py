"""Values of the environment: how they are parsed and checked (`harmonic/settings.py`)."""

from __future__ import annotations

from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network

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
