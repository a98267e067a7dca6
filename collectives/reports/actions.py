"""Actions of reports: report an item, and review a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.rules import TENANT_ADMINS_CAN, is_tenant_admin
from accounts.security_words import LogEntry
from collectives.items.actions import about
from collectives.items.models import Item
from collectives.reports import rules
from collectives.reports.models import Reason, Report, Status
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Logged, Outcome
from harmonic.kernel.capabilities import NEVER, usual
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Block, Choice, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget
from harmonic.kernel.refusals import Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope

# --- Reporting ------------------------------------------------------------------------------


class ReportParams(Params):
    reason = Choice(
        Reason.choices,
        help_text="The reason for the report.",
        widget=Widget(kind="radios", help=""),
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Report.DESCRIPTION_LENGTH,
        help_text="Details for the admins.",
        widget=Widget(rows=4, autocomplete=PROSE),
    )


def _report(access: Access, item: Item, *, reason: str, description: str = "") -> Outcome:
    row = rules.report(access, item, reason=reason, description=description)
    path = item.path_in(access.required_place.path)
    message = f"Thank you. The admins of {access.tenant.name} will review your report."
    return Outcome(message, path, about(access, item), row, facts={"reason": reason})


report_content: Action[Item] = Action(
    name="report_content",
    sentence="Report this content to the admins, who receive a copy.",
    label="Report",
    scope=Scope("create:all"),
    grant=usual("Reporting"),
    proof=Proof.NONE,
    changes_access=False,
    emits="report.created",
    params=ReportParams,
    policy=rules.may_report,
    is_offered=rules.is_to_report,
    effect=_report,
    audience="shared",
)


# --- Reviewing ------------------------------------------------------------------------------


class ReviewParams(Params):
    status = Choice(
        [choice for choice in Status.choices if choice[0] != Status.PENDING],
        label="Result",
        help_text="The result: reviewed, dismissed (no violation) or actioned (action was taken).",
        widget=Widget(kind="radios", help=""),
    )
    admin_notes = Block(
        required=False,
        allow_blank=True,
        max_length=Report.NOTES_LENGTH,
        label="Notes",
        help_text="Notes for other admins. The reporter and the author cannot see them.",
        widget=Widget(rows=4, autocomplete=PROSE),
    )


def _review(access: Access, row: Report, *, status: str, admin_notes: str = "") -> Outcome:
    is_changed = rules.review(access, row, status=status, admin_notes=admin_notes)
    message = "Review saved." if is_changed else "The report already has this result."
    facts: dict[str, Any] | None = {"status": status, "report_id": row.id} if is_changed else None
    return Outcome(message, path_to("reports.show", report_id=str(row.id)), facts=facts)


def _current(access: Access, row: Report | None) -> Mapping[str, Any]:
    if row is None:
        return {}
    status = "" if row.status == Status.PENDING else row.status
    return {"status": status, "admin_notes": row.admin_notes}


def _reviewed(entry: LogEntry) -> str:
    return f"A content report was reviewed: {entry.data.get('status', '')}"


review_report: Action[Report] = Action(
    name="review_report",
    sentence="Save the result of reviewing this report. You can change it later.",
    label="Save review",
    scope=Scope("update:all"),
    grant=NEVER,
    for_agents=lambda access: TENANT_ADMINS_CAN,
    proof=Proof.ADMIN,
    changes_access=False,
    emits="report.reviewed",
    params=ReviewParams,
    policy=is_tenant_admin,
    effect=_review,
    initial=_current,
    logged=Logged(audit.ADMIN_ACTION, _reviewed),
    audience="shared",
)
