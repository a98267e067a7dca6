"""The background task of runs.

The engine is imported by the worker only: the web process needs neither it nor its client.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction
from django_tasks import task


@task()
def run_next(tenant_id: str) -> None:
    """Start the next queued run of a tenant, if there is one and a slot is free, and finish it.

    Running the task twice does nothing twice: a run can be started only once.
    """
    from harmonic.runner.engine.loop import run_next_of

    run_next_of(UUID(tenant_id))


def wake_worker(tenant_id: UUID) -> None:
    """Enqueue a task for the next run of a tenant, once the transaction is committed."""
    transaction.on_commit(partial(run_next.enqueue, tenant_id=str(tenant_id)))
