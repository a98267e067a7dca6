"""The plaintext of an API token: made once, shown once, stored as a digest."""

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
    """Return a new token of 214 random bits, which scanners know by its form."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return PREFIX + body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Tell whether a string has a token's form, so that a slip of the hand costs no query.

    Every check runs, whatever the others find.
    """
    has_length = len(token) == LENGTH
    body = token[len(PREFIX) : LENGTH - CHECKSUM_LENGTH].ljust(RANDOM_LENGTH)
    has_prefix = token.startswith(PREFIX)
    has_alphabet = set(token[len(PREFIX) : LENGTH]) <= _CHARACTERS
    given = token[LENGTH - CHECKSUM_LENGTH : LENGTH].encode("utf-8", "replace")
    has_checksum = hmac.compare_digest(given, _checksum(body).encode())
    return has_length & has_prefix & has_alphabet & has_checksum


def digest(token: str) -> str:
    """Return the SHA-256 of the whole token in hex: what is stored and looked up."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def visible_prefix(token: str) -> str:
    """Return the first characters, by which an owner tells tokens apart."""
    return token[:VISIBLE_LENGTH]


def masked(prefix: str) -> str:
    """Return a visible prefix followed by nine stars in place of the secret."""
    return prefix + "*" * 9


def _checksum(body: str) -> str:
    """Return the CRC-32 of the body in base 62, padded with "0" to its length."""
    rest = zlib.crc32(body.encode("ascii", "replace"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
