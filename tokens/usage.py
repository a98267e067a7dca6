"""When a token was last used: written at most once a minute, and never in the way."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.db.models import Q

from harmonic.kernel.access import Access
from tokens.models import ApiToken

_log = logging.getLogger(__name__)


def note_use(access: Access) -> None:
    """Write the last use of the token of a request that was let in."""
    token = access.token
    if token is None:
        return
    stale = access.now - ApiToken.USE_WRITTEN_EVERY
    if token.last_used_at is not None and token.last_used_at > stale:
        return
    unused = Q(last_used_at=None) | Q(last_used_at__lte=stale)
    try:
        ApiToken.objects.filter(unused, id=token.id).update(last_used_at=access.now)
    except DatabaseError:
        _log.exception("The last use of a token was not written.")
