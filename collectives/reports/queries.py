"""Queries of reports."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, QuerySet

from collectives.reports.models import Report, Status
from harmonic.kernel.database.tenancy import parse_uuid


def reports(status: str) -> QuerySet[Report]:
    """Return reports with a status, or all if it is "", newest first, without their texts."""
    rows: QuerySet[Report] = Report.objects.defer("text", "description", "admin_notes")
    wanted = rows.filter(status=status) if status else rows
    return wanted.select_related("item", "collective").order_by("-created_at", "-id")


def counts() -> Mapping[str, int]:
    """Return the number of reports by status. Every status has a number."""
    rows = Report.objects.order_by().values_list("status").annotate(Count("id"))
    found = dict(rows)
    return {status.value: found.get(status.value, 0) for status in Status}


def report_with(report_id: str) -> Report | None:
    """Return the report with this ID, or None."""
    parsed = parse_uuid(report_id)
    if parsed is None:
        return None
    found: Report | None = (
        Report.objects.select_related("item", "collective").filter(id=parsed).first()
    )
    return found


def others_against(report: Report) -> int:
    """Return the number of other reports against the author of a reported item."""
    return Report.objects.filter(author=report.author_id).exclude(id=report.id).count()
