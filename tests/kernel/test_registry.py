"""Checks of declarations; the site does not start with an error."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.core.management.base import SystemCheckError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from harmonic.kernel import registry
from harmonic.kernel.access import AccessLevel, Rule
from harmonic.kernel.actions import Action
from harmonic.kernel.capabilities import NEVER, careful, usual
from harmonic.kernel.pages import Page
from harmonic.kernel.registry import Registry
from harmonic.kernel.scopes import Scope
from harmonic.site.declarations import require_sound_declarations, without_rule


def action(**changes: Any) -> Action[Any]:
    return replace(registry.actions()["pin_note"], **{"name": "wave", **changes})


def page(name: str = "hall", **values: Any) -> Page[Any]:
    return Page(
        name=name,
        template="",
        title=lambda access, target: "",
        show=lambda access, target: {},
        **values,
    )


def faults_of(*pages: Page[Any]) -> list[str]:
    mine = Registry()
    for each in pages:
        mine.add_page(each, each.name)
    return list(mine.faults())


def test_the_site_has_no_errors() -> None:
    assert run_checks(tags=[Tags.urls]) == []
    assert list(registry.site.faults()) == []
    assert len(registry.site.variants) > 20


def test_a_page_may_be_mounted_twice_and_share_its_actions() -> None:
    hall = page(actions=(action(),))

    assert faults_of(hall, hall, page("garden", actions=hall.actions)) == []


def test_two_pages_with_one_name_are_an_error() -> None:
    assert faults_of(page(), page()) == ["Two pages have the name 'hall'."]


def test_two_actions_with_one_name_are_an_error() -> None:
    found = faults_of(page(actions=(action(),)), page("garden", actions=(action(label="Other"),)))

    assert found == ["Two actions have the name 'wave'."]


@pytest.mark.parametrize("emits", ["", "waved", "Wave.d"])
def test_an_action_that_writes_without_an_event_is_an_error(emits: str) -> None:
    found = faults_of(page(actions=(action(emits=emits),)))

    assert found == ["The action 'wave' must emit an event if, and only if, it writes."]


def test_an_effect_that_does_not_accept_its_parameters_is_an_error() -> None:
    found = faults_of(page(actions=(action(params=registry.actions()["add_comment"].params),)))

    fault = "The effect of the action 'wave' does not fit: it takes no argument 'text'."
    assert found[0] == fault
    assert len(found) == 3


def test_a_form_for_an_action_without_a_page_is_an_error() -> None:
    found = faults_of(page(writes={"POST": action()}))

    assert found == ["A form or REST route runs the action 'wave', which no page has."]


def test_a_variant_with_another_grant_is_an_error() -> None:
    variant = action(grant=careful("Notes"))

    found = faults_of(page(actions=(action(),), writes={"POST": variant}))

    assert found == ["A variant of the action 'wave' has another grant than the action."]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"grant": usual("")}, "can be granted, but has no group"),
        ({"people_only": "Only people wave."}, "is for people only, but agents may be granted it"),
        ({"name": "send_message"}, "remove it from FORTHCOMING"),
    ],
)
def test_a_grant_that_contradicts_the_action_is_an_error(
    changes: dict[str, Any], fault: str
) -> None:
    (found,) = faults_of(page(actions=(action(**changes),)))

    assert fault in found
    assert faults_of(page(actions=(action(grant=NEVER, people_only="Only people wave."),))) == []


def test_an_action_without_a_grant_or_a_scope_cannot_be_declared() -> None:
    declared = {name: getattr(action(), name) for name in Action.__dataclass_fields__}

    for needed in ("grant", "scope"):
        with pytest.raises(TypeError, match=needed):
            Action(**{name: value for name, value in declared.items() if name != needed})


def test_a_route_for_an_unknown_resource_is_refused_at_import() -> None:
    with pytest.raises(ValueError, match="collectives"):
        Rule(AccessLevel.TENANT, resource="collectives")
    with pytest.raises(ValueError, match="tenants"):
        Scope("update:tenants")


def test_a_route_without_a_rule_is_found() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert list(without_rule([path("open", view)])) == ["open"]


def test_the_server_does_not_start_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    require_sound_declarations()
    monkeypatch.setitem(registry.site.actions, "send_message", action(name="send_message"))

    with pytest.raises(SystemCheckError, match="The action 'send_message' exists"):
        require_sound_declarations()


def test_the_application_that_the_server_loads_runs_the_checks() -> None:
    code = (
        "import django; django.setup()\n"
        "from harmonic.kernel import capabilities, registry\n"
        "registry.FORTHCOMING |= {'create_note'}\n"
        "import harmonic.wsgi"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "harmonic.settings"}

    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "The action 'create_note' exists; remove it from FORTHCOMING." in ended.stderr
