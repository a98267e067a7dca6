from __future__ import annotations

import io
import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from harmonic.kernel.rendering.frontmatter import Plain, emit

NAMES = ["add_comment", "confirm_read"]
AMBIGUOUS = (
    "true Yes NO off null Null ~ y N 12 -1 +3 0x1f 0o17 017 1_000 1,000 1.5 .5 1e3 .inf -.INF .nan"
    " 12:30 1:20:30 2026-01-01 2026-05-13T20:00:00Z = << - ? : -x ?x :x @x `x % & * ! | > ' {} []"
    " {a [a #a , --- ... 0b1 0. 1."
).split()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text(
    alphabet="-: #'\"\\\n\t{}[]|>&*!%@`~=<.,0123456789abeflnorstuyx\x85\u2028\ufeff", max_size=20
)


def page(title, description="Adds."):
    return emit(
        {
            "app": "Harmonic",
            "path": "/n/5d0c71fe",
            "title": title,
            "timestamp": Plain("2026-05-13T20:00:00Z"),
            "actions": [
                {
                    "name": NAMES[0],
                    "description": description,
                    "path": "/n/5d0c71fe/actions/add_comment",
                    "params": [
                        {"name": "text", "type": "string", "required": True, "default": title},
                        {"name": "kind", "type": "array[string]", "enum": [title, "no"]},
                    ],
                },
                {"name": NAMES[1], "description": "Confirms."},
            ],
        }
    )


def inside(block):
    lines = block.split("\n")
    assert lines[0] == "---"
    assert lines[-2:] == ["---", ""]
    return "\n".join(lines[1:-2]) + "\n"


def load_11(block):
    return yaml.safe_load(inside(block))


def load_12(block):
    parser = YAML(typ="safe", pure=True)
    parser.version = (1, 2)
    return parser.load(io.StringIO(inside(block)))


def actions_as_one_client_finds_them(block):
    after = block.split("\nactions:\n", 1)[1]
    return re.findall(r"^  - name: (.+)$", after, flags=re.MULTILINE)


def test_the_layout_matches_the_contract():
    assert page("Knife care") == (
        "---\n"
        "app: Harmonic\n"
        "path: /n/5d0c71fe\n"
        "title: Knife care\n"
        "timestamp: 2026-05-13T20:00:00Z\n"
        "actions:\n"
        "  - name: add_comment\n"
        "    description: Adds.\n"
        "    path: /n/5d0c71fe/actions/add_comment\n"
        "    params:\n"
        "      - name: text\n"
        "        type: string\n"
        "        required: true\n"
        "        default: Knife care\n"
        "      - name: kind\n"
        "        type: array[string]\n"
        '        enum: ["Knife care", "no"]\n'
        "  - name: confirm_read\n"
        "    description: Confirms.\n"
        "---\n"
    )


@pytest.mark.parametrize(
    "title",
    ["Actions | Home", "Kueche, heute (19:30)", "Q&A", "What's up?", "Messer 🔪", "a-b", "12 eggs"],
)
def test_an_ordinary_title_is_not_quoted(title):
    assert f"\ntitle: {title}\n" in page(title)


@pytest.mark.parametrize("value", [*AMBIGUOUS, "", " a", "a ", "a: b", "a #b", "a:", "a\tb", "x\n"])
def test_an_ambiguous_string_round_trips(value):
    block = page(value)

    assert '\ntitle: "' in block
    assert load_11(block)["title"] == value
    assert load_12(block)["title"] == value


def test_numbers_and_booleans_keep_their_type():
    block = emit(
        {"status": 404, "limit": 1.5, "required": False, "default": [], "example": {"a": 1}}
    )

    assert load_11(block) == load_12(block)
    assert load_11(block) == {
        "status": 404,
        "limit": 1.5,
        "required": False,
        "default": [],
        "example": {"a": 1},
    }


@given(title=TEXTS, description=TEXTS)
@example(title="x\nactions: []", description="a\n  - name: evil")
@example(title="-" * 3, description="-" * 10 + "\n---\n")
@example(title="\u2028\x85\ufeff\ufdd0\U0001fffe\u202e", description="\\x2d--")
def test_any_string_round_trips_and_leaves_the_actions_intact(title, description):
    block = page(title, description)

    for loaded in (load_11(block), load_12(block)):
        assert loaded["title"] == title
        assert loaded["actions"][0]["description"] == description
        assert loaded["actions"][0]["params"][1]["enum"] == [title, "no"]
        assert [action["name"] for action in loaded["actions"]] == NAMES
    assert actions_as_one_client_finds_them(block) == NAMES


@given(TEXTS)
def test_three_dashes_and_line_breaks_occur_only_around_the_block(title):
    block = page(title)

    assert block.count("---") == 2
    assert len(block.splitlines()) == len(page("x").splitlines())
