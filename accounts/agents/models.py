"""The model of an AI agent's settings, beside its account."""

from __future__ import annotations

from django.db import models

from accounts.models import TenantUser, User
from harmonic.kernel.access import AgentMode
from harmonic.kernel.capabilities import Capabilities
from harmonic.kernel.registry import path_to


class Agent(models.Model):
    """The settings of an AI agent. Every user of type `ai_agent` has one row.

    The parent is a column of `User` (`docs/decisions/0023-agents-are-rows.md`).
    """

    MODEL_LENGTH = 100
    PROMPT_LENGTH = 100_000
    SCRATCHPAD_LENGTH = 10_000

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="agent"
    )
    mode = models.CharField(
        max_length=16, default=AgentMode.EXTERNAL, choices=[(mode, mode) for mode in AgentMode]
    )
    # The model of an internal agent; empty for external ones.
    model = models.CharField(max_length=MODEL_LENGTH, blank=True, default="")
    capability_names = models.JSONField(default=list, blank=True)
    may_write_publicly = models.BooleanField(default=True)
    identity_prompt = models.TextField(blank=True, default="")
    scratchpad = models.TextField(blank=True, default="")
    # Set while the parent has paused the agent: all its requests are refused, its tokens stay.
    paused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="agent_mode", condition=models.Q(mode__in=[str(mode) for mode in AgentMode])
            ),
        )

    def __str__(self) -> str:
        return self.user.name

    @property
    def is_internal(self) -> bool:
        return self.mode == AgentMode.INTERNAL

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities.of(self.capability_names, may_write_publicly=self.may_write_publicly)


def path_of(agent: TenantUser) -> str:
    """Return the path of the page on which an agent's parent manages it."""
    return path_to("agents.show", handle=agent.handle)
