"""Pages of reports, for the admins of the tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern

from accounts.queries import people
from accounts.rules import ADMINISTRATION, for_admins
from collectives.reports import queries
from collectives.reports.actions import review_report
from collectives.reports.models import Report, Status
from harmonic.kernel.access import Access
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link, NotFound
from harmonic.kernel.registry import path_to

ALL = "all"
PER_PAGE = 100


# --- List -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """A link of the filter by status."""

    label: str
    path: str
    is_chosen: bool


def listed(access: Access, target: None) -> Mapping[str, Any]:
    asked = access.query.get("status", "")
    status = asked if asked in (*Status, ALL) else Status.PENDING.value
    page = numbered(queries.reports("" if status == ALL else status), access, PER_PAGE)
    return {
        "rows": [(row, row.get_reason_display(), row.get_status_display()) for row in page],
        "page": page,
        "path": access.path,
        "query": f"status={status}",
        "choices": _choices(access.path, status),
    }


def _choices(path: str, status: str) -> list[StatusFilter]:
    counts = dict(queries.counts())
    numbers = {**counts, ALL: sum(counts.values())}
    return [
        StatusFilter(f"{word.capitalize()} ({count})", f"{path}?status={word}", word == status)
        for word, count in numbers.items()
    ]


LIST = Page(
    name="reports.list",
    template="reports/list.html",
    title=lambda access, target: "Reports",
    find=for_admins,
    show=listed,
    crumbs=lambda access, target: [ADMINISTRATION],
    fresh="admin",
)


# --- One report -----------------------------------------------------------------------------


def found(access: Access, report_id: str) -> Report:
    """Return a report of the tenant.

    Raises:
        NotFound: the tenant has no such report.
    """
    for_admins(access)
    row = queries.report_with(report_id)
    if row is None:
        raise NotFound("Report not found.", hint="/tenant-admin/reports lists all reports.")
    return row


def show(access: Access, row: Report) -> Mapping[str, Any]:
    known = people({row.author_id, row.reporter_id, row.reviewed_by_id})
    return {
        "report": row,
        "author": known[row.author_id],
        "reporter": known[row.reporter_id],
        "reviewer": known[row.reviewed_by_id] if row.reviewed_by_id else None,
        "reason": row.get_reason_display(),
        "status": row.get_status_display(),
        "others": queries.others_against(row),
        "item_path": row.item.path_in(row.collective.path),
    }


def crumbs(access: Access, row: Report) -> Sequence[Link]:
    return [ADMINISTRATION, Link("Reports", path_to("reports.list"))]


SHOW = Page(
    name="reports.show",
    template="reports/show.html",
    title=lambda access, row: f"Report: {row.shown_title}",
    find=found,
    show=show,
    crumbs=crumbs,
    about=lambda access, row: ResourceRef(
        "Report", str(row.id), path_to("reports.show", report_id=str(row.id))
    ),
    actions=(review_report,),
    fresh="admin",
)


def urls() -> list[URLPattern]:
    return [
        *mount("tenant-admin/reports", LIST),
        *mount("tenant-admin/reports/<str:report_id>", SHOW),
    ]
