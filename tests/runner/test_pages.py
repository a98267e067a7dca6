"""The pages of runs: the form, the list, one run in every format, and cancelling."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from harmonic.runner import queries
from harmonic.runner.models import TaskRun
from tests.fixtures.rows import change
from tests.fixtures.world import ClientFor, World, single_line_text
from tests.runner.model_server import ModelServer, acts, calls, reads, says
from tests.runner.runs import TASK, Runs

AGENT = "/ai-agents/steward"
FORM, LIST = f"{AGENT}/run", f"{AGENT}/runs"
JSON = {"accept": "application/json"}
MARKDOWN = {"accept": "text/markdown"}
BOARD_NOTE = acts("/collectives/board/note", "create_note", {"text": "Let me in."})
NOTE = acts("/collectives/kitchen/note", "create_note", {"title": "Soup", "text": "There is soup."})


def path_of(run: TaskRun) -> str:
    return f"{LIST}/{run.id}"


def main_of(response: Any) -> Any:
    main = BeautifulSoup(response.content, "html.parser").find("main")
    assert main is not None
    for gap in main("wbr"):
        gap.unwrap()
    main.smooth()
    return main


def text_of(response: Any) -> str:
    return " ".join(main_of(response).get_text(" ").split())


@pytest.fixture
def alice(page: ClientFor) -> Client:
    return page("alice")


# --- The form -------------------------------------------------------------------------------


@pytest.mark.rule("runs.parent-runs")
def test_the_form_queues_a_run_and_leads_to_it(alice: Client, world: World) -> None:
    answer = alice.post(FORM, {"task": TASK, "max_steps": "7"})

    run = TaskRun.unscoped.get()
    assert (answer.status_code, answer["Location"]) == (303, path_of(run))
    assert (run.task, run.max_steps, run.status) == (TASK, 7, "queued")
    assert run.started_by == world.user("alice")


@pytest.mark.rule("runs.parent-runs")
def test_a_program_of_the_parent_gets_the_id_and_the_status(api: ClientFor) -> None:
    answer = api("alice").post(FORM, {"task": TASK}, "application/json", headers=JSON)

    run = TaskRun.unscoped.get()
    assert answer.status_code == 200
    assert answer.json() == {"id": str(run.id), "status": "queued"}
    assert run.max_steps == TaskRun.USUAL_STEPS


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"task": "", "max_steps": "3"}, "task"),
        ({"task": "  \n", "max_steps": "3"}, "task"),
        ({"task": TASK, "max_steps": "0"}, "max_steps"),
        ({"task": TASK, "max_steps": "51"}, "max_steps"),
        ({"task": TASK, "max_steps": "many"}, "max_steps"),
    ],
    ids=["blank", "spaces", "0", "51", "many"],
)
def test_invalid_input_is_shown_again_at_its_field(
    alice: Client, sent: dict[str, str], field: str
) -> None:
    answer = alice.post(FORM, sent)

    main = main_of(answer)
    assert answer.status_code == 422
    assert main.find(attrs={"name": field})["aria-invalid"] == "true"
    assert main.find("textarea", {"name": "task"}).text.strip() == sent["task"].strip()
    assert not TaskRun.unscoped.exists()


def _archive(world: World) -> None:
    change(world.person("steward"), archived_at=world.now)


def _suspend(world: World) -> None:
    change(world.user("steward"), suspended_at=world.now)


def _pause(world: World) -> None:
    change(world.agent("steward"), paused_at=world.now)


def _disable(world: World) -> None:
    change(world.tenant(), is_ai_agents_enabled=False)


@pytest.mark.rule("runs.able-to-act")
@pytest.mark.parametrize(
    ("prevent", "reason"),
    [
        (_archive, "This agent is inactive."),
        (_suspend, "This agent is suspended."),
        (_pause, "This agent is paused."),
        (_disable, "AI Agents feature is not enabled for this tenant"),
    ],
    ids=["archived", "suspended", "paused", "switch"],
)
def test_the_form_says_why_an_agent_cannot_run_and_keeps_the_text(
    alice: Client, world: World, prevent: Any, reason: str
) -> None:
    prevent(world)
    opened, sent = alice.get(FORM), alice.post(FORM, {"task": TASK, "max_steps": "7"})

    assert opened.status_code == 200
    assert reason in text_of(opened)
    assert main_of(opened).find("textarea") is None
    assert sent.status_code == 403
    assert reason in text_of(sent)
    assert main_of(sent).find("textarea", {"name": "task"}).text.strip() == TASK
    assert main_of(sent).find("input", {"name": "max_steps"})["value"] == "7"
    assert not TaskRun.unscoped.exists()


@pytest.mark.rule("runs.internal-only")
def test_an_external_agent_is_not_run(alice: Client, api: ClientFor) -> None:
    path = "/ai-agents/scout/run"
    program = api("alice").post(path, {"task": TASK}, "application/json", headers=JSON)

    assert "Harmonic does not run external agents." in text_of(alice.get(path))
    assert alice.post(path, {"task": TASK}).status_code == 403
    assert program.status_code == 403
    assert program.json()["error"] == "Harmonic does not run external agents."
    assert not TaskRun.unscoped.exists()


@pytest.mark.rule("runs.needs-model")
def test_without_a_model_the_form_names_who_can_set_one(alice: Client, settings: Settings) -> None:
    settings.IS_PRODUCTION = True
    answer = alice.get(FORM)

    assert "Harmonic has no model that agents can run on." in text_of(answer)
    assert "The operator of this site sets HARMONIC_LLM_URL" in text_of(answer)
    assert alice.post(FORM, {"task": TASK}).status_code == 403


def test_too_many_queued_runs_are_refused_and_the_text_is_kept(
    alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TaskRun, "MOST_QUEUED", 1)
    alice.post(FORM, {"task": "The first."})
    answer = alice.post(FORM, {"task": TASK})

    assert answer.status_code == 409
    assert "already has 1 queued runs." in text_of(answer)
    assert main_of(answer).find("textarea", {"name": "task"}).text.strip() == TASK


def test_the_form_names_the_model(alice: Client, settings: Settings) -> None:
    demo = text_of(alice.get(FORM))
    settings.RUNS = replace(settings.RUNS, url="http://127.0.0.1:9", models=("tiny", "large"))
    chosen = text_of(alice.get(FORM))

    assert "The model is the demo model. It is a script" in demo
    assert "The model is tiny . You can choose another one in the agent's settings" in chosen


# --- The list -------------------------------------------------------------------------------


@pytest.mark.meets("rows of a page of runs")
def test_runs_are_listed_newest_first_by_pages(
    alice: Client, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    for number in range(5):
        run = runs.queue(task=f"Task {number}")
        change(run, created_at=run.created_at + timedelta(seconds=number))
    seen, path = [], LIST
    for _ in range(3):
        main = main_of(alice.get(path))
        seen.append([link.text.strip() for link in main.select(".rows a")])
        older = main.find("a", rel="next")
        path = str(older["href"]) if older else ""

    assert seen == [["Task 4", "Task 3"], ["Task 2", "Task 1"], ["Task 0"]]
    assert path == ""
    assert "Task 4" in text_of(alice.get(f"{LIST}?cursor=nonsense"))


def test_an_empty_list_says_what_to_do(alice: Client) -> None:
    answer = alice.get(LIST)

    assert "No runs yet." in text_of(answer)
    assert main_of(answer).find("a", string="Run a task")["href"] == FORM


# --- One run --------------------------------------------------------------------------------


@pytest.fixture
def ended(world: World, model: ModelServer, runs: Runs) -> TaskRun:
    """Return a run that read a page, was refused a write, wrote a note and finished."""
    model.plays(
        calls(reads("/whoami"), said="First I look."), calls(BOARD_NOTE), calls(NOTE), says("Done.")
    )
    return runs.carry_out()


def test_the_page_tells_what_happened(alice: Client, ended: TaskRun, runs: Runs) -> None:
    answer = alice.get(path_of(ended))
    main, text = main_of(answer), text_of(answer)
    note = runs.steps(ended)[2].detail["resource"]

    assert "The agent finished." in text
    assert main.find("a", href="/whoami").text == "/whoami"
    assert "“First I look.” Read the page /whoami . " in text
    assert "Asked for the action create_note at /collectives/board/note . " in text
    assert "Refused ( not_a_member )" in text
    assert "1 request by the agent was refused" in text
    assert len(main.find_all("a", href=note["path"])) == 2
    assert f"create_note : Note {note['id']}" in text
    assert main.find("h2", string="Final message").find_next("div").text.strip() == "Done."
    assert "3 of 30" in single_line_text(answer)
    assert main.find("a", string="Run again")["href"] == f"{FORM}?again={ended.id}"
    assert 'data-live="off"' in answer.content.decode()


def test_the_page_is_the_same_in_markdown(alice: Client, ended: TaskRun) -> None:
    text = alice.get(path_of(ended), headers=MARKDOWN).content.decode()

    assert "# Run of steward" in text
    assert "The agent finished." in text
    assert "| Steps | 3 of 30 |" in text
    assert f"## Task\n\n```markdown\n{TASK}\n```" in text
    assert "## Final message\n\n```markdown\nDone.\n```" in text
    assert "**Refused** (`not_a_member`)" in text
    assert "actions:" not in text


def test_the_page_is_json_with_the_keys_of_the_contract(
    api: ClientFor, ended: TaskRun, runs: Runs
) -> None:
    answer = api("alice", scope="read").get(path_of(ended), headers=JSON)

    body = answer.json()
    assert set(body) == {"status", "steps_count", "steps", "final_message", "error"}
    assert (body["status"], body["steps_count"]) == ("completed", 3)
    assert (body["final_message"], body["error"]) == ("Done.", None)
    assert [step["type"] for step in body["steps"]] == [
        "fetch_page",
        "execute_action",
        "execute_action",
    ]
    assert body["steps"][1]["detail"] == runs.steps(ended)[1].detail
    assert all(set(step) == {"type", "detail", "timestamp"} for step in body["steps"])


def test_the_suffix_and_head_are_answered_too(api: ClientFor, ended: TaskRun) -> None:
    client = api("alice")

    assert client.get(f"{path_of(ended)}.json").json()["status"] == "completed"
    assert client.head(path_of(ended)).status_code == 200
    assert "# Run of steward" in client.get(f"{path_of(ended)}.md").content.decode()


def test_a_running_page_is_live_and_has_a_reload_link(alice: Client, runs: Runs) -> None:
    run = runs.queue()
    change(run, status="running", started_at=run.created_at, steps_count=2)
    answer = alice.get(path_of(run))

    main = main_of(answer)
    assert "Running: 2 of 30 steps." in text_of(answer)
    assert main.find(role="status").text.strip() == "Running: 2 of 30 steps."
    assert main.find(attrs={"data-live": "on"})
    assert main.find("a", string="Reload this page")["href"] == path_of(run)
    assert main.find("button", string="Cancel run")


def test_a_run_that_waits_long_says_that_no_worker_took_it(alice: Client, runs: Runs) -> None:
    run = runs.queue()
    fresh = text_of(alice.get(path_of(run)))
    change(run, created_at=run.created_at - timedelta(minutes=2))

    assert "No worker" not in fresh
    text = text_of(alice.get(path_of(run)))
    assert "Queued 2 minutes ago . No worker has taken the run yet" in text


@pytest.mark.parametrize(
    ("path", "is_link"),
    [
        ("/collectives/kitchen?since=1", True),
        ("//evil.example/x", False),
        ("/\\evil.example", False),
        ("javascript:alert(1)", False),
        ("/x)[y](http://evil.example", False),
        ("/<script>", False),
    ],
    ids=["page", "slashes", "backslash", "script", "markup", "tag"],
)
def test_a_path_that_the_model_made_up_is_a_link_only_within_the_site(
    alice: Client, world: World, model: ModelServer, runs: Runs, path: str, is_link: bool
) -> None:
    model.plays(calls(reads("/whoami")), says("Done."))
    run = runs.carry_out()
    change(runs.steps(run)[0], detail={"path": path})
    main = main_of(alice.get(path_of(run))).find(class_="steps")
    text = alice.get(path_of(run), headers=MARKDOWN).content.decode()

    assert [link["href"] for link in main.find_all("a")] == ([path] if is_link else [])
    assert (f"]({path})" in text.partition("## Steps")[2]) is is_link


def test_an_earlier_task_fills_the_form(alice: Client, ended: TaskRun, runs: Runs) -> None:
    other = main_of(alice.get(f"{FORM}?again={uuid4()}")).find("textarea")
    main = main_of(alice.get(f"{FORM}?again={ended.id}"))

    assert main.find("textarea", {"name": "task"}).text.strip() == TASK
    assert main.find("input", {"name": "max_steps"})["value"] == "30"
    assert other.text.strip() == ""


def test_the_task_of_another_agent_does_not_fill_the_form(
    alice: Client, world: World, ended: TaskRun
) -> None:
    change(ended, agent_id=world.user("pilot").id)

    assert main_of(alice.get(f"{FORM}?again={ended.id}")).find("textarea").text.strip() == ""


def test_an_unknown_run_is_not_found(alice: Client) -> None:
    for path in (f"{LIST}/{uuid4()}", f"{LIST}/7", f"{LIST}/{uuid4()}/cancel"):
        answer = alice.post(path) if path.endswith("cancel") else alice.get(path)
        assert answer.status_code == 404


# --- Cancelling -----------------------------------------------------------------------------


@pytest.mark.rule("runs.cancel-active")
@pytest.mark.parametrize("status", ["queued", "running"])
def test_the_parent_cancels_an_active_run(api: ClientFor, runs: Runs, status: str) -> None:
    run = runs.queue()
    change(run, status=status)
    client = api("alice")
    answer = client.post(f"{path_of(run)}/cancel", {}, "application/json", headers=JSON)

    ended = client.get(path_of(run), headers=JSON).json()
    assert (answer.status_code, answer.json()) == (200, {"status": "cancelled"})
    assert (ended["status"], ended["error"]) == ("cancelled", "Cancelled by user")
    assert runs.again(run).success is False


@pytest.mark.rule("runs.cancel-active")
def test_cancelling_a_run_that_has_ended_changes_nothing(
    alice: Client, api: ClientFor, ended: TaskRun, runs: Runs
) -> None:
    path = f"{path_of(ended)}/cancel"
    answer = api("alice").post(path, {}, "application/json", headers=JSON)
    shown = alice.post(path, follow=True)

    assert answer.json() == {"status": "completed"}
    assert "This run has already ended." in single_line_text(shown)
    assert runs.again(ended).status == "completed"


def test_the_button_cancels_and_returns_to_the_run(alice: Client, runs: Runs) -> None:
    run = runs.queue()
    button = main_of(alice.get(path_of(run))).find("button", string="Cancel run")
    answer = alice.post(button.find_parent("form")["action"], follow=True)

    assert answer.redirect_chain == [(path_of(run), 303)]
    assert "The run was cancelled. Cancelled by user" in text_of(answer)


# --- Other callers --------------------------------------------------------------------------


@pytest.mark.rule("runs.shown-to-parent")
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("handle", "agent", "status"),
    [("bob", None, 404), ("carol", None, 404), ("alice", "scout", 403), ("bob", "pilot", 403)],
    ids=["other-person", "tenant-member", "own-agent", "other-agent"],
)
def test_others_neither_see_nor_run_nor_cancel(
    api: ClientFor, runs: Runs, method: str, handle: str, agent: str | None, status: int
) -> None:
    run = runs.queue()
    client = api(handle, agent=agent)
    paths = {"get": (FORM, LIST, path_of(run)), "post": (FORM, f"{path_of(run)}/cancel")}
    for path in paths[method]:
        sent = {"task": TASK} if method == "post" else {}
        answer = getattr(client, method)(path, sent, headers=JSON)
        assert answer.status_code == status, path

    assert list(TaskRun.unscoped.values_list("status", flat=True)) == ["queued"]


@pytest.mark.rule("runs.shown-to-parent")
def test_steward_itself_cannot_see_its_runs(
    client: Client, world: World, runs: Runs, model: ModelServer
) -> None:
    run = runs.queue()
    model.plays(calls(reads(path_of(run))), calls(reads(FORM)), says("Done."))
    runs.work()

    assert [step.detail["status"] for step in runs.steps(run)] == [403, 403]


# --- The pages of agents --------------------------------------------------------------------


def test_the_agents_page_leads_to_the_form_and_the_runs(
    alice: Client, ended: TaskRun, runs: Runs
) -> None:
    for accept in ("text/html", "text/markdown"):
        body = alice.get(AGENT, headers={"accept": accept}).content.decode()
        assert FORM in body
        assert path_of(ended) in body
    assert FORM in alice.get(f"{AGENT}/settings").content.decode()
    assert "/run" not in alice.get("/ai-agents/scout").content.decode()


def test_the_list_of_agents_shows_the_latest_run_first(
    alice: Client, world: World, runs: Runs
) -> None:
    before = text_of(alice.get("/ai-agents"))
    old = runs.queue(task="Old")
    change(old, status="running", created_at=world.now - timedelta(days=40))
    newer = runs.queue(task="Newer")
    running = main_of(alice.get("/ai-agents"))
    runs.again(old)
    change(old, status="completed", ended_because="finished")
    change(newer, status="failed", ended_because="time")
    failed = main_of(alice.get("/ai-agents"))
    change(newer, created_at=world.now - timedelta(days=31))
    none = main_of(alice.get("/ai-agents"))

    rows = [row.find("th").get_text(" ").split()[-1] for row in running.select("tbody tr")]
    assert "Run a task" in before
    assert rows == ["steward", "scout"]
    assert running.find("a", href=path_of(old)).text == "running"
    assert failed.find("a", href=path_of(newer)).text == "failed"
    assert none.find("a", href=path_of(newer)) is None


def test_the_list_of_agents_takes_as_many_queries_for_many_runs(
    alice: Client, runs: Runs, django_assert_max_num_queries: Any
) -> None:
    assert configured.HOST
    for _ in range(8):
        runs.queue()
    alice.get("/ai-agents")
    with django_assert_max_num_queries(8):
        alice.get("/ai-agents")
