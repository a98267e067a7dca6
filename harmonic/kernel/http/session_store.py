"""The session engine: Django's database sessions, read by a prepared query."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from harmonic.kernel.database.prepared import of_model


def _live(key: str, now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=now)


_SESSIONS = of_model(Session, _live)


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        found = _SESSIONS.first(key=self.session_key or "", now=timezone.now())
        if found is None:
            self._session_key = None
        return found
