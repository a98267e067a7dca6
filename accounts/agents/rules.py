"""Rules for creating AI agents."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from accounts.agents.models import Agent
from accounts.models import User
from accounts.rules import new_agent_user


def new_agent(*, name: str, parent_id: uuid.UUID, now: datetime, **settings: Any) -> User:
    """Create an AI agent: its account, and its row with these settings.

    `join_tenant` of `collectives` adds it to a tenant. The caller holds a transaction.
    """
    user = new_agent_user(name=name, parent_id=parent_id, now=now)
    Agent.objects.create(user=user, **settings)
    return user
