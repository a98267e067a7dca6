"""Pages of a tenant's jobs, for its admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import URLPattern

from accounts.rules import ADMINISTRATION, for_admins
from harmonic.jobs import queries
from harmonic.jobs.actions import retry_sidekiq_job
from harmonic.jobs.models import Job
from harmonic.jobs.queries import STATUSES, JobLine
from harmonic.kernel.access import Access
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link, NotFound
from harmonic.kernel.registry import path_to


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """A link of the filter by status."""

    label: str
    path: str
    is_chosen: bool


def _listed(access: Access, target: None) -> Mapping[str, Any]:
    asked = access.query.get("status", "")
    status = asked if asked in STATUSES else ""
    page = queries.listed(status, access.query.get("cursor", ""))
    return {
        "lines": page.lines,
        "status": status,
        "choices": _choices(access.path, status),
        "older_href": _href(access.path, status=status, cursor=page.older) if page.older else "",
        "newer_href": "" if page.is_first else _href(access.path, status=status),
        "kept_days": Job.FAILED_KEPT.days,
    }


def _choices(path: str, status: str) -> list[StatusFilter]:
    counts = queries.counts()
    all_jobs = StatusFilter(f"All ({sum(counts.values())})", path, not status)
    return [
        all_jobs,
        *(
            StatusFilter(f"{word.capitalize()} ({count})", _href(path, status=word), word == status)
            for word, count in counts.items()
        ),
    ]


def _href(path: str, **query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


LIST = Page(
    name="jobs.list",
    template="jobs/list.html",
    title=lambda access, target: "Background jobs",
    find=for_admins,
    show=_listed,
    crumbs=lambda access, target: [ADMINISTRATION],
    fresh="admin",
)


def _found(access: Access, job_id: str) -> Job:
    """Return a job of the tenant.

    Raises:
        NotFound: the tenant has no such job.
    """
    for_admins(access)
    parsed = parse_uuid(job_id)
    found = queries.job_with(parsed) if parsed else None
    if found is None:
        raise NotFound("Job not found.", hint="Finished jobs are deleted. See /tenant-admin/jobs.")
    return found


def _crumbs(access: Access, job: Job) -> Sequence[Link]:
    return [ADMINISTRATION, Link("Background jobs", path_to("jobs.list"))]


SHOW = Page(
    name="jobs.show",
    template="jobs/show.html",
    title=lambda access, job: JobLine(job).label,
    find=_found,
    show=lambda access, job: {"job": JobLine(job)},
    crumbs=_crumbs,
    about=lambda access, job: ResourceRef(
        "Job", str(job.id), path_to("jobs.show", job_id=str(job.id))
    ),
    actions=(retry_sidekiq_job,),
    fresh="admin",
)


def urls() -> list[URLPattern]:
    return [
        *mount("tenant-admin/jobs", LIST),
        *mount("tenant-admin/jobs/<str:job_id>", SHOW),
    ]
