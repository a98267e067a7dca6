"""The objects of the API, as JSON Schema 2020-12: the very keys of their answers, with examples.

The tests hold every answer to these, so that no key is forgotten on either side.
"""

from __future__ import annotations

from typing import Any

from api.openapi.codes import CODES
from api.v1.collectives import SHOWN_CLOSED
from collectives.models import Collective

Schema = dict[str, Any]


def text(example: str, **more: Any) -> Schema:
    return {"type": "string", **more, "examples": [example]}


def words(*choices: str) -> Schema:
    return {"type": "string", "enum": list(choices)}


def or_null(schema: Schema) -> Schema:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, **values, "type": list(dict.fromkeys([*kinds, "null"]))}


def always_null(description: str) -> Schema:
    return {"type": "null", "description": description, "examples": [None]}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema, description: str = "") -> Schema:
    return {
        "type": "array",
        "items": items,
        **({"description": description} if description else {}),
    }


def record(
    description: str = "", optional: dict[str, Schema] | None = None, /, **keys: Schema
) -> Schema:
    """Return the schema of an object that has all `keys`, and of `optional` what applies."""
    return {
        "type": "object",
        **({"description": description} if description else {}),
        "properties": {**keys, **(optional or {})},
        "required": list(keys),
        "additionalProperties": False,
    }


ID = text("3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90", format="uuid")
SHORT_ID = text("3f0c7a52", pattern="^[0-9a-f]{8}$")
MOMENT = text(
    "2026-05-13T09:00:00.123Z",
    format="date-time",
    pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
)
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SCOPES = {**array({"type": "string"}), "examples": [["read:all"]]}
OMITTED = {
    **array({"type": "string"}),
    "description": "Members that are empty because the token may not read their resource;"
    " only where there are such.",
    "examples": [["pinned_items"]],
}
NOTICE = text("Ignored: …", description="What was not done, and why; only where there is such.")
KEPT = "Kept for clients that expect it."
USER_TYPE = words("human", "ai_agent", "collective_identity", "imported_placeholder")
ROLES = {
    **array(words("admin", "representative")),
    "examples": [["admin", "representative"]],
}

ERROR_KEYS: dict[str, Schema] = {
    "error": text("Not found", description="A sentence for people."),
    "code": {
        **words(*CODES),
        "description": "A word for programs. This list grows: take a word that is not in it"
        " as its status.",
        "examples": ["not_found"],
    },
    "status": {"type": "integer", "examples": [404]},
    "request_id": text("728442d7-86d3-4ad0-8ab9-f1acca4e72cb"),
}
FIELDS: Schema = {
    "type": "object",
    "description": "The sentences of each faulty parameter.",
    "additionalProperties": array({"type": "string"}),
}
MORE_OF_ERRORS: dict[str, Schema] = {
    "fields": FIELDS,
    "hint": text("Read it again.", description="What would cure it, or who can."),
    "successor_id": {**ID, "description": "With `already_rotated`: the token's successor."},
    "id": {**ID, "description": "With `idempotency_secret_unavailable`: the token made."},
}

COLLECTIVE: dict[str, Schema] = {
    "id": ID,
    "name": text("Tool Library"),
    "handle": text("tool-library"),
    "timezone": text("Europe/Berlin"),
    "tempo": words(*Collective.TEMPOS),
    "description": or_null(text("Who has which tool.")),
    "synchronization_mode": words("improv", "orchestra"),
    "collective_type": words("standard", "private_workspace"),
    "is_main": FLAG,
    "api_enabled": FLAG,
    "roles": ROLES,
    "archived_at": {**or_null(MOMENT), "examples": [None]},
    "path": text("/collectives/tool-library"),
    "url": text("http://garden.localhost:8000/collectives/tool-library", format="uri"),
    "created_at": MOMENT,
    "updated_at": MOMENT,
}

