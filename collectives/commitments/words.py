"""The wording for participation in a commitment, by subtype."""

from __future__ import annotations

from dataclasses import dataclass

from collectives.commitments.models import Commitment


@dataclass(frozen=True, slots=True)
class Words:
    """The button labels and the nouns for participants."""

    join: str
    leave: str
    joined: str
    already: str
    one: str
    many: str

    def of(self, count: int) -> str:
        """Return the noun for a number of participants."""
        return self.one if count == 1 else self.many

    def counted(self, count: int) -> str:
        return f"{count:,} {self.of(count)}"


_WORDS = {
    Commitment.Subtype.ACTION: Words(
        "Join", "Leave", "joined", "already joined", "participant", "participants"
    ),
    Commitment.Subtype.CALENDAR_EVENT: Words(
        "RSVP", "Cancel RSVP", "are attending", "are already attending", "attendee", "attendees"
    ),
    Commitment.Subtype.POLICY: Words(
        "Sign", "Withdraw signature", "signed", "already signed", "signatory", "signatories"
    ),
}


def words_of(commitment: Commitment) -> Words:
    """Return the wording for a commitment's subtype."""
    return _WORDS[Commitment.Subtype(commitment.subtype)]
