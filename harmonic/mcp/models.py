"""Tool calls of agents, kept for the people who manage them."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from accounts.models import User
from harmonic.kernel.database.tenancy import TenantModel
from tokens.models import ApiToken


class ToolCall(TenantModel):
    """One call of a tool by an agent: what it asked for, and what came of it.

    `arguments` has what the tool's schema declares, and of an action's parameters their names
    only. `context` is as it was sent. `touched` is the resource of a successful action.
    """

    KEPT = timedelta(days=90)
    NAME_LENGTH = 64
    ERROR_LENGTH = 300
    # Characters of an argument or a context as JSON; longer ones are left out.
    JSON_LENGTH = 4000

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        OK = "ok", "ok"
        TOOL_ERROR = "tool_error", "refused"
        UNKNOWN_TOOL = "unknown_tool", "unknown tool"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, null=True, related_name="+")
    tool_name = models.CharField(max_length=NAME_LENGTH)
    arguments = models.JSONField(default=dict, blank=True)
    context = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    called_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    code = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=ERROR_LENGTH, blank=True)
    touched = models.JSONField(null=True, blank=True)
    request_id = models.CharField(max_length=128, blank=True)

    class Meta(TenantModel.Meta):
        indexes = (
            models.Index(fields=["tenant", "user", "-called_at", "-id"], name="mcp_calls_of_agent"),
            models.Index(fields=["called_at"], name="mcp_calls_by_age"),
        )

    def __str__(self) -> str:
        return self.tool_name

    @property
    def asked_for(self) -> str:
        """The page, the action or the words that the call was about."""
        known = self.arguments
        if self.tool_name == "execute_action":
            return f"{known.get('action', '')} at {known.get('path', '')}"
        return str(known.get("path") or known.get("query") or known.get("topic") or "")

    @property
    def intention(self) -> str:
        sent = self.context.get("intention") if isinstance(self.context, dict) else None
        return sent if isinstance(sent, str) else ""
