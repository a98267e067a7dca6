"""Refusals as Markdown documents: status, sentence, code and remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.test import RequestFactory

from collectives.notes.models import Note
from harmonic.access.access_as import access_as
from harmonic.http.refusals import render_refusal
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.operations.limits import Count
from harmonic.kernel.refusals import Refused
from tests.fixtures.world import BROWSER, host, token_client
from tests.markdown.reading import Read, read

pytestmark = pytest.mark.django_db

MARKDOWN = {"accept": "text/markdown"}
WRITE = "/note/actions/create_note"


def refused(answer: Any, status: int) -> Read:
    """Return the document of a refusal, after checking that frontmatter and body agree."""
    assert answer.status_code == status
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert "no-cache" in answer["Cache-Control"]
    assert "ETag" not in answer
    seen = read(answer.content.decode())
    assert list(seen.fields)[:4] == ["app", "status", "error", "code"]
    assert seen.fields["status"] == status
    assert "actions" not in seen.fields
    assert "Error" in seen.headings
    assert seen.fields["error"] in " ".join(seen.texts)
    return seen


def post(client: Any, path: str, body: str = "{}") -> Any:
    return client.post(path, body, "application/json", headers=MARKDOWN)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 429, 500])
def test_each_status_has_a_document(status: int, world: Any) -> None:
    request = RequestFactory().get("/", headers={"host": host("garden"), **MARKDOWN})
    access = replace(access_as("garden", "alice", now=world.now), format=Format.MARKDOWN)
    # As the middleware sets them.
    request.__dict__ |= {"access": access, "request_id": "r-1"}

    seen = refused(render_refusal(request, Refused("The sentence.", status=status)), status)

    assert seen.fields["title"].startswith(str(status))
    assert seen.headings[0] == seen.fields["title"]
    assert seen.fields["error"] == "The sentence."


def test_400_for_a_body_that_is_not_json(api: Any) -> None:
    for body in ("{", "[]", "3"):
        refused(post(api("alice"), WRITE, body), 400)


def test_401_without_and_with_a_bad_token(anonymous: Any) -> None:
    seen = refused(anonymous().get("/whoami.md"), 401)
    assert "What you can do" in seen.headings

    answer = token_client("hmn_nothing").get("/whoami")
    refused(answer, 401)
    assert answer["WWW-Authenticate"].startswith('Bearer realm="Harmonic"')


def test_403_names_who_can_change_it(api: Any) -> None:
    seen = refused(api("alice").get("/collectives/treasury"), 403)

    assert "What you can do" in seen.headings
    assert "/collectives/treasury/settings" in seen.body


@pytest.mark.parametrize(
    ("who", "path", "label", "heading", "sentence", "way"),
    [
        ("bob", "/tenant-admin", "403 Unauthorized", "Only tenant admins may do that.",
         "Ask a tenant admin to do it: @alice.", "/"),
        ("bob", "/u/alice/settings", "403 Unauthorized",
         "Only the account&#x27;s owner may open this",
         "For an agent, that is the human who manages it.", "/settings"),
        ("bob", "/collectives/kitchen/settings", "403 Forbidden", "Must be admin",
         "Ask an admin of the collective: @alice.", "/collectives/kitchen/members"),
        ("alice", "/u/steward/settings/tokens/new", "403 Forbidden",
         "Internal AI agents cannot have API tokens",
         "Harmonic manages the tokens of the agents that it runs.",
         "/ai-agents/steward/settings"),
        ("alice", "/nowhere", "404 Not Found", "Not found",
         "There is nothing at this address, or you may not see it.", "/"),
    ],
)  # fmt: skip
def test_html_refusals_have_label_heading_sentence_and_button(
    page: Any, who: str, path: str, label: str, heading: str, sentence: str, way: str
) -> None:
    shown = page(who).get(path).content.decode()

    assert f'<p class="refusal__status">{label}</p>' in shown
    assert f"<h1>{heading}</h1>" in shown
    assert f"<p>{sentence}</p>" in shown
    assert f'<a class="button" href="{way}">' in shown


def test_the_refusal_of_an_unknown_tenant_links_to_all_communities(anonymous: Any) -> None:
    shown = anonymous("nowhere").get("/").content.decode()

    assert '<a class="button" href="http://localhost/">All communities</a>' in shown


def test_404_for_an_unknown_note(api: Any) -> None:
    assert refused(api("alice").get("/n/00000000"), 404).fields["title"] == "404 Not Found"


def test_405_is_404_in_markdown(api: Any) -> None:
    answer = api("alice").put("/whoami", headers=MARKDOWN)

    assert refused(answer, 404).fields["title"] == "404 Not Found"


@pytest.mark.parametrize("path", ["/api/v1/docs", "/help", "/help/agents", "/motto"])
def test_405_of_public_pages_needs_no_token(anonymous: Any, path: str) -> None:
    strict = anonymous(enforce_csrf_checks=True)

    as_page = strict.post(path, headers={"accept": BROWSER})
    as_json = strict.post(path, headers={"accept": "application/json"})

    assert (as_page.status_code, as_page["Allow"]) == (405, "GET, HEAD")
    assert (as_json.status_code, as_json.json()["code"]) == (405, "method_not_allowed")
    refused(strict.post(path, headers=MARKDOWN), 404)
    assert strict.post("/login", headers=MARKDOWN).status_code == 403


def test_406_names_the_available_formats(api: Any) -> None:
    answer = api("alice").get("/whoami", headers={"accept": "application/json"})

    assert answer.status_code == 406
    assert answer.json()["available"] == ["text/markdown"]


def test_413_for_a_body_that_is_too_large(api: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    refused(post(api("alice"), WRITE, json.dumps({"text": "x" * 200})), 413)


def test_422_names_the_parameter(api: Any) -> None:
    seen = refused(post(api("alice"), WRITE), 422)

    assert seen.fields["title"] == "Action Error: create_note"
    assert "text is required" in seen.body


def test_429_names_the_time_to_wait(
    api: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMIT_LOOPBACK = True
    monkeypatch.setattr(Count, "is_exceeded", property(lambda count: True))

    answer = api("alice").get("/whoami")

    refused(answer, 429)
    assert answer["Retry-After"] in answer.content.decode()


@pytest.mark.parametrize("path", ["/whoami", "/whoami.md"])
def test_500_shows_only_the_request_id(
    api: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr("harmonic.kernel.page_views.respond", fail)
    alice = api("alice")
    alice.raise_request_exception = False

    answer = alice.get(path, headers={"x-request-id": "mine_1.a-b"})

    seen = refused(answer, 500)
    assert answer["X-Request-Id"] == "mine_1.a-b"
    assert "Request `mine_1.a-b`" in seen.body
    assert "a secret of ours" not in answer.content.decode()


# --- Recovery -------------------------------------------------------------------------------


def test_an_unknown_action_names_the_nearest_allowed_one(api: Any, note_path: Any) -> None:
    path = note_path("Knife care")

    near = refused(post(api("alice"), f"{path}/actions/add_coment"), 404)
    described = refused(api("alice").get(f"{path}/actions/addcomment"), 404)
    reader = post(api("alice", scope="read"), f"{path}/actions/zzz")

    assert "Did you mean “add_comment”?" in near.body
    assert "Did you mean “add_comment”?" in described.body
    assert "Did you mean" not in reader.content.decode()


def test_an_action_is_described_only_where_it_is_allowed(api: Any, note_path: Any) -> None:
    path = f"{note_path('Welcome to the kitchen')}/settings/actions"

    assert api("alice").get(f"{path}/delete_note").status_code == 200
    assert api("bob").get(f"{path}/pin_note").status_code == 200
    refused(api("bob").get(f"{path}/delete_note"), 403)


def test_a_missing_parameter_names_what_it_was_misspelt_as(api: Any) -> None:
    alice = api("alice")

    missing = refused(post(alice, WRITE, json.dumps({"txt": "Some text"})), 422)

    assert missing.fields["error"] == "text is required"
    assert "Did you mean “text”?" in missing.body


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_misspelt_parameter_writes_nothing_and_names_the_right_one(api: Any, query: str) -> None:
    body = {"text": "Some text", "titel": "A title"}

    seen = refused(post(api("alice"), WRITE + query, json.dumps(body)), 422)

    assert seen.fields["code"] == "unknown_parameter"
    assert seen.fields["error"] == (
        "'titel' is not a parameter of this action. Did you mean “title”?"
    )
    assert not Note.unscoped.filter(text="Some text").exists()


@pytest.mark.parametrize(
    "extra",
    [{"colour": "green"}, {"title": "A title", "titel": "Another"}],
    ids=["far", "sent too"],
)
def test_an_unknown_parameter_that_misspells_nothing_is_ignored_and_named(
    api: Any, extra: dict[str, str]
) -> None:
    answer = post(api("alice"), WRITE, json.dumps({"text": "Some text", **extra}))

    assert answer.status_code == 200
    assert f"Ignored unknown parameters: {list(extra)[-1]}." in answer.content.decode()
    assert Note.unscoped.filter(text="Some text").exists()


def test_an_unknown_help_topic_names_the_nearest(api: Any) -> None:
    assert "Did you mean “agents”?" in refused(api("alice").get("/help/agent"), 404).body
    assert "Did you mean" not in refused(api("alice").get("/help/zzzzzz"), 404).body


# --- Codes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "path", "body", "headers"),
    [
        ("read", WRITE, {"text": "x"}, {}),
        ("write", WRITE, {}, {}),
        ("write", "/nowhere/actions/create_note", {}, {}),
        ("write", WRITE, {"text": "x"}, {"idempotency-key": "k" * 256}),
        ("write", "/note/actions/create_note", {"text": "x"}, {"if-match": '"other"'}),
        ("write", "/collectives/board/note/actions/create_note", {"text": "x"}, {}),
        ("write", "/u/bob/settings/actions/update_profile", {"name": "x"}, {}),
    ],
    ids=["scope", "parameter", "path", "key", "precondition", "collective", "person"],
)
def test_a_refusal_has_the_code_of_its_json(
    api: Any, scope: str, path: str, body: dict[str, str], headers: dict[str, str]
) -> None:
    alice = api("alice", scope=scope)

    def sent(accept: str) -> Any:
        return alice.post(
            path, json.dumps(body), "application/json", headers={**headers, "accept": accept}
        )

    as_json = sent("application/json")
    seen = refused(sent("text/markdown"), as_json.status_code)

    assert seen.fields["code"] == as_json.json()["code"]


def test_a_bad_token_has_the_code_of_its_json() -> None:
    client = token_client("hmn_nothing")

    as_json = client.get("/whoami", headers={"accept": "application/json"})
    seen = refused(client.get("/whoami", headers=MARKDOWN), 401)

    assert seen.fields["code"] == as_json.json()["code"]
