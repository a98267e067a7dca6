"""Actions that add, change and delete options."""

from __future__ import annotations

from dataclasses import replace

from collectives.decisions import options as option_rules
from collectives.decisions import rules
from collectives.decisions.actions.settings import GROUP
from collectives.decisions.audit.chain import nfc
from collectives.decisions.fields import NewOption, Titles
from collectives.decisions.models import Decision, Option
from collectives.items import rules as items
from collectives.items.actions import done
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import usual
from harmonic.kernel.parameters.fields import Block, Line, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Forbidden, Proof
from harmonic.kernel.scopes import Scope

# --- Options --------------------------------------------------------------------------------


class OptionsParams(Params):
    titles = Titles(
        label="New options",
        help_text="The titles of the options to add.",
        widget=Widget(kind="lines", rows=2, help="One per line."),
        example=["Gas", "Electric"],
    )


def _add_options(access: Access, decision: Decision, *, titles: list[str]) -> Outcome:
    new = [NewOption(title) for title in titles]
    added = option_rules.add_options(access, decision, new)
    count = f"{len(added)} option{'s' if len(added) != 1 else ''}"
    names = ", ".join(f"'{option.title}'" for option in added)
    facts = {"option_ids": [str(option.id) for option in added], "text": names[: items.TEXT_KEPT]}
    outcome = done(access, decision, f"Successfully added {count}: {names}.", facts)
    return replace(outcome, object=added)


add_options: Action[Decision] = Action(
    name="add_options",
    sentence="Add options to this decision.",
    label="Add options",
    scope=Scope("create:options"),
    grant=usual(GROUP),
    proof=Proof.NONE,
    changes_access=False,
    emits="option.created",
    params=OptionsParams,
    policy=rules.may_add_options,
    effect=_add_options,
)


# --- One option -----------------------------------------------------------------------------


class OptionParams(Params):
    option = Line(
        max_length=Option.TITLE_LENGTH,
        help_text="The option: its title or its ID.",
        widget=Widget(is_chosen_before=True),
        example="Electric",
    )


class UpdateOptionParams(OptionParams):
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
        widget=Widget(rows=3),
    )


def change_option(
    access: Access, decision: Decision, *, option: str, title: str = "", description: str = ""
) -> Outcome:
    row = option_rules.option_named(decision, option)
    _require_changeable(access, decision, row, "Cannot update options")
    facts = option_rules.update_option(
        access, decision, row, title=nfc(title), description=description
    )
    message = "Option updated." if facts else "The option already has these values."
    return replace(done(access, decision, message, facts), object=row)


def remove_option(access: Access, decision: Decision, *, option: str) -> Outcome:
    row = option_rules.option_named(decision, option)
    _require_changeable(access, decision, row, "Cannot delete options")
    facts = {"option_id": str(row.id), "title": row.title[: items.TITLE_KEPT]}
    option_rules.delete_option(access, decision, row)
    return done(access, decision, f"Option '{row.title}' deleted.", facts)


def _require_changeable(access: Access, decision: Decision, option: Option, reason: str) -> None:
    if denied := rules.may_change_option(access, decision, option, reason):
        raise Forbidden.because(denied)


def _has_changeable(access: Access, decision: Decision | None) -> bool:
    return decision is None or rules.may_add_options(access, decision) is None


update_option: Action[Decision] = Action(
    name="update_option",
    sentence="Rename or describe an option that you added, before others vote on it.",
    label="Save option",
    scope=Scope("update:options"),
    grant=usual(GROUP),
    capability="add_options",
    proof=Proof.NONE,
    changes_access=False,
    emits="option.updated",
    params=UpdateOptionParams,
    policy=items.may_read,
    is_offered=_has_changeable,
    effect=change_option,
)

delete_option: Action[Decision] = Action(
    name="delete_option",
    sentence="Delete an option that you added, before others vote on it.",
    label="Delete option",
    scope=Scope("delete:options"),
    grant=usual(GROUP),
    capability="add_options",
    proof=Proof.NONE,
    changes_access=False,
    emits="option.deleted",
    params=OptionParams,
    policy=items.may_read,
    is_offered=_has_changeable,
    effect=remove_option,
    is_dangerous=True,
)
