"""API tokens: their rows, and which of them count."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from accounts.models import TenantUser
from harmonic.kernel.database.tenancy import TenantManager, TenantModel
from harmonic.kernel.registry import path_to


def list_path(owner: TenantUser) -> str:
    return path_to("tokens.list", handle=owner.handle)


def token_path(owner: TenantUser, token_id: UUID) -> str:
    return path_to("tokens.show", handle=owner.handle, token_id=token_id)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self) -> ApiTokenQuerySet:
        """Tokens that nobody deleted or revoked; expired ones among them."""
        return self.filter(
            Q(owner__tokens_revoked_at=None) | Q(created_at__gt=F("owner__tokens_revoked_at")),
            Q(owner__user__tokens_revoked_at=None)
            | Q(created_at__gt=F("owner__user__tokens_revoked_at")),
            deleted_at=None,
        )

    def external(self) -> ApiTokenQuerySet:
        """Tokens that people made; the system's own are never listed or counted."""
        return self.live().filter(is_internal=False)

    def active(self, now: datetime) -> ApiTokenQuerySet:
        """External tokens that work at `now`: what the cap counts."""
        return self.external().filter(expires_at__gt=now)

    def with_owner(self) -> ApiTokenQuerySet:
        return self.select_related("owner__user__agent")


ApiTokenManager = TenantManager.from_queryset(ApiTokenQuerySet)
UnscopedApiTokenManager = models.Manager.from_queryset(ApiTokenQuerySet)


class ApiToken(TenantModel):
    """A Bearer token of one user in one tenant. Only its digest is stored."""

    MAX_ACTIVE = 50
    MAX_LIFETIME_MONTHS = 12
    NAME_LENGTH = 255
    # How long a token that was rotated may work on, and does unless said.
    MAX_OVERLAP_DAYS = 7
    USUAL_OVERLAP_DAYS = 1
    NETWORK_LENGTH = 64
    CLIENT_LENGTH = 64
    # How often a token's last use is written, at most.
    USE_WRITTEN_EVERY = timedelta(minutes=1)

    owner = models.ForeignKey(TenantUser, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=NAME_LENGTH, null=True, blank=True)  # noqa: DJ001 null is "unnamed" on the wire
    token_hash = models.CharField(max_length=64, unique=True)
    token_prefix = models.CharField(max_length=8)
    scopes = models.JSONField()
    token_type = models.CharField(max_length=16, default="rest")
    is_internal = models.BooleanField(default=False)
    context = models.CharField(max_length=255, blank=True, default="")
    expires_at = models.DateTimeField()
    # When it would end if no rotation had cut it short; null where none did.
    full_expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # A network, never an address; a word, never a whole header.
    last_used_from = models.CharField(max_length=NETWORK_LENGTH, blank=True, default="")
    last_used_by = models.CharField(max_length=CLIENT_LENGTH, blank=True, default="")
    # The counts of the last day that has any; those before are `TokenDay` rows.
    counted_on = models.DateField(null=True, blank=True)
    counted_requests = models.PositiveIntegerField(default=0)
    counted_refusals = models.PositiveIntegerField(default=0)
    # What replaced it, until that is deleted: meanwhile it is not rotated again.
    successor = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar = ApiTokenManager()
    unscoped: ClassVar = UnscopedApiTokenManager()

    class Meta(TenantModel.Meta):
        constraints = (
            models.CheckConstraint(
                name="token_context_only_internal",
                condition=Q(is_internal=True) & ~Q(context="") | Q(is_internal=False, context=""),
            ),
            models.CheckConstraint(
                name="token_has_scopes", condition=Q(deleted_at__isnull=False) | ~Q(scopes=[])
            ),
        )
        indexes = (models.Index(fields=["tenant", "owner", "-created_at"], name="token_by_owner"),)

    def __str__(self) -> str:
        return self.name or "Unnamed"

    def is_active(self, now: datetime) -> bool:
        return self.deleted_at is None and self.expires_at > now


class TokenDay(TenantModel):
    """How often a token was used and refused on a day that is over, in UTC."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    requests = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "token", "day"], name="tokenday_once"),
        )

    def __str__(self) -> str:
        return f"{self.day}: {self.requests}"


class TokenRefusal(TenantModel):
    """A request of a known token that was refused, and what would cure it."""

    KEPT = 50
    METHOD_LENGTH = 16
    PATH_LENGTH = 512
    CODE_LENGTH = 64
    SENTENCE_LENGTH = 500

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="refusals")
    at = models.DateTimeField()
    method = models.CharField(max_length=METHOD_LENGTH)
    path = models.CharField(max_length=PATH_LENGTH)
    status = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=CODE_LENGTH)
    sentence = models.CharField(max_length=SENTENCE_LENGTH)
    cure = models.CharField(max_length=SENTENCE_LENGTH, blank=True, default="")

    class Meta(TenantModel.Meta):
        indexes = (models.Index(fields=["tenant", "token", "-at"], name="tokenrefusal_by_token"),)

    def __str__(self) -> str:
        return f"{self.status} {self.method} {self.path}"

    @property
    def request(self) -> str:
        return f"{self.method} {self.path}"
