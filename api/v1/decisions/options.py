"""Options and results of decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, NotRequired

from django.urls import URLPattern
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.operations import Operation
from api.responses.schema import Doc, DryRun
from api.v1.decisions.json import OptionJson, option_json
from api.v1.decisions.resource import (
    DecisionId,
    RowListParams,
    live,
    page_of_rows,
)
from api.views import Base, ListResponse, ObjectResponse, Resource, access_of, created, route
from api.writes import over_rest, read_params_of, with_path
from collectives.decisions import options as option_rules
from collectives.decisions import queries
from collectives.decisions.actions import options as actions
from collectives.decisions.audit.chain import nfc
from collectives.decisions.fields import NewOption
from collectives.decisions.models import Decision, Option
from collectives.items import rules as items
from collectives.items.actions import done
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Outcome
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.parameters.fields import Block, Line, Params
from harmonic.kernel.parameters.wording import rest_joined
from harmonic.kernel.refusals import Forbidden, NotFound, Problem

BASES = Base
OPTION_NOT_FOUND = "Option not found"
OptionId = Annotated[str, Doc("The option's UUID.")]


def option_at(decision: Decision, option_id: str, sentence: str = "Not found") -> Option:
    """Return an option of a decision.

    Raises:
        NotFound: the option does not exist; the message is `sentence`.
    """
    wanted = parse_uuid(option_id)
    found = Option.objects.filter(decision=decision.id, id=wanted).first() if wanted else None
    if found is None:
        raise NotFound(sentence)
    return found


# --- Options --------------------------------------------------------------------------------


class NewOptionParams(Params):
    title = Line(max_length=Option.TITLE_LENGTH, help_text="The title.", example="Wood-fired")
    description = Block(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=Option.DESCRIPTION_LENGTH,
        help_text="The description, in Markdown.",
    )


class OptionUpdateParams(Params):
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Option.TITLE_LENGTH,
        help_text="The new title. If blank, the current one is kept.",
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Option.DESCRIPTION_LENGTH,
        help_text="The new description. If blank, the current one is kept.",
    )
    # From the path.
    option = Line(required=False, is_unlisted=True)


class OptionDeleteParams(Params):
    option = Line(required=False, is_unlisted=True)


def _add(
    access: Access, decision: Decision, *, title: str, description: str | None = None
) -> Outcome:
    if len(queries.options_of(decision.id)) >= Decision.MAX_OPTIONS:
        hint = f"A decision can have at most {Decision.MAX_OPTIONS} options."
        raise Forbidden("Cannot add options", hint=hint)
    new = NewOption(nfc(title), description or "")
    (added,) = option_rules.add_options(access, decision, [new])
    facts = {"option_ids": [str(added.id)], "text": added.title[: items.TEXT_KEPT]}
    return replace(done(access, decision, "Option added.", facts), object=(decision, added))


def _update(
    access: Access, decision: Decision, *, option: str = "", title: str = "", description: str = ""
) -> Outcome:
    option_at(decision, option, OPTION_NOT_FOUND)
    outcome = actions.change_option(
        access, decision, option=option, title=title, description=description
    )
    return replace(outcome, object=(decision, outcome.object))


def _delete(access: Access, decision: Decision, *, option: str = "") -> Outcome:
    option_at(decision, option, OPTION_NOT_FOUND)
    return actions.remove_option(access, decision, option=option)


def _title_required(problem: Problem) -> str:
    """Return the message about a parameter of an option that the contract requires."""
    if (problem.param, problem.code) == ("title", "blank"):
        return "title parameter is required"
    return rest_joined([problem])


ADD = over_rest(actions.add_options, params=NewOptionParams, effect=_add, sentence=_title_required)
UPDATE = over_rest(
    actions.update_option, params=OptionUpdateParams, effect=_update, sentence=_title_required
)
DELETE = over_rest(actions.delete_option, params=OptionDeleteParams, effect=_delete)


class Deleted(TypedDict):
    """The response to a deletion of an option."""

    success: Annotated[bool, Doc(example=True)]
    dry_run: NotRequired[DryRun]


class Options(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="options")
    writes: ClassVar[Any] = {"create": ADD, "update": UPDATE, "destroy": DELETE}
    model = Option

    @Operation(
        "list_options", query=RowListParams, example="sort_by=created_at-desc", tag="options"
    )
    def list(self, request: Request, decision_id: DecisionId) -> ListResponse[OptionJson]:
        """List the options of a decision, oldest first."""
        decision = live(decision_id, "Not found")(access_of(request))
        page = page_of_rows(request, Option.objects.filter(decision=decision.id))
        return page.response([option_json(row, decision) for row in page.rows])

    @Operation("create_option", body=NewOptionParams, tag="options")
    def create(self, request: Request, decision_id: DecisionId) -> ObjectResponse[OptionJson]:
        """Add an option to a decision."""
        decision, option = self.perform(ADD, live(decision_id)).object
        path = f"{request.path}/{option.id}"
        return created(request, option_json(option, decision), path)

    @Operation("read_option", tag="options")
    def retrieve(
        self, request: Request, decision_id: DecisionId, option_id: OptionId
    ) -> ObjectResponse[OptionJson]:
        """Retrieve an option."""
        decision = live(decision_id, "Not found")(access_of(request))
        return ObjectResponse(option_json(option_at(decision, option_id), decision))

    @Operation("update_option", body=OptionUpdateParams, tag="options")
    def update(
        self, request: Request, decision_id: DecisionId, option_id: OptionId
    ) -> ObjectResponse[OptionJson]:
        """Rename or describe an option before another user votes on it."""
        raw = with_path(read_params_of(UPDATE, request), option=option_id)
        decision, option = self.perform(UPDATE, live(decision_id), raw=raw).object
        return ObjectResponse(option_json(option, decision))

    @Operation("delete_option", tag="options")
    def destroy(
        self, request: Request, decision_id: DecisionId, option_id: OptionId
    ) -> ObjectResponse[Deleted]:
        """Delete an option, with your vote on it, before another user votes on it."""
        raw = with_path(read_params_of(DELETE, request), option=option_id)
        self.perform(DELETE, live(decision_id), raw=raw)
        return ObjectResponse({"success": True})

    def shown(self, access: Access, decision: Decision) -> OptionJson:
        """Return the option of the path as in a read, for preconditions."""
        option_id = self.kwargs.get("option_id", "")
        return option_json(option_at(decision, option_id, OPTION_NOT_FOUND), decision)


def urls() -> list[URLPattern]:
    base = "api/v1/decisions/<str:decision_id>/options"
    return [
        route(base, Options, get="list", post="create"),
        route(
            f"{base}/<str:option_id>",
            Options,
            get="retrieve",
            put="update",
            patch="update",
            delete="destroy",
        ),
    ]
