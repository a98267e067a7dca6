"""The status of a connection: when and from where a client last used a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import F

from accounts.models import TenantUser
from harmonic.kernel.registry import path_to
from tokens.models import ApiToken


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """The latest request with a token: time, network and client. `path` is the page that has it."""

    path: str
    at: datetime | None = None
    network: str = ""
    client: str = ""

    @property
    def where(self) -> str:
        """The network and the client, as far as they are known."""
        network = f"from {self.network}" if self.network else ""
        return ", ".join(filter(None, (network, self.client)))

    @property
    def json(self) -> Mapping[str, Any]:
        return {
            "is_connected": self.at is not None,
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds") if self.at else None,
            "from": self.network or None,
            "client": self.client or None,
        }


def status_of(token: ApiToken, handle: str) -> ConnectionStatus:
    """Return the status of a token of the account with `handle`."""
    path = path_to("tokens.connection", handle=handle, token_id=token.id)
    return ConnectionStatus(path, token.last_used_at, token.last_used_from, token.last_used_by)


def status_of_owner(owner: TenantUser, now: datetime, path: str) -> ConnectionStatus | None:
    """Return the status of the active token of `owner` used last, or None if there is none.

    `path` is the page of the owner's status.
    """
    rows = ApiToken.objects.filter(owner=owner).active(now)
    latest = rows.order_by(F("last_used_at").desc(nulls_last=True), "-created_at").first()
    return replace(status_of(latest, owner.handle), path=path) if latest else None
