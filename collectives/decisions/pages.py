"""Pages of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.urls import URLPattern, path

from accounts.queries import Person, people
from collectives.decisions import queries, rules, voting
from collectives.decisions.actions import options, settings
from collectives.decisions.actions import voting as votes
from collectives.decisions.audit import pages as audit
from collectives.decisions.models import Decision, Option
from collectives.decisions.queries import DECISIONS, Choices, Sums
from collectives.decisions.ranking import Result
from collectives.items.actions import about, collective_crumb, version_of
from collectives.items.deadlines import is_manual
from collectives.items.kind_pages import metric_view, new_page, pin_view
from collectives.items.rules import restoring
from collectives.links.kind_pages import backlinks_page
from collectives.links.showing import backlinks_shown, item_links
from collectives.notes.actions import add_comment
from collectives.notes.discussions import discussion_of
from collectives.reports.actions import report_content
from collectives.reports.kind_pages import report_page
from collectives.rules import user_sets
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link, NotFound

CURRENT, FINALIZING, FINAL = "Current Results", "Finalizing...", "Final Results"


def crumbs(access: Access, decision: Decision) -> list[Link]:
    shown = Link(title(access, decision), decision.path_in(access.required_place.path))
    return [*collective_crumb(access, decision), shown]


def title(access: Access, decision: Decision) -> str:
    if decision.is_deleted:
        return f"Decision {decision.truncated_id}"
    return decision.question


# --- One decision ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """An option on the page of a decision: the viewer's vote, and the votes of all."""

    option: Option
    owner_id: UUID
    accepted: bool
    preferred: bool
    result: Result | None
    sums: Sums
    voters: int

    @property
    def people(self) -> str:
        return _counted(self.sums.people_yes, "person", "people")

    @property
    def agents(self) -> str:
        return _counted(self.sums.agents_yes, "agent", "agents")

    @property
    def people_share(self) -> float:
        """The percentage of voters who are people and accept the option."""
        return round(100 * self.sums.people_yes / self.voters, 1) if self.voters else 0

    @property
    def agents_share(self) -> float:
        return round(100 * self.sums.agents_yes / self.voters, 1) if self.voters else 0


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def show(access: Access, decision: Decision) -> Mapping[str, Any]:
    discussion = discussion_of(access, decision)
    backlinks = backlinks_shown(access, decision)
    is_open = rules.is_open(access, decision)
    is_executive = decision.subtype == Decision.Subtype.EXECUTIVE
    whose = rules.maker_of(decision) if is_executive else access.user.user_id
    choices = queries.choices_of(decision.id, whose)
    sets = (decision.voter_eligibility, decision.proposer_eligibility)
    known = people(
        {
            *(decision.created_by_id, decision.decision_maker_id),
            *user_sets.ids_in(*sets),
            *discussion.author_ids,
            *backlinks.author_ids,
        }
    )
    path_ = decision.path_in(access.required_place.path)
    statement = voting.statement_of(decision)
    stated = [statement.text] if statement else []
    rows = _rows(decision, choices, is_open=is_open)
    return {
        "decision": decision,
        "item": decision,
        "noun": "decision",
        "author": known[decision.created_by_id],
        "maker": known[rules.maker_of(decision)] if is_executive else None,
        "path": path_,
        "cut_at": "" if discussion.is_full else path_,
        "is_open": is_open,
        "is_manual": is_manual(decision.deadline, access.now),
        "voting": UserSet.of(decision.voter_eligibility, known),
        "proposing": UserSet.of(decision.proposer_eligibility, known),
        "may_vote": rules.may_vote(access, decision) is None,
        "is_executive": is_executive,
        "is_lottery": decision.subtype == Decision.Subtype.LOTTERY,
        "may_edit": decision.created_by_id == access.user.user_id,
        "voters": choices.voters,
        "has_voted": choices.has_voted and not is_executive,
        **rows,
        # Options that others voted on are listed too: the refusal states the reason.
        "changeable": [
            row
            for row in rows["rows"]
            if access.user.user_id in (row.owner_id, decision.created_by_id)
        ],
        "statement": statement,
        "statement_path": statement.path_in(access.required_place.path) if statement else "",
        "restoring": restoring(access, decision) if decision.is_deleted else "",
        **discussion.context(known, access.required_place.path),
        **backlinks.context(known),
        "item_links": item_links(access, [decision.description, *stated, *discussion.texts]),
    }


@dataclass(frozen=True, slots=True)
class UserSet:
    """A user set in words, and as it is written; both "" without one."""

    words: str
    text: str

    @classmethod
    def of(cls, stored: str, known: Mapping[UUID, Person]) -> UserSet:
        return cls(user_sets.in_words(stored, known), user_sets.written(stored, known))


def _rows(decision: Decision, choices: Choices, *, is_open: bool) -> Mapping[str, Any]:
    """Return the options in order of creation, and the results if the viewer may see them."""
    is_shown = rules.shows_results(decision, has_voted=choices.has_voted, is_open=is_open)
    sums = queries.sums_by_option(decision.id) if is_shown else {}
    options = [choice.option for choice in choices.rows]
    results = queries.results_of(decision, options, sums) if is_shown else []
    by_option = {result.tally.option_id: result for result in results}
    rows = [
        Row(
            choice.option,
            choice.owner_id,
            bool(choice.accepted),
            bool(choice.preferred),
            by_option.get(choice.option.id),
            sums.get(choice.option.id, Sums()),
            choices.voters.count,
        )
        for choice in choices.rows
    ]
    ranked = sorted((row for row in rows if row.result), key=_position)
    heading = CURRENT if is_open else FINAL if decision.is_drawn else FINALIZING
    return {"rows": rows, "results": ranked, "results_heading": heading}


