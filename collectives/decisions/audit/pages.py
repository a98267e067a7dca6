"""Pages of the audit chain: the verification of a decision, and the receipt of a voter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern

from collectives.decisions import beacon, queries, rules
from collectives.decisions.audit import verification
from collectives.decisions.audit.chain import Entry
from collectives.decisions.models import Decision
from collectives.items.actions import about, collective_crumb
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link, NotFound

# The entries that the HTML page and the Markdown document show; the export has all.
ENTRIES_SHOWN = 100


def _crumbs(access: Access, decision: Decision) -> list[Link]:
    shown = Link(decision.question, decision.path_in(access.required_place.path))
    return [*collective_crumb(access, decision), shown]


def show(access: Access, decision: Decision) -> Mapping[str, Any]:
    path = decision.path_in(access.required_place.path)
    verified = verification.verify(decision)
    return {
        "decision": decision,
        "path": path,
        "verification": verified,
        "entries": verified.entries[-ENTRIES_SHOWN:],
        "left_out": max(0, len(verified.entries) - ENTRIES_SHOWN),
        "checks": [
            ("Chain integrity", verified.chain, f"{len(verified.entries)} entries verified"),
            ("Vote tallies", verified.tallies, "the votes add up to the results"),
            (
                "Beacon verification",
                verified.beacon,
                "the round and sort keys follow from the deadline",
            ),
        ],
        "verification_url": beacon.verification_url(decision.lottery_beacon_round),
        "export_path": f"{path}/verify.json",
        "script": verification.script(),
    }


def as_json(access: Access, decision: Decision) -> Mapping[str, Any]:
    """Return the export of a decision, with the results if the caller may see them."""
    entries = [row.as_entry() for row in queries.entries_of(decision.id)]
    choices = queries.choices_of(decision.id, access.user.user_id)
    is_shown = rules.shows_results(
        decision, has_voted=choices.has_voted, is_open=rules.is_open(access, decision)
    )
    results = queries.results_of(decision) if is_shown else None
    return verification.exported(access, decision, entries, results)


VERIFY: Page[Decision] = Page(
    name="decisions.verify",
    template="decisions/verify.html",
    title=lambda access, decision: f"Verify Results | {decision.question}",
    heading=lambda access, decision: "Verification Results",
    find=queries.live_decision_at,
    show=show,
    crumbs=_crumbs,
    about=about,
    json=as_json,
    access_level=AccessLevel.COLLECTIVE,
    resource="decisions",
)


# --- One receipt ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt: the hash of a vote, and all entries of its voter."""

    decision: Decision
    hash: str
    entries: Sequence[Entry]


def receipt_at(access: Access, decision_id: str, receipt: str) -> Receipt:
    """Return the receipt with this hash.

    Raises:
        NotFound: no entry of the decision has this hash.
    """
    decision = queries.live_decision_at(access, decision_id)
    entries = [row.as_entry() for row in queries.entries_of(decision.id)]
    found = next((each for each in entries if each.entry_hash == receipt), None)
    if found is None or not found.actor_token:
        raise NotFound(
            "Receipt not found",
            hint="No vote in this decision has this receipt. Check that it has 64 characters.",
            extra={"receipt_hash": receipt[:128]},
        )
    mine = [each for each in entries if each.actor_token == found.actor_token]
    return Receipt(decision, receipt, mine)


RECEIPT: Page[Receipt] = Page(
    name="decisions.receipt",
    template="decisions/receipt.html",
    title=lambda access, receipt: f"Vote receipt | {receipt.decision.question}",
    heading=lambda access, receipt: "Vote receipt",
    find=receipt_at,
    show=lambda access, receipt: {
        "decision": receipt.decision,
        "receipt": receipt,
        "path": receipt.decision.path_in(access.required_place.path),
    },
    crumbs=lambda access, receipt: _crumbs(access, receipt.decision),
    about=lambda access, receipt: about(access, receipt.decision),
    json=lambda access, receipt: verification.exported(
        access, receipt.decision, receipt.entries, None
    ),
    access_level=AccessLevel.COLLECTIVE,
    resource="decisions",
)


def urls() -> list[URLPattern]:
    """Return the routes of the audit chain below the prefix of a collective."""
    return [
        *mount("d/<str:decision_id>/verify", VERIFY),
        *mount("d/<str:decision_id>/verify/<str:receipt>", RECEIPT),
    ]
