"""Examples in the README, docs and help run, and transcripts match the responses."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands
from django.test import Client
from environs import Env

from harmonic.runner import environment
from harmonic.site.help import TOPICS
from tests.fixtures.world import World, make_token, token_client

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
FENCE = re.compile(r"^(?P<marks>`{3,})\w*\n(?P<code>.*?)^(?P=marks)$", re.MULTILINE | re.DOTALL)
# The address of the demo tenant garden under `make run`.
SITE = f"http://garden.{settings.HOST}:8000"
SHOWN_ID, SHOWN_OWN_ID = "9d8894f2", "88af40e3"
# Values that differ between runs.
VARYING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|(?:/n/|(?<=\[))[0-9a-f]{8}|hmn_\w+")


@dataclass(frozen=True, slots=True)
class Curl:
    """A curl command in a document."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    # The origin, such as `http://garden.localhost:8000`; "" if the document has none.
    site: str = ""

    @property
    def variable(self) -> str:
        """Return the name of the shell variable with the token."""
        return self.headers["Authorization"].rpartition("$")[2]

    def run(self, client: Client) -> Any:
        kind = self.headers.get("Content-Type", "application/octet-stream")
        headers = {"accept": self.headers["Accept"]} if "Accept" in self.headers else {}
        origin = urlsplit(self.site)
        if self.site:
            headers["host"] = origin.netloc
        return client.generic(
            self.method,
            self.path,
            self.body,
            content_type=kind,
            headers=headers,
            secure=origin.scheme == "https",
        )


def curl_of(command: str, site: str = "") -> Curl:
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    method, path, body, query = "", "", "", list[tuple[str, str]]()
    headers: dict[str, str] = {}
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        elif word == "-X":
            method = next(words)
        elif word == "--data-urlencode":
            name, _, value = next(words).partition("=")
            query.append((name, value))
        elif word.startswith("$SITE"):
            path = word.removeprefix("$SITE")
        else:
            assert word in {"-i", "--get"}, f"{word} is not understood in {command}"
    if query:
        assert "--get" in command, f"{command} would send its query as a body"
        path = f"{path}?{urlencode(query)}"
    return Curl(method or ("POST" if body else "GET"), path, headers, body, site)


def blocks(text: str) -> list[str]:
    return [match["code"] for match in FENCE.finditer(text)]


def commands(text: str) -> list[Curl]:
    """Return the curl commands of a document outside of transcripts."""
    lines = "\n".join(code for code in blocks(text) if not code.startswith("$ "))
    found = re.findall(r"^curl (?:.*\\\n)*.*$", lines, re.MULTILINE)
    site = site_of(text)
    return [curl_of(command, site) for command in found]


# A path and the body that is sent there, as help shows actions. Further lines of the body are
# indented.
ACTION = re.compile(r"^POST (?P<path>/\S+)(?:\n(?P<body>\{.*(?:\n +.*)*\}))?$", re.MULTILINE)


def site_of(text: str) -> str:
    """Return the value of SITE in a document, from a block or a sentence."""
    said = set(re.findall(r"^SITE=(\S+)$|`SITE=([^`\s]+)`", text, re.MULTILINE))
    assert len(said) <= 1, said
    return "".join("".join(pair) for pair in said)


def example_files() -> Iterator[str]:
    yield from ("README.md", "docs/api.md")
    yield from (f"help/{topic.slug}" for topic in TOPICS)


def text_of(name: str) -> str:
    if name.startswith("help/"):
        host = SITE.removeprefix("http://")
        return Client().get(f"/{name}.md", headers={"host": host}).content.decode()
    return (ROOT / name).read_text()


def status_expected(curl: Curl) -> int:
    return 403 if curl.path.startswith("/collectives/treasury") else 200


# --- Examples -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(example_files()))
def test_examples_return_the_documented_status(name: str, world: World) -> None:
    clients = {
        "TOKEN": token_client(make_token("alice")),
        "AGENT": token_client(make_token("alice", agent="scout")),
    }

    for curl in commands(text_of(name)):
        answer = curl.run(clients[curl.variable])
        assert curl.site == SITE
        assert answer.status_code == status_expected(curl), f"{curl.method} {curl.path}"


