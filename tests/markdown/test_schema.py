"""The parameters of actions as JSON Schema, in agreement with their validation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harmonic.kernel import registry
from harmonic.kernel.actions import Action
from harmonic.kernel.parameters.schema import schema_of
from harmonic.kernel.rendering.documents import described_params

SCHEMA = {"accept": "application/schema+json"}
COMMENT = "/actions/add_comment"


def actions() -> list[Action[Any]]:
    return [action for _, action in sorted(registry.actions().items())]


def test_the_schema_of_every_action_has_the_described_parameters() -> None:
    assert len(actions()) > 20
    for action in actions():
        schema = schema_of(action)
        Draft202012Validator.check_schema(schema)
        described = described_params(action.params)
        assert list(schema["properties"]) == [param["name"] for param in described], action.name
        required = [param["name"] for param in described if param["required"]]
        assert schema.get("required", []) == required, action.name


@pytest.mark.django_db
def test_the_media_type_of_json_schema_selects_the_schema(api: Any, note_path: Any) -> None:
    answer = api("alice").get(note_path("Knife care") + COMMENT, headers=SCHEMA)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/schema+json"
    assert answer.json() == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "add_comment",
        "description": "Comment on this item or reply to this comment.",
        "type": "object",
        "properties": {
            "text": {
                "type": "string",
                "description": "The text of the comment, in Markdown.",
                "minLength": 1,
                "pattern": "\\S",
                "maxLength": 1_000_000,
            }
        },
        "required": ["text"],
    }


@pytest.mark.django_db
def test_choices_and_bounds_are_in_the_schema(page: Any) -> None:
    path = "/u/alice/settings/tokens/new/actions/create_api_token"

    properties = page("alice").get(path, headers=SCHEMA).json()["properties"]

    assert {"read", "write"} <= set(properties["read_write"]["enum"])
    assert properties["duration"]["type"] == "integer"
    assert properties["duration"]["minimum"] == 1
    assert properties["name"]["maxLength"] == 255


@pytest.mark.django_db
def test_the_json_index_has_the_schemas_of_all_allowed_actions(api: Any, note_path: Any) -> None:
    path = note_path("Knife care") + "/actions"

    answers = [
        api("bob").get(path, headers={"accept": accept})
        for accept in ("application/json", "application/schema+json")
    ]

    for answer in answers:
        assert answer["Content-Type"] == "application/json"
        listed = {action["name"]: action for action in answer.json()["actions"]}
        assert listed["add_comment"]["schema"]["required"] == ["text"]
        assert listed["add_comment"]["path"] == f"{path}/add_comment"
    assert api("bob", scope="read").get(f"{path}.json").json()["actions"] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json, application/schema+json", "application/json"),
        ("application/json;q=0.5, application/schema+json", "application/schema+json"),
        ("application/schema+json;q=0", "text/markdown; charset=utf-8"),
        ("text/markdown, application/schema+json;q=0.1", "text/markdown; charset=utf-8"),
    ],
)
def test_accept_chooses_between_json_and_schema(
    api: Any, note_path: Any, accept: str, kind: str
) -> None:
    answer = api("alice").get(note_path("Knife care") + COMMENT, headers={"accept": accept})

    assert answer["Content-Type"] == kind


@pytest.mark.django_db
def test_a_page_has_no_schema(api: Any) -> None:
    answer = api("alice").get("/whoami", headers=SCHEMA)

    assert answer.status_code == 406
    assert answer["Content-Type"].startswith("application/json")


@pytest.mark.django_db
def test_the_schema_accepts_the_same_bodies_as_the_action(api: Any, note_path: Any) -> None:
    alice, path = api("alice"), note_path("Knife care") + COMMENT
    schema = Draft202012Validator(alice.get(path, headers=SCHEMA).json())

    for body in ({"text": "fine"}, {"text": "  "}, {"text": ""}, {}, {"text": 5}, {"text": None}):
        answer = alice.post(path, json.dumps(body), "application/json")
        assert schema.is_valid(body) == (answer.status_code == 200), body
