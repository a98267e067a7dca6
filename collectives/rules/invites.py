"""Invitations: creating them, revoking them, and expiring those without a right behind them."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from collectives.models import Invite
from harmonic.kernel.access import Access

INVITE_REVOKED = "This invitation was revoked. Ask a member for a new one."
NEEDS_A_NEWER_INVITE = (
    "This link was made before your membership ended. Ask a member for a new invitation."
)


def new_invite(access: Access) -> Invite:
    invite: Invite = Invite.objects.create(
        tenant_id=access.tenant.id,
        collective_id=access.here.id,
        code=secrets.token_hex(16),
        created_by_id=access.user.user_id,
        expires_at=access.now + Invite.LIFETIME,
        created_at=access.now,
    )
    return invite


def revoke_links(collective_id: uuid.UUID, now: datetime) -> int:
    """Revoke all invitation links of a collective, and return how many there were."""
    links = Invite.objects.unexpired(now).filter(collective=collective_id, invited_user=None)
    return int(links.update(revoked_at=now))


def expire_unbacked_invites(collective_id: uuid.UUID, now: datetime) -> None:
    """Expire the invites of a collective whose makers may no longer invite to it.

    They stay expired when the maker comes back or gets the right again.
    """
    unbacked = Invite.objects.unexpired(now).unbacked().filter(collective=collective_id)
    unbacked.update(expires_at=now)


def delete_personal_invites(collective_id: uuid.UUID, user_id: uuid.UUID) -> None:
    Invite.objects.filter(collective=collective_id, invited_user=user_id).delete()
