"""The background job of runs.

The engine is imported by the worker only: the web process needs neither it nor its client.
"""

from __future__ import annotations

from uuid import UUID

from harmonic.kernel.operations.jobs import Interrupted, Policy, job


@job(Policy("Run of an agent", attempts=3, if_interrupted=Interrupted.RETRY), is_long=True)
def run_next(tenant_id: str) -> None:
    """Start the next queued run of a tenant, if there is one and a slot is free, and finish it.

    Running the job twice does nothing twice: a run can be started only once.
    """
    from harmonic.runner.engine.loop import run_next_of

    run_next_of(UUID(tenant_id))


def wake_worker(tenant_id: UUID) -> None:
    """Enqueue a job for the next run of a tenant, in the transaction of the caller."""
    run_next.enqueue(tenant_id=str(tenant_id))
