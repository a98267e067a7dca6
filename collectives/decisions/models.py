"""Models of decisions: options, participants, votes, and the audit chain."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from collectives.decisions.audit.chain import SCHEMA_VERSION, Entry, EntryAction, iso_seconds
from collectives.items.kinds import Kind, register
from collectives.items.models import Item, KindModel, size_of
from harmonic.kernel.database.tenancy import TenantModel

DELETED_ACCOUNT = "[deleted account]"


class Decision(KindModel):
    """A question that a collective decides. The item's title is the question.

    A decision is closed once its deadline has passed. Its state, results and number of voters are
    computed.
    """

    KIND = "Decision"
    DESCRIPTION_LENGTH = 1_000_000
    MAX_OPTIONS = 100

    class Subtype(models.TextChoices):
        VOTE = "vote"
        EXECUTIVE = "executive"
        LOTTERY = "lottery"

    DEFAULT_SUBTYPE = Subtype.VOTE

    options_open = models.BooleanField(default=True)
    # User sets (`collectives.rules.user_sets`): who can vote, and who can add options instead of
    # those that `options_open` lets.
    voter_eligibility = models.TextField(blank=True, default="")
    proposer_eligibility = models.TextField(blank=True, default="")
    decision_maker = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # The note that states the outcome.
    statement = models.OneToOneField(
        Item, on_delete=models.SET_NULL, null=True, blank=True, related_name="statement_of"
    )
    lottery_beacon_round = models.BigIntegerField(null=True, blank=True)
    lottery_beacon_randomness = models.CharField(max_length=128, blank=True, default="")
    # When the passed deadline was recorded.
    deadline_event_fired_at = models.DateTimeField(null=True, blank=True)
    # The hash of the last entry of the audit chain, once the decision is settled.
    audit_chain_hash = models.CharField(max_length=64, blank=True, default="")
    # In bytes, before the text, as `Note.size`.
    size = size_of("description")
    description = models.TextField(blank=True, default="")

    @property
    def question(self) -> str:
        return self.title

    @property
    def is_drawn(self) -> bool:
        return self.lottery_beacon_round is not None

    @property
    def is_by_draw(self) -> bool:
        """Return whether closing is followed by a draw."""
        return self.subtype != self.Subtype.EXECUTIVE

    @property
    def closing_action(self) -> str:
        """The action of the entry whose hash settles the audit chain."""
        return EntryAction.BEACON_DRAWN if self.is_by_draw else EntryAction.DECISION_CLOSED


class Participant(TenantModel):
    """A user who voted in a decision or added an option."""

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "decision", "user"], name="decision_participant_once"
            ),
        )

    def __str__(self) -> str:
        return str(self.user_id)


class Option(TenantModel):
    """An option of a decision."""

    TITLE_LENGTH = 1000
    DESCRIPTION_LENGTH = 100_000
    RANDOM_IDS = 1_000_000_000

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="options")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=TITLE_LENGTH)
    # A digest, because an index cannot hold a title of 1000 characters.
    title_key = models.CharField(max_length=64, editable=False)
    description = models.TextField(blank=True, default="")
    random_id = models.IntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "decision", "title_key"], name="decision_option_once"
            ),
        )

    def __str__(self) -> str:
        return self.title


class Vote(TenantModel):
    """A participant's vote on an option. Both numbers are 0 or 1."""

    decision = models.ForeignKey(
        Decision, on_delete=models.CASCADE, related_name="votes", db_index=False
    )
    option = models.ForeignKey(Option, on_delete=models.CASCADE, related_name="votes")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="votes")
    accepted = models.SmallIntegerField()
    preferred = models.SmallIntegerField(default=0)
    # Whether the voter is an agent, so that tallies distinguish people from agents without a join.
    is_agent = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "option", "participant"], name="decision_vote_once"
            ),
            models.CheckConstraint(
                name="decision_vote_is_binary",
                condition=Q(accepted__in=(0, 1), preferred__in=(0, 1)),
            ),
        )
        # It covers all columns that results and voter counts require.
        indexes = (
            models.Index(
                fields=[
                    *("tenant", "decision", "option", "is_agent"),
                    *("accepted", "preferred", "participant"),
                ],
                name="decision_tally",
            ),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} on {self.option_id}"


