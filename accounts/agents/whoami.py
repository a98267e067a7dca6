"""The page `/whoami`: who the caller is, what the caller may do and where."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.agents.actions import scratchpad
from accounts.agents.models import Agent
from accounts.queries import people
from collectives import queries as collectives
from collectives.reminders.queries import upcoming
from harmonic.kernel.access import Access
from harmonic.kernel.pages import Page
from harmonic.kernel.registry import granted_actions, ungranted_actions
from harmonic.kernel.scopes import READ_ONLY, READ_WRITE, Scope, Verb

NO_AGENT = {"is_agent": False, "prompt": "", "scratchpad": ""}


def whoami(access: Access, target: None) -> Mapping[str, Any]:
    actor = access.user
    own = collectives.own_collectives(actor.person_id)
    return {
        "me": people([actor.user_id])[actor.user_id],
        "is_tenant_admin": actor.is_tenant_admin,
        "permissions": permissions_of(access.token.scopes) if access.token else "",
        "workspace": collectives.own_workspace(actor.person_id),
        "collectives": own,
        "count": f" ({len(own)})" if access.may_read("all") else "",
        "reminders": upcoming(access),
        **(_agent(access) if actor.is_agent else NO_AGENT),
    }


def _agent(access: Access) -> Mapping[str, Any]:
    agent = Agent.objects.get(user=access.user.user_id)
    held, lacked = (
        list_of(access.user.capabilities) for list_of in (granted_actions, ungranted_actions)
    )
    return {
        "is_agent": True,
        "prompt": agent.identity_prompt,
        # Marks the prompt for the program that runs the agent; new at each request.
        "canary": secrets.token_hex(8),
        "scratchpad": agent.scratchpad,
        "is_restricted": bool(lacked),
        # The shorter list is shown.
        "may_only": held if len(held) < len(lacked) else [],
        "may_not": lacked if len(held) >= len(lacked) else [],
    }


def permissions_of(scopes: Iterable[str]) -> str:
    """Return scopes in words, to follow "This token can": `read and write`, `only read notes`."""
    held = set(scopes)
    if held >= set(READ_WRITE):
        return "read and write"
    if held == set(READ_ONLY):
        return "only read"
    scopes_by_verb = {
        verb: sorted(each for each in held if Scope(each).verb is verb) for verb in Verb
    }
    parts = [
        f"{verb} {_joined([_resource(each) for each in scopes_by_verb[verb]])}"
        for verb in (Verb.READ, Verb.CREATE, Verb.UPDATE, Verb.DELETE)
        if scopes_by_verb[verb]
    ]
    return f"only {_joined(parts)}"


def _resource(scope: str) -> str:
    resource = Scope(scope).resource
    return "everything" if resource == "all" else resource.replace("_", " ")


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def token_scope(access: Access, target: None) -> str:
    """Return the scopes of the caller's token, as OAuth writes them."""
    if access.token is None:
        return ""
    held = set(access.token.scopes)
    return "read write" if held >= set(READ_WRITE) else " ".join(access.token.scopes)


WHOAMI = Page(
    name="whoami",
    template="accounts/whoami.html",
    title=lambda access, target: "Who Am I?",
    show=whoami,
    scope=token_scope,
    actions=(scratchpad.update_scratchpad,),
    resource="users",
)
