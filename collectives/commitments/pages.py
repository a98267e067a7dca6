"""Pages of commitments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.queries import people
from collectives.commitments import actions, queries
from collectives.commitments.calendars import calendar_response
from collectives.commitments.models import Commitment
from collectives.commitments.showing import CommitmentView
from collectives.commitments.words import words_of
from collectives.items.actions import about, collective_crumb, version_of
from collectives.items.kind_pages import metric_view, new_page, pin_view
from collectives.items.rules import may_edit, restoring
from collectives.links.kind_pages import backlinks_page
from collectives.links.showing import backlinks_shown, item_links
from collectives.notes.actions import add_comment
from collectives.notes.discussions import discussion_of
from collectives.reports.actions import report_content
from collectives.reports.kind_pages import report_page
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page, RoutedView, require_read_method, with_rule
from harmonic.kernel.refusals import Link, NotPossible, Refused


def commitment_crumbs(access: Access, commitment: Commitment) -> list[Link]:
    shown = Link(title(access, commitment), commitment.path_in(access.required_place.path))
    return [*collective_crumb(access, commitment), shown]


# --- One commitment -------------------------------------------------------------------------


def title(access: Access, commitment: Commitment) -> str:
    is_deleted = commitment.is_deleted
    return f"Commitment {commitment.truncated_id}" if is_deleted else commitment.title


def show(access: Access, commitment: Commitment) -> Mapping[str, Any]:
    discussion = discussion_of(access, commitment)
    backlinks = backlinks_shown(access, commitment)
    newest = [] if commitment.is_deleted else queries.newest_participants_of(commitment)
    joined = [row.user_id for row in newest]
    others = {*joined, *discussion.author_ids, *backlinks.author_ids}
    known = people({commitment.created_by_id, *others})
    path_ = discussion.path
    return {
        **discussion.context(known, access.required_place.path),
        **backlinks.context(known),
        "item_links": item_links(access, [commitment.description, *discussion.texts]),
        "item": commitment,
        "noun": "commitment",
        "commitment": CommitmentView(commitment, access),
        "author": known[commitment.created_by_id],
        "participants": [known[user_id] for user_id in joined],
        "more_participants": commitment.participant_count - len(joined),
        "path": path_,
        "cut_at": "" if discussion.is_full else path_,
        "may_edit": may_edit(access, commitment) is None,
        "restoring": restoring(access, commitment) if commitment.is_deleted else "",
    }


COMMITMENT: Page[Commitment] = Page(
    name="commitments.show",
    template="commitments/show.html",
    title=title,
    find=queries.commitment_at,
    show=show,
    crumbs=collective_crumb,
    about=about,
    version=version_of,
    actions=(
        actions.join_commitment,
        actions.leave_commitment,
        add_comment,
        report_content,
        actions.restore_commitment,
    ),
    access_level=AccessLevel.COLLECTIVE,
    resource="commitments",
)


# --- Its participants and settings ----------------------------------------------------------


def show_participants(access: Access, commitment: Commitment) -> Mapping[str, Any]:
    page = numbered(queries.participants_of(commitment), access)
    known = people(row.user_id for row in page)
    return {
        "item": commitment,
        "page": page,
        "path": f"{commitment.path_in(access.required_place.path)}/participants",
        "participants": [(known[row.user_id], row.committed_at) for row in page],
        "noun": _noun(commitment),
    }


PARTICIPANTS: Page[Commitment] = Page(
    name="commitments.participants",
    template="commitments/participants.html",
    title=lambda access, commitment: f"{_noun(commitment)} | {commitment.title}",
    heading=lambda access, commitment: _noun(commitment),
    find=queries.live_commitment_at,
    show=show_participants,
    crumbs=commitment_crumbs,
    about=about,
    version=version_of,
    access_level=AccessLevel.COLLECTIVE,
    resource="commitment_participants",
)


def _noun(commitment: Commitment) -> str:
    return words_of(commitment).many.capitalize()


def show_settings(access: Access, commitment: Commitment) -> Mapping[str, Any]:
    return {
        "item": commitment,
        "commitment": CommitmentView(commitment, access),
        "author": people([commitment.created_by_id])[commitment.created_by_id],
        "path": commitment.path_in(access.required_place.path),
    }


SETTINGS: Page[Commitment] = Page(
    name="commitments.settings",
    template="commitments/settings.html",
    title=lambda access, commitment: "Commitment Settings",
    find=queries.live_commitment_at,
    show=show_settings,
    crumbs=commitment_crumbs,
    about=about,
    version=version_of,
    actions=(
        actions.update_commitment_settings,
        actions.pin_commitment,
        actions.unpin_commitment,
        actions.delete_commitment,
    ),
    writes={"POST": actions.update_commitment_settings},
    keeps_input_of=(NotPossible,),
    access_level=AccessLevel.COLLECTIVE,
    resource="commitments",
)


NEW = new_page(
    queries.COMMITMENTS,
    resource="commitments",
    action=actions.create_commitment,
    template="commitments/new.html",
    title="Commit",
    nav=(NavEntry(menu=Menu.PLACE, order=4, label="New commitment", icon="handshake"),),
)


# --- Routes ---------------------------------------------------------------------------------


def join_alias() -> RoutedView:
    """Return the route to which forms of public clients post, which refuses with 400."""
    alias = form_alias(COMMITMENT, actions.join_commitment)

    def view(request: AccessRequest, **kwargs: Any) -> HttpResponse:
        try:
            return alias(request, **kwargs)
        except Refused as refused:
            if refused.code == "closed":
                refused.status = 400
            raise

    return RoutedView(view, alias.rule, writes=alias.writes)


def calendar(request: AccessRequest, commitment_id: str) -> HttpResponse:
    """Respond with the calendar file of an event."""
    require_read_method(request)
    return calendar_response(request.access, commitment_id)


def metric(access: Access, commitment: Commitment) -> tuple[int, str]:
    """Return the number of participants and their noun."""
    count = commitment.participant_count
    return count, words_of(commitment).of(count)


def urls() -> list[URLPattern]:
    """Return the routes of commitments below the prefix of a collective."""
    one = "c/<str:commitment_id>"
    return [
        *mount("commit", NEW),
        # Listed before the page, whose ID would include the suffix.
        path(f"{one}.ics", with_rule(calendar, COMMITMENT.rule), name="commitments.calendar"),
        *mount(one, COMMITMENT),
        *mount(f"{one}/participants", PARTICIPANTS),
        *mount(f"{one}/settings", SETTINGS),
        *mount(f"{one}/report", report_page(queries.COMMITMENTS)),
        *mount(f"{one}/backlinks", backlinks_page(queries.COMMITMENTS)),
        path(f"{one}/join", join_alias(), name="commitments.join"),
        path(
            f"{one}/comments",
            form_alias(COMMITMENT, add_comment),
            name="commitments.comments",
        ),
        path(f"{one}/metric", metric_view(SETTINGS, metric), name="commitments.metric"),
        path(
            f"{one}/pin",
            pin_view(SETTINGS, actions.pin_commitment, actions.unpin_commitment),
            name="commitments.pin",
        ),
    ]
