"""Help topics are public and accurate, and the documents are complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Tenant
from api.codes import CODES
from api.openapi.build import MEDIA_TYPE, PROBLEM_TYPE
from api.openapi.document import document
from api.openapi.parts import HEADERS
from api.openapi.reference import reference
from api.v1.info import routes_at
from harmonic import urls as _urls  # noqa: F401 mounts every page
from harmonic.kernel.parameters.decoding import FORMS
from harmonic.kernel.registry import actions
from harmonic.site.help import TOPICS
from tests.fixtures.world import ClientFor
from tokens.models import ApiToken

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
SLUGS = [topic.slug for topic in TOPICS]
HOSTS = [f"{name}.{settings.HOST}" for name in ("garden", "harbor", "summit")] + [settings.HOST]

# The facts that each of the product's ten promises must state.
PROMISES = {
    "two surfaces share the tokens": ["/help/markdown-ui", "/help/rest-api", "the same tokens"],
    "the token goes in a header": [
        "Authorization: Bearer",
        "REST API accepts no other credentials",
        ".md",
    ],
    "where tokens are": [
        "/u/{handle}/settings/tokens",
        "one user in one tenant",
        "is shown once, when the token is made",
    ],
    "only people make tokens": [
        "Only people make tokens",
        "an AI agent they manage",
        "/ai-agents",
        "Create Token",
        "acts as the agent",
        "stays responsible",
    ],
    "agents only use them": ["Agents cannot create, change or delete tokens"],
    "internal agents": ["Internal agents are run by Harmonic itself", "no manual way to make one"],
    "what a token has": [
        "a name",
        "read-only, or read + write",
        "in hours, days, weeks or months",
        f"{ApiToken.MAX_LIFETIME_MONTHS} months at most",
    ],
    "the cap": [f"at most {ApiToken.MAX_ACTIVE} active tokens at a time", "frees its place"],
    "the switches": ["tenant admins", "admins of the collective", "/tenant-admin/settings"],
    "either switch off": ["If either switch is off, the response is 403 Forbidden"],
}


def text_of(client: Client, path: str, host: str = HOSTS[0]) -> str:
    """Return a page's Markdown without code marks, with links as labels and their targets last."""
    body = client.get(path, headers={"host": host}).content.decode().replace("`", "")
    targets = re.findall(r"\]\((/help[^)]*)\)", body)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", body) + "\n".join(targets)


# --- The help -------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("suffix", ["", ".md"])
def test_help_is_public_on_every_host(host: str, slug: str, suffix: str) -> None:
    answer = Client().get(f"/help/{slug}{suffix}", headers={"host": host})

    assert answer.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("host", HOSTS)
def test_the_index_links_every_topic(host: str) -> None:
    body = Client().get("/help.md", headers={"host": host}).content.decode()

    assert all(f"({topic.path})" in body for topic in TOPICS)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_token_can_read_help_while_the_api_is_disabled(api: ClientFor, slug: str) -> None:
    answer = api("alice", tenant="harbor").get(f"/help/{slug}")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/markdown")


def test_help_is_served_while_all_switches_are_off(anonymous: ClientFor) -> None:
    Tenant.objects.update(is_api_enabled=False, is_ai_agents_enabled=False)

    assert anonymous("garden").get("/help/api").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("host", HOSTS)
def test_an_unknown_topic_is_404_and_lists_the_topics(host: str) -> None:
    answer = Client().get("/help/nonsense.md", headers={"host": host})

    body = answer.content.decode()
    assert answer.status_code == 404
    assert all(f"[{topic.title}]({topic.path})" in body for topic in TOPICS)


@pytest.mark.django_db
@pytest.mark.parametrize("promise", PROMISES)
def test_the_api_topic_states_the_promises(promise: str) -> None:
    body = text_of(Client(), "/help/api.md")

    missing = [fact for fact in PROMISES[promise] if fact not in body]
    assert not missing


@pytest.mark.django_db
@pytest.mark.parametrize("slug", [*SLUGS, ""])
def test_help_in_markdown_has_no_actions(slug: str) -> None:
    body = Client().get(f"/help/{slug}.md".replace("/.", "."), headers={"host": HOSTS[0]})

    assert body.status_code == 200
    assert "actions:" not in body.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", SLUGS)
