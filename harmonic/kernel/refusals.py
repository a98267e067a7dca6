"""Refusals: every reason for which a request is not carried out, with its status and its cure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

AUTHENTICATE = "Send a token in the header `Authorization: Bearer …`"


SIGN_IN = f"{AUTHENTICATE}, or sign in at /login."


LIFT_SUSPENSION = "Whoever runs this site can say why, and lift it."


ASK_YOUR_HUMAN = "The person who manages the agent can do it instead."


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    path: str


class Refused(Exception):
    """A request that is not carried out, with a sentence that its sender can act on.

    `message` is the contract's sentence, `hint` says what would cure it, `links` lead
    there. `location` is where a browser is sent instead. `extra` joins the JSON object.

    A page for people shows `label` above `heading`. Without a label it shows the status, without a
    heading the message. Where `heading` is "", the first sentence of the hint is the heading.
    """

    status = 403
    code = "forbidden"
    message = "You may not do that."

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
    ) -> None:
        self.message = message or type(self).message
        self.status = status or type(self).status
        self.code = code or type(self).code
        self.hint = hint
        self.links = tuple(links)
        self.location = location
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        # The action that was refused, if it was one.
        self.action = ""
        # The Markdown of a refusal that lists more than a sentence can say.
        self.document = document
        self.label = label
        self.heading = heading
        super().__init__(self.message)


class NotFound(Refused):
    status, code, message = 404, "not_found", "Not found"


class Proof(StrEnum):
    """The step-up scope that a session must have verified within the hour.

    Whatever makes, shows, widens or prolongs a credential needs one; what only closes, never.
    """

    NONE = ""
    API_TOKENS = "api_tokens"
    ADMIN = "admin"


class Forbidden(Refused):
    """What the caller may not do. It always says who could change that, or where."""

    def __init__(self, message: str, *, hint: str, code: str = "", **more: Any) -> None:
        super().__init__(message, hint=hint, code=code, **more)

    @classmethod
    def because(cls, denied: Denied, message: str = "") -> Self:
        """Return the refusal that a policy's no is, under another sentence if one is given."""
        reason = message or denied.reason
        return cls(
            reason,
            hint=denied.hint,
            code=denied.code,
            links=denied.links,
            status=denied.status,
            label=denied.label,
            heading=denied.heading,
        )


UNAUTHORIZED = "403 Unauthorized"


class Unauthorized(Forbidden):
    """A page that is not for the caller. The contract begins its message with the status."""

    def __init__(self, reason: str = "", *, hint: str, **more: Any) -> None:
        message = f"{UNAUTHORIZED} - {reason}" if reason else UNAUTHORIZED
        super().__init__(message, hint=hint, label=UNAUTHORIZED, heading=reason, **more)


class Conflict(Refused):
    status, code, message = 409, "conflict", "That is already so."


class SignInRequired(Refused):
    """A request without valid credentials. The hint says how to authenticate."""

    status, code, message = 401, "unauthorized", "Unauthorized"

    def __init__(self, message: str = "", **more: Any) -> None:
        super().__init__(message, heading=message, **more)


class Unreadable(Refused):
    status, code, message = 400, "invalid", "The body cannot be read."


class FreshProofRequired(Refused):
    """The session must prove once more that its owner sits there."""

    code = "reverification_required"
    message = "Confirm that it is you at /reverify, then try again."

    def __init__(self, scope: str) -> None:
        super().__init__(links=[Link("Confirm that it is you", f"/reverify?scope={scope}")])
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one parameter: a code of `kernel.parameters.wording`, with its values."""

    param: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Invalid(Refused):
    """Parameters that cannot be taken; each surface words the problems its own way."""

    status, code, message = 422, "invalid", "The parameters are not valid."

    def __init__(self, *problems: Problem, code: str = "", rest_message: str = "") -> None:
        super().__init__(code=code)
        self.problems = problems
        # A literal sentence of the REST contract in place of the table's.
        self.rest_message = rest_message

    @classmethod
    def of(cls, param: str, code: str, **values: Any) -> Invalid:
        return cls(Problem(param, code, values))


@dataclass(frozen=True, slots=True)
class Denied:
    """A policy's no: the reason, who could change it, and where."""

    reason: str
    hint: str
    code: str = "forbidden"
    links: tuple[Link, ...] = ()
    # 404 where the caller may see the page, and the object is not there to be acted on.
    status: int = 403
    # As in `Refused`.
    label: str = ""
    heading: str | None = None
