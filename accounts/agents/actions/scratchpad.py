"""The action that replaces an AI agent's scratchpad."""

from __future__ import annotations

from accounts.agents.models import Agent
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import ALWAYS
from harmonic.kernel.parameters.fields import Block, Params
from harmonic.kernel.refusals import Denied, Proof
from harmonic.kernel.scopes import Scope


class ScratchpadParams(Params):
    content = Block(
        allow_blank=True,
        max_length=Agent.SCRATCHPAD_LENGTH,
        help_text="Blank clears it.",
    )


def is_agent_itself(access: Access, target: object) -> Denied | None:
    if access.actor is not None and access.actor.is_agent:
        return None
    return Denied("Only AI agents have a scratchpad.", "Your own notes are in your workspace.")


def _update_scratchpad(access: Access, target: None, *, content: str) -> Outcome:
    others = Agent.objects.exclude(scratchpad=content)
    is_changed = others.filter(user=access.user.user_id).update(scratchpad=content)
    # The event has no text: only the agent and its parent may read it.
    facts = {"changed": {"scratchpad": ()}}
    message = "Scratchpad updated successfully."
    return Outcome(message, "/whoami", facts=facts if is_changed else None)


update_scratchpad: Action[None] = Action(
    name="update_scratchpad",
    sentence="Replace your scratchpad.",
    label="Save scratchpad",
    scope=Scope("update:users"),
    grant=ALWAYS,
    proof=Proof.NONE,
    changes_access=False,
    emits="agent.updated",
    params=ScratchpadParams,
    policy=is_agent_itself,
    effect=_update_scratchpad,
    audience="private",
)
