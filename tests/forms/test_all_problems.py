"""A refusal names the problems of all parameters, whatever finds them, on each surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.fixtures.html import parsed
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Answer, CallerFor, on

pytestmark = pytest.mark.django_db

LONG = "x" * 256
PAST = "2001-01-01T00:00:00Z"
TOO_LONG, TAKEN, UNKNOWN = "too long", "taken", "not a known timezone"


@dataclass(frozen=True)
class Case:
    """An action, its target, and the problem of each parameter that is sent."""

    action: str
    where: str
    sent: dict[str, Any]
    problems: dict[str, str]
    surfaces: tuple[str, ...] = (HTML, MARKDOWN, REST)


RENAMED = {"name": LONG, "new_handle": "bob"}
CASES = (
    Case("update_profile", "/u/alice", RENAMED, {"name": TOO_LONG, "new_handle": TAKEN}),
    Case("update_ai_agent", "/ai-agents/scout", RENAMED, {"name": TOO_LONG, "new_handle": TAKEN}),
    Case(
        "update_profile",
        "/u/alice",
        {"name": "", "new_handle": "everyone"},
        {"name": "required", "new_handle": "reserved"},
        (HTML,),
    ),
    Case(
        "update_ai_agent",
        "/ai-agents/scout",
        {"name": "", "new_handle": "bob"},
        {"name": "required", "new_handle": TAKEN},
        (HTML,),
    ),
    Case(
        "create_collective",
        "",
        {"name": LONG, "handle": "kitchen", "timezone": "Nowhere"},
        {"name": TOO_LONG, "handle": TAKEN, "timezone": UNKNOWN},
    ),
    # The effect finds both.
    Case(
        "create_collective",
        "",
        {"name": "Pantry", "handle": "Kitchen!", "timezone": "Nowhere"},
        {"handle": "alphanumeric", "timezone": UNKNOWN},
    ),
    Case(
        "update_collective_settings",
        "/collectives/kitchen",
        {"name": LONG, "timezone": "Nowhere"},
        {"name": TOO_LONG, "timezone": UNKNOWN},
    ),
    Case(
        "update_collective_settings",
        "/collectives/kitchen",
        {"name": LONG, "handle": "treasury", "timezone": "Nowhere", "force_update": True},
        {"name": TOO_LONG, "timezone": UNKNOWN, "handle": "taken"},
        (REST,),
    ),
    Case(
        "update_tenant_settings",
        "",
        {"name": LONG, "timezone": "Nowhere"},
        {"name": TOO_LONG, "timezone": UNKNOWN},
        (HTML, MARKDOWN),
    ),
    Case(
        "create_api_token",
        "/u/alice",
        {"name": "", "duration": "0", "note": LONG},
        {"name": "required", "duration": "greater than 0", "note": TOO_LONG},
        (HTML, MARKDOWN),
    ),
    Case(
        "create_api_token",
        "/u/alice",
        {"name": "", "scopes": ["read:nothing"], "expires_at": PAST, "note": LONG},
        {
            "scopes": "Invalid scope: read:nothing",
            "name": "be blank",
            "expires_at": "in the future",
            "note": TOO_LONG,
        },
        (REST,),
    ),
)
ON_SURFACES = [
    pytest.param(case, surface, id=f"{number} {surface} {case.action}")
    for number, case in enumerate(CASES)
    for surface in case.surfaces
]


@pytest.mark.parametrize(("case", "surface"), ON_SURFACES)
def test_a_refusal_names_the_problems_of_all_parameters(
    call: CallerFor, case: Case, surface: str
) -> None:
    answer = call("alice").act(case.action, case.where, **case.sent).assert_invalid()

    found = PROBLEMS[surface](answer, case)
    assert list(found) == list(case.problems)
    for name, problem in case.problems.items():
        assert problem in found[name]


def problems_in_form(answer: Answer, case: Case) -> dict[str, str]:
    document = parsed(answer.response.content)
    fields = document.select("main [aria-invalid=true]")
    return {
        each["name"]: " ".join(
            document.find(id=described).get_text() for described in each["aria-describedby"].split()
        )
        for each in fields
    }


def problems_in_markdown(answer: Answer, case: Case) -> dict[str, str]:
    error = answer.text.partition("## Error\n\n")[2].partition("\n\n")[0]
    return {each.partition(" ")[0]: each for each in error.split(", ")}


def problems_in_json(answer: Answer, case: Case) -> dict[str, str]:
    fields = {name: " ".join(sentences) for name, sentences in answer.json["fields"].items()}
    for sentences in fields.values():
        assert sentences.partition(" ")[2] in answer.json["error"]
    renamed = {"display_name": "name", "handle": "new_handle"}
    names = renamed if case.action in {"update_profile", "update_ai_agent"} else {}
    return {names.get(name, name): sentences for name, sentences in fields.items()}


PROBLEMS = {HTML: problems_in_form, MARKDOWN: problems_in_markdown, REST: problems_in_json}


@on(REST)
def test_a_single_problem_keeps_its_sentence_in_the_rest_contract(call: CallerFor) -> None:
    answer = call("alice").act("create_collective", name="Kitchen", handle="kitchen")

    assert answer.assert_invalid().json["error"] == "Handle is not available"
