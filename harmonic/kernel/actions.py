"""Actions: what people, agents and programs can do, each declared once.

An `Action` defines its frontmatter entry, the describe and execute endpoints, the HTML form, the
REST write and its schema, the scope that a token needs, the capability of agents, and the line in
the security log (`docs/architecture.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, Generic, TypeVar
from uuid import UUID

from harmonic.kernel.access import Access, Policy
from harmonic.kernel.capabilities import Grant
from harmonic.kernel.events import Event
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import (
    ASK_FOR_OWN,
    Denied,
    Forbidden,
    FreshProofRequired,
    Proof,
)
from harmonic.kernel.scopes import Scope, Verb


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """A reference to the object of an action, for its response."""

    type: str
    id: str
    path: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A plaintext token that is shown in one response only."""

    plaintext: str
    # The token's row, for the page that shows the plaintext.
    row: Any = None
    # More context for the template.
    about: Any = None
    # The template that shows it in the success document.
    template: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """An action that takes back what was done: its path and the label of its button."""

    path: str
    label: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an action: a sentence, the path of the next page, and the object.

    `shown_on` is the page that is shown instead of the success document, as (page, arguments):
    the token page shows a new token itself. `facts` describe the change in the action's event
    (`harmonic.kernel.events`), which is about the item `item_id`, if any; they are None if nothing
    changed. `event` is that event, set by `perform`. `json` replaces the JSON response where
    public clients expect other keys.

    `parent` is the resource that a new one belongs to: the note of a comment. `browser_path` is
    where a browser goes instead of `path`, and `undo` the action that its notice offers.
    """

    message: str
    path: str
    resource: ResourceRef | None = None
    object: Any = None
    secret: Secret | None = None
    shown_on: tuple[str, Mapping[str, Any]] | None = None
    notes: tuple[str, ...] = ()
    item_id: UUID | None = None
    facts: Mapping[str, Any] | None = field(default_factory=dict)
    event: Event | None = None
    is_dry_run: bool = False
    json: Mapping[str, Any] | None = None
    parent: ResourceRef | None = None
    # The types of further events that the write causes, about the same item with the same facts.
    also_emits: tuple[str, ...] = ()
    browser_path: str = ""
    undo: Undo | None = None
    # The type of the event, if it depends on what was changed.
    emits: str = ""
    # A text of several lines below the message, which is shown instead of a redirect: rows of a
    # table. `author` is an author of it, as `accounts.queries` returns people.
    text: str = ""
    author: Any = None
    # More members of the JSON response.
    data: Mapping[str, Any] = field(default_factory=dict)
    # Whether programs are redirected to `path` too, because it is the result.
    is_redirect: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The question of a confirmation page, with facts that help to decide.

    The value of a fact is text, a datetime, or a person as `accounts.queries` returns them. The
    consequence replaces the action's sentence if that does not state it.
    """

    heading: str
    facts: tuple[tuple[str, Any], ...] = ()
    consequence: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """The entry of an action in the security log: the kind of event and its sentence.

    `sentence` takes an `accounts.security_words.LogEntry`.
    """

    event: str
    sentence: Callable[[Any], str]


T = TypeVar("T")
Target = TypeVar("Target", contravariant=True)
# Runs an action on its target. Its keyword arguments are the parameters by name. A parameter that
# is not required has a default, and is left out of the call if it was not sent.
Effect = Callable[Concatenate[Access, T, ...], Outcome]
# Checks the value of a parameter as the effect does, and raises `Invalid`.
Check = Callable[[Access, Target, Any], object]
# Gets the parameters that are valid.
LimitCheck = Callable[[Access, Target, Mapping[str, Any]], object]


def ask_for_own(access: Access) -> str:
    return ASK_FOR_OWN


def always(access: Access, target: object) -> bool:
    return True


