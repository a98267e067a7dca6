"""A cache of rendered texts.

The key is the digest of the text and the release of the code. The cache can be deleted at any
time (`docs/decisions/0011-an-answer-has-a-budget.md`).
"""

from __future__ import annotations

import hashlib
import logging
from functools import lru_cache
from typing import Final

from django.core.cache import BaseCache, caches
from django.utils.safestring import SafeString, mark_safe

from harmonic.kernel.operations.release import release
from harmonic.kernel.rendering.text import FORMATTED_LIMIT, to_html

CACHE: Final = "rendered"
# Shorter texts take about as long to render as to read from the shared cache.
SHARED_FROM: Final = 2_000
SHORT_TEXTS: Final = 1_024

_log = logging.getLogger(__name__)


def rendered(value: str) -> SafeString:
    """Return the HTML of `to_html`, from the cache if possible.

    Short texts are cached in the process, longer ones in the cache that all processes share. Texts
    that are too long to be formatted are not cached: escaping them is fast.
    """
    if len(value) > FORMATTED_LIMIT:
        return to_html(value)
    if len(value) < SHARED_FROM:
        return _short(value)
    key = _key(value)
    html = _found(key)
    if html is None:
        html = to_html(value)
        _keep(key, html)
    return mark_safe(html)  # noqa: S308 made by to_html


@lru_cache(maxsize=SHORT_TEXTS)
def _short(value: str) -> SafeString:
    return to_html(value)


def _key(value: str) -> str:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=32)
    return f"{release()}:{digest.hexdigest()}"


def _cache() -> BaseCache:
    return caches[CACHE]


def _found(key: str) -> str | None:
    try:
        found = _cache().get(key)
    except Exception:  # without the cache the text is rendered again
        _log.exception("rendered_text_not_read")
        return None
    return found if isinstance(found, str) else None


def _keep(key: str, html: str) -> None:
    try:
        _cache().set(key, str(html))
    except Exception:  # the page needs no cache
        _log.exception("rendered_text_not_kept")