@pytest.mark.parametrize("name", [name for name in example_files() if name.startswith("help/")])
def test_actions_of_help_succeed_in_the_order_shown(name: str, world: World) -> None:
    client, made = token_client(make_token("alice")), {"id": ""}

    for action in ACTION.finditer("\n".join(blocks(text_of(name)))):
        path = f"{action['path'].replace('{id}', made['id'])}.json"
        answer = client.post(path, json.loads(action["body"]), "application/json")
        assert answer.status_code == 200, f"{path}: {answer.text}"
        made = answer.json()["resource"] if made["id"] == "" else made


def test_examples_use_the_default_address_of_the_server() -> None:
    port = re.search(r"'HARMONIC_PORT', '(\d+)'", (ROOT / "harmonic/server/config.py").read_text())

    assert port
    assert SITE.endswith(f":{port[1]}")


def test_the_readme_has_examples_of_both_interfaces_and_a_write() -> None:
    shown = commands(text_of("README.md"))

    assert {curl.variable for curl in shown} == {"TOKEN", "AGENT"}
    assert any("/api/v1" in curl.path for curl in shown)
    assert any(curl.path.endswith(".md") for curl in shown)
    assert any(curl.method == "POST" for curl in shown)


# --- Every block ----------------------------------------------------------------------------


def manuals() -> list[str]:
    return [*example_files(), "docs/agents.md", "docs/operations.md", "CONTRIBUTING.md"]


def lines_of(code: str) -> list[str]:
    """Return the commands of a block without comments, with continued lines joined."""
    joined = re.sub(r"(?<=[,\[{])\n +", " ", code.replace("\\\n", " "))
    bare = (line.partition("  #")[0].strip() for line in joined.splitlines())
    return [line for line in bare if line and not line.startswith("#")]


def is_known(line: str) -> bool:
    """Return whether a test checks a line of a shell block."""
    if line.startswith("curl ") or ACTION.match(line) or is_answer(line):
        return True  # run above
    if line.startswith("make "):
        return bool(re.search(rf"^{line.split()[1]}:", (ROOT / "Makefile").read_text(), re.M))
    if line.startswith(".venv/bin/python manage.py "):
        return line.split()[2] in get_commands()  # run below, with its arguments
    if line.startswith("claude "):
        return bool(re.fullmatch(r"claude mcp add --transport http \S+ \S+/mcp +--header .+", line))
    if line.endswith(" make run"):
        return WITH_MODEL.fullmatch(line) is not None  # read below
    if line.startswith(("ollama ", "OLLAMA_", "vllm ")):
        return MODEL_SERVER.fullmatch(line) is not None
    return bool(re.fullmatch(r"(SITE|TOKEN|AGENT)=\S+", line))


# The settings of a model before `make run`, and the servers of models.
WITH_MODEL = re.compile(r"(?P<settings>(HARMONIC_LLM_\w+=\S+ )+)make run")
MODEL_SERVER = re.compile(
    r"(OLLAMA_CONTEXT_LENGTH=\d+ )?ollama (serve|pull (?P<pulled>\S+))"
    r"|vllm serve (?P<served>\S+) --port \d+( --[\w-]+( [^\s-]\S*)?)+"
)


def is_answer(code: str) -> bool:
    return code.startswith(("{", "["))


@pytest.mark.parametrize("name", manuals())
def test_every_shell_line_is_checked_by_a_test(name: str, db: None) -> None:
    shell = [code for code in blocks(text_of(name)) if not code.startswith("$ ")]

    unknown = [
        line
        for code in shell
        if not is_answer(code)
        for line in lines_of(code)
        if not is_known(line)
    ]

    assert unknown == []


@pytest.mark.parametrize("name", ["README.md", "docs/agents.md"])
def test_documented_models_can_be_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for code in shown_in(name) for line in lines_of(code)]
    offered = {
        model
        for match in map(MODEL_SERVER.fullmatch, lines)
        if match and (model := match["pulled"] or match["served"])
    }
    for match in filter(None, map(WITH_MODEL.fullmatch, lines)):
        for setting in shlex.split(match["settings"]):
            monkeypatch.setenv(*setting.split("=", 1))
        known = environment.read(Env())
        assert known.url.endswith("/v1")
        if "localhost" in known.url and offered:
            assert set(known.models) <= offered


def management_commands() -> list[str]:
    texts = "\n".join(code for name in ("README.md", "docs/agents.md") for code in shown_in(name))
    return sorted({line for line in lines_of(texts) if "manage.py" in line})


