"""Models of notifications, their recipients, and mentions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import TenantUser, User
from collectives.events.models import Event
from collectives.items.models import Item
from collectives.models import Collective
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import TenantManager, TenantModel


class NotificationType(models.TextChoices):
    """Types of notifications."""

    MENTION = "mention"
    COMMENT = "comment"
    PARTICIPATION = "participation"


class Channel(models.TextChoices):
    IN_APP = "in_app"


class RecipientStatus(models.TextChoices):
    DELIVERED = "delivered"
    DISMISSED = "dismissed"


class Mention(TenantModel):
    """A user whom the current text of an item mentions."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "item", "user"], name="mention_once"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.item_id}"


class Notification(TenantModel):
    """A message about an event: a title, an excerpt of a text, and the page to open.

    `event` is None if no write caused it. It is deleted with its item and collective.
    """

    TITLE_LENGTH = TenantUser.NAME_LENGTH + 100
    BODY_LENGTH = 200
    PATH_LENGTH = 255

    notification_type = models.CharField(max_length=16, choices=NotificationType)
    title = models.CharField(max_length=TITLE_LENGTH)
    body = models.CharField(max_length=BODY_LENGTH, blank=True)
    path = models.CharField(max_length=PATH_LENGTH)
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    collective = models.ForeignKey(
        Collective, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    item = models.ForeignKey(
        Item, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.title


class RecipientQuerySet(models.QuerySet["Recipient"]):
    def inbox_of(self, access: Access) -> RecipientQuerySet:
        """Return the in-app notifications that the caller sees."""
        return self.inbox(
            access.user.user_id,
            access.user.person_id,
            access.now,
            is_subject_to_api_switches=access.is_subject_to_api_switches,
        )

    def inbox(
        self, user_id: UUID, person_id: UUID, now: datetime, *, is_subject_to_api_switches: bool
    ) -> RecipientQuerySet:
        """Return the notifications in the app that are due and not dismissed.

        Those of collectives that the user has left, and of items that were deleted, are left out.
        """
        readable = Collective.objects.readable(
            person_id, is_subject_to_api_switches=is_subject_to_api_switches
        )
        return self.filter(
            Q(notification__item=None) | Q(notification__item__deleted_at=None),
            Q(notification__collective=None) | Q(notification__collective__in=readable),
            user=user_id,
            channel=Channel.IN_APP,
            dismissed_at=None,
            due_at__lte=now,
        )

    def unread(self) -> RecipientQuerySet:
        return self.filter(read_at=None)


RecipientManager = TenantManager.from_queryset(RecipientQuerySet)


class Recipient(TenantModel):
    """The delivery of a notification to one user through one channel.

    `due_at` is when it is shown or sent. Dismissing also marks it as read.
    """

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="recipients"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=8, choices=Channel)
    status = models.CharField(max_length=16, choices=RecipientStatus)
    due_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = RecipientManager()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "notification", "user", "channel"], name="recipient_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["tenant", "user", "-due_at", "-id"],
                condition=Q(channel=Channel.IN_APP, dismissed_at=None),
                name="recipient_inbox",
            ),
            models.Index(
                fields=["tenant", "user"],
                condition=Q(channel=Channel.IN_APP, read_at=None),
                name="recipient_unread",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} by {self.channel}"
