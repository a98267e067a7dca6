"""Limits on how much exists at once and how long it lasts."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from api.idempotency.once import FORM_WAIT
from api.models import KeyedRequest
from collectives.commitments.models import Commitment
from collectives.decisions.models import Decision
from collectives.items.models import Item, Pin
from collectives.models import Invite
from collectives.notifications.emails.content import LISTED_TOKENS
from collectives.notifications.emails.sending import ATTEMPTS
from collectives.notifications.models import Recipient
from harmonic.access import kept_forms
from harmonic.jobs.models import Job, Worker
from harmonic.jobs.worker import GRACE, MAX_CONCURRENCY
from harmonic.kernel.operations.jobs import MAX_BACKOFF
from harmonic.site.bounds.bound import Bound, Section
from tokens.models import ApiToken, TokenNetwork, TokenRefusal

COUNTS = Section(
    "Counts and times",
    (
        Bound("active tokens of an owner", ApiToken.MAX_ACTIVE, "tokens", "400 `limit_reached`"),
        Bound("pins of a place", Pin.MAX_PER_PLACE, "pins", "422 `limit_reached`"),
        Bound(
            "critical mass of a commitment",
            Commitment.MAX_CRITICAL_MASS,
            "participants",
            "400 `invalid`",
        ),
        Bound(
            "options of a decision",
            Decision.MAX_OPTIONS,
            "options",
            "422 `limit_reached`; a single one over REST: 403 `forbidden`",
        ),
        Bound("life of a token", ApiToken.MAX_LIFETIME_MONTHS, "months", "it is reduced to that"),
        Bound("overlap of a rotation", ApiToken.MAX_OVERLAP_DAYS, "days", "400 `invalid`"),
        Bound("refusals kept of a token", TokenRefusal.KEPT, "refusals", "older ones are deleted"),
        Bound(
            "networks kept of a token", TokenNetwork.KEPT, "networks", "later ones are not stored"
        ),
        Bound(
            "e-mails to a person in an hour",
            Recipient.MAX_EMAILS_PER_HOUR,
            "e-mails",
            "further notifications are in the app only, except those about tokens",
        ),
        Bound("tokens listed in an e-mail", LISTED_TOKENS, "tokens", "the others are counted"),
        Bound(
            "attempts to send an e-mail",
            ATTEMPTS,
            "attempts",
            "it is not sent; the notification in the app is kept",
        ),
        Bound("life of an invitation", Invite.LIFETIME, "", "it expires"),
        Bound("an invitation that ended", Invite.KEPT, "", "it is deleted"),
        Bound("a finished job", Job.KEPT, "", "it is deleted"),
        Bound("a failed job", Job.FAILED_KEPT, "", "it is deleted"),
        Bound(
            "a worker without a heartbeat",
            Worker.LOST_AFTER,
            "",
            "it is given up, and its jobs run again or fail",
        ),
        Bound(
            "time that jobs have to end when their worker stops",
            timedelta(seconds=GRACE),
            "",
            "they are interrupted",
        ),
        Bound(
            "pause between two attempts of a job", MAX_BACKOFF, "", "it grows no longer than that"
        ),
        Bound("jobs at a time of a worker", MAX_CONCURRENCY, "jobs", "the worker does not start"),
        Bound(
            "responses kept for their key",
            KeyedRequest.LIFETIME,
            "",
            "the request is carried out again",
        ),
        Bound(
            "a request under a key that was cut off",
            KeyedRequest.CUT_OFF_AFTER,
            "",
            "another request may take it over",
        ),
        Bound("wait of a form that is sent again", FORM_WAIT, "", "409 `idempotency_in_progress`"),
        Bound(
            "restoring a deleted note",
            Item.KEPT_AFTER_DELETION,
            "",
            "403 `forbidden`",
        ),
        Bound("the content of a deleted note", Item.KEPT_AFTER_DELETION, "", "it is erased"),
        Bound(
            "a session",
            settings.SESSION_ABSOLUTE_TIMEOUT,
            "",
            "signed out",
            "SESSION_ABSOLUTE_TIMEOUT",
        ),
        Bound(
            "a session without a request",
            settings.SESSION_IDLE_TIMEOUT,
            "",
            "signed out",
            "SESSION_IDLE_TIMEOUT",
        ),
        Bound(
            "a password as proof for sensitive actions",
            settings.REVERIFICATION_TIMEOUT,
            "",
            "it is required again",
            "REVERIFICATION_TIMEOUT",
        ),
        Bound(
            "a form interrupted by sign-in or reverification",
            kept_forms.KEPT_FOR,
            "",
            "discarded",
        ),
    ),
)
