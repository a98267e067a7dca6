"""Pausing, resuming and stopping an AI agent, for the programs of its parent."""

from __future__ import annotations

from functools import partial
from typing import Annotated, NotRequired

from django.urls import URLPattern
from rest_framework.request import Request
from typing_extensions import TypedDict

from accounts.agents.actions.pausing import pause_ai_agent, resume_ai_agent
from accounts.agents.models import Agent
from accounts.models import TenantUser
from api.operations import Operation
from api.responses.schema import Doc, DryRun, Id, Timestamp
from api.responses.timestamps import format_optional_timestamp
from api.v1.users import user_at
from api.views import ObjectResponse, Resource, route
from api.writes import RestBinding, over_rest
from harmonic.kernel.access import AccessLevel, Rule
from tokens.owners.actions import stop_ai_agent

AgentId = Annotated[str, Doc("The agent's UUID, handle or `@handle`.", example="scout")]


class AgentStateJson(TypedDict):
    """The state of an AI agent after a change by the person who manages it."""

    id: Id
    handle: Annotated[str, Doc(example="scout")]
    paused_at: Annotated[
        Timestamp | None, Doc("When the agent was paused. Null if it is not.", example=None)
    ]
    message: Annotated[str, Doc(example="scout is paused. Its tokens are kept.")]
    dry_run: NotRequired[DryRun]


PAUSE = over_rest(pause_ai_agent)
RESUME = over_rest(resume_ai_agent)
STOP: RestBinding[TenantUser] = over_rest(stop_ai_agent)


class AgentStates(Resource):
    rule = Rule(AccessLevel.TENANT, resource="users")
    writes = {"pause": PAUSE, "resume": RESUME, "stop": STOP}

    @Operation("pause_ai_agent", tag="users")
    def pause(self, request: Request, user_id: AgentId) -> ObjectResponse[AgentStateJson]:
        """Pause one of your agents: its requests are refused, its tokens are kept."""
        return self._changed(PAUSE, user_id)

    @Operation("resume_ai_agent", tag="users")
    def resume(self, request: Request, user_id: AgentId) -> ObjectResponse[AgentStateJson]:
        """Resume one of your agents: its tokens work as before the pause."""
        return self._changed(RESUME, user_id)

    @Operation("stop_ai_agent", tag="users")
    def stop(self, request: Request, user_id: AgentId) -> ObjectResponse[AgentStateJson]:
        """Stop one of your agents: revoke its tokens and end its runs."""
        return self._changed(STOP, user_id)

    def _changed(
        self, binding: RestBinding[TenantUser], user_id: str
    ) -> ObjectResponse[AgentStateJson]:
        outcome = self.perform(binding, partial(user_at, user_id=user_id))
        agent = outcome.object
        paused_at = Agent.objects.values_list("paused_at", flat=True).get(user=agent.user_id)
        return ObjectResponse(
            {
                "id": str(agent.user_id),
                "handle": agent.handle,
                "paused_at": format_optional_timestamp(paused_at),
                "message": outcome.message,
            }
        )


def urls() -> list[URLPattern]:
    one = "api/v1/users/<str:user_id>"
    return [
        route(f"{one}/{name}", AgentStates, f"api.user.{name}", post=name)
        for name in ("pause", "resume", "stop")
    ]
