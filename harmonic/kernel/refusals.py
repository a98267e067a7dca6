"""Refusals: every reason for which a request is not carried out, with its status and its cure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

AUTHENTICATE = "Send a token in the `Authorization: Bearer …` header"


SIGN_IN = f"{AUTHENTICATE}, or sign in at /login."


LIFT_SUSPENSION = "The operator of this site can explain the suspension and lift it."


AGENTS_DO_NOT_JOIN = (
    "Agents do not join collectives. The person who manages the agent can add it"
    " on the collective's members page, if they can invite members."
)


ASK_YOUR_HUMAN = "The person who manages the agent can do it instead."


# Where the target may be another person's account.
ASK_FOR_OWN = "The person who manages the agent can do this for themselves and for their agents."


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    path: str


class Refused(Exception):
    """The refusal of a request: what happened, why, and what to do.

    `message` is the sentence of the contract, `hint` is the remedy, `links` lead to it. Browsers
    are redirected to `location` instead, if given. `extra` is added to the JSON object.

    An HTML page shows `label` (by default the status) above `heading` (by default the message). If
    `heading` is "", the first sentence of the hint is the heading.
    """

    status = 403
    code = "forbidden"
    message = "You are not allowed to do this."

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        code: str = "",
        hint: str = "",
        links: Iterable[Link] = (),
        location: str = "",
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        document: str = "",
        label: str = "",
        heading: str | None = None,
        rest_message: str = "",
    ) -> None:
        self.message = message or type(self).message
        self.status = status or type(self).status
        self.code = code or type(self).code
        self.hint = hint
        self.links = tuple(links)
        self.location = location
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        # The name of the action that was refused, or "".
        self.action = ""
        # More Markdown, for a refusal with a list.
        self.document = document
        self.label = label
        self.heading = heading
        # The sentence of the REST contract, where it is another one.
        self.rest_message = rest_message
        super().__init__(self.message)


class NotFound(Refused):
    status, code, message = 404, "not_found", "Not found"


class Proof(StrEnum):
    """The step-up scope that a session must have verified within the hour.

    Actions that create, show, widen or extend a credential need one; actions that only revoke
    never do.
    """

    NONE = ""
    API_TOKENS = "api_tokens"
    ADMIN = "admin"


class Forbidden(Refused):
    """A refusal for lack of permission; its hint names who can change that, or where."""

    def __init__(self, message: str, *, hint: str, code: str = "", **more: Any) -> None:
        super().__init__(message, hint=hint, code=code, **more)

    @classmethod
    def because(cls, denied: Denied, message: str = "") -> Self:
        """Return the refusal for a denial; `message` replaces its reason."""
        reason = message or denied.reason
        return cls(
            reason,
            hint=denied.hint,
            code=denied.code,
            links=denied.links,
            status=denied.status,
            label=denied.label,
            heading=denied.heading,
            rest_message=denied.rest_reason,
        )


UNAUTHORIZED = "403 Unauthorized"


class Unauthorized(Forbidden):
    """The refusal of a page. By contract its message begins with the status."""

    def __init__(self, reason: str = "", *, hint: str, **more: Any) -> None:
        message = f"{UNAUTHORIZED} - {reason}" if reason else UNAUTHORIZED
        super().__init__(message, hint=hint, label=UNAUTHORIZED, heading=reason, **more)


class Conflict(Refused):
    status, code, message = 409, "conflict", "This conflicts with the current state."


class NotPossible(Refused):
    """The refusal of an action that the state of its target rules out; 400 over REST."""

    status, code = 422, "invalid"


class SignInRequired(Refused):
    """The refusal of a request without valid credentials; its hint explains authentication."""

    status, code, message = 401, "unauthorized", "Unauthorized"

    def __init__(self, message: str = "", **more: Any) -> None:
        super().__init__(message, heading=message, **more)


class Unreadable(Refused):
    status, code, message = 400, "invalid", "The body cannot be read."


class FreshProofRequired(Refused):
    """The refusal of a session that must confirm the password again."""

    code = "reverification_required"
    message = "Confirm your password at /reverify, then try again."

    def __init__(self, scope: str) -> None:
        super().__init__(links=[Link("Confirm your password", f"/reverify?scope={scope}")])
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Problem:
    """An error of a parameter: a code of `kernel.parameters.wording` and its values."""

    param: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Invalid(Refused):
    """The refusal of invalid parameters; each surface has its own sentences for them."""

    status, code, message = 422, "invalid", "The parameters are not valid."

    def __init__(self, *problems: Problem, code: str = "", rest_message: str = "") -> None:
        super().__init__(code=code, rest_message=rest_message)
        self.problems = problems
        # A limit that is reached too, as a sentence.
        self.limit = ""

    @classmethod
    def of(cls, param: str, code: str, **values: Any) -> Invalid:
        return cls(Problem(param, code, values))


@dataclass(frozen=True, slots=True)
class Denied:
    """The denial of a policy: the reason, who can change it, and where.

    Without a reason, the refusal names the action that the caller may not perform.
    """

    reason: str
    hint: str
    code: str = "forbidden"
    links: tuple[Link, ...] = ()
    # 404 if the caller may see the page and the object of the action does not exist.
    status: int = 403
    # As in `Refused`.
    label: str = ""
    heading: str | None = None
    rest_reason: str = ""
