"""Which code serves: part of every tag that is taken of data, not of what was made of it."""

from __future__ import annotations

import hashlib
from functools import cache

from django.conf import settings

# What answers are made by.
_SOURCES = ("accounts", "api", "collectives", "harmonic", "tokens", "requirements")


@cache
def release() -> str:
    """Return a digest of the code that runs, the same in every process that runs it."""
    digest = hashlib.blake2b(digest_size=16)
    for folder in _SOURCES:
        for path in sorted((settings.BASE_DIR / folder).rglob("*")):
            if path.suffix in {".py", ".txt"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()
