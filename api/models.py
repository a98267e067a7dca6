"""POSTs that are carried out once, however often they are sent."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models

from accounts.models import User
from harmonic.kernel.database.tenancy import TenantModel


class KeyedRequest(TenantModel):
    """A POST sent under an `Idempotency-Key`, and its answer once there is one.

    No plaintext is stored: of an answer that held one, only which token it was.
    """

    LIFETIME = timedelta(hours=24)
    # A request that takes longer was cut off, and has changed nothing.
    CUT_OFF_AFTER = timedelta(seconds=60)
    # A longer answer is read again from what was made, instead of being kept.
    KEPT_BYTES = 64 * 1024

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    method = models.CharField(max_length=8)
    path = models.TextField()
    # Of method, path and key; and of the parameters.
    key_digest = models.CharField(max_length=64)
    body_digest = models.CharField(max_length=64)
    # Who carries it out: whoever takes over a cut-off request writes another.
    claim = models.UUIDField(default=uuid.uuid4)
    claimed_at = models.DateTimeField()
    # Null while it runs.
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField(blank=True, default="")
    # Of an answer whose body is not kept: the API path of what was made, if it has one.
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
