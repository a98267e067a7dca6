"""The action by which a person connects a client to an external agent."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accounts.models import TenantUser
from accounts.queries import people
from harmonic.kernel.access import Access, TokenType
from harmonic.kernel.actions import Action, Confirmation, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.refusals import Denied, Proof
from harmonic.kernel.scopes import READ_WRITE, Scope
from tokens import rules
from tokens.actions import resource, secret_of
from tokens.connect.harnesses import Harness, McpServer, Tab
from tokens.lifetimes import LONGEST
from tokens.models import token_path


@dataclass(frozen=True, slots=True)
class AgentClient:
    """An agent, and the client that is to run it."""

    agent: TenantUser
    harness: Harness


def _may_connect(access: Access, target: AgentClient | None) -> Denied | None:
    return rules.may_create_token(access, target.agent if target else None)


def _connect(access: Access, target: AgentClient) -> Outcome:
    agent, harness = target.agent, target.harness
    made = rules.create_token(
        access,
        agent,
        name=f"{harness.label} connection",
        scopes=rules.grantable_scopes(access, READ_WRITE),
        expires_at=None,
        token_type=TokenType.MCP,
        client_name=harness.label,
    )
    secret = secret_of(access, made)
    to = McpServer(access.origin, agent.handle, made.plaintext)
    installed = Tab(harness, harness.configure(to))
    return Outcome(
        "Token created. Copy the configuration now: the token is shown only once.",
        token_path(agent, made.row.id),
        resource(agent, made.row),
        made.row,
        secret=replace(secret, about=replace(secret.about, tabs=(installed,))),
        shown_on=("agents.connect", {"handle": agent.handle, "harness": harness.key}),
        facts=made.facts,
    )


def _confirm(access: Access, target: AgentClient) -> Confirmation:
    agent = target.agent
    return Confirmation(
        f"Connect {target.harness.label}",
        (
            ("Agent", people([agent.user_id])[agent.user_id]),
            ("Access", "read + write, over MCP only"),
            ("Expires after", LONGEST),
        ),
    )


connect_ai_agent: Action[AgentClient] = Action(
    name="connect_ai_agent",
    sentence=(
        "Create a token for this client, which works over MCP only, and show the configuration"
        " with the token. The response shows the token once."
    ),
    label="Create token",
    scope=Scope("create:api_tokens"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=False,
    emits="token.created",
    policy=_may_connect,
    effect=_connect,
    confirm=_confirm,
    audience="private",
)
