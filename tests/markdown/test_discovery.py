"""Public entry points: `/llms.txt`, help, resource metadata and icons."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harmonic.site.help import TOPICS
from tests.markdown.reading import read

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("tenant", "name"), [("garden", "Garden Cooperative"), ("", "")])
def test_llms_txt_introduces_the_tenant(anonymous: Any, tenant: str, name: str) -> None:
    answer = anonymous(tenant).get("/llms.txt")

    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert text.startswith(f"# {name} on Harmonic\n" if name else "# Harmonic\n")
    assert "Authorization: Bearer TOKEN" in text
    assert "/u/HANDLE/settings/tokens" in text
    assert "/whoami.md" in text
    for topic in TOPICS:
        assert f"[{topic.title}](http://" in text
    assert "\n\n\n" not in text
    assert not re.search(r"&\w+;", text)


@pytest.mark.parametrize("tenant", ["garden", ""])
def test_links_of_llms_txt_work_without_signing_in(anonymous: Any, tenant: str) -> None:
    client = anonymous(tenant)
    links = re.findall(r"\(http://[^/]+(/help[^)]*)\)", client.get("/llms.txt").content.decode())

    assert len(links) == len(TOPICS) + 1
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200
        assert "actions" not in read(answer.content.decode()).fields


def test_llms_txt_is_the_same_for_everyone_and_has_a_tag(page: Any, anonymous: Any) -> None:
    first = anonymous().get("/llms.txt")

    assert page("alice").get("/llms.txt").content == first.content
    again = page("alice").get("/llms.txt", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_llms_txt_of_an_unknown_tenant_is_404(anonymous: Any) -> None:
    assert anonymous("nowhere").get("/llms.txt").status_code == 404


def test_the_name_of_a_tenant_is_escaped(anonymous: Any, world: Any) -> None:
    tenant = world.tenant()
    tenant.name = "[Evil](https://evil.example) <b>"
    tenant.save()

    [heading] = re.findall(r"^# .*$", anonymous().get("/llms.txt").content.decode(), re.M)

    assert heading == r"# \[Evil\](https\://evil.example) \<b\> on Harmonic"


def test_the_resource_metadata_is_public(anonymous: Any) -> None:
    answer = anonymous().get("/.well-known/oauth-protected-resource")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert told["resource"] == "http://garden.localhost"
    assert told["resource_name"] == "Garden Cooperative"
    assert told["bearer_methods_supported"] == ["header"]
    assert {"read:all", "create:notes", "delete:all"} <= set(told["scopes_supported"])
    assert anonymous().get(told["resource_documentation"]).status_code == 200
    assert anonymous("nowhere").get("/.well-known/oauth-protected-resource").status_code == 404


@pytest.mark.parametrize("tenant", ["garden", ""])
@pytest.mark.parametrize("method", ["get", "head"])
def test_favicon_redirects_to_the_icon_of_the_tenant(
    anonymous: Any, tenant: str, method: str
) -> None:
    answer = getattr(anonymous(tenant), method)("/favicon.ico", headers={"accept": "image/*"})

    assert answer.status_code == 301
    assert re.fullmatch(r"/static/icons/[a-z]+\.[0-9a-f]+\.svg", answer["Location"])
    assert answer["Cache-Control"] == "public, max-age=86400"
    icon = anonymous(tenant).get(answer["Location"])
    icon.close()
    assert (icon.status_code, icon["Content-Type"]) == (200, "image/svg+xml")


def test_favicon_refuses_writes_and_unknown_tenants(anonymous: Any) -> None:
    assert anonymous().post("/favicon.ico").status_code == 405
    assert anonymous("nowhere").get("/favicon.ico").status_code == 404


@pytest.mark.parametrize(
    ("tenant", "path"), [("", "/"), ("garden", "/login"), ("garden", "/help"), ("", "/help/api")]
)
def test_public_pages_have_descriptions_and_open_graph_tags(
    anonymous: Any, tenant: str, path: str
) -> None:
    page = anonymous(tenant).get(path, headers={"accept": "text/html"}).content.decode()

    described = re.findall(r'<meta (?:name|property)="([a-z:_]+)" content="([^"]+)">', page)

    assert {"description", "og:title", "og:description", "og:image"} <= set(dict(described))
    assert dict(described)["og:title"] in page.partition("</title>")[0]


def test_pages_of_members_have_no_open_graph_tags(api: Any) -> None:
    page = api("alice").get("/whoami", headers={"accept": "text/html"}).content.decode()

    assert "og:" not in page
