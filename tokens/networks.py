"""The networks from which tokens were used, of which their owners are notified.

Requests only remember them. Each process stores a network of a token once, with the pending usage
(`tokens/usage.py`): within a minute, and not during a request.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from harmonic.kernel.database.tenancy import tenant_bound
from tokens.models import ApiToken, TokenNetwork

Networks = dict[tuple[UUID, str], datetime]


class NetworkLedger:
    """The networks that this process has seen, by tenant, token and network."""

    # Networks that are remembered as stored, and those that wait; further ones are forgotten.
    REMEMBERED, WAITING = 10_000, 1000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stored: set[tuple[UUID, str]] = set()
        self._pending: dict[UUID, Networks] = defaultdict(dict)

    def add(self, tenant_id: UUID, token_id: UUID, network: str, now: datetime) -> None:
        """Remember that a token was used from a network; "" is an unknown one."""
        key = (token_id, network)
        if not network or key in self._stored:
            return
        with self._lock:
            pending = self._pending[tenant_id]
            if len(pending) < self.WAITING:
                pending.setdefault(key, now)

    def settle(self) -> None:
        """Store the networks that wait. If that fails, they wait on."""
        with self._lock:
            waiting, self._pending = self._pending, defaultdict(dict)
        for tenant_id in list(waiting):
            try:
                _store(tenant_id, waiting[tenant_id])
            except Exception:
                self._put_back(waiting)
                raise
            self._remember(waiting.pop(tenant_id))

    def _put_back(self, waiting: dict[UUID, Networks]) -> None:
        with self._lock:
            for tenant_id, networks in waiting.items():
                self._pending[tenant_id] = {**self._pending[tenant_id], **networks}

    def _remember(self, networks: Networks) -> None:
        with self._lock:
            if len(self._stored) > self.REMEMBERED:
                self._stored = set()
            self._stored.update(networks)


ledger = NetworkLedger()


def _store(tenant_id: UUID, networks: Networks) -> None:
    """Store networks of tokens that have not too many; other processes may have stored them."""
    with tenant_bound(tenant_id):
        tokens = ApiToken.objects.filter(id__in={token_id for token_id, _ in networks})
        counted = tokens.annotate(known=Count("networks")).filter(known__lt=TokenNetwork.KEPT)
        kept = set(counted.values_list("id", flat=True))
        rows = [
            TokenNetwork(
                tenant_id=tenant_id, token_id=token_id, network=network, first_used_at=first_used_at
            )
            for (token_id, network), first_used_at in networks.items()
            if token_id in kept
        ]
        TokenNetwork.objects.bulk_create(rows, ignore_conflicts=True)
