"""Models of API tokens, their usage and their refused requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from accounts.models import TenantUser
from harmonic.kernel.access import TokenType
from harmonic.kernel.database.tenancy import TenantManager, TenantModel
from harmonic.kernel.registry import path_to


def list_path(owner: TenantUser) -> str:
    return path_to("tokens.list", handle=owner.handle)


def token_path(owner: TenantUser, token_id: UUID) -> str:
    return path_to("tokens.show", handle=owner.handle, token_id=token_id)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self) -> ApiTokenQuerySet:
        """Return the tokens that are not deleted or revoked, including expired ones."""
        return self.filter(
            Q(owner__tokens_revoked_at=None) | Q(created_at__gt=F("owner__tokens_revoked_at")),
            Q(owner__user__tokens_revoked_at=None)
            | Q(created_at__gt=F("owner__user__tokens_revoked_at")),
            deleted_at=None,
        )

    def external(self) -> ApiTokenQuerySet:
        """Return the live tokens that people created; internal ones are never listed or counted."""
        return self.live().filter(is_internal=False)

    def active(self, now: datetime) -> ApiTokenQuerySet:
        """Return the external tokens that have not expired at `now`, which the cap counts."""
        return self.external().filter(expires_at__gt=now)

    def with_owner(self) -> ApiTokenQuerySet:
        return self.select_related("owner__user__agent")


ApiTokenManager = TenantManager.from_queryset(ApiTokenQuerySet)
UnscopedApiTokenManager = models.Manager.from_queryset(ApiTokenQuerySet)


class ApiToken(TenantModel):
    """A bearer token of one user in one tenant. Only its digest is stored."""

    MAX_ACTIVE = 50
    MAX_LIFETIME_MONTHS = 12
    NAME_LENGTH = 255
    NOTE_LENGTH = 255
    # The list marks tokens that expire within this time.
    EXPIRES_SOON = timedelta(days=7)
    # How long a rotated token keeps working: the maximum and the default.
    MAX_OVERLAP_DAYS = 7
    USUAL_OVERLAP_DAYS = 1
    NETWORK_LENGTH = 64
    CLIENT_LENGTH = 64
    # A token's last use is written at most this often.
    USE_WRITTEN_EVERY = timedelta(minutes=1)

    owner = models.ForeignKey(TenantUser, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=NAME_LENGTH, null=True, blank=True)  # noqa: DJ001 null is "unnamed" on the wire
    # Where its owner stores it, in their own words.
    note = models.CharField(max_length=NOTE_LENGTH, blank=True, default="", db_default="")
    token_hash = models.CharField(max_length=64, unique=True)
    token_prefix = models.CharField(max_length=8)
    scopes = models.JSONField()
    # Fixed at creation: a token of type `mcp` works over MCP only.
    token_type = models.CharField(max_length=16, default=TokenType.REST)
    # The client that the token was created for, if it was created for one.
    client_name = models.CharField(max_length=CLIENT_LENGTH, blank=True, default="", db_default="")
    is_internal = models.BooleanField(default=False)
    context = models.CharField(max_length=255, blank=True, default="")
    expires_at = models.DateTimeField()
    # The expiry before a rotation shortened it; null if none did.
    full_expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # A network, never an address; the client's name, never the whole header.
    last_used_from = models.CharField(max_length=NETWORK_LENGTH, blank=True, default="")
    last_used_by = models.CharField(max_length=CLIENT_LENGTH, blank=True, default="")
    # The counts of the last day with requests; earlier days are `TokenDay` rows.
    counted_on = models.DateField(null=True, blank=True)
    counted_requests = models.PositiveIntegerField(default=0)
    counted_refusals = models.PositiveIntegerField(default=0)
    # The token that replaces this one. It cannot be rotated again until that one is deleted.
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

    def is_expiring(self, now: datetime) -> bool:
        return self.is_active(now) and self.expires_at <= now + self.EXPIRES_SOON


class TokenDay(TenantModel):
    """The request counts of a token for one past day (UTC)."""

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
    """A refused request of a known token, with the reason and the remedy."""

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


class TokenNetwork(TenantModel):
    """A network that a token was used from. `notified_at` is None until its owner is notified.

    The first network of a token is not new. Its owner is notified of every later one.
    """

    # Networks of one token; later ones are not stored.
    KEPT = 500

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="networks")
    network = models.CharField(max_length=ApiToken.NETWORK_LENGTH)
    first_used_at = models.DateTimeField()
    notified_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "token", "network"], name="tokennetwork_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["first_used_at"],
                condition=Q(notified_at=None),
                name="tokennetwork_unnotified",
            ),
        )

    def __str__(self) -> str:
        return self.network
