"""The accent colour of a tenant: one of twelve names that static/css/tokens.css turns into colours."""

from __future__ import annotations

from typing import Final
from zlib import crc32

ACCENTS: Final = (
    "clay",
    "amber",
    "olive",
    "moss",
    "pine",
    "teal",
    "lagoon",
    "sky",
    "indigo",
    "violet",
    "plum",
    "rose",
)


def accent_of(subdomain: str) -> str:
    """Return the name of the accent for a subdomain: the same for the same subdomain, whatever its case."""
    return ACCENTS[crc32(subdomain.lower().encode()) % len(ACCENTS)]
