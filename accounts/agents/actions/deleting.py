"""The action that deletes an AI agent without content."""

from __future__ import annotations

from django.db.models import ProtectedError

from accounts import rules
from accounts.actions.people import agent_deleted
from accounts.models import TenantUser
from collectives import queries as collectives
from collectives.events.models import HISTORY, Event
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.refusals import Forbidden, Proof, Refused
from harmonic.kernel.scopes import Scope
from tokens.rules import revoke_tokens


def _delete(access: Access, person: TenantUser) -> Outcome:
    if not person.user.is_agent:
        raise Forbidden(
            "You cannot delete your own account with the API.",
            hint="A tenant admin can remove you from this tenant at /tenant-admin/users.",
        )
    if Event.objects.filter(actor=person.user, verb__in=HISTORY, item__isnull=False).exists():
        raise _has_content(person)
    # `deleted` marks the event for `security.deleted_agents_of`.
    facts = {"about": rules.person_reference(person), "deleted": True}
    if not person.user.is_internal_agent:
        revoke_tokens(access, person)
    workspace = collectives.own_workspace(person.id)
    try:
        if workspace is not None:
            workspace.delete()
        person.user.delete()
    except ProtectedError as error:
        raise _has_content(person) from error
    return Outcome("The user is deleted.", "/ai-agents", facts=facts)


def _has_content(person: TenantUser) -> Refused:
    return Refused(
        f"{person.display_name} has associated data and cannot be deleted."
        f' Archive it with PUT /api/v1/users/{person.user_id} {{"archived": true}}.',
        status=400,
        code="invalid",
    )


# Only REST has this action. By the contract, an agent is refused it as `update_profile`.
delete_user: Action[TenantUser] = Action(
    name="delete_user",
    sentence="Delete this agent if it has no content. Its tokens are revoked.",
    label="Delete agent",
    scope=Scope("delete:users"),
    grant=NEVER,
    capability="update_profile",
    proof=Proof.NONE,
    changes_access=True,
    emits="agent.deleted",
    policy=rules.may_edit,
    effect=_delete,
    is_dangerous=True,
    logged=Logged(audit.USER_ACTION, agent_deleted),
    audience="public",
)
