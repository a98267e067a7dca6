"""Folding of texts and search terms, so that accents and case are ignored.

Python does this rather than the database, so that both databases find the same items.
"""

from __future__ import annotations

import re
from unicodedata import normalize

# Accents of Latin, Greek and Cyrillic letters. Marks of other scripts distinguish words.
_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")


def fold(text: str) -> str:
    """Return a text without accents, in one case. `İ`, `I` and `ı` become `i`."""
    if text.isascii():
        return text.lower()
    lower = normalize("NFD", normalize("NFD", text).casefold())
    return normalize("NFC", _ACCENTS.sub("", lower)).replace("ı", "i")