def nothing(access: Access, target: object) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Action(Generic[Target]):
    """Something a caller can do; `Target` is the type of what it is done to.

    `scope` is the verb and resource that a token needs on every surface; an action that only
    reads has the verb `read`. `grant` states whether AI agents may run it. `policy` applies to
    listing, describing and executing alike; `is_offered` hides the action from lists while there
    is nothing to do. `people_only` is the refusal of callers who are not human. `proof` is the
    step-up scope that a session must have verified. `changes_access` is true for actions that
    change permissions or take a name in the tenant: no other write runs there concurrently. `emits`
    is the type of its event, such as `note.created`, and "" if it only reads. `logged` is None if
    the security log does not record the action, or records it under another name.
    """

    name: str
    sentence: str
    label: str
    scope: Scope
    grant: Grant
    proof: Proof
    changes_access: bool
    emits: str
    policy: Policy[Target]
    effect: Effect[Target]
    params: type[Params] | None = None
    is_offered: Callable[[Access, Target | None], bool] = always
    is_dangerous: bool = False
    # It adds something each time it runs, so its form has a key, as those that create items.
    is_additive: bool = False
    people_only: str = ""
    # Tells an agent who can do what no agent may.
    for_agents: Callable[[Access], str] = ask_for_own
    logged: Logged | None = None
    audience: str = ""
    # The checks of the effect that a serializer cannot make, by parameter: a refusal of other
    # parameters also names the problems that they find. The effect raises them before it writes.
    checks: Mapping[str, Check[Target]] = field(default_factory=dict)
    # The check of the effect for a limit that no parameter changes, which `Invalid` refuses: a
    # refusal of parameters also states that the limit is reached.
    limit_check: LimitCheck[Target] | None = None
    # Returns the parameters that apply to the target, if not all of them always do.
    params_here: Callable[[Access, Target | None], type[Params] | None] | None = None
    # What its form shows before anybody typed, by parameter.
    initial: Callable[[Access, Target | None], Mapping[str, Any]] = nothing
    # The heading of its own page, or a function that returns it for a caller and target.
    confirm: str | Callable[[Access, Target], Confirmation] = ""
    # Scopes that allow the action as well as `scope` does, as REST has them.
    other_scopes: tuple[Scope, ...] = ()
    # The action whose name grants this one to agents, where it has none of its own.
    capability: str = ""

    @property
    def is_read(self) -> bool:
        return self.scope.verb is Verb.READ

    def on(self, access: Access, target: Target) -> Action[Target]:
        """Return the action with the parameters that apply to `target`."""
        return replace(self, params=self.params_here(access, target)) if self.params_here else self

    def confirmation(self, access: Access, target: Target) -> Confirmation:
        """Return the question of the action's page; its label if none is declared."""
        if callable(self.confirm):
            return self.confirm(access, target)
        return Confirmation(self.confirm or self.label)

    def audience_in(self, access: Access) -> str:
        """Return the audience of the effect: `public`, `shared` or `private`."""
        return self.audience or (access.place.audience if access.place else "public")

    def token_allows(self, access: Access) -> bool:
        """Return whether the caller's token has the scope; sessions need none."""
        token = access.token
        if token is None:
            return True
        return token.covers(self.scope) or any(map(token.covers, self.other_scopes))

    def denied(self, access: Access, target: Target | None) -> Denied | None:
        """Return why the caller may not do this, or None, the same for every surface."""
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
        settings = f"/ai-agents/{actor.handle}/settings"
        if not actor.capabilities.hold(name, self.grant):
            granted = f"The person who manages you can change your capabilities at {settings}."
            return Denied(
                f"Your capabilities do not include '{name}'",
                granted
                if self.grant.is_grantable
                else f"Agents cannot do this. {self.for_agents(access)}",
                "capability_denied",
            )
        is_limited = not (actor.capabilities.may_write_publicly or self.is_read)
        if is_limited and self.audience_in(access) == "public":
            return Denied(
                "This agent may not post in the main collective, which the whole tenant reads.",
                f"The person who manages you can allow it at {settings}.",
            )
        return None

    def kind_denied(self, access: Access) -> Denied | None:
        """Return why callers of this kind (people or agents) may never do this."""
        if self.people_only and access.actor is not None and not access.actor.is_human:
            return Denied(self.people_only, self.for_agents(access))
        return None

    def is_listed(self, access: Access, target: Target | None) -> bool:
        """Return whether to offer the action on the target. Only permitted actions are offered."""
        return (
            access.actor is not None
            and self.token_allows(access)
            and self.denied(access, target) is None
            and self.is_offered(access, target)
        )


def scope_missing(needed: Scope, access: Access, denied: Denied | None = None) -> Forbidden:
    """Return the refusal of a token that lacks the scope `needed`.

    `denied` is why the caller may not do this with any other token either.
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
    """Return who can create a token with the scope, or why no token would help."""
    if denied:
        return f"Another token would not help: {denied.reason.rstrip('.')}. {denied.hint}"
    kind = "read-only" if needed.verb is Verb.READ else "read + write"
    actor = access.user
    who = "The person who manages you" if actor.is_agent else "You"
    return (
        f"A {kind} token has it. {who} can create one at {actor.path}/settings/tokens/new,"
        " signed in with a browser."
    )


def require_scope(action: Action[Any], access: Access) -> None:
    """Require a token with the scope of `action`; sessions pass.

    Raises:
        Forbidden: the token lacks the scope; the hint names what would help.
    """
    if not action.token_allows(access):
        denied = action.capability_denied(access) or action.kind_denied(access)
        raise scope_missing(action.scope, access, denied)


def require(action: Action[T], access: Access, target: T) -> None:
    """Require that the caller may run `action` on `target`.

    Raises:
        Forbidden: the policy denies it.
        FreshProofRequired: the session must confirm the password first.
    """
    require_kind(action, access)
    require_policy(action, access, target)


def require_kind(action: Action[Any], access: Access) -> None:
    """Require a caller whose kind may run `action`; an agent needs the capability.

    Raises:
        Forbidden: the caller is of another kind, or lacks the capability.
    """
    denied = action.capability_denied(access) or action.kind_denied(access)
    if denied:
        raise Forbidden.because(denied)


def unauthorized(action: Action[Any]) -> str:
    """Return the sentence of the refusal of an action without another reason."""
    return f"You are not authorized to perform '{action.name}'"


def require_policy(action: Action[T], access: Access, target: T) -> None:
    """Require that the policy of `action` allows it on `target`, and that the proof is fresh.

    Raises:
        Forbidden: the policy denies it.
        FreshProofRequired: the session must confirm the password first.
    """
    denied = action.policy(access, target)
    if denied:
        raise Forbidden.because(denied, denied.reason or unauthorized(action))
    if action.proof and not access.is_fresh(action.proof):
        raise FreshProofRequired(action.proof)
