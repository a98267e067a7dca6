"""Actions: each capability of the product, declared once.

From an `Action` come the frontmatter entry, the describe and execute endpoints, the HTML
form, the REST write and its schema, the scope a token needs, what agents may be granted, and
the line in the security log. `docs/architecture.md` shows the way through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Model
from django.utils import timezone

from harmonic.kernel import audit, storage
from harmonic.kernel.access import (
    ASK_YOUR_HUMAN,
    Access,
    Denied,
    Forbidden,
    FreshProofRequired,
    Invalid,
    Policy,
    Proof,
    Refused,
)
from harmonic.kernel.capabilities import Grant
from harmonic.kernel.database import outages
from harmonic.kernel.parameters.decoding import Raw, unknown_names, validated
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.parameters.wording import did_you_mean
from harmonic.kernel.scopes import Scope, Verb


@dataclass(frozen=True, slots=True)
class Resource:
    """What an action was about, as its answer names it."""

    type: str
    id: str
    path: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A plaintext that exists in this one answer only."""

    plaintext: str
    # The row that the plaintext opens, for the page that shows it.
    row: Any = None
    # What else the answer tells of it, for its template.
    about: Any = None
    # The template that shows it in the success document of an action.
    template: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action did: a sentence, where to go next, and the object it touched.

    `page_kwargs` names the page that answers in place of the success document, as
    (page, arguments): the token page shows a new token itself. `facts` are what the security
    log adds to the action's name; None where nothing happened that it keeps. `json` replaces
    the JSON answer where public clients expect keys of their own.
    """

    message: str
    path: str
    resource: Resource | None = None
    object: Any = None
    secret: Secret | None = None
    shown_on: tuple[str, Mapping[str, Any]] | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] | None = field(default_factory=dict)
    is_rehearsal: bool = False
    json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a step with consequences asks, and the facts that help to answer.

    A fact's value is a text, a moment, or a person as `accounts.queries` returns them. The
    consequence stands for the action's own sentence, where that does not say what follows.
    """

    heading: str
    facts: tuple[tuple[str, Any], ...] = ()
    consequence: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """How the security log records an action: the kind of event, and its sentence.

    `sentence` takes an `accounts.security_words.Happened`.
    """

    event: str
    sentence: Callable[[Any], str]


GRANTED_BY_PARENT = "The agent's parent decides its capabilities, in the agent's settings."
NEVER_GRANTED = f"Agents never do this. {ASK_YOUR_HUMAN}"


# Turns validated parameters, by name, into the arguments of an effect.
Arguments = Callable[[Access, Any, dict[str, Any]], dict[str, Any]]


def as_sent(access: Access, target: Any, params: dict[str, Any]) -> dict[str, Any]:
    return params


def always(access: Access, target: Any) -> bool:
    return True


