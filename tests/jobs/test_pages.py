"""The pages of a tenant's jobs, and retrying one that failed."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import SecurityEvent
from harmonic.jobs import queries, running
from harmonic.jobs.models import Job
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.performing import Perform, refused, succeeded
from tests.fixtures.surfaces import HTML, MARKDOWN, on
from tests.fixtures.world import World
from tests.jobs import kinds
from tests.jobs.rows import a_job, a_worker, claimed, row

LIST = "/tenant-admin/jobs"
Clients = Callable[..., Client]


@pytest.mark.rule("jobs.listed")
def test_admins_see_due_running_and_failed_jobs(world: World, page: Clients):
    jobs = [a_job(world, status) for status in ("failed", "running", "due")]

    shown = page("alice").get(f"{LIST}.md").content.decode()

    lines = [line for line in shown.splitlines() if "Deliver mail" in line]
    assert [line.split(" | ")[1] for line in lines] == ["due", "running", "failed"]
    assert [str(job.id) in line for job, line in zip(reversed(jobs), lines, strict=True)] == [
        True
    ] * 3
    assert "All (3)" in shown


@pytest.mark.parametrize("status", ["due", "running", "failed"])
def test_the_list_can_be_filtered_by_status(world: World, page: Clients, status: str):
    for each in ("failed", "running", "due"):
        a_job(world, each)

    shown = page("alice").get(f"{LIST}.md?status={status}").content.decode()

    lines = [line for line in shown.splitlines() if line.startswith("| [Deliver")]
    assert [line.split(" | ")[1] for line in lines] == [status]


def test_finished_jobs_are_not_listed(world: World, page: Clients):
    kinds.count_collectives.enqueue(tenant_id=str(world.tenant().id))
    running.run(claimed(a_worker()))

    assert "No due, running or failed jobs." in page("alice").get(f"{LIST}.md").content.decode()


@pytest.mark.rule("jobs.listed")
def test_jobs_of_other_tenants_and_of_the_site_are_not_shown(world: World, page: Clients):
    foreign = a_job(world, "due", tenant="summit")
    site = kinds.append.enqueue(value=1)

    assert "All (0)" in page("alice").get(f"{LIST}.md").content.decode()
    unknown = page("alice").get(f"{LIST}/{uuid.uuid4()}.md")
    for job_id in (foreign.id, site.id):
        answer = page("alice").get(f"{LIST}/{job_id}.md")
        assert answer.status_code == unknown.status_code == 404


@pytest.mark.rule("jobs.secrets")
@pytest.mark.parametrize("path", [f"{LIST}.md", LIST, f"{LIST}/{{job}}.md", f"{LIST}/{{job}}"])
def test_only_arguments_that_are_declared_are_shown(world: World, page: Clients, path: str):
    job = a_job(world, to="Bob <b>", key="sk-1234")

    shown = page("alice").get(path.format(job=job.id)).content.decode()

    assert "sk-1234" not in shown
    assert "Traceback" not in shown
    assert "<b>" not in shown.replace("to: Bob <b>", "" if path.endswith(".md") else "?")
    assert "The server refused Bob" in shown


@pytest.mark.rule("jobs.others")
@pytest.mark.parametrize("who", ["bob", "carol"])
@pytest.mark.parametrize("path", [LIST, f"{LIST}/{{job}}", f"{LIST}/{uuid.UUID(int=7)}"])
def test_others_see_no_jobs(world: World, page: Clients, api: Clients, path: str, who: str):
    job = a_job(world)

    asked = path.format(job=job.id)

    for client in (page(who), api(who)):
        answer = client.get(f"{asked}.md")
        assert answer.status_code == 403
        assert "Deliver" not in answer.content.decode()


@pytest.mark.meets("rows of a page of jobs")
def test_a_page_of_jobs_is_bounded_and_links_to_older_ones(
    world: World, page: Clients, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(queries, "PAGE", 2)
    jobs = [str(a_job(world, "due").id) for _ in range(5)]
    alice, path, seen = page("alice"), f"{LIST}?status=due", []

    for _ in range(3):
        html = alice.get(path).content.decode()
        seen += [job for job in reversed(jobs) if f"{LIST}/{job}" in html]
        path = html.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")

    assert seen == list(reversed(jobs))
    assert path == ""


@pytest.mark.parametrize("query", ["?status=nonsense", "?cursor=nonsense", "?status=due&cursor=x"])
def test_bad_input_shows_the_beginning_of_the_list(world: World, page: Clients, query: str):
    a_job(world, "due")

    assert "Deliver mail" in page("alice").get(f"{LIST}.md{query}").content.decode()


def test_the_number_of_queries_does_not_depend_on_the_jobs(world: World, page: Clients):
    alice, counts = page("alice"), []
    for _ in range(2):
        a_job(world, "due")
        with CaptureQueriesContext(connection) as queries_made:
            alice.get(LIST)
        counts.append(len(queries_made))

    assert counts[0] == counts[1]


# --- Retrying -------------------------------------------------------------------------------


def retry_path(job: Job) -> str:
    return f"{LIST}/{job.id}/actions/retry_sidekiq_job"


@pytest.mark.rule("jobs.retry")
def test_a_tenant_admin_retries_a_failed_job(world: World, perform: Perform):
    job = a_job(world)

    assert succeeded(perform("alice", retry_path(job)))

    job.refresh_from_db()
    assert (job.failures, job.reason) == (0, "")
    assert claimed(a_worker()).row.id == job.id
    with tenant_bound(world.tenant().id):
        event = SecurityEvent.objects.get(data__action="retry_sidekiq_job")
    assert event.data["job"] == "Deliver mail"
    assert "sk-1" not in str(event.data)


@pytest.mark.parametrize("status", ["due", "running"])
@pytest.mark.rule("jobs.retry-failed-only")
def test_a_job_that_has_not_failed_stays_as_it_is(world: World, perform: Perform, status: str):
    job = a_job(world, status)
    before = row(job).status

    answer = perform("alice", retry_path(job))

    assert row(job).status == before
    assert answer.status_code in {200, 303}
    with tenant_bound(world.tenant().id):
        assert not SecurityEvent.objects.filter(data__action="retry_sidekiq_job").exists()


@pytest.mark.rule("jobs.retry-not-offered")
def test_a_job_that_cannot_be_repeated_is_refused(world: World, perform: Perform, page: Clients):
    from harmonic.jobs import running

    result = kinds.unrepeatable.enqueue(tenant_id=str(world.tenant().id))
    running.run(claimed(a_worker()))
    job = Job.unscoped.get(id=result.id)

    assert refused(perform("alice", retry_path(job)), 403, "Jobs of this kind cannot be retried")
    assert "Retry job" not in page("alice").get(f"{LIST}/{job.id}").content.decode()


@pytest.mark.rule("jobs.retry-others")
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_others_do_not_retry_jobs(world: World, perform: Perform, who: str):
    job = a_job(world)

    assert perform(who, retry_path(job)).status_code == 403
    assert row(job).status == "FAILED"


@pytest.mark.rule("jobs.retry-agents")
def test_an_agent_that_is_a_tenant_admin_does_not_retry_jobs(world: World, api: Clients):
    job = a_job(world)
    person = world.person("scout")
    type(person).unscoped.filter(id=person.id).update(is_admin=True)

    answer = api("alice", agent="scout").post(retry_path(job))

    assert answer.status_code == 403
    assert "capabilities do not include" in answer.content.decode()
    assert row(job).status == "FAILED"


@on(HTML, MARKDOWN)
def test_the_retry_is_offered_on_a_failed_job_only(world: World, page: Clients, surface: str):
    suffix = ".md" if surface == MARKDOWN else ""
    word = "Retry job" if surface == HTML else "retry_sidekiq_job"

    for status in ("failed", "due"):
        job = a_job(world, status)
        shown = page("alice").get(f"{LIST}/{job.id}{suffix}").content.decode()
        assert (word in shown) is (status == "failed")
