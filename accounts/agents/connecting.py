"""The pages that connect a client to an external agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern

from accounts.agents.actions.connecting import AgentClient, connect_ai_agent
from accounts.agents.models import path_of
from accounts.agents.pages import list_crumbs, own_agent
from accounts.models import TenantUser
from harmonic.kernel.access import Access
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.parameters.wording import did_you_mean
from harmonic.kernel.refusals import Link, Refused
from tokens.connect.harnesses import HARNESSES, McpServer, Tab
from tokens.connect.status import ConnectionStatus, status_of_owner


def client_of_agent(access: Access, handle: str, harness: str) -> AgentClient:
    """Return the caller's agent with a client.

    Raises:
        NotFound: no agent has the handle.
        Forbidden: the agent has another parent.
        Refused: 422, the client is not known.
    """
    agent = own_agent(access, handle)
    found = HARNESSES.get(harness)
    if found is None:
        raise Refused(
            f"There is no configuration for the client '{harness[:40]}'.",
            status=422,
            code="unknown_client",
            hint=did_you_mean(harness, HARNESSES) or f"Known clients: {', '.join(HARNESSES)}.",
        )
    return AgentClient(agent, found)


def _crumbs(access: Access, agent: TenantUser) -> list[Link]:
    return [*list_crumbs(access, agent), Link(agent.display_name, path_of(agent))]


def show(access: Access, target: AgentClient) -> Mapping[str, Any]:
    to = McpServer(access.origin, target.agent.handle)
    return {
        "agent": target.agent,
        "harness": target.harness,
        "tab": Tab(target.harness, target.harness.configure(to)),
        "others": [each for each in HARNESSES.values() if each is not target.harness],
        "is_internal": target.agent.user.is_internal_agent,
    }


CONNECT: Page[AgentClient] = Page(
    name="agents.connect",
    template="agents/connect.html",
    title=lambda access, target: f"Connect {target.harness.label} to {target.agent.display_name}",
    find=client_of_agent,
    show=show,
    crumbs=lambda access, target: _crumbs(access, target.agent),
    actions=(connect_ai_agent,),
    writes={"POST": connect_ai_agent},
    resource="users",
)


def status_of_agent(access: Access, agent: TenantUser) -> ConnectionStatus:
    return status_of_owner(agent, access.now, access.path) or ConnectionStatus(access.path)


CONNECTION: Page[TenantUser] = Page(
    name="agents.connection",
    template="connect/status.html",
    title=lambda access, agent: "Connection",
    find=own_agent,
    show=lambda access, agent: {
        "status": status_of_agent(access, agent),
        "path": path_of(agent),
    },
    json=lambda access, agent: status_of_agent(access, agent).json,
    crumbs=_crumbs,
    resource="users",
)


def urls() -> list[URLPattern]:
    return [
        *mount("ai-agents/<str:handle>/connect/<str:harness>", CONNECT),
        *mount("ai-agents/<str:handle>/connection", CONNECTION)[:1],
    ]
