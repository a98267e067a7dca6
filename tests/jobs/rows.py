"""Jobs and workers as rows, for tests."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from harmonic.jobs import claims, running
from harmonic.jobs.claims import Claim
from harmonic.jobs.models import Job
from harmonic.kernel.operations.jobs import SHORT
from tests.fixtures.world import World
from tests.jobs import kinds


def a_worker() -> uuid.UUID:
    worker_id = uuid.uuid4()
    claims.register(worker_id, "test", 1)
    return worker_id


def claimed(worker_id: uuid.UUID, queue: str = SHORT) -> Claim:
    claim = claims.claim_next(worker_id, queue)
    assert claim is not None
    return claim


def row(result: Any) -> DBTaskResult[Any, Any]:
    return DBTaskResult.objects.get(id=result.id)


def a_job(world: World, status: str = "failed", tenant: str = "garden", **sent: Any) -> Job:
    """Return a job of a tenant with this status."""
    tenant_id = str(world.tenant(tenant).id)
    result = kinds.deliver.enqueue(tenant_id=tenant_id, **{"to": "Bob", "key": "sk-1", **sent})
    if status != "due":
        claim = claimed(a_worker())
        assert claim.row.id == row(result).id
    if status == "failed":
        running.run(claim)
    return Job.unscoped.select_related("task").get(id=result.id)


def backdate(job: Job, **column: timedelta) -> None:
    moved = {name: timezone.now() - age for name, age in column.items()}
    DBTaskResult.objects.filter(id=job.id).update(**moved)
