"""Models of notifications, their recipients and preferences, and of past token notifications."""

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
from tokens.models import ApiToken


class NotificationType(models.TextChoices):
    """Types of notifications."""

    MENTION = "mention"
    COMMENT = "comment"
    PARTICIPATION = "participation"
    SYSTEM = "system"
    REMINDER = "reminder"


class Channel(models.TextChoices):
    IN_APP = "in_app"
    EMAIL = "email"


class RecipientStatus(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    DISMISSED = "dismissed"
    RATE_LIMITED = "rate_limited"
    FAILED = "failed"


class Mention(TenantModel):
    """A user mentioned in the current text of an item."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "item", "user"], name="mention_once"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.item_id}"


class Notification(TenantModel):
    """A message about an event: a title, an excerpt of a text, and the path of a page.

    `event` is None if no write caused it. A notification is deleted with its item or collective.
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


class NotificationToken(TenantModel):
    """An API token that a notification is about. The e-mail lists it."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "notification", "token"], name="notificationtoken_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.token_id} in {self.notification_id}"


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
        """Return the delivered in-app notifications that are not dismissed."""
        shown = self.shown_to(person_id, is_subject_to_api_switches=is_subject_to_api_switches)
        return shown.filter(
            user=user_id, channel=Channel.IN_APP, dismissed_at=None, due_at__lte=now
        ).exclude(status__in=[RecipientStatus.PENDING, RecipientStatus.RATE_LIMITED])

    def shown_to(self, person_id: UUID, *, is_subject_to_api_switches: bool) -> RecipientQuerySet:
        """Exclude notifications about deleted items and collectives that a person has left."""
        readable = Collective.objects.readable(
            person_id, is_subject_to_api_switches=is_subject_to_api_switches
        )
        return self.filter(
            Q(notification__item=None) | Q(notification__item__deleted_at=None),
            Q(notification__collective__in=readable)
            | Q(notification__collective=None, notification__item=None)
            # Reminders have an item but no collective.
            | Q(notification__collective=None, notification__item__collective__in=readable),
        )

    def unread(self) -> RecipientQuerySet:
        return self.filter(read_at=None)


RecipientManager = TenantManager.from_queryset(RecipientQuerySet)


class Recipient(TenantModel):
    """The delivery of a notification to one user through one channel.

    `due_at` is the time when it is shown or sent. Dismissing it also marks it as read. An e-mail is
    pending until it is sent. `doubts` counts attempts of unknown outcome and the current one.
    """

    MAX_DOUBTS = 2
    # Further notifications are in the app only, except those about tokens.
    MAX_EMAILS_PER_HOUR = 30

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
    doubts = models.PositiveSmallIntegerField(default=0, db_default=0)

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
            models.Index(
                fields=["tenant", "due_at"],
                condition=Q(status__in=["pending", "rate_limited"]),
                name="recipient_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} by {self.channel}"


class Preference(TenantModel):
    """A user's choice for one channel of one type of notification.

    Without a row, the default applies (`preferences.rules`).
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    notification_type = models.CharField(max_length=16, choices=NotificationType)
    channel = models.CharField(max_length=8, choices=Channel)
    is_on = models.BooleanField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "user", "notification_type", "channel"], name="preference_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.notification_type} by {self.channel}: {self.is_on}"


class TokenNoticeKind(models.TextChoices):
    """Reasons for token notifications that regular work detects."""

    EXPIRES_IN_14 = "expires_14"
    EXPIRES_IN_7 = "expires_7"
    EXPIRES_IN_1 = "expires_1"
    NETWORK = "network"
    REFUSED = "refused"


class TokenNotice(TenantModel):
    """The time of a token's last notification for a reason, so that it is not repeated."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=TokenNoticeKind)
    notified_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "token", "kind"], name="tokennotice_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.token_id}"
