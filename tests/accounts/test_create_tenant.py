"""The command that creates a tenant and its first admin."""

from __future__ import annotations

import getpass
import io
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from accounts.models import SecurityEvent, Tenant, TenantUser, User
from collectives.models import Collective, CollectiveMember
from harmonic.demo import seed
from tests.fixtures.world import World, anonymous_client

pytestmark = pytest.mark.django_db

PASSWORD = "copper kettle on the hob"
ARGUMENTS = {
    "--name": "Meadow Commons",
    "--timezone": "Europe/Vienna",
    "--admin-email": "Mara@Meadow.example",
    "--admin-handle": "mara",
    "--admin-name": "Mara Lind",
}


def create(subdomain: str = "meadow", *flags: str, **changed: str) -> str:
    """Run the command; return what it prints. `admin_name=…` changes an argument."""
    arguments = ARGUMENTS | {f"--{key.replace('_', '-')}": value for key, value in changed.items()}
    options = [word for pair in arguments.items() for word in pair]
    out = io.StringIO()
    call_command("create_tenant", subdomain, *options, *flags, stdout=out)
    return out.getvalue()


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Type these passwords at the prompts, one after the other."""

    def typing(*passwords: str) -> None:
        coming: Iterator[str] = iter(passwords)
        monkeypatch.setattr(getpass, "getpass", lambda prompt="": next(coming))

    return typing


@pytest.fixture
def pipe_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def nothing_was_made(subdomain: str = "meadow") -> bool:
    emails = User.objects.filter(email__iexact=ARGUMENTS["--admin-email"])
    return not emails.exists() and not Tenant.objects.filter(subdomain=subdomain).exists()


# --- What it makes --------------------------------------------------------------------------


def test_the_new_person_signs_in_and_lands_on_the_home_page(type_in: Any) -> None:
    type_in(PASSWORD, PASSWORD)
    printed = create()
    assert f"http://meadow.{settings.HOST}:{settings.PORT}/login" in printed
    browser = anonymous_client("meadow")

    signed_in = browser.post("/login", {"email": "mara@meadow.example", "password": PASSWORD})
    home = browser.get(signed_in["Location"])

    assert (signed_in.status_code, signed_in["Location"]) == (303, "/")
    assert home.status_code == 200
    assert "Meadow Commons" in home.text
    assert "Mara Lind" in home.text
    assert browser.get("/tenant-admin").status_code == 200
    assert browser.get("/workspace", follow=True).status_code == 200


def test_the_admin_gets_what_every_new_member_gets(type_in: Any, with_tenant: Any) -> None:
    type_in(PASSWORD, PASSWORD)
    create()

    with with_tenant("meadow"):
        [person] = TenantUser.objects.all()
        places = {
            row.collective.kind: (row.collective, row.is_admin)
            for row in CollectiveMember.objects.filter(person=person)
        }
        main, is_admin_of_main = places["standard"]
        _, is_admin_of_workspace = places["private_workspace"]

        assert (person.handle, person.display_name, person.is_admin) == ("mara", "Mara Lind", True)
        assert (main.is_main, main.handle) == (True, "meadow")
        assert main.timezone == Tenant.objects.get(subdomain="meadow").timezone == "Europe/Vienna"
        assert (is_admin_of_main, is_admin_of_workspace) == (False, True)
        assert Collective.objects.count() == 2


def test_the_password_can_come_from_standard_input(pipe_in: Any) -> None:
    pipe_in(f"{PASSWORD}\r\nand another line\n")
    create("meadow", "--password-stdin")

    assert User.objects.get(email="mara@meadow.example").check_password(PASSWORD)


def test_a_subdomain_is_kept_as_hosts_are_looked_up(type_in: Any) -> None:
    type_in(PASSWORD, PASSWORD)
    create("Meadow")

    assert anonymous_client("meadow").get("/login").status_code == 200


@pytest.mark.parametrize(("flags", "is_shown"), [((), False), (("--listed",), True)])
def test_the_front_door_lists_only_tenants_that_are_listed(
    flags: tuple[str, ...], is_shown: bool, type_in: Any
) -> None:
    type_in(PASSWORD, PASSWORD)

    create("meadow", *flags)

    assert ("Meadow Commons" in anonymous_client("").get("/").content.decode()) is is_shown


def test_in_production_the_address_is_the_public_one(type_in: Any) -> None:
    type_in(PASSWORD, PASSWORD)

    with override_settings(IS_PRODUCTION=True, PUBLIC_SCHEME="https"):
        assert f"https://meadow.{settings.HOST}/login" in create()


def test_the_new_admin_is_in_the_security_log(type_in: Any, with_tenant: Any) -> None:
    type_in(PASSWORD, PASSWORD)
    create()

    with with_tenant("meadow"):
        [event] = SecurityEvent.objects.all()
    assert event.event == "admin_action"
    assert event.data["is_admin"] is True
    assert (event.user_id, event.subject_id) == (None, User.objects.get(name="Mara Lind").id)


# --- The password ---------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [{}, {"admin_handle": "everyone"}, {"admin_email": "mara"}])
def test_the_password_is_in_no_output(
    changed: dict[str, str], pipe_in: Any, capfd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pipe_in(f"{PASSWORD}\n")

    try:
        printed = create("meadow", "--password-stdin", **changed)
    except CommandError as error:
        printed = str(error)

    captured = capfd.readouterr()
    assert printed
    assert PASSWORD not in printed + captured.out + captured.err + caplog.text
    assert PASSWORD not in str([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("thirteen char", ""), "The password is too short (minimum 14 characters)."),
        (("", ""), "The password is too short (minimum 14 characters)."),
        (("Password123456", ""), "The password is one of the most common passwords."),
        (("a\udce4" * 7, ""), "The password contains characters that cannot be stored."),
        ((PASSWORD, f"{PASSWORD} "), "The two passwords differ."),
    ],
)
def test_a_password_that_will_not_do_is_refused(
    type_in: Any, typed: tuple[str, ...], said: str
) -> None:
    type_in(*typed)

    with pytest.raises(CommandError) as refused:
        create()

    assert str(refused.value) == said
    assert nothing_was_made()


def test_a_weak_password_of_standard_input_is_refused_too(pipe_in: Any) -> None:
    pipe_in("")

    with pytest.raises(CommandError, match="too short"):
        create("meadow", "--password-stdin")


def test_without_a_terminal_nothing_is_asked_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(prompt: str) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return PASSWORD

    monkeypatch.setattr(getpass, "getpass", ask)

    with pytest.raises(CommandError, match="--password-stdin"):
        create()


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subdomain", "changed", "said"),
    [
        ("garden", {}, "The subdomain has already been taken."),
        ("main", {}, "The subdomain is reserved."),
        ("trio-house", {}, "The subdomain is reserved."),
        ("meadow-", {}, "The subdomain must be lower-case letters"),
        ("mea.dow", {}, "The subdomain must be lower-case letters"),
        ("m" * 64, {}, "The subdomain must be lower-case letters"),
        ("", {}, "The subdomain must be lower-case letters"),
        ("meadow", {"name": "  "}, "--name is required."),
        ("meadow", {"name": "n" * 256}, "--name is too long (maximum 255 characters)."),
        ("meadow", {"admin_name": ""}, "--admin-name is required."),
        ("meadow", {"timezone": "Europe/Meadow"}, "--timezone is not a known timezone."),
        ("meadow", {"admin_handle": "…"}, "--admin-handle is required."),
        ("meadow", {"admin_handle": "everyone"}, "--admin-handle is reserved."),
        ("meadow", {"admin_handle": "m" * 65}, "--admin-handle is too long"),
        ("meadow", {"admin_email": "mara"}, "--admin-email must be an e-mail address."),
        ("meadow", {"admin_email": "ALICE@example.com"}, "--admin-email has already been taken."),
        ("meadow", {"admin_email": f"{'m' * 60}@{'m.' * 100}example"}, "--admin-email is too long"),
    ],
)
def test_invalid_values_are_refused_before_the_password_prompt(
    world: World, subdomain: str, changed: dict[str, str], said: str, type_in: Any
) -> None:
    type_in()  # a prompt would fail
    before = (Tenant.objects.count(), User.objects.count())

    with pytest.raises(CommandError) as refused:
        create(subdomain, **changed)

    assert str(refused.value).startswith(said)
    assert (Tenant.objects.count(), User.objects.count()) == before


def test_the_creation_of_a_tenant_is_atomic(type_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    type_in(PASSWORD, PASSWORD)
    monkeypatch.setattr("collectives.rules.tenants._new_workspace", fail)

    with pytest.raises(RuntimeError):
        create()

    assert nothing_was_made()


def test_the_second_of_two_concurrent_creations_is_refused(
    type_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(PASSWORD, PASSWORD, PASSWORD, PASSWORD)
    create()
    monkeypatch.setattr(
        "harmonic.management.commands.create_tenant.checked_subdomain", lambda sent: sent
    )

    with pytest.raises(CommandError, match="just created"):
        create(admin_email="other@meadow.example", admin_handle="other")

    assert Tenant.objects.filter(subdomain="meadow").count() == 1


def test_the_demos_own_password_would_pass(type_in: Any) -> None:
    type_in(seed.PASSWORD, seed.PASSWORD)

    assert "Meadow Commons" in create()


# --- The manual -----------------------------------------------------------------------------


def test_the_command_of_the_manual_runs(type_in: Any) -> None:
    manual = (Path(settings.BASE_DIR) / "docs/operations.md").read_text().replace("\\\n", " ")
    [line] = re.findall(r"^\.venv/bin/python manage\.py (create_tenant .*)$", manual, re.MULTILINE)
    type_in(PASSWORD, PASSWORD)
    Tenant.objects.filter(subdomain="garden").update(subdomain="the-demos")

    call_command(*shlex.split(line), stdout=io.StringIO())

    assert anonymous_client("garden").get("/login").status_code == 200
