"""The backend of django-tasks, which also stores the tenant of each task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django_tasks_db.backend import DatabaseBackend

from harmonic.kernel.database.tenancy import ForeignTenant, bound_tenant

if TYPE_CHECKING:
    from django_tasks_db.models import DBTaskResult


class JobBackend(DatabaseBackend):
    """Backend that stores a `Job` with each task, in the transaction of the caller."""

    def _task_to_db_task(self, task: Any, args: Any, kwargs: Any) -> DBTaskResult[Any, Any]:
        # Tasks are declared before all models are loaded.
        from harmonic.jobs.models import Job

        tenant_id = tenant_of(kwargs)
        with transaction.atomic():
            row = super()._task_to_db_task(task, args, kwargs)
            Job.unscoped.create(id=row.id, task=row, tenant_id=tenant_id)
        return row


def tenant_of(arguments: dict[str, Any]) -> UUID | None:
    """Return the tenant that the arguments of a task name; None for work for the whole site.

    Raises:
        ForeignTenant: another tenant is bound, or one is bound and none is named.
    """
    named = arguments.get("tenant_id")
    tenant_id = UUID(str(named)) if named else None
    bound = bound_tenant()
    if bound is not None and bound != tenant_id:
        raise ForeignTenant("Enqueue a job with the tenant_id of the bound tenant.")
    return tenant_id
