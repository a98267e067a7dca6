"""The usage of tokens: last use, request counts by day, and refused requests.

Counts are collected in the process and written with the last use: at most once a minute for each
token, by one conditional update. A clean stop writes what is pending; a kill loses at most a
minute. A failure here neither fails nor delays a request: while the database is unavailable, the
counts stay pending.
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
from functools import lru_cache
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
from harmonic.kernel.rendering.text import is_acceptable, normalise_line
from tokens import networks
from tokens.models import ApiToken, ApiTokenQuerySet, TokenDay, TokenRefusal

REFUSED = frozenset({401, 403, 429})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Use:
    """The time, network and client of a request."""

    at: datetime
    network: str
    client: str


@dataclass(slots=True)
class PendingUse:
    """The usage of one token that is not yet written."""

    tenant_id: UUID
    requests: int = 0
    refusals: int = 0
    use: Use | None = None
    refused: deque[TokenRefusal] = field(default_factory=lambda: deque(maxlen=TokenRefusal.KEPT))

    def add(self, other: PendingUse) -> None:
        """Add later usage."""
        self.requests += other.requests
        self.refusals += other.refusals
        self.use = other.use or self.use
        self.refused.extend(other.refused)


class Ledger:
    """The pending usage of this process, by token."""

    # Above this many tokens, those without recent refusals are removed.
    REMEMBERED = 1000
    # Seconds without writes after a failed one.
    PAUSE = 10.0

    def __init__(self) -> None:
        self._paused_until = 0.0
        self._lock = threading.Lock()
        self._pending: dict[UUID, PendingUse] = {}
        self._refusals_written_at: dict[UUID, datetime] = {}
        self._database = ""

    def add(self, token_id: UUID, usage: PendingUse) -> None:
        with self._lock:
            if not self._database:
                atexit.register(self.settle)
            self._database = str(connection.settings_dict["NAME"])
            known = self._pending.setdefault(token_id, PendingUse(usage.tenant_id))
            known.add(usage)

    def take(self, token_id: UUID) -> PendingUse | None:
        """Remove and return the pending usage of a token; the caller writes it or puts it back."""
        with self._lock:
            return self._pending.pop(token_id, None)

    def put_back(self, token_id: UUID, pending: PendingUse) -> None:
        with self._lock:
            later = self._pending.get(token_id)
            if later is not None:
                pending.add(later)
            self._pending[token_id] = pending

    def may_write_refusals(self, token_id: UUID, now: datetime) -> bool:
        """Return whether refusals were last written over a minute ago; if so, record the time."""
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
        """Stop writing for a while, because the database is unavailable."""
        self._paused_until = time.monotonic() + self.PAUSE

    def settle(self) -> None:
        """Write all pending usage to the database it belongs to."""
        if self._database != str(connection.settings_dict["NAME"]):
            return
        self._paused_until = 0.0
        with self._lock:
            pending, self._pending = self._pending, {}
        for token_id, each in pending.items():
            if self.is_paused or not _try_write(token_id, each, timezone.now(), is_late=True):
                self.put_back(token_id, each)
        if not self.is_paused:
            networks.ledger.settle()


ledger = Ledger()


def settle_every_minute() -> None:
    """Start a thread that settles the ledger, so that the counts of idle tokens are written too."""

    def run() -> None:
        while True:
            time.sleep(ApiToken.USE_WRITTEN_EVERY.total_seconds())
            try:
                ledger.settle()
            except Exception:  # the thread must not end before the process
                _log.exception("Failed to write the usage of tokens.")
            finally:
                connection.close()

    threading.Thread(target=run, name="token-usage", daemon=True).start()


# --- Recording a request --------------------------------------------------------------------


def record_request(
    request: AccessRequest, token: TokenFacts | None, refused: Refused | None
) -> None:
    """Record a request with a known token that was allowed, or refused with 401, 403 or 429."""
    access: Access | None = getattr(request, "access", None)
    if access is None or token is None or token.is_internal:
        return
    is_allowed = bool(getattr(request, "is_allowed", False))
    is_refused = refused is not None and refused.status in REFUSED
    if not (is_allowed or is_refused):
        return
    usage = PendingUse(access.tenant.id, requests=1)
    if is_allowed:
        address = access.remote_address
        client = clean_client(getattr(request, "client_name", "")) or client_of(request.headers)
        usage.use = Use(access.now, network_of(address), client)
        networks.ledger.add(access.tenant.id, token.id, usage.use.network, access.now)
    if refused is not None and is_refused:
        usage.refusals = 1
        usage.refused.append(_refusal(request, access, token, refused))
    ledger.add(token.id, usage)
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


@lru_cache(1024)
def network_of(address: str) -> str:
    """Return the network of a canonical address: /24 for IPv4, /48 for IPv6; "" for ""."""
    if not address:
        return ""
    parsed = ip_address(address)
    return str(ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def clean_client(name: str) -> str:
    """Return the name that an MCP client gives itself as it is stored: one short line."""
    # Cut first, so that a long name costs no more than a short one.
    begun = name[: 4 * ApiToken.CLIENT_LENGTH]
    line = normalise_line(begun) if is_acceptable(begun) else ""
    return without_tokens(line)[: ApiToken.CLIENT_LENGTH].strip()


def client_of(headers: Any) -> str:
    """Return the first product name of the User-Agent header: `curl` for `curl/8.5.0`."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", headers.get("User-Agent", "").strip())
    return without_tokens(match.group())[: ApiToken.CLIENT_LENGTH] if match else ""


