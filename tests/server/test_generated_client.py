"""A Python client generated from the OpenAPI document works with the server."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from tests.server.process import HOST, started

pytestmark = pytest.mark.one_database

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "openapi.json"
# A configuration without a formatter for the generated code.
CONFIG = "post_hooks: []\n"
TOKEN = """
from harmonic.management.commands.create_token import issue_token
who = {"tenant": "garden", "user": "alice", "agent": None}
print(issue_token(who, {"name": "generated client", "read_write": "write"}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generate the client; a warning of the generator fails the tests."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.yml").write_text(CONFIG)
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", str(DOCUMENT), "--output-path", str(folder / "harmonic_client")]
    command += ["--config", str(folder / "config.yml"), "--fail-on-warning"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield folder / "harmonic_client"
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def api(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a client of a running server, with Alice's token."""
    module = importlib.import_module("harmonic_client")
    with started(tmp_path_factory.mktemp("var"), prepared=True) as server:
        client = module.AuthenticatedClient(
            base_url=f"http://127.0.0.1:{server.port}/api/v1",
            token=server.manage("shell", "-v", "0", "-c", TOKEN),
            headers={"Host": f"{HOST}:{server.port}"},
            raise_on_unexpected_status=True,
        )
        with client:
            yield client


@pytest.fixture(scope="module")
def models(package: Path) -> Any:
    return importlib.import_module("harmonic_client.models")


def call(api: Any, group: str, operation: str, *path: str, **more: Any) -> Any:
    """Call an operation; return the status, headers and parsed object."""
    module = importlib.import_module(f"harmonic_client.api.{group}.{operation}")
    answer = module.sync_detailed(*path, client=api, **more)
    return SimpleNamespace(status=answer.status_code, headers=answer.headers, got=answer.parsed)


def test_the_generated_client_creates_lists_reads_changes_and_deletes_a_note(
    api: Any, models: Any
) -> None:
    created = call(api, "notes", "create_note", body=models.NoteCreate(text="Water the beds."))
    note = created.got
    assert created.status == 200
    assert note.subtype == models.NoteSubtype.TEXT

    listed = call(api, "notes", "list_notes", limit=50, sort_by=models.NotesSortBy.CREATED_AT_DESC)
    assert note.id in [each.id for each in listed.got]

    read = call(api, "notes", "read_note", str(note.id), include="created_by,history_events")
    assert read.got.created_by.handle == "alice"
    assert [each.event_type for each in read.got.history_events] == [models.HistoryEventType.CREATE]

    tag = call(api, "notes", "read_note", str(note.id)).headers["ETag"]
    body = models.NoteUpdate(title="Beds", edit_access=models.NoteEditAccess.MEMBERS)
    changed = call(api, "notes", "update_note", str(note.id), body=body, if_match=tag)
    assert (changed.status, changed.got.title) == (200, "Beds")
    assert changed.got.updated_at > note.updated_at

    stale = call(api, "notes", "update_note", str(note.id), body=body, if_match=tag)
    assert (stale.status, stale.got.code) == (412, models.ErrorCode.PRECONDITION_FAILED)

    deleted = call(api, "notes", "delete_note", str(note.id))
    assert deleted.got.message == "Note deleted"
    gone = call(api, "notes", "read_note", str(note.id))
    assert (gone.status, gone.got.code) == (404, models.ErrorCode.DELETED)


def test_the_generated_client_comments_and_confirms(api: Any, models: Any) -> None:
    note = call(api, "notes", "create_note", body=models.NoteCreate(text="Compost duty.")).got
    body = models.CommentCreate(text="I can do Monday.")

    comment = call(api, "comments", "create_comment", str(note.id), body=body).got
    event = call(api, "notes", "confirm_note", str(note.id)).got

    assert (comment.commentable_type, comment.commentable_id) == ("Note", note.id)
    assert event.event_type == models.HistoryEventType.READ_CONFIRMATION


def test_the_generated_client_creates_and_rotates_a_token(api: Any, models: Any) -> None:
    body = models.TokenCreate(name="deploys", scopes=["read:all"])

    token = call(api, "tokens", "create_token", "me", body=body).got
    successor = call(
        api,
        "tokens",
        "rotate_token",
        "me",
        str(token.id),
        body=models.TokenRotate(overlap_days=1),
    ).got

    assert token.token.startswith("hmn_")
    assert successor.token != token.token
    assert successor.replaces.id == token.id
    read = call(api, "tokens", "read_token", "me", str(token.id))
    assert read.got.successor_id == successor.id


def test_the_generated_client_reads_the_rest_of_the_api(api: Any, models: Any) -> None:
    info = call(api, "info", "read_info").got
    collectives = call(api, "collectives", "list_collectives").got
    in_use = call(api, "tokens", "read_token_in_use").got

    assert info.user.handle == "alice"
    assert {each.tempo for each in collectives} <= set(models.CollectiveTempo) | {None}
    assert in_use.rate["requests"].limit > 0


def test_the_generated_models_have_readable_names(package: Path) -> None:
    modules = {each.stem for each in (package / "models").glob("*.py")}

    nameless = {name for name in modules if re.search("_body|_type_[0-9]|_response_", name)}
    assert nameless == set()
    assert len(modules) < 150
