"""Rules of invitations: creating, revoking and expiring them."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from collectives import queries
from collectives.models import Invite
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Link, NotFound, Refused
from harmonic.kernel.registry import path_to

NEEDED = "Valid invite required to join this collective"
OF_ANOTHER_COLLECTIVE = "Invite does not match collective"
ASK = "Ask a member for a new invitation."
NEEDS_A_NEWER_INVITE = f"This link was created before your membership ended. {ASK}"


def invite_refusal(access: Access, code: str) -> Refused:
    """Return the refusal of a code for which `usable_invite` returned None.

    The status is 410 if the invite has ended, else 404.
    """
    links = [Link("Try another code", path_to("collectives.join", access.required_place.path))]
    invite = queries.invite_of(code)
    if invite is None:
        return NotFound(NEEDED, hint=f"This code is not valid. {ASK}", links=links)
    if invite.collective_id != access.required_place.id:
        return NotFound(OF_ANOTHER_COLLECTIVE, hint=ASK, links=links)
    if invite.invited_user_id not in (None, access.user.user_id):
        return NotFound("Cannot accept invite for another user", hint=ASK, links=links)
    if ended := _ending(access, invite):
        return Refused(ended, status=410, code="gone", hint=ASK, links=links)
    return NotFound(NEEDED, hint=NEEDS_A_NEWER_INVITE, links=links)


def _ending(access: Access, invite: Invite) -> str:
    """Return the sentence about how an invite ended, or "" if it has not."""
    if invite.revoked_at is not None:
        return "This invitation was revoked."
    if not invite.is_shareable and queries.is_used(invite):
        return "This invitation has been used."
    if invite.expires_at <= access.now:
        return "This invitation has expired."
    if not queries.is_backed(invite):
        return "This invitation has ended, because its creator can no longer invite people."
    return ""


def new_invite(access: Access) -> Invite:
    invite: Invite = Invite.objects.create(
        tenant_id=access.tenant.id,
        collective_id=access.required_place.id,
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
    """Expire the invites of a collective whose creators may no longer invite to it.

    They stay expired even if the creator gets the right again.
    """
    unbacked = Invite.objects.unexpired(now).unbacked().filter(collective=collective_id)
    unbacked.update(expires_at=now)


def end_personal_invites(collective_id: uuid.UUID, user_id: uuid.UUID, now: datetime) -> None:
    """Expire the personal invites of a user to a collective, which joining uses up."""
    personal = Invite.objects.unexpired(now).filter(invited_user=user_id)
    personal.filter(collective=collective_id).update(expires_at=now)
