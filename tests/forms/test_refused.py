"""A refused form is shown on its page again, with its input and the errors at their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from bs4 import BeautifulSoup

from accounts.models import TenantUser
from collectives.models import Collective
from tests.fixtures.world import make_token

pytestmark = pytest.mark.django_db

KITCHEN = "/collectives/kitchen"
LONG = "x" * 1001


@dataclass(frozen=True)
class Refused:
    """A form that is refused: its page, its action, the text typed, and the invalid fields."""

    page: str
    action: str
    typed: dict[str, str]
    faulty: tuple[str, ...]


REFUSED = (
    Refused(f"{KITCHEN}/note", "create_note", {"title": "Soup", "text": " "}, ("text",)),
    Refused("{note}", "add_comment", {"text": ""}, ("text",)),
    Refused("{note}/edit", "update_note", {"title": LONG, "text": "Hello"}, ("title",)),
    Refused("/u/alice/settings", "update_profile", {"name": "", "new_handle": "al"}, ("name",)),
    Refused(
        "/u/alice/settings", "update_profile", {"name": "Al", "new_handle": " "}, ("new_handle",)
    ),
    Refused(
        "/u/alice/settings", "update_profile", {"name": "Al", "new_handle": "bob"}, ("new_handle",)
    ),
    Refused(
        "/ai-agents/scout/settings",
        "update_ai_agent",
        {"name": "\u200b", "new_handle": "scout", "identity_prompt": "Read everything."},
        ("name",),
    ),
    Refused(
        "/ai-agents/new", "create_ai_agent", {"name": "", "identity_prompt": "Cook."}, ("name",)
    ),
    Refused(
        f"{KITCHEN}/settings",
        "update_collective_settings",
        {"name": "", "description": "We cook."},
        ("name",),
    ),
    Refused(
        f"{KITCHEN}/settings",
        "update_collective_settings",
        {"name": "Galley", "timezone": "Nowhere/Here"},
        ("timezone",),
    ),
    Refused("/collectives/new", "create_collective", {"name": "", "handle": "pantry"}, ("name",)),
    Refused(
        "/tenant-admin/settings",
        "update_tenant_settings",
        {"name": "", "timezone": ""},
        ("name", "timezone"),
    ),
    Refused(
        "/u/alice/settings/tokens/new",
        "create_api_token",
        {"name": LONG, "duration": "-1"},
        ("name", "duration"),
    ),
)


def ids(refused: Refused) -> str:
    return (
        f"{refused.action}: {', '.join(refused.faulty)}: {refused.typed[refused.faulty[0]][:3]!a}"
    )


def parsed(response: Any) -> Any:
    return BeautifulSoup(response.content, "html.parser")


def form_of(document: Any, action: str) -> Any:
    found = [each for each in document("form") if each["action"].endswith(f"/actions/{action}")]
    assert found, f"no form of {action}"
    return found[0]


def title_of(document: Any) -> str:
    return " ".join(document.title.text.split())


def value_of(control: Any) -> str:
    if control.name == "textarea":
        return str(control.text).removeprefix("\n")
    return str(control.get("value", ""))


@pytest.mark.parametrize("refused", REFUSED, ids=ids)
def test_a_refused_form_is_shown_on_its_page_again(
    page: Any, note_path: Any, refused: Refused
) -> None:
    alice = page("alice")
    path = refused.page.format(note=note_path("Welcome to the kitchen"))

    before = parsed(alice.get(path))
    answer = alice.post(f"{path}/actions/{refused.action}", refused.typed)
    after = parsed(answer)

    assert answer.status_code == 422
    assert [each.text for each in after("h1")] == [each.text for each in before("h1")]
    assert title_of(after) == f"Error: {title_of(before)}"
    form = form_of(after, refused.action)
    assert form["action"] == form_of(before, refused.action)["action"]
    for name, typed in refused.typed.items():
        shown = value_of(form.select_one(f"[name={name}]:not([type=hidden])"))
        assert shown.strip("\u200b ") == typed.strip("\u200b "), name


@pytest.mark.parametrize("refused", REFUSED, ids=ids)
def test_the_errors_are_at_their_fields_and_the_first_has_the_focus(
    page: Any, note_path: Any, refused: Refused
) -> None:
    path = refused.page.format(note=note_path("Welcome to the kitchen"))
    after = parsed(page("alice").post(f"{path}/actions/{refused.action}", refused.typed))
    form = form_of(after, refused.action)

    faulty = [each["name"] for each in form.select("[aria-invalid=true]")]
    assert faulty == list(refused.faulty)
    for control in form.select("[aria-invalid=true]"):
        described = str(control["aria-describedby"]).split()
        assert any(after.find(id=each)["class"] == ["field__errors"] for each in described)
    assert [each["name"] for each in after.select("[autofocus]")] == [refused.faulty[0]]
    assert form.select_one(".notice--error")["role"] == "alert"


def test_a_form_on_the_page_of_its_action_is_shown_there_again(page: Any, world: Any) -> None:
    make_token("alice")
    alice = page("alice")
    settings = parsed(alice.get("/u/alice/settings/tokens"))
    links = (str(each.get("href", "")) for each in settings("a"))
    token = next(href for href in links if len(href.rpartition("/")[2]) == 36)
    path = f"{token}/actions/rename_api_token"

    before = parsed(alice.get(path))
    answer = alice.post(path, {"name": ""})
    after = parsed(answer)

    assert answer.status_code == 422
    assert after.h1.text == before.h1.text
    assert [each["name"] for each in after.select("[autofocus]")] == ["name"]


def test_an_error_of_a_field_that_the_form_does_not_show_is_above_the_fields(
    page: Any, note_path: Any
) -> None:
    path = f"{note_path('Welcome to the kitchen')}/edit"
    answer = page("alice").post(
        f"{path}/actions/update_note", {"text": "Hello", "deadline": "soon"}
    )
    form = form_of(parsed(answer), "update_note")

    assert answer.status_code == 422
    summary = form.select_one(".notice--error")
    assert "deadline must be a valid time" in summary.text
    assert summary.has_attr("autofocus")


def test_a_program_that_sends_a_blank_leaves_the_name_as_it_is(api: Any) -> None:
    alice = api("alice")
    form = {"content_type": "application/x-www-form-urlencoded"}

    profile = alice.post("/u/alice/settings/actions/update_profile", "name=", **form)
    settings = alice.post(f"{KITCHEN}/settings/actions/update_collective_settings", "name=", **form)

    assert (profile.status_code, settings.status_code) == (200, 200)
    assert TenantUser.unscoped.get(handle="alice", tenant__subdomain="garden").display_name
    assert Collective.unscoped.get(handle="kitchen").name


def test_emptying_a_required_field_changes_nothing_else(page: Any) -> None:
    sent = {"name": "", "description": "Changed"}
    page("alice").post(f"{KITCHEN}/settings/actions/update_collective_settings", sent)

    assert Collective.unscoped.get(handle="kitchen").description != "Changed"


@pytest.mark.parametrize("path", sorted({each.page for each in REFUSED}))
def test_a_browser_may_restore_what_was_typed(page: Any, note_path: Any, path: str) -> None:
    """With `autocomplete="off"` the Back button of a browser shows an empty form."""
    document = parsed(page("alice").get(path.format(note=note_path("Welcome to the kitchen"))))
    fields = document.select("main form textarea, main form input[type=text]")

    assert fields
    assert [each["name"] for each in fields if each.get("autocomplete") == "off"] == []