def nothing(access: Access, target: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One capability.

    `scope` is the verb and resource that a token needs, whatever the surface; an action that
    only reads has the verb `read`. `grant` says whether AI agents may run it. `policy` guards
    listing, describing and executing alike; `is_offered` says whether there is anything to do
    now, for listing only. `people_only` holds the sentence for callers who are not human.
    `proof` is the step-up scope that a session must have verified. `changes_access` is true for
    what changes who may do what, or takes a name in the tenant: it runs while nobody else writes
    there. `logged` is None for what the security log does not record, or records under an event
    of its own.
    """

    name: str
    sentence: str
    label: str
    scope: Scope
    grant: Grant
    proof: Proof
    changes_access: bool
    policy: Policy
    effect: Callable[[Access, Any, dict[str, Any]], Outcome]
    params: type[Params] | None = None
    is_offered: Callable[[Access, Any], bool] = always
    is_dangerous: bool = False
    people_only: str = ""
    logged: Logged | None = None
    audience: str = ""
    # The parameters that are left where not all of them can be taken on this target.
    params_here: Callable[[Access, Any], type[Params] | None] | None = None
    # What its form shows before anybody typed, by parameter.
    initial: Callable[[Access, Any], Mapping[str, Any]] = nothing
    # The heading of its own page: words, or what answers them for this caller and target.
    confirm: str | Callable[[Access, Any], Confirmation] = ""
    is_hidden: bool = False
    # Scopes that allow the action as well as `scope` does, as REST has them.
    other_scopes: tuple[Scope, ...] = ()
    # What the effect takes, of the parameters of `params`.
    arguments: Arguments = as_sent
    # The action whose name grants this one to agents, where it has none of its own.
    capability: str = ""

    @property
    def is_read(self) -> bool:
        return self.scope.verb is Verb.READ

    def on(self, access: Access, target: Any) -> Action:
        """Return the action as it can be run on `target` now: with the parameters left there."""
        return replace(self, params=self.params_here(access, target)) if self.params_here else self

    def confirmation(self, access: Access, target: Any) -> Confirmation:
        """Return what the action's own page asks; its label where nothing is declared."""
        if callable(self.confirm):
            return self.confirm(access, target)
        return Confirmation(self.confirm or self.label)

    def audience_in(self, access: Access) -> str:
        """Who can see the effect: `public`, `shared` or `private`."""
        return self.audience or (access.place.audience if access.place else "public")

    def token_allows(self, access: Access) -> bool:
        """Return whether the scopes of the caller's token cover this; a session needs none."""
        token = access.token
        if token is None:
            return True
        return token.covers(self.scope) or any(map(token.covers, self.other_scopes))

    def denied(self, access: Access, target: Any) -> Denied | None:
        """Return why the caller may not do this, or None. The one answer for every surface."""
        return (
            self.capability_denied(access)
            or self.kind_denied(access)
            or self.policy(access, target)
        )

    def capability_denied(self, access: Access) -> Denied | None:
        """Return why an agent may not do this; people are not restricted."""
        actor = access.actor
        if actor is None or not actor.is_agent:
            return None
        name = self.capability or self.name
        if not actor.capabilities.hold(name, self.grant):
            return Denied(
                f"Your capabilities do not include '{name}'",
                GRANTED_BY_PARENT if self.grant.is_grantable else NEVER_GRANTED,
                "capability_denied",
            )
        is_limited = not (actor.capabilities.may_write_publicly or self.is_read)
        if is_limited and self.audience_in(access) == "public":
            return Denied(
                "This agent may not write where the whole tenant reads.",
                "The agent's parent can allow public writes in the agent's settings.",
            )
        return None

    def kind_denied(self, access: Access) -> Denied | None:
        """Return why this caller's kind may never do this."""
        if self.people_only and access.actor is not None and not access.actor.is_human:
            return Denied(self.people_only, ASK_YOUR_HUMAN)
        return None

    def is_listed(self, access: Access, target: Any) -> bool:
        """Answer whether to offer this here and now: what is offered is what is permitted."""
        return (
            not self.is_hidden
            and access.actor is not None
            and self.token_allows(access)
            and self.denied(access, target) is None
            and self.is_offered(access, target)
        )


def scope_missing(needed: Scope, access: Access, denied: Denied | None = None) -> Forbidden:
    """Return the refusal of a token that lacks the scope `needed`.

    `denied` is why the caller may not do this with any token.
    """
    return Forbidden(
        "You do not have permission to perform that action",
        code="insufficient_scope",
        hint=f"The token lacks the scope {needed}. {_other_token(needed, access, denied)}",
        headers={
            "WWW-Authenticate": (
                f'Bearer realm="Harmonic", error="insufficient_scope", scope="{needed}"'
            )
        },
    )


def _other_token(needed: Scope, access: Access, denied: Denied | None) -> str:
    """Return which token has the scope and who can create it, or why no token would help."""
    if denied:
        return f"Another token would not help: {denied.reason.rstrip('.')}. {denied.hint}"
    kind = "read-only" if needed.verb is Verb.READ else "read + write"
    actor = access.user
    who = "Your parent" if actor.is_agent else "You"
    return (
        f"A {kind} token has it. {who} can create one at {actor.path}/settings/tokens/new,"
        " signed in with a browser."
    )


def require_scope(action: Action, access: Access) -> None:
    """Pass if the caller's token may run `action`, whatever it is done to.

    Raises:
        Forbidden: the token lacks the scope; the hint says what would help.
    """
    if not action.token_allows(access):
        denied = action.capability_denied(access) or action.kind_denied(access)
        raise scope_missing(action.scope, access, denied)


def require(action: Action, access: Access, target: Any) -> None:
    """Pass if the caller may run `action` on `target`.

    Raises:
        Forbidden: with the reason of the policy that denies it.
        FreshProofRequired: the session must prove itself first.
    """
    require_kind(action, access)
    require_policy(action, action.policy, access, target)


def require_kind(action: Action, access: Access) -> None:
    """Pass if callers of this kind may run `action` at all, and agents have the capability.

    Raises:
        Forbidden: with the reason.
    """
    denied = action.capability_denied(access) or action.kind_denied(access)
    if denied:
        raise Forbidden.because(denied)


def require_policy(action: Action, policy: Policy, access: Access, target: Any) -> None:
    """Pass if `policy` allows `action` on `target`, and the session has proved itself.

    Raises:
        Forbidden: with the reason of the policy.
        FreshProofRequired: the session must prove itself first.
    """
    denied = policy(access, target)
    if denied:
        unnamed = f"You are not authorized to perform '{action.name}'"
        raise Forbidden.because(denied, denied.reason or unnamed)
    if action.proof and not access.is_fresh(action.proof):
        raise FreshProofRequired(action.proof)


# --- The pipeline of a write ----------------------------------------------------------------

# How often a transaction is run at most when it conflicts with others.
RUNS = 3
_log = logging.getLogger(__name__)

# Finds what an action is about, through the rule that lets the caller see it.
Find = Callable[[Access], Any]
# Refuses a write whose sender expects to find something else.
Expect = Callable[[Access, Any], None]


def no_target(access: Access) -> None:
    return None


def nothing_expected(access: Access, target: Any) -> None:
    return None


def locked(find: Find) -> Find:
    """Return what finds the same row, locked until the end of the transaction."""

    def find_locked(access: Access) -> Any:
        target = find(access)
        if isinstance(target, Model):
            rows = type(target)._default_manager.select_for_update(no_key=True)
            rows.filter(pk=target.pk).values_list("pk").first()
        return find(access)

    return find_locked


# Refuses a body for what it contains.
Check = Callable[[Access, Raw], None]


def nothing_checked(access: Access, raw: Raw) -> None:
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """How a surface writes one action: the parameters it takes and what they become.

    An action has a wire of its own, which pages use. The REST API declares another one where its
    contract has other parameters. Whatever the wire, the action is the same: who may run it, what
    it does, and what the log says of it.
    """

    params: type[Params] | None
    # What the effect takes, of these parameters.
    arguments: Arguments
    # Refuses what the body as a whole may not contain, before its parameters are validated.
    check: Check = nothing_checked
    # Asked in place of the action's policy, where `arguments` decides the rest: a parameter can
    # remove what the action's policy refuses.
    policy: Policy | None = None
    # A caller whose kind may never run the action learns that before the target is looked for.
    is_kind_first: bool = False
    # Parameters that the action does not have are named in the answer.
    names_unknown: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request to run an action, whatever surface it came by.

    `raw` may be the refusal of a body that cannot be read: callers who may not do this at all
    are told that first.
    """

    action: Action
    raw: Raw | Refused = field(default_factory=Raw)
    find: Find = no_target
    expect: Expect = nothing_expected
    # The action's own unless given.
    wire: Wire | None = None
    # The id or handle of the collective to run it in, where the path does not lead there.
    place: str = ""


def perform(call: Call, access: Access) -> Outcome:
    """Decide, find, authorise, validate and carry out an action, all or nothing.

    All of it happens in one transaction, on the caller and the target as they are in it
    (`docs/architecture.md`, Deciding). A transaction that PostgreSQL ends to resolve a conflict
    with another one is run again, `RUNS` times in all; whatever it made is gone.

    Raises:
        Refused: nothing was written.
    """
    action = call.action
    wire = call.wire or Wire(params=action.params, arguments=action.arguments)
    for run in range(1, RUNS + 1):
        try:
            outcome = _performed(call, wire, access)
        except DatabaseError as error:
            if run == RUNS or not outages.may_run_again(error):
                raise
            _log.info("'%s' is run again after a conflict of transactions.", action.name)
        else:
            return _with_notes(wire, call.raw, outcome)
    raise AssertionError("the last run returns or raises")


def _performed(call: Call, wire: Wire, access: Access) -> Outcome:
    action = call.action
    with transaction.atomic():
        access, target = _allowed(call, wire, access)
        call.expect(access, target)
        arguments = _arguments(wire, access, target, call.raw)
        # Counted before the effect, which may change its arguments.
        size = 0 if action.is_read else storage.size_of(arguments)
        outcome = action.effect(access, target, arguments)
        _record(action, access, outcome)
        storage.count(access, size)
        outages.performed()
    return outcome


def _allowed(call: Call, wire: Wire, access: Access) -> tuple[Access, Any]:
    """Return the caller and the target as they are in the transaction, if the action may run.

    The time is taken after the target is found: a writer who waited for the target's row writes
    later than the writer that held it.
    """
    action = call.action
    access = _decided(action, access)
    require_scope(action, access)
    if wire.is_kind_first:
        require_kind(action, access)
    access = _inside(call, access)
    target = call.find(access)
    if access.deciding is not None:
        access = replace(access, now=timezone.now())
    if not wire.is_kind_first:
        require_kind(action, access)
    require_policy(action, wire.policy or action.policy, access, target)
    return access, target


def _decided(action: Action, access: Access) -> Access:
    """Return the caller, read inside the transaction and kept until its end."""
    if access.deciding is None:
        return access
    return access.deciding.again(exclusive=action.changes_access)


def _inside(call: Call, access: Access) -> Access:
    """Return the caller's access in the collective that the call names.

    Raises:
        Refused: the caller is no member, or the collective is closed to the request.
    """
    return replace(access.within(call.place), is_writing=True) if call.place else access


def _arguments(wire: Wire, access: Access, target: Any, raw: Raw | Refused) -> dict[str, Any]:
    """Return the arguments of an effect: what was sent, checked and validated once.

    Raises:
        Refused: the body cannot be read, or may not contain this.
        Invalid: parameters are faulty.
    """
    if isinstance(raw, Refused):
        raise raw
    wire.check(access, raw)
    try:
        params = validated(wire.params, raw)
    except Invalid as invalid:
        if wire.names_unknown:
            unknown = unknown_names(wire.params, raw)
            invalid.hint = invalid.hint or misspelt(wire.params, unknown)
        raise
    return wire.arguments(access, target, params)


def _with_notes(wire: Wire, raw: Raw | Refused, outcome: Outcome) -> Outcome:
    if isinstance(raw, Refused) or not wire.names_unknown:
        return outcome
    ignored = unknown_names(wire.params, raw)
    if not ignored:
        return outcome
    note = f"Ignored, since the action has no such parameter: {', '.join(ignored)}."
    hint = misspelt(wire.params, ignored)
    return replace(outcome, notes=(*outcome.notes, f"{note} {hint}".strip()))


def rehearse(call: Call, access: Access) -> Outcome:
    """Carry out an action as far as its end, and undo it: what would have happened?

    The outcome names nothing that was made, since it is not there.

    Raises:
        Refused: as `perform`.
    """
    with audit.rehearsed(), transaction.atomic():
        outcome = perform(call, access)
        transaction.set_rollback(True)
    message = f"Nothing was done. It would have said: {outcome.message}"
    return Outcome(message, "", notes=outcome.notes, is_rehearsal=True)


def _record(action: Action, access: Access, outcome: Outcome) -> None:
    """Record the security event of a logged action, in its transaction."""
    if action.logged and outcome.facts is not None:
        place = access.place
        is_shared = place is not None and not (place.is_main or place.is_workspace)
        where = {"collective_id": place.id if place is not None and is_shared else None}
        audit.record(
            action.logged.event, access, **{"action": action.name, **where, **outcome.facts}
        )


def misspelt(params: type[Params] | None, names: Iterable[str]) -> str:
    """Return the question that names the parameter nearest to an unknown one, or ""."""
    known = list(params().fields) if params else []
    return next((hint for name in names if (hint := did_you_mean(name, known))), "")
