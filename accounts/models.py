"""Models of tenants, accounts, memberships in tenants, and the security log."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models, transaction
from django.db.models import Q

from harmonic.kernel.access import UserType
from harmonic.kernel.database.folded_keys import FoldedField
from harmonic.kernel.database.tenancy import TenantManager, TenantModel


class TenantQuerySet(models.QuerySet["Tenant"]):
    def change_access(self) -> None:
        """Lock these tenants for a change of access, until the transaction ends.

        Every write of a request holds its tenant's row in share mode, so no write overlaps with
        the change (`docs/architecture.md`, Deciding).
        """
        self.update(access_version=models.F("access_version") + 1)


class Tenant(models.Model):
    """An isolated community, at its own subdomain."""

    NAME_LENGTH = 255
    SUBDOMAIN_LENGTH = 63

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subdomain = models.CharField(max_length=SUBDOMAIN_LENGTH, unique=True)
    name = models.CharField(max_length=NAME_LENGTH)
    timezone = models.CharField(max_length=64, default="UTC")
    is_listed = models.BooleanField(default=False)
    is_api_enabled = models.BooleanField(default=False)
    is_ai_agents_enabled = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    # Incremented by every change of access. The update locks the row, which blocks writes.
    access_version = models.PositiveBigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()

    objects: ClassVar = models.Manager.from_queryset(TenantQuerySet)()

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    pass


class User(AbstractBaseUser):
    """An account: one actor across the whole site. `TenantUser` is its membership in a tenant.

    Suspension and security reset set `tokens_revoked_at`, which is never cleared: a token
    created at or before that moment counts as deleted (`docs/architecture.md`).
    """

    NAME_LENGTH = 255
    EMAIL_LENGTH = 254
    SHORTEST_PASSWORD = 14
    # The longest line that a terminal can pass on.
    LONGEST_PASSWORD = 4095

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=EMAIL_LENGTH, unique=True)
    email_key = FoldedField(source="email", max_length=EMAIL_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH)
    user_type = models.CharField(
        max_length=24, default=UserType.HUMAN, choices=[(kind, kind) for kind in UserType]
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="agents"
    )
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.TextField(blank=True, default="")
    sessions_revoked_at = models.DateTimeField(null=True, blank=True)
    tokens_revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    last_login = None  # the session and the security log have it

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="user_parent_only_for_agents",
                condition=models.Q(user_type=UserType.AI_AGENT, parent__isnull=False)
                | (~models.Q(user_type=UserType.AI_AGENT) & models.Q(parent__isnull=True)),
            ),
            models.CheckConstraint(
                name="user_not_its_own_parent",
                condition=models.Q(parent__isnull=True) | ~models.Q(parent=models.F("id")),
            ),
            models.UniqueConstraint(fields=["email_key"], name="user_email_key"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_agent(self) -> bool:
        return self.user_type == UserType.AI_AGENT

    @property
    def is_human(self) -> bool:
        return self.user_type == UserType.HUMAN

    @property
    def is_internal_agent(self) -> bool:
        """True for an agent that Harmonic runs."""
        return self.is_agent and self.agent.is_internal

    def _change_access(self) -> None:
        Tenant.objects.filter(tenantusers__user=self).change_access()

    @transaction.atomic
    def revoke_tokens(self, now: datetime) -> None:
        """Revoke every token of this user in all tenants."""
        self._change_access()
        self.tokens_revoked_at = now
        self.save(update_fields=["tokens_revoked_at"])

    @transaction.atomic
    def suspend(self, now: datetime, reason: str = "") -> None:
        """Suspend this account and its agents, and revoke their tokens permanently."""
        self._change_access()
        self.suspended_at = now
        self.suspended_reason = reason
        self.tokens_revoked_at = now
        self.save(update_fields=["suspended_at", "suspended_reason", "tokens_revoked_at"])
        for agent in self.agents.filter(suspended_at=None):
            agent.suspend(now, f"Parent user suspended: {reason}")

    @transaction.atomic
    def unsuspend(self) -> None:
        """Lift the suspension. Agents stay suspended, and revoked tokens stay revoked."""
        self._change_access()
        self.suspended_at = None
        self.suspended_reason = ""
        self.save(update_fields=["suspended_at", "suspended_reason"])

    @transaction.atomic
    def security_reset(self, now: datetime) -> None:
        """End all sessions and revoke all tokens, including those of the user's agents."""
        self._change_access()
        self.sessions_revoked_at = now
        self.tokens_revoked_at = now
        self.save(update_fields=["sessions_revoked_at", "tokens_revoked_at"])
        for agent in self.agents.all():
            agent.revoke_tokens(now)


