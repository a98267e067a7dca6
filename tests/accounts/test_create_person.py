"""The command that creates a person in a tenant."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import SecurityEvent, TenantUser, User
from tests.fixtures.world import World, anonymous_client

pytestmark = pytest.mark.django_db

PASSWORD = "copper kettle on the hob"
ARGUMENTS = {"--email": "Mara@Meadow.example", "--handle": "mara", "--name": "Mara Lind"}


@pytest.fixture(autouse=True)
def piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))


def create(subdomain: str = "garden", *flags: str, **changed: str) -> str:
    """Run the command; return what it prints. `name=…` changes an argument."""
    arguments = ARGUMENTS | {f"--{key}": value for key, value in changed.items()}
    options = [word for pair in arguments.items() for word in pair]
    out = io.StringIO()
    call_command("create_person", subdomain, *options, "--password-stdin", *flags, stdout=out)
    return out.getvalue()


def test_the_new_person_signs_in_and_belongs_to_the_tenant(world: World) -> None:
    printed = create()
    browser = anonymous_client("garden")

    signed_in = browser.post("/login", {"email": "mara@meadow.example", "password": PASSWORD})

    assert (signed_in.status_code, signed_in["Location"]) == (303, "/")
    assert browser.get("/").status_code == 200
    assert browser.get("/tenant-admin").status_code == 403
    assert "Mara Lind is now a member of Garden Cooperative." in printed
    assert f"http://garden.{settings.HOST}:{settings.PORT}/login" in printed
    assert PASSWORD not in printed


def test_an_admin_is_created_on_request_and_logged(world: World) -> None:
    assert "a tenant admin" in create("garden", "--admin")

    mara = User.objects.get(email="mara@meadow.example")
    assert TenantUser.unscoped.get(user=mara).is_admin
    event = SecurityEvent.unscoped.filter(event="admin_action").latest("at")
    assert (event.subject_id, event.data["is_admin"]) == (mara.id, True)


TOO_LONG = "is too long (maximum 254 characters)."


@pytest.mark.parametrize(
    ("subdomain", "changed", "said"),
    [
        ("nowhere", {}, "The tenant nowhere does not exist."),
        ("garden", {"handle": "alice"}, "--handle has already been taken."),
        ("garden", {"handle": "everyone"}, "--handle is reserved."),
        ("garden", {"email": "ALICE@example.com"}, "--email has already been taken."),
        ("garden", {"email": "mara"}, "--email must be an e-mail address."),
        ("garden", {"email": f"{'m' * 250}@a.example"}, f"--email {TOO_LONG}"),
        ("garden", {"name": " "}, "--name is required."),
    ],
)
def test_invalid_values_are_refused_and_nothing_is_created(
    world: World, subdomain: str, changed: dict[str, str], said: str
) -> None:
    before = User.objects.count()

    with pytest.raises(CommandError) as refused:
        create(subdomain, **changed)

    assert str(refused.value) == said
    assert User.objects.count() == before


def test_a_weak_password_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("password123\n"))

    with pytest.raises(CommandError, match=r"The password is too short"):
        create()


def test_the_command_of_the_manual_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    manual = (Path(settings.BASE_DIR) / "docs/operations.md").read_text().replace("\\\n", " ")
    [line] = re.findall(r"^\.venv/bin/python manage\.py (create_person .*)$", manual, re.MULTILINE)
    elsewhere = line.replace("bob", "rob")

    call_command(*shlex.split(elsewhere), "--password-stdin", stdout=io.StringIO())

    assert User.objects.filter(email="rob@example.org").exists()