def shown_in(name: str) -> list[str]:
    return blocks((ROOT / name).read_text())


@pytest.mark.parametrize("line", management_commands())
def test_documented_commands_run(line: str, world: World, capsys: Any) -> None:
    _, _, command, *arguments = shlex.split(line)

    call_command(command, *arguments)

    assert "hmn_" in capsys.readouterr().out


def answers_shown() -> list[tuple[str, str]]:
    """Return the JSON blocks of the documents, with the name of the document."""
    return [
        (name, code)
        for name in ("README.md", "docs/api.md", "docs/agents.md")
        for code in shown_in(name)
        if is_answer(code)
    ]


def asked_for(shown: dict[str, Any], client: Client, world: World) -> Any:
    """Send the request that a JSON block documents, chosen by its fields."""
    notes = "/collectives/kitchen/api/v1/notes"
    if shown.get("code") == "api_disabled_collective":
        return client.get("/collectives/treasury/api/v1/notes")
    if shown.get("code") == "invalid":
        return client.post(notes, "{}", "application/json")
    if "routes" in shown:
        return client.get("/api/v1")
    if "event_type" in shown:
        bob = token_client(make_token("bob"))
        note = world.note("Knife care").truncated_id
        return bob.post(f"{notes}/{note}/confirm", "{}", "application/json")
    raise AssertionError(f"Add the request for the JSON with {sorted(shown)}")


def test_documented_json_matches_the_responses(world: World, db: None) -> None:
    client = token_client(make_token("alice"))
    shown = [json.loads(code) for _, code in answers_shown()]
    shown += [json.loads(code) for code in blocks(text_of("help/rest-api")) if is_answer(code)]

    for example in shown:
        answer = asked_for(example, client, world).json()
        assert set(example) <= set(answer), example
        if "error" in example:
            assert {**example, "request_id": answer["request_id"]} == answer
    assert len(shown) >= 4


# --- Transcripts ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transcript:
    """A command and the documented parts of its response."""

    curl: Curl
    status: int
    parts: list[str]


def transcripts(text: str) -> list[Transcript]:
    return [transcript_of(code) for code in blocks(text) if code.startswith("$ ")]


def transcript_of(code: str) -> Transcript:
    match = re.match(r"\$ (curl (?:.*\\\n)*.*)\n", code)
    assert match, code
    shown = code[match.end() :]
    status = re.match(r"HTTP/1\.1 (\d{3}) .*\n", shown)
    shown = shown[status.end() :] if status else shown
    parts = [part.strip("\n") for part in re.split(r"^…$", shown, flags=re.MULTILINE)]
    return Transcript(
        curl_of(match.group(1)), int(status.group(1)) if status else 0, [p for p in parts if p]
    )


SHOWN = transcripts((ROOT / "docs/agents.md").read_text())


@pytest.fixture
def with_ids_of(world: World) -> Callable[[str], str]:
    """Return a function that replaces documented IDs with those of the test world."""
    own = token_client(make_token("alice", agent="scout")).post(
        "/collectives/kitchen/note/actions/create_note",
        {"text": "All burners off."},
        headers={"accept": "application/json"},
    )
    ids = {
        SHOWN_ID: world.note("Knife care").truncated_id,
        SHOWN_OWN_ID: json.loads(own.content)["resource"]["id"],
    }

    def replaced(text: str) -> str:
        for shown, real in ids.items():
            text = text.replace(shown, real)
        return text

    return replaced


def names_of(shown: list[Transcript]) -> list[str]:
    return [f"{number} {each.curl.method} {each.curl.path}" for number, each in enumerate(shown)]


def steady(text: str) -> str:
    return VARYING.sub("~", text)


@pytest.mark.parametrize("shown", SHOWN, ids=names_of(SHOWN))
def test_transcripts_match_the_responses(
    shown: Transcript, with_ids_of: Callable[[str], str]
) -> None:
    curl = shown.curl
    real = Curl(curl.method, with_ids_of(curl.path), curl.headers, curl.body)

    answer = real.run(token_client(make_token("alice", agent="scout")))

    body = steady(answer.content.decode())
    assert shown.status in (0, answer.status_code)
    for part in shown.parts:
        assert steady(with_ids_of(part)) in body


def test_there_are_transcripts_of_reads_actions_and_errors() -> None:
    assert len(SHOWN) >= 7
    assert {each.curl.method for each in SHOWN} == {"GET", "POST"}
