"""The log of what AI agents do, kept for the people who manage them."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from accounts.models import User
from harmonic.kernel.database.tenancy import TenantModel
from tokens.models import ApiToken


class Surface(models.TextChoices):
    """The surface of an entry: where the agent sent its request."""

    MCP = "mcp", "MCP"
    MARKDOWN = "markdown", "Markdown"
    REST = "rest", "REST"
    RUN = "run", "Run"


class EntryStatus(models.TextChoices):
    PENDING = "pending", "pending"
    OK = "ok", "ok"
    TOOL_ERROR = "tool_error", "refused"
    UNKNOWN_TOOL = "unknown_tool", "unknown tool"


# Statuses of entries that changed and returned nothing.
REFUSED = (EntryStatus.TOOL_ERROR, EntryStatus.UNKNOWN_TOOL)


class Entry(TenantModel):
    """An entry of an agent's log: a tool call, an action over Markdown, or a write over REST.

    `arguments` has the page or route, the action, and of its parameters their names only. Those of
    a tool call are what the tool's schema declares; `context` is as it was sent. `touched` is the
    resource of a successful action.
    """

    KEPT = timedelta(days=90)
    # Reads are written to the database in batches, which are at most this old.
    READS_WRITTEN_EVERY = timedelta(seconds=10)
    NAME_LENGTH = 64
    ERROR_LENGTH = 300
    # Characters of an argument or a context as JSON; longer ones are left out.
    JSON_LENGTH = 4000
    # Names of parameters, and characters of a name.
    KEYS = 50
    KEY_LENGTH = 80

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, null=True, related_name="+")
    # The run that the agent acted in. No foreign key, because runs are above the log.
    run_id = models.UUIDField(null=True, blank=True)
    surface = models.CharField(max_length=16, choices=Surface, default=Surface.MCP)
    # Empty unless a tool was called.
    tool_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    arguments = models.JSONField(default=dict, blank=True)
    context = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=EntryStatus, default=EntryStatus.PENDING)
    called_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    code = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=ERROR_LENGTH, blank=True)
    touched = models.JSONField(null=True, blank=True)
    request_id = models.CharField(max_length=128, blank=True)

    class Meta(TenantModel.Meta):
        indexes = (
            models.Index(fields=["tenant", "user", "-called_at", "-id"], name="agent_log_of_agent"),
            models.Index(fields=["called_at"], name="agent_log_by_age"),
        )

    def __str__(self) -> str:
        return self.asked_for

    @property
    def asked_for(self) -> str:
        """The action and its page, the route, the page or the words that the agent asked for."""
        action = self.arguments.get("action")
        if not action:
            return self.where
        return f"{self.where} ({action})" if self._method else f"{action} at {self.where}"

    @property
    def where(self) -> str:
        """The route, the page or the words of a request, without the action."""
        known = self.arguments
        where = known.get("path") or known.get("query") or known.get("topic") or ""
        return f"{self._method} {where}".strip()

    @property
    def _method(self) -> str:
        return str(self.arguments.get("method", ""))

    @property
    def title(self) -> str:
        """The tool, the action, or the request."""
        return self.tool_name or str(self.arguments.get("action") or self.where)

    @property
    def details(self) -> str:
        """The details of the request, apart from the title."""
        said = self.asked_for if self.tool_name else self.where
        return "" if said == self.title else said

    @property
    def intention(self) -> str:
        sent = self.context.get("intention") if isinstance(self.context, dict) else None
        return sent if isinstance(sent, str) else ""
