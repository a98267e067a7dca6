"""The plaintext of an API token, which is shown once and stored as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "hmn_"
RANDOM_LENGTH: Final = 36
CHECKSUM_LENGTH: Final = 6
LENGTH: Final = len(PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH
VISIBLE_LENGTH: Final = 8
ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHARACTERS: Final = frozenset(ALPHABET)


def new() -> str:
    """Return a new token of 214 random bits, in a format that secret scanners recognise."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return PREFIX + body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Return whether a string has the format of a token, so that a typo costs no query.

    Every check always runs.
    """
    has_length = len(token) == LENGTH
    body = token[len(PREFIX) : LENGTH - CHECKSUM_LENGTH].ljust(RANDOM_LENGTH)
    has_prefix = token.startswith(PREFIX)
    has_alphabet = set(token[len(PREFIX) : LENGTH]) <= _CHARACTERS
    given = token[LENGTH - CHECKSUM_LENGTH : LENGTH].encode("utf-8", "replace")
    has_checksum = hmac.compare_digest(given, _checksum(body).encode())
    return has_length & has_prefix & has_alphabet & has_checksum


def digest(token: str) -> str:
    """Return the SHA-256 of the token in hex, which is stored and looked up."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def visible_prefix(token: str) -> str:
    """Return the first characters of a token, which identify it to its owner."""
    return token[:VISIBLE_LENGTH]


def masked(prefix: str) -> str:
    """Return a visible prefix followed by nine stars in place of the secret."""
    return prefix + "*" * 9


def short(prefix: str) -> str:
    """Return a visible prefix followed by an ellipsis."""
    return f"{prefix}…"


def _checksum(body: str) -> str:
    """Return the CRC-32 of the body in base 62, padded with "0" to its length."""
    rest = zlib.crc32(body.encode("ascii", "replace"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