def _position(row: Row) -> int:
    return row.result.position if row.result else 0


DECISION: Page[Decision] = Page(
    name="decisions.show",
    template="decisions/show.html",
    title=title,
    find=queries.decision_at,
    show=show,
    crumbs=collective_crumb,
    about=about,
    version=version_of,
    actions=(
        options.add_options,
        votes.vote,
        options.update_option,
        options.delete_option,
        votes.close_decision,
        votes.add_statement,
        add_comment,
        report_content,
        settings.restore_decision,
    ),
    access_level=AccessLevel.COLLECTIVE,
    resource="decisions",
)


# --- Settings and duplicate -----------------------------------------------------------------


def facts(access: Access, decision: Decision) -> Mapping[str, Any]:
    return {
        "decision": decision,
        "author": people([decision.created_by_id])[decision.created_by_id],
        "path": decision.path_in(access.required_place.path),
        "is_manual": is_manual(decision.deadline, access.now),
        "is_open": rules.is_open(access, decision),
    }


SETTINGS: Page[Decision] = Page(
    name="decisions.settings",
    template="decisions/settings.html",
    title=lambda access, decision: "Decision Settings",
    find=queries.live_decision_at,
    show=facts,
    crumbs=crumbs,
    about=about,
    version=version_of,
    actions=(
        settings.update_decision_settings,
        settings.pin_decision,
        settings.unpin_decision,
        settings.delete_decision,
    ),
    access_level=AccessLevel.COLLECTIVE,
    resource="decisions",
    keeps_input_of=(NotFound,),
)

DUPLICATE: Page[Decision] = Page(
    name="decisions.duplicate",
    template="decisions/duplicate.html",
    title=lambda access, decision: "Duplicate Decision",
    find=queries.live_decision_at,
    show=facts,
    crumbs=crumbs,
    about=about,
    version=version_of,
    actions=(settings.duplicate_decision,),
    access_level=AccessLevel.COLLECTIVE,
    resource="decisions",
)


# --- Voters ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OptionVoters:
    """The voters who accept an option, by name: those who prefer it, and the others."""

    title: str
    both: list[Person]
    accepted_only: list[Person]


@dataclass(frozen=True, slots=True)
class Voter:
    """A voter with their accepted options, as (title, is preferred), and their receipt."""

    person: Person
    accepted: list[tuple[str, bool]]
    receipt: str


def show_voters(access: Access, decision: Decision) -> Mapping[str, Any]:
    votes = queries.named_votes_of(decision.id)
    known = people(vote.user_id for vote in votes)
    receipts = queries.receipts_of(decision.id)
    order = [result.tally for result in queries.results_of(decision)]
    by_name = sorted(known.values(), key=lambda person: person.name.casefold())
    cast = {(vote.user_id, vote.option_id): vote for vote in votes}

    def chosen(person: Person, option_id: Any) -> tuple[bool, bool]:
        vote = cast.get((person.user_id, option_id))
        return (bool(vote.accepted), bool(vote.preferred)) if vote else (False, False)

    return {
        **facts(access, decision),
        "voters": [
            Voter(
                person,
                [
                    (tally.title, chosen(person, tally.option_id)[1])
                    for tally in order
                    if chosen(person, tally.option_id)[0]
                ],
                receipts.get(person.user_id, ""),
            )
            for person in by_name
        ],
        "options": [
            OptionVoters(
                tally.title,
                [each for each in by_name if chosen(each, tally.option_id) == (True, True)],
                [each for each in by_name if chosen(each, tally.option_id) == (True, False)],
            )
            for tally in order
        ],
    }


VOTERS: Page[Decision] = Page(
    name="decisions.voters",
    template="decisions/voters.html",
    title=lambda access, decision: f"Voters | {decision.question}",
    heading=lambda access, decision: f"Voters: {decision.question}",
    find=queries.live_decision_at,
    show=show_voters,
    crumbs=crumbs,
    about=about,
    access_level=AccessLevel.COLLECTIVE,
    resource="decisions",
)


# --- New decision ---------------------------------------------------------------------------


NEW: Page[None] = replace(
    new_page(
        DECISIONS,
        title="Decide",
        resource="decisions",
        action=settings.create_decision,
        nav=(NavEntry(menu=Menu.PLACE, order=3, label="New decision", icon="vote"),),
    ),
    keeps_input_of=(NotFound,),
)


def metric(access: Access, decision: Decision) -> tuple[int, str]:
    """Return the number of voters of a decision, and their noun."""
    count = queries.voter_counts([decision.id]).get(decision.id, 0)
    return count, "voter" if count == 1 else "voters"


def urls() -> list[URLPattern]:
    """Return the routes of decisions below the prefix of a collective."""
    return [
        *mount("decide", NEW),
        *mount("d/<str:decision_id>", DECISION),
        *mount("d/<str:decision_id>/settings", SETTINGS),
        *mount("d/<str:decision_id>/report", report_page(DECISIONS)),
        *mount("d/<str:decision_id>/backlinks", backlinks_page(DECISIONS)),
        *mount("d/<str:decision_id>/duplicate", DUPLICATE),
        *mount("d/<str:decision_id>/voters", VOTERS),
        *audit.urls(),
        path(
            "d/<str:decision_id>/comments",
            form_alias(DECISION, add_comment),
            name="decisions.comments",
        ),
        path("d/<str:decision_id>/metric", metric_view(SETTINGS, metric), name="decisions.metric"),
        path(
            "d/<str:decision_id>/pin",
            pin_view(SETTINGS, settings.pin_decision, settings.unpin_decision),
            name="decisions.pin",
        ),
    ]