class TenantUser(TenantModel):
    """The membership of a user in one tenant: handle, display name and roles."""

    HANDLE_LENGTH = 64
    NAME_LENGTH = User.NAME_LENGTH

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    handle = models.CharField(max_length=HANDLE_LENGTH)
    handle_key = FoldedField(source="handle", max_length=HANDLE_LENGTH)
    display_name = models.CharField(max_length=NAME_LENGTH)
    is_admin = models.BooleanField(default=False)
    is_representative = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    tokens_revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "user"], name="tenantuser_once"),
            models.UniqueConstraint(fields=["tenant", "handle_key"], name="tenantuser_handle"),
        )

    def __str__(self) -> str:
        return self.handle

    def get_absolute_url(self) -> str:
        return f"/u/{self.handle}"

    @transaction.atomic
    def archive(self, now: datetime) -> None:
        """Remove the user from the tenant, and revoke its tokens there permanently."""
        Tenant.objects.filter(id=self.tenant_id).change_access()
        self.archived_at = now
        self.tokens_revoked_at = now
        self.save(update_fields=["archived_at", "tokens_revoked_at"])

    def unarchive(self) -> None:
        self.archived_at = None
        self.save(update_fields=["archived_at"])


class AppendOnly(TypeError):
    """An attempt to change or delete a row of the security log."""


class SecurityEventQuerySet(models.QuerySet["SecurityEvent"]):
    def update(self, **values: Any) -> int:
        raise AppendOnly("Rows of the security log cannot be changed or deleted.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly("Rows of the security log cannot be changed or deleted.")


SecurityEventManager = TenantManager.from_queryset(SecurityEventQuerySet)


FILTERED = ("token", "successor", "by_token", "user_handle", "subject_handle")


class SecurityEvent(TenantModel):
    """An event of the security log. Rows are added, never changed or deleted.

    `user` is the actor, `subject` the account that the event is about: the owner of a token or
    the person whose role changed. Both ids stay when the account is deleted. Database triggers
    enforce this as well (`docs/decisions/`, 0007).
    """

    at = models.DateTimeField()
    event = models.CharField(max_length=64)
    severity = models.CharField(max_length=8)
    user = models.ForeignKey(
        User,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    subject = models.ForeignKey(
        User,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    ip = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    data = models.JSONField(default=dict)
    # Filter columns, copied from `data`: the tokens that an event is about, created or was
    # authenticated by, and the folded handles of the people involved. Null keeps a row out of the
    # index, and lets SQLite add the columns without copying the table and losing its triggers.
    token = models.UUIDField(null=True, blank=True, editable=False)
    successor = models.UUIDField(null=True, blank=True, editable=False)
    by_token = models.UUIDField(null=True, blank=True, editable=False)
    user_handle = models.CharField(max_length=255, null=True, blank=True, editable=False)  # noqa: DJ001
    subject_handle = models.CharField(max_length=255, null=True, blank=True, editable=False)  # noqa: DJ001

    objects: ClassVar = SecurityEventManager()

    class Meta(TenantModel.Meta):
        indexes = (
            models.Index(fields=["tenant", "-at", "-id"], name="event_by_time"),
            models.Index(fields=["tenant", "subject", "-at", "-id"], name="event_by_subject"),
            models.Index(fields=["tenant", "user", "-at", "-id"], name="event_by_user"),
            *(
                models.Index(
                    fields=["tenant", column],
                    condition=Q(**{f"{column}__isnull": False}),
                    name=f"event_by_{column}",
                )
                for column in FILTERED
            ),
        )

    def __str__(self) -> str:
        return self.event

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("Rows of the security log cannot be changed or deleted.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly("Rows of the security log cannot be changed or deleted.")


class StoredBytes(models.Model):
    """The number of bytes of text that a person and their agents stored on one day (UTC)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "day"], name="stored_bytes_of_a_day"),
        )
        verbose_name_plural = "stored bytes"

    def __str__(self) -> str:
        return f"{self.bytes} bytes on {self.day}"
