"""Adding, changing and deleting options, and the participants who add them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from collectives.decisions import queries
from collectives.decisions.audit.chain import EntryAction, nfc
from collectives.decisions.audit.writing import ChainWriter, writer
from collectives.decisions.fields import NewOption
from collectives.decisions.models import Decision, Option, Participant
from collectives.items import kinds
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import PreparedInsert
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.refusals import Invalid, NotFound, NotPossible, Problem

_INSERT_OPTION = PreparedInsert(Option)
_INSERT_PARTICIPANT = PreparedInsert(Participant)


def participant(access: Access, decision: Decision) -> Participant:
    """Return the caller's participant, creating it if there is none."""
    user_id = access.user.user_id
    if known := queries.participant_of(decision.id, user_id):
        return known
    new = Participant(
        tenant_id=decision.tenant_id,
        decision_id=decision.id,
        user_id=user_id,
        created_at=access.now,
    )
    _INSERT_PARTICIPANT.run(new)
    return new


def title_key(title: str) -> str:
    """Return the key of a title. Titles that differ only in case or Unicode form share a key."""
    return hashlib.sha256(nfc(nfc(title).strip().casefold()).encode()).hexdigest()


def option_named(decision: Decision, name: str) -> Option:
    """Return the option with this ID or title.

    Raises:
        NotFound: the decision has no such option.
    """
    option_id = parse_uuid(name)
    wanted = {"id": option_id} if option_id else {"title_key": title_key(name)}
    found: Option | None = Option.objects.filter(decision=decision.id, **wanted).first()
    if found is None:
        raise NotFound("Option not found")
    return found


def add_options(
    access: Access,
    decision: Decision,
    new: Sequence[NewOption],
    *,
    chain: ChainWriter | None = None,
) -> list[Option]:
    """Add options in the given order, all or none. The caller writes a `chain` that it passes.

    Raises:
        Invalid: a title is taken.
        NotPossible: the decision would have more than `Decision.MAX_OPTIONS` options.
    """
    if not new:
        return []
    known = {option.title_key for option in queries.options_of(decision.id)}
    if len(known) + len(new) > Decision.MAX_OPTIONS:
        raise NotPossible(
            f"A decision can have at most {Decision.MAX_OPTIONS} options; this one has"
            f" {len(known)}.",
            code="limit_reached",
        )
    _require_new(known, new)
    chain_ = chain or writer(access, decision)
    adder = participant(access, decision)
    # A microsecond apart, to preserve their order.
    added = [
        _option(access, decision, adder, each, access.now + number * timedelta.resolution)
        for number, each in enumerate(new)
    ]
    for option in added:
        _INSERT_OPTION.run(option)
        chain_.add(EntryAction.OPTION_ADDED, option_title=option.title)
    if chain is None:
        chain_.write()
    kinds.index([decision])
    return added


def _require_new(known: Iterable[str], new: Iterable[NewOption]) -> None:
    taken = set(known)
    for option in new:
        if (key := title_key(option.title)) in taken:
            raise duplicate(option.title)
        taken.add(key)


def duplicate(title: str, param: str = "title") -> Invalid:
    """Return the refusal of a title that another option already has."""
    return Invalid(Problem(param, f"has already been taken: '{title}'"))


def _option(
    access: Access, decision: Decision, adder: Participant, new: NewOption, at: datetime
) -> Option:
    return Option(
        tenant_id=decision.tenant_id,
        decision_id=decision.id,
        participant_id=adder.id,
        title=new.title,
        title_key=title_key(new.title),
        description=new.description,
        random_id=secrets.randbelow(Option.RANDOM_IDS),
        created_at=at,
        updated_at=at,
    )


def update_option(
    access: Access, decision: Decision, option: Option, *, title: str = "", description: str = ""
) -> dict[str, Any] | None:
    """Change the non-blank values. Return the facts of the event, or None if nothing changed.

    Raises:
        Invalid: another option has the title.
    """
    wanted = {"title": title, "description": description}
    changed = {name: new for name, new in wanted.items() if new and new != getattr(option, name)}
    if not changed:
        return None
    old_title = option.title
    for name, new in changed.items():
        setattr(option, name, new)
    if "title" in changed:
        option.title_key = title_key(title)
        others = Option.objects.filter(decision=decision.id, title_key=option.title_key)
        if others.exclude(id=option.id).exists():
            raise duplicate(title)
        chain = writer(access, decision)
        titles = {"old_title": old_title, "new_title": title}
        chain.add(EntryAction.OPTION_UPDATED, option_title=title, metadata=titles)
        chain.write()
    option.updated_at = access.now
    option.save(update_fields=[*changed, "title_key", "updated_at"])
    if "title" in changed:
        kinds.index([decision])
    return {"option_id": option.id, "changed": sorted(changed)}


def delete_option(access: Access, decision: Decision, option: Option) -> None:
    """Delete an option and its votes."""
    chain = writer(access, decision)
    chain.add(EntryAction.OPTION_REMOVED, option_title=option.title)
    chain.write()
    option.delete()
    kinds.index([decision])
