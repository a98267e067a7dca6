"""The configuration of each client, as pages show it."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from typing import Any

import pytest
import yaml

from tests.fixtures.html import parsed
from tokens.connect.harnesses import HARNESSES, PLACEHOLDER

pytestmark = pytest.mark.one_database

URL = "http://garden.localhost/mcp"
SERVER = "harmonic-scout"
VARIABLE = "HARMONIC_MCP_TOKEN_SCOUT"
TOKEN = re.compile(r"hmn_\w{42}")
COMMON = ["claude-code", "claude-desktop", "cursor", "vscode", "codex", "cline", "goose", "mcp"]
COMMON += ["curl", "env"]
JSON_CLIENTS = ["claude-desktop", "cursor", "cline", "mcp"]


def shown(content: bytes, language: str) -> list[str]:
    """Return the snippets of a language on a page."""
    return [each.text for each in parsed(content).select(f'code[data-language="{language}"]')]


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL)


def path_of(harness: str) -> str:
    return f"/ai-agents/scout/connect/{harness}"


@pytest.fixture(params=["placeholder", "token"])
def snippets(request, page) -> Any:
    """Return a function that returns the snippets of a client with the token in them."""
    alice = page("alice")

    def of(harness: str, language: str) -> tuple[list[str], str]:
        if request.param == "placeholder":
            return shown(alice.get(path_of(harness)).content, language), PLACEHOLDER
        answer = alice.post(path_of(harness))
        (token,) = set(TOKEN.findall(answer.content.decode()))
        return shown(answer.content, language), token

    return of


@pytest.mark.parametrize("harness", JSON_CLIENTS)
def test_json_has_the_address_and_the_token_in_a_header(snippets, harness):
    texts, token = snippets(harness, "json")

    entry = json.loads(texts[0])["mcpServers"][SERVER]

    assert entry["url"] == URL
    assert entry["headers"] == {"Authorization": f"Bearer {token}"}
    more = {key: value for key, value in entry.items() if key not in {"url", "headers"}}
    own = {"type": "streamableHttp", "disabled": False, "autoApprove": []}
    assert more == (own if harness == "cline" else {"type": "http"})


def test_vs_code_has_its_own_form_of_json(snippets):
    (text,), token = snippets("vscode", "json")

    headers = {"Authorization": f"Bearer {token}"}
    assert json.loads(text) == {
        "servers": {SERVER: {"type": "http", "url": URL, "headers": headers}}
    }


def test_the_bridge_of_claude_desktop_has_the_token_in_its_environment(snippets):
    (_, text), token = snippets("claude-desktop", "json")

    bridge = json.loads(text)["mcpServers"][SERVER]

    assert bridge["args"] == [
        "-y",
        "mcp-remote",
        URL,
        "--allow-http",
        "--header",
        "Authorization:${AUTHORIZATION}",
    ]
    assert bridge["env"] == {"AUTHORIZATION": f"Bearer {token}"}


def test_claude_code_is_connected_by_one_command(snippets):
    (command,), token = snippets("claude-code", "sh")

    add = ["claude", "mcp", "add", "--transport", "http", SERVER, URL]
    assert shlex.split(command) == [*add, "--header", f"Authorization: Bearer {token}"]


def test_codex_reads_the_token_from_the_environment(snippets):
    (commands,), token = snippets("codex", "sh")
    (table,), _ = snippets("codex", "toml")

    export, add = map(shlex.split, commands.splitlines())
    assert export == ["export", f"{VARIABLE}={token}"]
    assert add == ["codex", "mcp", "add", SERVER, "--url", URL, "--bearer-token-env-var", VARIABLE]
    entry = {"url": URL, "bearer_token_env_var": VARIABLE}
    assert tomllib.loads(table) == {"mcp_servers": {SERVER: entry}}


def test_continue_is_configured_in_yaml(snippets):
    (text,), token = snippets("continue", "yaml")

    options = {"headers": {"Authorization": f"Bearer {token}"}}
    server = {"name": SERVER, "type": "streamable-http", "url": URL, "requestOptions": options}
    assert yaml.safe_load(text)["mcpServers"] == [server]


def test_goose_is_configured_in_yaml_or_with_a_header_value(snippets):
    (text,), token = snippets("goose", "yaml")
    (_, value_token) = (values, _) = snippets("goose", "text")

    extension = yaml.safe_load(text)["extensions"][SERVER]
    assert extension["type"] == "streamable_http"
    assert extension["uri"] == URL
    assert extension["headers"] == {"Authorization": f"Bearer {token}"}
    assert values == [f"Bearer {value_token}"]


def test_curl_reads_a_page_over_mcp(snippets):
    (command,), token = snippets("curl", "sh")

    _, *arguments, url = shlex.split(command)

    assert arguments[:2] == ["-H", f"Authorization: Bearer {token}"]
    assert json.loads(arguments[-1])["method"] == "tools/call"
    assert url == URL


def test_the_env_line_has_the_token_under_the_name_of_the_agent(snippets):
    (line,), token = snippets("env", "env")

    assert line == f"{VARIABLE}={token}"


@pytest.mark.parametrize("harness", ["codex-cloud", "hermes-agent", "openclaw"])
def test_other_clients_get_the_address_the_token_and_help(snippets, page, harness):
    texts, token = snippets(harness, "text")

    assert texts == [URL, token]
    help_path = f"/help/mcp/connect/{harness}"
    links = parsed(page("alice").get(path_of(harness)).content).select("main a")
    assert help_path in [link["href"] for link in links]


@pytest.mark.parametrize("harness", HARNESSES)
def test_help_describes_every_client_without_an_account(anonymous, harness):
    text = anonymous().get(f"/help/mcp/connect/{harness}.md").content.decode()

    assert f"# Connecting {HARNESSES[harness].label}" in text
    assert URL in text or harness == "env"
    for block in fenced(text, "json"):
        json.loads(block)


def test_help_on_an_unknown_client_is_not_found(anonymous):
    answer = anonymous().get("/help/mcp/connect/cursr")

    assert answer.status_code == 404
    assert "cursor" in answer.content.decode()


@pytest.mark.parametrize("harness", HARNESSES)
def test_no_url_contains_a_token(page, harness):
    answer = page("alice").post(path_of(harness))

    (token,) = set(TOKEN.findall(answer.content.decode()))
    tree = parsed(answer.content)
    urls = [
        element[name] for name in ("href", "src", "action") for element in tree.select(f"[{name}]")
    ]
    urls += re.findall(r"https?://[^\s\"'<]+", tree.get_text(" "))
    assert urls
    assert not [url for url in urls if token in url]


@pytest.mark.parametrize("path", ["/ai-agents/scout", "/u/scout/settings/tokens/{id}"])
def test_pages_have_every_common_client_with_a_placeholder(page, path):
    alice = page("alice")
    made = alice.post(path_of("env"))
    (token_id,) = re.findall(
        r'data-stored href="/u/scout/settings/tokens/([^"]+)"', made.content.decode()
    )

    content = alice.get(path.format(id=token_id)).content

    bodies = parsed(content).select("details .tabs__body")
    assert [body["id"] for body in bodies] == [f"connect-{key}" for key in COMMON]
    assert all(PLACEHOLDER in body.text for body in bodies)
    assert not TOKEN.search(content.decode())


@pytest.mark.parametrize("handle", ["alice", "scout"])
@pytest.mark.parametrize("suffix", ["", ".md"])
def test_a_new_token_is_in_the_configuration_of_every_common_client(page, handle, suffix):
    create = f"/u/{handle}/settings/tokens/new/actions/create_api_token{suffix}"

    text = page("alice").post(create, {"name": "ci", "read_write": "write"}).content.decode()

    (token,) = set(TOKEN.findall(text))
    read = fenced if suffix else lambda text, language: shown(text.encode(), language)
    servers = [json.loads(block) for block in read(text, "json")]
    assert [list(each.get("mcpServers") or each["servers"]) for each in servers] == (
        [[f"harmonic-{handle}"]] * 6
    )
    assert read(text, "env") == [f"HARMONIC_MCP_TOKEN_{handle.upper()}={token}"]
    assert all(token in block for block in read(text, "json"))


def test_an_agent_created_with_a_token_gets_the_configuration(page):
    sent = {"name": "Gardener", "generate_token": "true"}

    text = page("alice").post("/ai-agents/new", sent).content

    (command,) = [each for each in shown(text, "sh") if each.startswith("claude")]
    assert "harmonic-gardener" in command
    assert TOKEN.search(command)