class AuditEntry(TenantModel):
    """An entry of a decision's audit chain (`chain.py`).

    The database refuses to change or delete it. Only the columns that identify the actor may be
    blanked, which leaves the hashes valid.
    """

    decision = models.ForeignKey(
        Decision, on_delete=models.CASCADE, related_name="audit_entries", db_index=False
    )
    sequence_number = models.IntegerField()
    schema_version = models.SmallIntegerField(default=SCHEMA_VERSION)
    action = models.CharField(max_length=24, choices=[(each, each) for each in EntryAction])
    # No foreign key, because the entry outlives the account.
    actor_id = models.UUIDField(null=True, blank=True)
    actor_handle = models.CharField(max_length=255, blank=True, default="")
    actor_token = models.CharField(max_length=64, blank=True, default="")
    actor_token_salt = models.CharField(max_length=64, blank=True, default="")
    option_title = models.CharField(max_length=Option.TITLE_LENGTH, blank=True, default="")
    accepted = models.SmallIntegerField(null=True, blank=True)
    preferred = models.SmallIntegerField(null=True, blank=True)
    # The text that is hashed.
    metadata = models.TextField(blank=True, default="")
    previous_hash = models.CharField(max_length=64, blank=True, default="")
    entry_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "decision", "sequence_number"], name="decision_audit_in_order"
            ),
        )
        indexes = (
            models.Index(
                fields=["tenant", "decision", "actor_id", "sequence_number"],
                name="decision_audit_actor",
            ),
        )

    def __str__(self) -> str:
        return f"{self.sequence_number} {self.action}"

    def as_entry(self) -> Entry:
        """Return the entry in the form that is hashed and exported."""
        return Entry(
            sequence_number=str(self.sequence_number),
            schema_version=str(self.schema_version),
            action=self.action,
            actor_id=_text(self.actor_id),
            actor_handle=self.actor_handle,
            actor_token=self.actor_token,
            actor_token_salt=self.actor_token_salt,
            option_title=self.option_title,
            accepted=_text(self.accepted),
            preferred=_text(self.preferred),
            metadata=self.metadata,
            previous_hash=self.previous_hash,
            entry_hash=self.entry_hash,
            created_at=iso_seconds(self.created_at),
        )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def voters() -> Coalesce:
    """Return the expression for the number of users who voted in a decision."""
    votes = (
        Vote.unscoped.filter(tenant=OuterRef("tenant"), decision=OuterRef("pk"))
        .order_by()
        .values("decision")
    )
    counted = votes.annotate(voters=models.Count("participant", distinct=True)).values("voters")
    return Coalesce(Subquery(counted), 0)


def options() -> Coalesce:
    """Return the expression for the number of options of a decision."""
    of_decision = Option.unscoped.filter(tenant=OuterRef("tenant"), decision=OuterRef("pk"))
    counts = of_decision.order_by().values("decision").annotate(number=models.Count("id"))
    return Coalesce(Subquery(counts.values("number")), 0)


def voted_by(user_ids: Sequence[UUID]) -> Exists:
    """Return the condition of the decisions in which one of some users voted."""
    votes = Vote.unscoped.filter(tenant=OuterRef("tenant"), decision=OuterRef("pk"))
    return Exists(votes.filter(participant__user__in=user_ids))


def participated_in_by(user_ids: Sequence[UUID]) -> Exists:
    """Return the condition of the decisions in which one of some users voted or added options."""
    rows = Participant.unscoped.filter(tenant=OuterRef("tenant"), decision=OuterRef("pk"))
    return Exists(rows.filter(user__in=user_ids))


def participants() -> Coalesce:
    """Return the expression for the number of participants of a decision."""
    rows = Participant.unscoped.filter(tenant=OuterRef("tenant"), decision=OuterRef("pk"))
    counts = rows.order_by().values("decision").annotate(number=models.Count("id"))
    return Coalesce(Subquery(counts.values("number")), 0)


def option_titles(decisions: Sequence[Item]) -> dict[UUID, str]:
    """Return the titles of the options of decisions, by the id of the decision."""
    rows = Option.unscoped.filter(decision__in=[decision.id for decision in decisions])
    titles: dict[UUID, list[str]] = {}
    for decision_id, title in rows.order_by("created_at", "id").values_list("decision", "title"):
        titles.setdefault(decision_id, []).append(title)
    return {decision_id: "\n".join(found) for decision_id, found in titles.items()}


register(
    Kind(
        Decision,
        page="decisions.show",
        text="description",
        count=voters,
        count_words=("voter", "voters"),
        mentions_in=("title", "description"),
        numbers={
            "voter_count": voters,
            "option_count": options,
            "participant_count": participants,
        },
        people={"voter": voted_by, "participant": participated_in_by},
        more_text=option_titles,
    )
)