OBJECTS: dict[str, Schema] = {
    "Error": {
        **record("Every error is this one object.", MORE_OF_ERRORS, **ERROR_KEYS),
        "additionalProperties": True,
    },
    "Problem": {
        **record(
            "The same as problem details (RFC 9457), where `Accept` asks for them.",
            MORE_OF_ERRORS,
            **ERROR_KEYS,
            type=text("http://garden.localhost:8000/api/v1/docs#not_found", format="uri"),
            title=text("Not found"),
            detail=text("Not found"),
        ),
        "additionalProperties": True,
    },
    "Message": record(message=text("Note deleted")),
    "Info": record(
        "What is offered at a base, and who asks.",
        name=text("Harmonic API"),
        version=text("1.0.0"),
        routes=array(
            record(
                path=text("/api/v1/notes/:id"),
                methods={**array({"type": "string"}), "minItems": 1, "examples": [["GET"]]},
            )
        ),
        openapi=text("http://garden.localhost:8000/api/v1/openapi.json", format="uri"),
        docs=text("http://garden.localhost:8000/api/v1/docs", format="uri"),
        tenant=text("garden"),
        collective=text("kitchen"),
        user=record(id=ID, handle=text("alice")),
        token=record(id=ID, name=or_null(text("ci")), scopes=SCOPES, expires_at=MOMENT),
    ),
    "Note": record(
        "",
        {
            "history_events": array(ref("HistoryEvent"), "With `include=history_events`."),
            "comments": array(ref("Note"), "With `include=comments`: the direct ones."),
            "created_by": {**ref("Person"), "description": "With `include=created_by`."},
            "incomplete": {
                **array(words("history_events", "comments")),
                "description": "What is included only in part; absent where all of it is there.",
            },
        },
        id=ID,
        truncated_id=SHORT_ID,
        subtype=words("text", "comment", "reminder", "table", "statement"),
        edit_access=words("owner", "members"),
        title=text("Sharpen weekly."),
        text=text("Sharpen weekly.\n\nSee the rota."),
        deadline=MOMENT,
        confirmed_reads=COUNT,
        created_at=MOMENT,
        updated_at=MOMENT,
        created_by_id=ID,
        updated_by_id=ID,
        commentable_type={"type": ["string", "null"], "examples": [None]},
        commentable_id={"type": ["string", "null"], "format": "uuid", "examples": [None]},
        statementable_type=always_null(KEPT),
        statementable_id=always_null(KEPT),
        reminder_notification_id=always_null(KEPT),
        reminder_scheduled_for=always_null(KEPT),
        collective_id=ID,
        path=text("/collectives/kitchen/n/3f0c7a52"),
        url=text("http://garden.localhost:8000/collectives/kitchen/n/3f0c7a52", format="uri"),
    ),
    "HistoryEvent": record(
        "Something that happened to a note.",
        id=ID,
        note_id=ID,
        user_id=or_null(ID),
        event_type=text("read_confirmation"),
        description=text("confirmed reading this note"),
        happened_at=MOMENT,
    ),
    "Person": record(
        "Somebody in short, as other objects include them.",
        id=ID,
        user_type=USER_TYPE,
        display_name=text("Alice"),
        handle=text("alice"),
        path=text("/u/alice"),
    ),
    "Collective": record("", {"note": NOTICE}, **COLLECTIVE),
    "ListedCollective": record(
        "A collective in a list. While its API switch is off, tokens see its name only.",
        **{
            name: shown if name in SHOWN_CLOSED else or_null(shown)
            for name, shown in COLLECTIVE.items()
        },
    ),
    "Member": record(
        "",
        id=ID,
        handle=text("alice"),
        display_name=text("Alice"),
        user_type=USER_TYPE,
        roles=ROLES,
        created_at=MOMENT,
    ),
    "User": record(
        "",
        {
            "note": NOTICE,
            "token": text("hmn_…", description="Only with `generate_token`."),
            "omitted": OMITTED,
            "incomplete": {
                **array(words("pinned_items")),
                "description": "Present when some pins are left out, because of their size.",
            },
        },
        id=ID,
        user_type=USER_TYPE,
        email=or_null(text("alice@example.org")),
        display_name=text("Alice"),
        handle=text("alice"),
        image_url=text("/placeholder.png"),
        pinned_items=array(
            record(
                item={
                    "type": "object",
                    "description": "The pinned object, and its kind as `item_type`.",
                    "examples": [{"item_type": "Note"}],
                },
                pinned_at=MOMENT,
            )
        ),
        created_at=MOMENT,
        updated_at=MOMENT,
        archived_at={**or_null(MOMENT), "examples": [None]},
        parent_id={**or_null(ID), "examples": [None]},
        path=text("/u/alice"),
    ),
    "Token": record(
        "An API token, without its plaintext.",
        id=ID,
        name=or_null(text("ci")),
        user_id=ID,
        token_prefix=text("hmn_k3Zq"),
        scopes=SCOPES,
        active=FLAG,
        expires_at=MOMENT,
        last_used_at=or_null(MOMENT),
        created_at=MOMENT,
        updated_at=MOMENT,
        token_type=words("rest"),
        last_used_from=or_null(text("203.0.113.0/24", description="A network, never an address.")),
        last_used_by=or_null(text("curl", description="The client's own word for itself.")),
        successor_id={
            **or_null(ID),
            "description": "What it was rotated into, while that is there.",
            "examples": [None],
        },
    ),
}

PLAINTEXT = text("hmn_…", description="The plaintext, in this answer alone.")
OBJECTS["NewToken"] = record(
    "A token just made: the only answer that holds its plaintext.",
    **OBJECTS["Token"]["properties"],
    token=PLAINTEXT,
)
OBJECTS["Successor"] = record(
    "A token that takes another's place, with its plaintext.",
    **OBJECTS["NewToken"]["properties"],
    replaces=record(id=ID, active=FLAG, expires_at=MOMENT),
)
OBSTACLE = record(
    code=text("api_disabled_collective"),
    reason=text("API is off in this collective."),
    cure=or_null(text("Alice can turn it on in its settings.")),
    path=or_null(text("/collectives/kitchen/settings")),
    who=array(record(handle=text("alice"), name=text("Alice"))),
)
OBJECTS["TokenInUse"] = record(
    "The token of the request, where it gets in, and how much of its rate is left.",
    **OBJECTS["Token"]["properties"],
    reach=array(
        record(
            collective=record(
                id=ID,
                handle=text("kitchen"),
                name=text("Kitchen"),
                kind=words("standard", "private_workspace", "chat"),
                path=text("/collectives/kitchen"),
                api_path=text("/collectives/kitchen/api/v1"),
            ),
            open=FLAG,
            scopes=SCOPES,
            note={"type": ["string", "null"], "examples": [None]},
            limit={"anyOf": [OBSTACLE, {"type": "null"}], "examples": [None]},
            obstacles=array(OBSTACLE),
        )
    ),
    rate={
        "type": "object",
        "additionalProperties": record(limit=COUNT, remaining=COUNT, reset=COUNT),
        "examples": [{"requests": {"limit": 300, "remaining": 299, "reset": 41}}],
    },
    now=MOMENT,
)


def example_of(schema: Schema) -> Any:
    """Return a value that a schema of these describes."""
    if "$ref" in schema:
        return example_of(OBJECTS[schema["$ref"].rpartition("/")[2]])
    for name in ("examples", "enum"):
        if name in schema:
            return schema[name][0]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object":
        shown = schema.get("required", ())
        return {name: example_of(schema["properties"][name]) for name in shown}
    if kind == "array":
        return [example_of(schema["items"])]
    return {"string": "…", "integer": 1, "boolean": True}[kind]
