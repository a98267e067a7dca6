"""Models for idempotent requests."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models

from accounts.models import User
from harmonic.kernel.database.tenancy import TenantModel


class KeyedRequest(TenantModel):
    """A POST sent with an `Idempotency-Key`, and its response once it has one.

    The plaintext of a token is never stored; the ID of the token is stored instead.
    """

    LIFETIME = timedelta(hours=24)
    # A request that takes longer was interrupted, and has changed nothing.
    CUT_OFF_AFTER = timedelta(seconds=60)
    # A longer response is not stored; the created object is read again instead.
    KEPT_BYTES = 64 * 1024

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    method = models.CharField(max_length=8)
    path = models.TextField()
    # Digests of the method, path and key, and of the parameters.
    key_digest = models.CharField(max_length=64)
    body_digest = models.CharField(max_length=64)
    # Identifies the attempt. A request that takes over an interrupted one sets another.
    claim = models.UUIDField(default=uuid.uuid4)
    claimed_at = models.DateTimeField()
    # Null while the request runs.
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField(blank=True, default="")
    # Of a refusal: its `message`, `code` and `hint`, for the log of the repetition.
    refusal = models.JSONField(default=dict, blank=True)
    # If the body is not stored: the API path of the created object, or empty.
    is_body_kept = models.BooleanField(default=True)
    object_path = models.TextField(blank=True, default="")
    secret_id = models.CharField(max_length=36, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "user", "key_digest"], name="keyed_request_once"
            ),
        )
        indexes = (models.Index(fields=["tenant", "created_at"], name="keyed_request_by_age"),)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