def test_help_in_markdown_contains_no_html(slug: str) -> None:
    body = Client().get(f"/help/{slug}.md", headers={"host": HOSTS[0]}).content.decode()

    assert not re.search(r"<[a-z]|&[a-z]+;|&#", body)
    assert "\nCopy\n" not in body


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["api", "rest-api", "markdown-ui"])
@pytest.mark.parametrize("suffix", ["", ".md"])
@pytest.mark.parametrize(("scheme", "port"), [("http", ""), ("http", ":8000"), ("https", "")])
def test_examples_use_the_origin_of_the_request(
    slug: str, suffix: str, scheme: str, port: str
) -> None:
    client, path = Client(), f"/help/{slug}{suffix}"
    sites = {
        host: re.findall(
            r"SITE=(\S+)",
            client.get(
                path, headers={"host": f"{host}{port}"}, secure=scheme == "https", SERVER_PORT=8000
            ).content.decode(),
        )
        for host in (HOSTS[2], HOSTS[3])
    }

    assert sites == {
        HOSTS[2]: [f"{scheme}://{HOSTS[2]}{port}"],
        HOSTS[3]: [f"{scheme}://your-community.{HOSTS[3]}{port}"],
    }


@pytest.mark.django_db
def test_the_rest_topic_lists_exactly_the_routes() -> None:
    body = Client().get("/help/rest-api.md", headers={"host": HOSTS[0]}).content.decode()

    rows = re.findall(r"^\| ([A-Z, ]+) \| `(/\S*)` \|", body, re.MULTILINE)
    told = {
        (method, f"/api/v1{path}".rstrip("/"))
        for methods, path in rows
        for method in methods.split(", ")
    }
    real = {(method, each["path"]) for each in routes_at("api/v1") for method in each["methods"]}
    assert ("GET", "/api/v1/tokens/self") in told
    assert ("POST", "/api/v1/users/:user_id/tokens/:token_id/rotate") in told
    assert told == real


@pytest.mark.django_db
@pytest.mark.parametrize(
    "word",
    "/api/v1/docs /api/v1/openapi.json ETag If-None-Match If-Match Idempotency-Key"
    " application/problem+json 409 412 429 Retry-After".split(),
)
def test_the_rest_topic_mentions_the_protocol_features(word: str) -> None:
    assert word in text_of(Client(), "/help/rest-api.md")


@pytest.mark.django_db
@pytest.mark.parametrize("host", [HOSTS[0], HOSTS[3]])
@pytest.mark.parametrize("path", ["/", "/help", "/help/rest-api", "/motto"])
@pytest.mark.parametrize("accept", ["text/html", "text/markdown"])
def test_public_links_are_not_broken(host: str, path: str, accept: str) -> None:
    client = Client(headers={"host": host})
    body = client.get(path, headers={"accept": accept}).content.decode()

    links = re.findall(r"""(?:\]\(|<a[^>]* href=")(/[^)"]*)""", body)
    broken = {link for link in set(links) if client.get(link).status_code == 404}
    assert links or path == "/"
    assert broken == set()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", SLUGS)
