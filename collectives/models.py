"""Models of collectives, members and invites."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import TenantUser, User
from harmonic.kernel.access import (
    Access,
    CollectiveKind,
    UserType,
    is_api_open,
    place_path,
    roles_held,
)
from harmonic.kernel.database.tenancy import TenantManager, TenantModel


class CollectiveQuerySet(models.QuerySet["Collective"]):
    def standard(self) -> CollectiveQuerySet:
        """Return standard collectives, the main one included. Only these are listed."""
        return self.filter(kind=CollectiveKind.STANDARD)

    def of(self, person_id: Any) -> CollectiveQuerySet:
        """Return the collectives that a tenant user is an active member of."""
        return self.filter(members__person_id=person_id, members__archived_at=None)

    def api_open(self) -> CollectiveQuerySet:
        """Return the collectives where the API is enabled, as `is_api_open` does for one."""
        return self.filter(Q(is_main=True) | Q(is_api_enabled=True))

    def readable_by(self, access: Access) -> CollectiveQuerySet:
        """Return the collectives of any kind whose content the caller may read."""
        return self.readable(
            access.user.person_id, is_subject_to_api_switches=access.is_subject_to_api_switches
        )

    def readable(self, person_id: Any, *, is_subject_to_api_switches: bool) -> CollectiveQuerySet:
        """Return the collectives whose content a tenant user may read."""
        mine = self.of(person_id).filter(archived_at=None)
        return mine.api_open() if is_subject_to_api_switches else mine


CollectiveManager = TenantManager.from_queryset(CollectiveQuerySet)


class Collective(TenantModel):
    """A group, a private workspace, or the tenant's main collective."""

    NAME_LENGTH = 255
    HANDLE_LENGTH = 64
    DESCRIPTION_LENGTH = 10_000
    TEMPOS = ("daily", "weekly", "monthly")
    MODES = ("improv", "orchestra")

    name = models.CharField(max_length=NAME_LENGTH)
    handle = models.CharField(max_length=HANDLE_LENGTH)
    description = models.TextField(blank=True, default="")
    kind = models.CharField(
        max_length=20,
        default=CollectiveKind.STANDARD,
        choices=[(kind, kind) for kind in CollectiveKind],
    )
    is_main = models.BooleanField(default=False)
    is_api_enabled = models.BooleanField(default=False)
    timezone = models.CharField(max_length=64, default="UTC")
    tempo = models.CharField(max_length=10, default="daily")
    synchronization_mode = models.CharField(max_length=10, default="improv")
    all_members_can_invite = models.BooleanField(default=False)
    any_member_can_represent = models.BooleanField(default=False)
    invite_only = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    identity = models.ForeignKey(
        TenantUser, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar = CollectiveManager()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "handle"], name="collective_handle"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(is_main=True), name="collective_one_main"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_api_open(self) -> bool:
        return is_api_open(self)

    def get_absolute_url(self) -> str:
        return self.path or "/"

    @property
    def path(self) -> str:
        return place_path(self.handle, self.kind, self.is_main)

    @property
    def is_workspace(self) -> bool:
        return self.kind == CollectiveKind.WORKSPACE


class MemberQuerySet(models.QuerySet["CollectiveMember"]):
    def active(self) -> MemberQuerySet:
        """Return memberships that are not archived, of people who are not archived."""
        return self.filter(archived_at=None, person__archived_at=None)

    def active_admins(self) -> MemberQuerySet:
        """Return the memberships of human admins who are not suspended."""
        return self.active_people().filter(is_admin=True)

    def active_people(self) -> MemberQuerySet:
        """Return the active memberships of humans who are not suspended."""
        return self.active().filter(
            person__user__user_type=UserType.HUMAN, person__user__suspended_at=None
        )

    def inviting(self) -> MemberQuerySet:
        """Return the memberships of people who may invite and are not suspended."""
        right = Q(collective__all_members_can_invite=True) | Q(collective__invite_only=False)
        return self.active().filter(
            Q(is_admin=True) | right,
            collective__kind=CollectiveKind.STANDARD,
            collective__is_main=False,
            person__user__suspended_at=None,
        )


MemberManager = TenantManager.from_queryset(MemberQuerySet)


class CollectiveMember(TenantModel):
    """Membership of a tenant user in a collective: roles, and the invite used to join."""

    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(
        TenantUser, on_delete=models.CASCADE, related_name="collective_memberships"
    )
    is_admin = models.BooleanField(default=False)
    is_representative = models.BooleanField(default=False)
    invite = models.ForeignKey(
        "Invite", on_delete=models.SET_NULL, null=True, blank=True, related_name="members"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    user_id: UUID  # annotated where members are listed

    objects: ClassVar = MemberManager()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "collective", "person"], name="member_once"),
        )
        indexes = (models.Index(fields=["tenant", "person"], name="member_by_person"),)

    def __str__(self) -> str:
        return f"{self.person_id} in {self.collective_id}"

    @property
    def roles(self) -> list[str]:
        return roles_held(is_admin=self.is_admin, is_representative=self.is_representative)


class InviteQuerySet(models.QuerySet["Invite"]):
    def unexpired(self, now: datetime) -> InviteQuerySet:
        """Return invites that are neither expired nor revoked."""
        return self.filter(expires_at__gt=now, revoked_at=None)

    def backed(self) -> InviteQuerySet:
        """Return invites whose creator may still invite. Others do not work."""
        return self.filter(self._maker_may_invite())

    def unbacked(self) -> InviteQuerySet:
        return self.exclude(self._maker_may_invite())

    def _maker_may_invite(self) -> models.Exists:
        makers = CollectiveMember.objects.inviting().filter(
            collective=models.OuterRef("collective"),
            person__user=models.OuterRef("created_by"),
        )
        return models.Exists(makers)

    def usable(self, now: datetime) -> InviteQuerySet:
        return self.unexpired(now).backed()


InviteManager = TenantManager.from_queryset(InviteQuerySet)


class Invite(TenantModel):
    """Invite to a collective, valid for one week, shareable or for one user."""

    LIFETIME = timedelta(days=7)
    # An invite is deleted this long after it ended. Until then its page says that it expired.
    KEPT = timedelta(days=90)
    # A shareable invite that is valid for longer than this is reused.
    REUSED_ABOVE = timedelta(days=2)

    code = models.CharField(max_length=32, unique=True)
    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="invites")
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    invited_user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects: ClassVar = InviteManager()

    class Meta(TenantModel.Meta):
        indexes = (models.Index(fields=["tenant", "collective"], name="invite_by_collective"),)

    def __str__(self) -> str:
        return f"Invite to {self.collective_id}"

    @property
    def is_shareable(self) -> bool:
        return self.invited_user_id is None
