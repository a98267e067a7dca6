"""Actions of items of every kind: create, confirm, pin, unpin, delete, restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from collectives.items import rules
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.items.queries import last_confirmation, parent_of
from collectives.rules.policies import is_member
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Outcome, ResourceRef, Undo
from harmonic.kernel.capabilities import NEVER, careful, usual
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import Link, Proof
from harmonic.kernel.scopes import Scope

Effect = Callable[..., Outcome]


def about(access: Access, item: Item | None) -> ResourceRef | None:
    """Return the resource that the response to an action names."""
    return ResourceRef(item.kind, item.truncated_id, _path(access, item)) if item else None


def version_of(access: Access, item: Item) -> tuple[object, ...]:
    """Return what `If-Match` stands for on every page of an item: it and its thread, unchanged.

    Confirmations do not count, since they change neither.
    """
    whose = access.user.user_id, item.id
    return (*whose, item.updated_at, item.thread_activity_at, item.deleted_at, item.is_pinned)


def collective_crumb(access: Access, target: object) -> list[Link]:
    """Return the breadcrumb of the collective that an item is in."""
    here = access.required_place
    return [Link("Home" if here.is_main else here.name, here.path or "/")]


def done(
    access: Access, item: Item, message: str, facts: Mapping[str, Any] | None = None
) -> Outcome:
    """Return the outcome of an action on an item, with the path of the item's page.

    `facts` are those of the event, or None if nothing was changed.
    """
    path = _path(access, item)
    return Outcome(message, path, about(access, item), item, item_id=item.id, facts=facts)


def _facts_if(is_changed: bool) -> dict[str, Any] | None:
    """Return empty facts of an event, or None if nothing was changed."""
    return {} if is_changed else None


def _path(access: Access, item: Item) -> str:
    return item.path_in(access.required_place.path)


# --- Creating -------------------------------------------------------------------------------


def creation_action(
    model: type[Item],
    sentence: str,
    *,
    params: type[Params],
    resources: str,
    group: str,
    effect: Effect | None = None,
) -> Action[object]:
    """Return the action `create_{kind}`, for pages with any target.

    Its parameters are columns unless `effect` is given.
    """
    name = model.KIND.lower()

    def create(access: Access, target: object, **values: Any) -> Outcome:
        item = rules.create(access, model, **values)
        return done(access, item, f"{model.KIND} created.", rules.created(item))

    return Action(
        name=f"create_{name}",
        sentence=sentence,
        label=f"Create {name}",
        scope=Scope(f"create:{resources}"),
        grant=usual(group),
        proof=Proof.NONE,
        changes_access=False,
        emits=f"{name}.created",
        params=params,
        policy=is_member,
        effect=effect or create,
    )


# --- Reading --------------------------------------------------------------------------------


def _confirm(access: Access, item: Item) -> Outcome:
    """Confirm that the caller read the item. A current confirmation is not repeated."""
    if last := last_confirmation(item, access.user.user_id):
        return replace(done(access, item, "You already confirmed that you read this."), object=last)
    return done(access, item, f"You confirmed that you read this {rules.noun(item)}.", {})


def _is_to_confirm(access: Access, item: Item | None) -> bool:
    """Return whether to offer the confirmation. Authors may confirm, but it is not offered."""
    if item is None:
        return True
    is_done = item.is_confirmed or item.created_by_id == access.user.user_id
    return item.asks_for_confirmation and not is_done


# One action for all kinds, because its name is a contract.
confirm_read: Action[Item] = Action(
    name="confirm_read",
    sentence="Confirm that you have read the current version of this note.",
    label="Confirm that I read this",
    scope=Scope("create:confirmations"),
    grant=usual("Reading and reminders"),
    other_scopes=(Scope("create:notes"),),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.confirmed",
    policy=rules.may_read,
    is_offered=_is_to_confirm,
    effect=_confirm,
)


# --- Pin, unpin, delete, restore ------------------------------------------------------------


class LifecycleActions(NamedTuple):
    """The actions that pin, unpin, delete and restore items of a kind."""

    pin: Action[Item]
    unpin: Action[Item]
    delete: Action[Item]
    restore: Action[Item]


def lifecycle_actions(name: str, *, resources: str, group: str) -> LifecycleActions:
    """Return the actions `pin_{name}`, `unpin_{name}`, `delete_{name}` and `restore_{name}`.

    `resources` is the resource of their scopes (`notes`), and `group` is their group in an agent's
    capabilities.
    """
    return LifecycleActions(
        pin=_pin(name, resources, group),
        unpin=_unpin(name, resources, group),
        delete=_delete(name, resources, group),
        restore=_restore(name, resources),
    )


def _pin(name: str, resources: str, group: str) -> Action[Item]:
    def effect(access: Access, item: Item) -> Outcome:
        return done(access, item, f"The {name} was pinned.", _facts_if(rules.pin(access, item)))

    return Action(
        name=f"pin_{name}",
        emits=f"{name}.pinned",
        sentence=f"Pin this {name} to its collective's page (main collective: your profile).",
        label="Pin",
        scope=Scope(f"update:{resources}"),
        grant=usual(group),
        proof=Proof.NONE,
        changes_access=False,
        policy=rules.may_read,
        is_offered=lambda access, item: item is None or not rules.is_pinned(access, item),
        effect=effect,
    )


def _unpin(name: str, resources: str, group: str) -> Action[Item]:
    def effect(access: Access, item: Item) -> Outcome:
        return done(access, item, f"The {name} was unpinned.", _facts_if(rules.unpin(access, item)))

    return Action(
        name=f"unpin_{name}",
        emits=f"{name}.unpinned",
        sentence=f"Unpin this {name}.",
        label="Unpin",
        scope=Scope(f"update:{resources}"),
        grant=usual(group),
        proof=Proof.NONE,
        changes_access=False,
        policy=rules.may_read,
        is_offered=lambda access, item: item is None or rules.is_pinned(access, item),
        effect=effect,
    )


def _delete(name: str, resources: str, group: str) -> Action[Item]:
    def effect(access: Access, item: Item) -> Outcome:
        parent = parent_of(item)
        rules.delete(access, item)
        is_shown = parent is not None and not parent.is_deleted
        after = _path(access, parent) if parent and is_shown else access.required_place.path or "/"
        outcome = done(access, item, f"The {name} was deleted.", {})
        undo = Undo(f"{_path(access, item)}/actions/restore_{name}", "Restore")
        return replace(outcome, path=after, undo=undo)

    return Action(
        name=f"delete_{name}",
        emits=f"{name}.deleted",
        sentence=f"Delete this {name}. Its comments stay. You can restore it for 30 days.",
        label=f"Delete {name}",
        scope=Scope(f"delete:{resources}"),
        grant=careful(group),
        proof=Proof.NONE,
        changes_access=False,
        policy=rules.may_delete,
        effect=effect,
        is_dangerous=True,
        confirm=_ask_to_delete,
    )


def _ask_to_delete(access: Access, item: Item) -> Confirmation:
    facts: tuple[tuple[str, Any], ...] = (("Written", item.created_at),)
    if kind_named(item.kind).is_confirmed:
        facts = (*facts, ("Reads", str(item.confirmed_reads)))
    return Confirmation(f"Delete “{item.shown_title}”?", facts)


def _restore(name: str, resources: str) -> Action[Item]:
    def effect(access: Access, item: Item) -> Outcome:
        is_restored = rules.restore(item, access.now)
        return done(access, item, f"The {name} was restored.", _facts_if(is_restored))

    return Action(
        name=f"restore_{name}",
        emits=f"{name}.restored",
        sentence=f"Restore this deleted {name}.",
        label=f"Restore {name}",
        scope=Scope(f"update:{resources}"),
        grant=NEVER,
        proof=Proof.NONE,
        changes_access=False,
        policy=rules.may_restore,
        is_offered=lambda access, item: item is None or item.is_deleted,
        effect=effect,
        people_only=f"Only people can restore {name}s.",
        for_agents=lambda access: f"The page of the {name} names who can restore it.",
    )