def test_help_links_are_not_broken(slug: str) -> None:
    body = Client().get(f"/help/{slug}.md", headers={"host": HOSTS[0]}).content.decode()

    for target in set(re.findall(r"\]\((/[^)]*)\)", body)) - {"/"}:
        assert Client().get(target, headers={"host": HOSTS[0]}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("host", [HOSTS[0], HOSTS[3]])
def test_llms_txt_and_the_guide_for_agents_link_the_reference(host: str) -> None:
    client = Client(headers={"host": host})
    guides = [client.get("/llms.txt").content.decode(), (ROOT / "docs/agents.md").read_text()]

    for guide in guides:
        assert "/api/v1/docs.md" in guide
        assert "/api/v1/openapi.json" in guide
    links = re.findall(rf"\(http://{host}(/[^)]*)\)", guides[0])
    assert {link for link in links if client.get(link).status_code == 404} == set()


# --- The docs -------------------------------------------------------------------------------


def docs() -> str:
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(file.read_text() for file in files)


def make_targets() -> set[str]:
    rules = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return {name for name in rules if not name.startswith("venv-")}


def sources() -> Iterator[str]:
    for folder in ("harmonic", "accounts", "tokens", "collectives", "api", "bin"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix == ".py" or (folder == "bin" and file.is_file()):
                yield file.read_text()


def settings_in_code() -> set[str]:
    asked = r'(?:os\.environ(?:\.get\(|\[)|env\.\w+\()\s*"([A-Z_]+)"'
    named = r"\b(HARMONIC_[A-Z_]+)\b"
    return {
        name for code in sources() for name in (*re.findall(asked, code), *re.findall(named, code))
    }


def test_docs_name_every_make_target() -> None:
    text = docs()

    assert {"run", "test"} <= make_targets()
    assert [name for name in sorted(make_targets()) if f"make {name}" not in text] == []


def test_docs_name_every_setting() -> None:
    text = docs()

    assert {"HARMONIC_HOST", "SESSION_IDLE_TIMEOUT"} <= settings_in_code()
    named = set(re.findall(r"[` ]([A-Z_]+)(?:`|=\S)", text))
    assert [name for name in sorted(settings_in_code()) if name not in named] == []


def test_docs_name_every_action() -> None:
    text = (ROOT / "docs/actions.md").read_text()

    assert len(actions()) > 20
    assert [name for name in sorted(actions()) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    "name",
    ["CONTRIBUTING.md", "docs/architecture.md", "docs/api.md", "docs/agents.md"],
)
def test_links_between_documents_are_not_broken(name: str) -> None:
    file = ROOT / name

    targets = re.findall(r"\]\(([^)#:/\s][^)#:\s]*)(?:#[^)]*)?\)", file.read_text())
    missing = [target for target in targets if not (file.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["docs/api.md", "docs/agents.md", "docs/architecture.md"])
def test_links_to_sections_match_a_heading(name: str) -> None:
    file = ROOT / name

    for target, section in re.findall(r"\]\(([^)#:\s]*)#([^)]+)\)", file.read_text()):
        other = (file.parent / target) if target else file
        assert section in headings(other), f"{target}#{section}"


def headings(file: Path) -> set[str]:
    lines = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def documented_endpoints() -> set[tuple[str, str]]:
    """Return the method and path of each endpoint heading in docs/api.md."""
    text = (ROOT / "docs/api.md").read_text().replace("{base}", "/api/v1")
    found = re.findall(r"^### ([A-Z]+(?:, [A-Z]+)*) (/\S+)$", text, re.MULTILINE)
    return {
        (method, without_names(path)) for methods, path in found for method in methods.split(", ")
    }


def without_names(path: str) -> str:
    return re.sub(r":\w+", ":id", path)


def test_all_endpoints_are_listed_and_all_documented_ones_exist(api: ClientFor) -> None:
    routes = api("alice").get("/api/v1").json()["routes"]
    listed = re.findall(r"^\| `([A-Z]+) (/\S*)`", (ROOT / "docs/endpoints.md").read_text(), re.M)

    there = {(method, without_names(each["path"])) for each in routes for method in each["methods"]}
    paths = {(method, without_names(f"/api/v1{path}".rstrip("/"))) for method, path in listed}
    assert paths == there
    assert documented_endpoints() <= there


def test_docs_endpoints_md_is_current() -> None:
    assert (ROOT / "docs/endpoints.md").read_text() == reference()


def section(name: str) -> str:
    """Return a section of docs/api.md, from its heading to the next."""
    text = (ROOT / "docs/api.md").read_text()
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_all_error_codes_are_documented_with_their_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (`[^|]+`) \|", section("Errors"), re.MULTILINE)

    told = [(code, int(status)) for status, codes in rows for code in re.findall(r"\w+", codes)]
    assert len(told) == len(set(told))
    assert dict(told) == {name: code.status for name, code in CODES.items()}


def test_errors_of_the_server_itself_are_documented() -> None:
    statuses = set(
        re.findall(r"\b(4\d\d|50[13]),", (ROOT / "harmonic/server/errors.py").read_text())
    )

    assert {"408", "414", "431", "503"} <= statuses
    for text in (section("Errors"), document()["info"]["description"]):
        assert statuses <= set(re.findall(r"\b\d{3}\b", text))


def test_rate_limits_are_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\d+) \|", section("Rate limits"), re.MULTILINE)

    limits = {name: getattr(settings, f"LIMIT_{name.upper()}") for name, _ in rows}
    assert set(limits) == {"requests", "writes", "tenant"}
    assert {name: int(number) for name, number in rows} == limits


def test_headers_and_media_types_are_documented() -> None:
    text = (ROOT / "docs/api.md").read_text()

    words = [*HEADERS, MEDIA_TYPE, PROBLEM_TYPE, *FORMS]
    assert [word for word in words if word not in text] == []
