"""What a token was used for: last use, counts by day, and the requests that were refused.

Counts wait in the process and go out with the last use: at most once a minute for each token,
by one conditional update. What waits goes out at a clean stop; a kill loses a minute of it at
most. Nothing here ever fails a request, nor holds it up: while the database is unavailable,
counts wait.
"""

from __future__ import annotations

import atexit
import logging
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from harmonic.kernel.access import Access, TokenFacts
from harmonic.kernel.database import outages
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations.redaction import without_tokens
from harmonic.kernel.refusals import Refused
from tokens.models import ApiToken, ApiTokenQuerySet, TokenDay, TokenRefusal

REFUSED = frozenset({401, 403, 429})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Use:
    """One use: when, from which network, by which client."""

    at: datetime
    network: str
    client: str


@dataclass(slots=True)
class PendingUse:
    """What is to be written of one token."""

    tenant_id: UUID
    requests: int = 0
    refusals: int = 0
    use: Use | None = None
    refused: deque[TokenRefusal] = field(default_factory=lambda: deque(maxlen=TokenRefusal.KEPT))

    def add(self, other: PendingUse) -> None:
        """Add what came later."""
        self.requests += other.requests
        self.refusals += other.refusals
        self.use = other.use or self.use
        self.refused.extend(other.refused)


class Ledger:
    """The process's own book of what waits, by token."""

    # So many tokens are remembered before those with nothing to write are forgotten.
    REMEMBERED = 1000
    # Seconds without a write after one that failed.
    PAUSE = 10.0

    def __init__(self) -> None:
        self._paused_until = 0.0
        self._lock = threading.Lock()
        self._waiting: dict[UUID, PendingUse] = {}
        self._refusals_written_at: dict[UUID, datetime] = {}
        self._database = ""

    def add(self, token_id: UUID, news: PendingUse) -> None:
        with self._lock:
            if not self._database:
                atexit.register(self.settle)
            self._database = str(connection.settings_dict["NAME"])
            known = self._waiting.setdefault(token_id, PendingUse(news.tenant_id))
            known.add(news)

    def take(self, token_id: UUID) -> PendingUse | None:
        """Return what waits, which is the caller's to write or to put back."""
        with self._lock:
            return self._waiting.pop(token_id, None)

    def put_back(self, token_id: UUID, waiting: PendingUse) -> None:
        with self._lock:
            later = self._waiting.get(token_id)
            if later is not None:
                waiting.add(later)
            self._waiting[token_id] = waiting

    def may_write_refusals(self, token_id: UUID, now: datetime) -> bool:
        """Answer whether a minute has passed since refusals were last written, and note it."""
        stale = now - ApiToken.USE_WRITTEN_EVERY
        with self._lock:
            written_at = self._refusals_written_at.get(token_id)
            if written_at is not None and written_at > stale:
                return False
            if len(self._refusals_written_at) >= self.REMEMBERED:
                kept = {key: at for key, at in self._refusals_written_at.items() if at > stale}
                self._refusals_written_at = kept
            self._refusals_written_at[token_id] = now
            return True

    @property
    def is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def pause(self) -> None:
        """Let requests write nothing for a while: the database is unavailable."""
        self._paused_until = time.monotonic() + self.PAUSE

    def settle(self) -> None:
        """Write all that waits: every minute, and at a clean stop; into its own database."""
        if self._database != str(connection.settings_dict["NAME"]):
            return
        self._paused_until = 0.0
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for token_id, each in waiting.items():
            if self.is_paused or not _try(token_id, each, timezone.now(), is_late=True):
                self.put_back(token_id, each)


ledger = Ledger()


def settle_every_minute() -> None:
    """Settle the ledger from a thread of its own: a token at rest has its last counts too."""

    def work() -> None:
        while True:
            time.sleep(ApiToken.USE_WRITTEN_EVERY.total_seconds())
            try:
                ledger.settle()
            except Exception:  # the thread lives as long as the process
                _log.exception("The use of tokens was not written.")
            finally:
                connection.close()

    threading.Thread(target=work, name="token-usage", daemon=True).start()


