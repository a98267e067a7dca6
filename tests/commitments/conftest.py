"""A fixture of commitments with many participants."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import TenantUser, User
from collectives.commitments.models import CommitmentParticipant
from harmonic.kernel.database.tenancy import tenant_bound
from tests.commitments.rows import row_at


@pytest.fixture
def crowd(world: Any) -> Callable[[str, int], None]:
    """Return a function that adds a number of new participants to a commitment."""

    def join(path: str, number: int) -> None:
        tenant, commitment = world.tenant(), row_at(path)
        for index in range(number):
            user = User.objects.create(
                email=f"{uuid.uuid4()}@example.com", created_at=world.now, updated_at=world.now
            )
            with tenant_bound(tenant.id):
                handle = f"walker-{user.id.hex[:8]}"
                TenantUser.objects.create(
                    tenant=tenant,
                    user=user,
                    handle=handle,
                    display_name=f"Walker {index}",
                    created_at=world.now,
                )
                CommitmentParticipant.objects.create(
                    tenant=tenant,
                    commitment=commitment,
                    user=user,
                    committed_at=world.now + timedelta(seconds=index),
                )

    return join
