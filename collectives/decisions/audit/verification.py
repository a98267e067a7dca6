"""The verification of a decision: its chain, its tallies and its draw, and the export as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from collectives.decisions import beacon, queries
from collectives.decisions.audit import chain
from collectives.decisions.audit.chain import Check, Drawn, Entry, iso_milliseconds
from collectives.decisions.models import Decision
from collectives.decisions.ranking import Result, sort_key
from harmonic.kernel.access import Access

SCRIPT = "docs/verify_decision.py"
PASSED, COMPLETED, FAILED = (
    "All checks passed",
    "Completed checks passed",
    "One or more checks failed",
)


@dataclass(frozen=True, slots=True)
class Verification:
    """The audit chain of a decision and the results of its checks."""

    entries: Sequence[Entry]
    results: Sequence[Result]
    chain: Check
    tallies: Check
    beacon: Check

    @property
    def verdict(self) -> str:
        checks = (self.chain, self.tallies, self.beacon)
        if not all(check.is_valid for check in checks):
            return FAILED
        return COMPLETED if any(check.skipped for check in checks) else PASSED


def verify(decision: Decision) -> Verification:
    """Check the audit chain of a decision against its results and its draw."""
    entries = [row.as_entry() for row in queries.entries_of(decision.id)]
    results = queries.results_of(decision)
    sums = {row.tally.title: (row.tally.accepted_yes, row.tally.preferred) for row in results}
    return Verification(
        entries,
        results,
        chain.check_chain(
            entries, str(decision.id), decision.closing_action, decision.audit_chain_hash
        ),
        chain.check_tallies(entries, sums),
        chain.check_beacon(entries, _drawn(decision, results)),
    )


def _drawn(decision: Decision, results: Sequence[Result]) -> Drawn:
    if not decision.is_drawn:
        return Drawn()
    randomness = decision.lottery_beacon_randomness
    return Drawn(
        round=decision.lottery_beacon_round,
        randomness=randomness,
        expected_round=beacon.expected_round(decision.deadline),
        sort_keys={row.tally.title: row.sort_key for row in results},
        expected_sort_keys={
            row.tally.title: sort_key(randomness, row.tally.title) for row in results
        },
    )


def exported(
    access: Access, decision: Decision, entries: Sequence[Entry], results: Sequence[Result] | None
) -> Mapping[str, Any]:
    """Return the export that `docs/verify_decision.py` checks, without results if None."""
    bindings = {chain.binding(entry, str(decision.id)) for entry in entries}
    number, randomness = decision.lottery_beacon_round, decision.lottery_beacon_randomness
    body: dict[str, Any] = {
        "generated_at": iso_milliseconds(access.now),
        "has_imported_entries": chain.IMPORTED in bindings,
        "decision": {
            "id": str(decision.id),
            "question": decision.question,
            "subtype": decision.subtype,
            "deadline": iso_milliseconds(decision.deadline),
            "audit_chain_hash": decision.audit_chain_hash or None,
            "lottery_beacon_round": number,
            "lottery_beacon_randomness": randomness or None,
        },
        "audit_chain": [asdict(entry) for entry in entries],
    }
    if number is not None:
        url = beacon.verification_url(number)
        body["beacon"] = {
            "round": number,
            "randomness": randomness,
            **({"verification_url": url} if url else {}),
        }
    if results is not None:
        body["results"] = [_result(row) for row in results]
    return body


def _result(row: Result) -> dict[str, Any]:
    drawn = {"lottery_sort_key": row.sort_key} if row.sort_key else {}
    return {
        "position": row.position,
        "option_title": row.tally.title,
        "accepted_yes": row.tally.accepted_yes,
        "preferred": row.tally.preferred,
        **drawn,
    }


@cache
def script() -> str:
    """Return the script that checks an export without this application."""
    return (Path(settings.BASE_DIR) / SCRIPT).read_text()
