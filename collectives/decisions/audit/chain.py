"""The audit chain of a decision: the hashes of its entries, and the checks of a whole chain.

Each entry contains the hash of the one before, so a change of any entry is found at that entry.
`docs/verify_decision.py` checks an exported chain without this code.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

SCHEMA_VERSION = 2


class EntryAction(StrEnum):
    """The kinds of entries."""

    DECISION_CREATED = "decision_created"
    DECISION_UPDATED = "decision_updated"
    OPTION_ADDED = "option_added"
    OPTION_REMOVED = "option_removed"
    OPTION_UPDATED = "option_updated"
    VOTE_CAST = "vote_cast"
    VOTE_UPDATED = "vote_updated"
    DECISION_CLOSED = "decision_closed"
    BEACON_DRAWN = "beacon_drawn"


VOTES = frozenset({EntryAction.VOTE_CAST, EntryAction.VOTE_UPDATED})
VERIFIED, NO_ACTOR, UNATTRIBUTABLE, IMPORTED, TAMPERED, V1_CHAIN_ONLY = (
    "verified",
    "no_actor",
    "unattributable",
    "imported",
    "tamper_or_scrub_inconsistent",
    "v1_chain_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a chain as it is exported: all values are text, "" for missing ones."""

    sequence_number: str
    schema_version: str
    action: str
    actor_id: str = ""
    actor_handle: str = ""
    actor_token: str = ""
    actor_token_salt: str = ""
    option_title: str = ""
    accepted: str = ""
    preferred: str = ""
    metadata: str = ""
    previous_hash: str = ""
    entry_hash: str = ""
    created_at: str = ""

    @property
    def name(self) -> str:
        return f"entry {self.sequence_number} ({self.action})"

    @property
    def facts(self) -> Mapping[str, Any]:
        """The metadata; {} if it is empty or malformed."""
        try:
            found = json.loads(self.metadata or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def compact(metadata: Mapping[str, Any] | None) -> str:
    """Return metadata as the text that is hashed and stored, or "" if there is none."""
    if metadata is None:
        return ""
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return nfc(text)


def iso_seconds(moment: datetime) -> str:
    """Return a time in UTC with whole seconds, the format of entries."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_milliseconds(moment: datetime) -> str:
    """Return a time in UTC with milliseconds, the format of metadata."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def actor_token(decision_id: str, actor_id: str, handle: str, salt: str) -> str:
    """Return the token of an actor, which identifies them only together with the salt."""
    return _sha256("|".join((decision_id, actor_id, handle, salt)))


def entry_hash(entry: Entry) -> str:
    """Return the hash of an entry's other fields."""
    is_first_version = entry.schema_version == "1"
    actor = (entry.actor_id, entry.actor_handle) if is_first_version else (entry.actor_token,)
    return _sha256(
        "|".join(
            (
                f"v{entry.schema_version}",
                entry.previous_hash,
                entry.sequence_number,
                entry.action,
                *actor,
                nfc(entry.option_title),
                entry.accepted,
                entry.preferred,
                entry.metadata,
                entry.created_at,
            )
        )
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- Checks ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check: its errors, each naming an entry. A skipped check has a reason."""

    errors: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def is_valid(self) -> bool:
        return not self.errors

    @property
    def word(self) -> str:
        if self.errors:
            return "FAIL"
        return "SKIPPED" if self.skipped else "PASS"


@dataclass(frozen=True, slots=True)
class Drawn:
    """The stored draw of a decision, and its expected values."""

    round: int | None = None
    randomness: str = ""
    expected_round: int | None = None
    # The value that a relay returned during the check; "" if none was asked.
    fetched: str = ""
    sort_keys: Mapping[str, str] = field(default_factory=dict)
    expected_sort_keys: Mapping[str, str] = field(default_factory=dict)


def check_chain(
    entries: Sequence[Entry], decision_id: str, closing_action: str, audit_chain_hash: str
) -> Check:
    """Check hashes, links, numbers and actors of a chain. An empty chain is valid.

    `closing_action` is the action of the entry whose hash the decision stores.
    """
    errors = [*_broken(entries, decision_id)]
    last = next((each for each in reversed(entries) if each.action == closing_action), None)
    if last is not None and last.entry_hash != audit_chain_hash:
        errors.append(f"{last.name}: chain hash mismatch")
    if last is None and audit_chain_hash:
        errors.append(f"No {closing_action} entry: chain hash mismatch")
    return Check(tuple(errors))


def _broken(entries: Sequence[Entry], decision_id: str) -> Iterator[str]:
    previous = ""
    for number, entry in enumerate(entries, start=1):
        if entry.schema_version not in ("1", "2"):
            yield f"{entry.name}: schema version {entry.schema_version} is unknown"
        if entry.sequence_number != str(number):
            yield f"{entry.name}: sequence gap, expected {number}"
        if entry.previous_hash != previous:
            yield f"{entry.name}: chain link broken"
        if entry_hash(entry) != entry.entry_hash:
            yield f"{entry.name}: hash mismatch"
        if binding(entry, decision_id) == TAMPERED:
            yield f"{entry.name}: {TAMPERED}"
        previous = entry.entry_hash


def binding(entry: Entry, decision_id: str) -> str:
    """Return whether the token of an entry belongs to its actor."""
    if entry.schema_version == "1":
        return V1_CHAIN_ONLY
    if not entry.actor_token:
        return TAMPERED if entry.actor_id or entry.actor_token_salt else NO_ACTOR
    if not (entry.actor_id and entry.actor_token_salt):
        return IMPORTED if entry.facts.get("imported") is True else UNATTRIBUTABLE
    made = actor_token(decision_id, entry.actor_id, entry.actor_handle, entry.actor_token_salt)
    return VERIFIED if made == entry.actor_token else TAMPERED


def tallied(entries: Iterable[Entry]) -> dict[str, tuple[int, int]]:
    """Return the sums of accepted and preferred by option title, from the votes in a chain.

    A renamed option keeps its votes. A removed option is left out with its votes.
    """
    votes: dict[str, dict[str, tuple[int, int]]] = {}
    for entry in entries:
        title = nfc(entry.option_title)
        if entry.action in VOTES:
            actor = entry.actor_token if entry.schema_version != "1" else entry.actor_id
            votes.setdefault(title, {})[actor] = _number(entry.accepted), _number(entry.preferred)
        elif entry.action == EntryAction.OPTION_REMOVED:
            votes.pop(title, None)
        elif entry.action == EntryAction.OPTION_UPDATED:
            old, new = (nfc(str(entry.facts.get(name, ""))) for name in ("old_title", "new_title"))
            votes[new] = votes.pop(old, {})
    return {
        title: (sum(yes for yes, _ in cast.values()), sum(best for _, best in cast.values()))
        for title, cast in votes.items()
    }


def _number(text: str) -> int:
    return int(text) if text in ("0", "1") else 0


def check_tallies(entries: Sequence[Entry], results: Mapping[str, tuple[int, int]]) -> Check:
    """Check that the votes in a chain add up to the results: accepted and preferred by title."""
    last = Counter[str]()
    for entry in entries:
        if entry.action in VOTES:
            last[nfc(entry.option_title)] = int(entry.sequence_number or 0)
    if not last:
        return Check(skipped="There are no votes yet.")
    expected = tallied(entries)
    shown = {nfc(title): sums for title, sums in results.items()}
    errors = [
        f"Option '{title}': the chain adds up to {expected.get(title, (0, 0))}, the results say"
        f" {shown.get(title, (0, 0))} (last vote in entry {last[title]})"
        for title in sorted(expected.keys() | shown.keys())
        if expected.get(title, (0, 0)) != shown.get(title, (0, 0))
    ]
    return Check(tuple(errors))


def check_beacon(entries: Sequence[Entry], drawn: Drawn) -> Check:
    """Check round, randomness and sort keys of a draw."""
    entry = next((each for each in entries if each.action == EntryAction.BEACON_DRAWN), None)
    if drawn.round is None and entry is None:
        return Check(skipped="No beacon drawn yet.")
    errors: list[str] = []
    facts = entry.facts if entry else {}
    name = entry.name if entry else "No beacon_drawn entry"
    if facts.get("round") != drawn.round or facts.get("randomness") != drawn.randomness:
        errors.append(f"{name}: differs from the decision's round and randomness")
    if drawn.expected_round is not None and drawn.round != drawn.expected_round:
        errors.append(f"{name}: round {drawn.round}, expected {drawn.expected_round}")
    if drawn.fetched and drawn.fetched != drawn.randomness:
        errors.append(f"{name}: the beacon published different randomness")
    if drawn.sort_keys != drawn.expected_sort_keys:
        errors.append(f"{name}: the sort keys do not match the randomness")
    return Check(tuple(errors))