# --- Noting a request -----------------------------------------------------------------------


def note(request: AccessRequest, token: TokenFacts | None, refused: Refused | None) -> None:
    """Note a request that was let in, or refused although its token is known."""
    access: Access | None = getattr(request, "access", None)
    if access is None or token is None or token.is_internal:
        return
    is_allowed = bool(getattr(request, "is_allowed", False))
    is_refused = refused is not None and refused.status in REFUSED
    if not (is_allowed or is_refused):
        return
    news = PendingUse(access.tenant.id, requests=1)
    if is_allowed:
        address = access.remote_address
        news.use = Use(access.now, network_of(address), client_of(request.headers))
    if refused is not None and is_refused:
        news.refusals = 1
        news.refused.append(_refusal(request, access, token, refused))
    ledger.add(token.id, news)
    if _is_due(token, access.now, is_allowed=is_allowed, is_refused=is_refused):
        _write(token.id, access.now)


def _is_due(token: TokenFacts, now: datetime, *, is_allowed: bool, is_refused: bool) -> bool:
    if is_allowed and _is_stale(token.last_used_at, now):
        return True
    return is_refused and not is_allowed and ledger.may_write_refusals(token.id, now)


def _is_stale(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or last_used_at <= now - ApiToken.USE_WRITTEN_EVERY


def _refusal(
    request: AccessRequest, access: Access, token: TokenFacts, refused: Refused
) -> TokenRefusal:
    return TokenRefusal(
        tenant_id=access.tenant.id,
        token_id=token.id,
        at=access.now,
        method=(request.method or "")[: TokenRefusal.METHOD_LENGTH],
        path=without_tokens(access.path)[: TokenRefusal.PATH_LENGTH],
        status=refused.status,
        code=refused.code[: TokenRefusal.CODE_LENGTH],
        sentence=without_tokens(refused.message)[: TokenRefusal.SENTENCE_LENGTH],
        cure=without_tokens(refused.hint)[: TokenRefusal.SENTENCE_LENGTH],
    )


def network_of(address: str) -> str:
    """Return the network of a canonical address: /24 of IPv4, /48 of IPv6; "" for none."""
    if not address:
        return ""
    parsed = ip_address(address)
    return str(ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def client_of(headers: Any) -> str:
    """Return the word by which a client names itself: `curl` of `curl/8.5.0`."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", headers.get("User-Agent", "").strip())
    return without_tokens(match.group())[: ApiToken.CLIENT_LENGTH] if match else ""


# --- Writing --------------------------------------------------------------------------------


def _write(token_id: UUID, now: datetime) -> None:
    if ledger.is_paused:
        return
    waiting = ledger.take(token_id)
    if waiting is not None and not _try(token_id, waiting, now):
        ledger.put_back(token_id, waiting)


def _try(token_id: UUID, waiting: PendingUse, now: datetime, *, is_late: bool = False) -> bool:
    """Write what waits of a token; False if it is to wait on."""
    try:
        with outages.waiting_briefly():
            return write(token_id, waiting, now, is_late=is_late)
    except Error as error:
        if outages.is_outage(error):
            ledger.pause()
            _log.warning("The use of tokens waits, because the database is unavailable.")
        else:
            _log.exception("The use of a token was not written.")
        return False


def write(token_id: UUID, waiting: PendingUse, now: datetime, *, is_late: bool = False) -> bool:
    """Write what waits of a token; False where another process wrote within the minute.

    With `is_late` the counts are written whoever wrote before, and the use if it is the latest.
    """
    with tenant_bound(waiting.tenant_id):
        rows = ApiToken.objects.filter(id=token_id)
        if not (is_late or waiting.refused):
            return _counted(_last_used_before(rows, now - ApiToken.USE_WRITTEN_EVERY), waiting, now)
        with transaction.atomic():
            if is_late and waiting.use is not None:
                rows.filter(Q(last_used_at=None) | Q(last_used_at__lt=waiting.use.at)).update(
                    **_use(waiting)
                )
                waiting.use = None
            if waiting.use is not None:
                rows = _last_used_before(rows, now - ApiToken.USE_WRITTEN_EVERY)
            is_counted = _counted(rows, waiting, now)
            if is_counted and waiting.refused:
                _keep(token_id, waiting)
            return is_counted


def _last_used_before(rows: ApiTokenQuerySet, moment: datetime) -> ApiTokenQuerySet:
    return rows.filter(Q(last_used_at=None) | Q(last_used_at__lte=moment))


def _counted(rows: ApiTokenQuerySet, waiting: PendingUse, now: datetime) -> bool:
    """Add to the counts of today, which the token's own row holds."""
    today = day_of(now)
    added = {
        "counted_requests": F("counted_requests") + waiting.requests,
        "counted_refusals": F("counted_refusals") + waiting.refusals,
    }
    values = {**_use(waiting), "counted_on": today}
    of_today = rows.filter(Q(counted_on=None) | Q(counted_on=today))
    return bool(of_today.update(**values, **added)) or _turned(rows, waiting, values)


def _use(waiting: PendingUse) -> dict[str, Any]:
    use = waiting.use
    if use is None:
        return {}
    return {"last_used_at": use.at, "last_used_from": use.network, "last_used_by": use.client}


def _turned(rows: ApiTokenQuerySet, waiting: PendingUse, values: dict[str, Any]) -> bool:
    """Move the counts of a day that is over into a row of their own, and begin today's."""
    with transaction.atomic():
        old = rows.select_for_update().exclude(counted_on=values["counted_on"]).first()
        if old is None or old.counted_on is None:
            return False
        over = TokenDay(
            tenant_id=old.tenant_id,
            token_id=old.id,
            day=old.counted_on,
            requests=old.counted_requests,
            refusals=old.counted_refusals,
        )
        TokenDay.objects.bulk_create(
            [over],
            update_conflicts=True,
            update_fields=["requests", "refusals"],
            unique_fields=["tenant", "token", "day"],
        )
        fresh = {"counted_requests": waiting.requests, "counted_refusals": waiting.refusals}
        return bool(rows.filter(counted_on=old.counted_on).update(**values, **fresh))


def _keep(token_id: UUID, waiting: PendingUse) -> None:
    """Keep the refused requests, and of all of them the newest."""
    TokenRefusal.objects.bulk_create(waiting.refused)
    mine = TokenRefusal.objects.filter(token=token_id)
    newest = mine.order_by("-at", "-id").values("id")[: TokenRefusal.KEPT]
    mine.exclude(id__in=list(newest.values_list("id", flat=True))).delete()


# --- Reading --------------------------------------------------------------------------------

SHOWN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """How often a token was used on one day, in UTC, and how often it was refused."""

    day: date
    requests: int
    refusals: int


def day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def days_of(token: ApiToken, now: datetime) -> list[Day]:
    """Return the last thirty days of a token, the oldest first; empty ones too."""
    first = day_of(now) - timedelta(days=SHOWN_DAYS - 1)
    rows = TokenDay.objects.filter(token=token.id, day__gte=first)
    counts = {row.day: (row.requests, row.refusals) for row in rows}
    if token.counted_on is not None:
        counts[token.counted_on] = (token.counted_requests, token.counted_refusals)
    days = [first + timedelta(days=number) for number in range(SHOWN_DAYS)]
    return [Day(day, *counts.get(day, (0, 0))) for day in days]


def refusals_of(token: ApiToken) -> list[TokenRefusal]:
    """Return the newest refused requests of a token."""
    rows = TokenRefusal.objects.filter(token=token.id)
    return list(rows.order_by("-at", "-id")[: TokenRefusal.KEPT])
