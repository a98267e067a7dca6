"""The audit chain of a decision."""

from __future__ import annotations

from typing import Annotated, NotRequired, cast

from django.urls import URLPattern
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.operations import Operation
from api.responses.schema import Count, Doc, Id, OneOf, Timestamp, Url
from api.v1.decisions.json import SortKey
from api.v1.decisions.resource import DecisionId, live
from api.views import Base, ObjectResponse, Resource, access_of, route
from collectives.decisions.audit.chain import EntryAction
from collectives.decisions.audit.pages import as_json
from collectives.decisions.models import Decision
from harmonic.kernel.access import AccessLevel, Rule

BASES = Base
Hash = Annotated[str, Doc("SHA-256 in hexadecimal, or empty.", example="9f" * 32)]
Digit = Annotated[str, Doc("0 or 1, or empty.", example="1")]
Round = Annotated[int, Doc("The round of drand's quicknet chain.", example=28623413)]
Randomness = Annotated[str, Doc("The randomness of the round.", example="deadbeef")]


class AuditedDecisionJson(TypedDict):
    """The decision of an audit chain."""

    id: Id
    question: Annotated[str, Doc(example="Which oven do we buy?")]
    subtype: Annotated[str, OneOf("DecisionSubtype", Decision.Subtype)]
    deadline: Timestamp
    audit_chain_hash: Annotated[
        str | None, Doc("The hash of the last entry. Null until the chain is complete.")
    ]
    lottery_beacon_round: Annotated[int | None, Doc("Null before the draw.", example=None)]
    lottery_beacon_randomness: Annotated[str | None, Doc("Null before the draw.", example=None)]


class AuditEntryJson(TypedDict):
    """An entry of an audit chain. All values are text; missing values are empty."""

    sequence_number: Annotated[str, Doc(example="4")]
    schema_version: Annotated[str, Doc(example="2")]
    action: Annotated[str, OneOf("AuditAction", EntryAction)]
    actor_id: Annotated[str, Doc(example="3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90")]
    actor_handle: Annotated[str, Doc("The handle in the actor's first entry.", example="alice")]
    actor_token: Hash
    actor_token_salt: Hash
    option_title: Annotated[str, Doc(example="Electric")]
    accepted: Digit
    preferred: Digit
    metadata: Annotated[str, Doc("The JSON text that is hashed.", example="")]
    previous_hash: Hash
    entry_hash: Hash
    created_at: Annotated[str, Doc("In whole seconds.", example="2026-05-13T12:00:00Z")]


class BeaconJson(TypedDict):
    """The draw of a decision."""

    round: Round
    randomness: Randomness
    verification_url: NotRequired[
        Annotated[
            Url,
            Doc("The public URL of the round.", example="https://api.drand.sh/public/1"),
        ]
    ]


class AuditResultJson(TypedDict):
    """An option in the order of the results."""

    position: Annotated[int, Doc(minimum=1, example=1)]
    option_title: Annotated[str, Doc(example="Electric")]
    accepted_yes: Count
    preferred: Count
    lottery_sort_key: NotRequired[SortKey]


class AuditJson(TypedDict):
    """The audit chain of a decision, in the format that `docs/verify_decision.py` checks."""

    generated_at: Timestamp
    has_imported_entries: bool
    decision: AuditedDecisionJson
    audit_chain: list[AuditEntryJson]
    beacon: NotRequired[Annotated[BeaconJson, Doc("Absent before the draw.")]]
    results: NotRequired[
        Annotated[
            list[AuditResultJson],
            Doc("Absent until you have voted or the decision is closed."),
        ]
    ]


class Audit(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="decisions")

    @Operation("read_audit", tag="audit")
    def retrieve(self, request: Request, decision_id: DecisionId) -> ObjectResponse[AuditJson]:
        """Retrieve the audit chain of a decision."""
        access = access_of(request)
        decision = live(decision_id, "Not found")(access)
        return ObjectResponse(cast(AuditJson, as_json(access, decision)))


def urls() -> list[URLPattern]:
    return [route("api/v1/decisions/<str:decision_id>/audit", Audit, get="retrieve")]
