"""The accent of a tenant: one of twelve names, which static/css/tokens.css makes colours."""

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
    """Return the accent of a subdomain: always the same one, in whatever case it is written."""
    return ACCENTS[crc32(subdomain.lower().encode()) % len(ACCENTS)]