# --- Writing --------------------------------------------------------------------------------


def _write(token_id: UUID, now: datetime) -> None:
    if ledger.is_paused:
        return
    pending = ledger.take(token_id)
    if pending is not None and not _try_write(token_id, pending, now):
        ledger.put_back(token_id, pending)


def _try_write(
    token_id: UUID, pending: PendingUse, now: datetime, *, is_late: bool = False
) -> bool:
    """Write the pending usage of a token; return False if it must stay pending."""
    try:
        with outages.waiting_briefly():
            return write(token_id, pending, now, is_late=is_late)
    except Error as error:
        if outages.is_outage(error):
            ledger.pause()
            _log.warning("The usage of tokens stays pending, because the database is unavailable.")
        else:
            _log.exception("Failed to write the usage of a token.")
        return False


def write(token_id: UUID, pending: PendingUse, now: datetime, *, is_late: bool = False) -> bool:
    """Write the pending usage of a token.

    Return False if another process has written within the last minute. With `is_late` the counts
    are always written, and the last use if it is the latest.
    """
    with tenant_bound(pending.tenant_id):
        rows = ApiToken.objects.filter(id=token_id)
        if not (is_late or pending.refused):
            return _add_counts(
                _last_used_before(rows, now - ApiToken.USE_WRITTEN_EVERY), pending, now
            )
        with transaction.atomic():
            if is_late and pending.use is not None:
                rows.filter(Q(last_used_at=None) | Q(last_used_at__lt=pending.use.at)).update(
                    **_use(pending)
                )
                pending.use = None
            if pending.use is not None:
                rows = _last_used_before(rows, now - ApiToken.USE_WRITTEN_EVERY)
            is_counted = _add_counts(rows, pending, now)
            if is_counted and pending.refused:
                _store_refusals(token_id, pending)
            return is_counted


def _last_used_before(rows: ApiTokenQuerySet, moment: datetime) -> ApiTokenQuerySet:
    return rows.filter(Q(last_used_at=None) | Q(last_used_at__lte=moment))


def _add_counts(rows: ApiTokenQuerySet, pending: PendingUse, now: datetime) -> bool:
    """Add to today's counts in the token's row; return whether the row was updated."""
    today = day_of(now)
    added = {
        "counted_requests": F("counted_requests") + pending.requests,
        "counted_refusals": F("counted_refusals") + pending.refusals,
    }
    values = {**_use(pending), "counted_on": today}
    of_today = rows.filter(Q(counted_on=None) | Q(counted_on=today))
    return bool(of_today.update(**values, **added)) or _start_day(rows, pending, values)


def _use(pending: PendingUse) -> dict[str, Any]:
    use = pending.use
    if use is None:
        return {}
    return {"last_used_at": use.at, "last_used_from": use.network, "last_used_by": use.client}


def _start_day(rows: ApiTokenQuerySet, pending: PendingUse, values: dict[str, Any]) -> bool:
    """Move the counts of a past day into a `TokenDay`, and start today's."""
    with transaction.atomic():
        old = rows.select_for_update().exclude(counted_on=values["counted_on"]).first()
        if old is None or old.counted_on is None:
            return False
        past = TokenDay(
            tenant_id=old.tenant_id,
            token_id=old.id,
            day=old.counted_on,
            requests=old.counted_requests,
            refusals=old.counted_refusals,
        )
        TokenDay.objects.bulk_create(
            [past],
            update_conflicts=True,
            update_fields=["requests", "refusals"],
            unique_fields=["tenant", "token", "day"],
        )
        fresh = {"counted_requests": pending.requests, "counted_refusals": pending.refusals}
        return bool(rows.filter(counted_on=old.counted_on).update(**values, **fresh))


def _store_refusals(token_id: UUID, pending: PendingUse) -> None:
    """Store the refused requests, and delete all but the newest."""
    TokenRefusal.objects.bulk_create(pending.refused)
    mine = TokenRefusal.objects.filter(token=token_id)
    newest = mine.order_by("-at", "-id").values("id")[: TokenRefusal.KEPT]
    mine.exclude(id__in=list(newest.values_list("id", flat=True))).delete()


# --- Reading --------------------------------------------------------------------------------

SHOWN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """The numbers of requests and refusals of a token on one day (UTC)."""

    day: date
    requests: int
    refusals: int


def day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def days_of(token: ApiToken, now: datetime) -> list[Day]:
    """Return the last 30 days of a token, oldest first, including days without requests."""
    first = day_of(now) - timedelta(days=SHOWN_DAYS - 1)
    rows = TokenDay.objects.filter(token=token.id, day__gte=first)
    counts = {row.day: (row.requests, row.refusals) for row in rows}
    if token.counted_on is not None:
        counts[token.counted_on] = (token.counted_requests, token.counted_refusals)
    days = [first + timedelta(days=number) for number in range(SHOWN_DAYS)]
    return [Day(day, *counts.get(day, (0, 0))) for day in days]


def refusals_of(token: ApiToken) -> list[TokenRefusal]:
    """Return the stored refused requests of a token, newest first."""
    rows = TokenRefusal.objects.filter(token=token.id)
    return list(rows.order_by("-at", "-id")[: TokenRefusal.KEPT])
