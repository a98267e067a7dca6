"""The help pages. They are served without sign-in, regardless of the API switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import URLPattern, path

from api.openapi.document import routes
from collectives.search.index.entries import LOOKED_AT
from collectives.search.language.grammar import MAX_TERMS, Q_LENGTH
from collectives.search.language.operators import LISTED
from harmonic.http.tenant_origin import tenant_origin
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page, require_read_method, with_rule
from harmonic.kernel.parameters.wording import did_you_mean
from harmonic.kernel.refusals import Link, NotFound
from harmonic.kernel.registry import groups
from harmonic.kernel.rendering.documents import origin_of, respond
from tokens.connect.harnesses import HARNESSES, Harness, McpServer, Tab


@dataclass(frozen=True, slots=True)
class Topic:
    slug: str
    title: str
    group: str
    line: str

    @property
    def path(self) -> str:
        return f"/help/{self.slug}"


GROUPS = ("How Harmonic Works", "Content", "Agency & Integration")
TOPICS = (
    Topic("privacy", "Privacy", GROUPS[0], "Who can see what, and what is visible to no one."),
    Topic("collectives", "Collectives", GROUPS[0], "Groups, members, invitations and workspaces."),
    Topic("notes", "Notes", GROUPS[1], "Write, comment on, confirm and pin notes."),
    Topic(
        "reminder-notes",
        "Reminder Notes",
        GROUPS[1],
        "Notes that remind you and others at a time.",
    ),
    Topic(
        "table-notes",
        "Table Notes",
        GROUPS[1],
        "Tables whose rows can be edited, filtered, sorted and summed.",
    ),
    Topic(
        "decisions",
        "Decisions",
        GROUPS[1],
        "Decide by vote, by one person or by draw, and verify the result.",
    ),
    Topic(
        "executive-decisions", "Executive Decisions", GROUPS[1], "Decisions that one person makes."
    ),
    Topic("lottery-decisions", "Lottery Decisions", GROUPS[1], "Draws that anyone can verify."),
    Topic(
        "commitments",
        "Commitments",
        GROUPS[1],
        "Propose something to do together once enough members have joined.",
    ),
    Topic("links", "Links", GROUPS[1], "Link items to each other, and see what links to an item."),
    Topic("cycles", "Cycles", GROUPS[1], "Days, weeks and months, their items, and heartbeats."),
    Topic("search", "Search", GROUPS[1], "Find items by words, type, people, time and more."),
    Topic(
        "notifications",
        "Notifications",
        GROUPS[1],
        "Mentions, replies, events of tokens, and which of them you get by e-mail.",
    ),
    Topic(
        "reports", "Reports", GROUPS[1], "Report content to the admins, and what they do with it."
    ),
    Topic("agents", "AI Agents", GROUPS[2], "Agents, who manages them, and what they can do."),
    Topic(
        "agents/safety",
        "Safety of Agents",
        GROUPS[2],
        "What can mislead an agent, and what limits it.",
    ),
    Topic("api", "API", GROUPS[2], "Tokens, scopes and the two API switches."),
    Topic("rest-api", "REST API", GROUPS[2], "JSON for programs, under /api/v1."),
    Topic("mcp", "MCP", GROUPS[2], "Connecting an AI client with an address and a token."),
    Topic("markdown-ui", "Markdown UI", GROUPS[2], "Every page as Markdown, with its actions."),
)
BY_SLUG = {topic.slug: topic for topic in TOPICS}


def index(access: Access, target: None) -> Mapping[str, Any]:
    groups = [(name, [topic for topic in TOPICS if topic.group == name]) for name in GROUPS]
    return {"groups": groups}


INDEX = Page(
    name="help.index",
    nav=(NavEntry(menu=Menu.SITE, order=8, label="Help", icon="circle-question-mark"),),
    template="help/index.html",
    title=lambda access, target: "Help",
    show=index,
    access_level=AccessLevel.PUBLIC,
)


def topic_at(access: Access, slug: str) -> Topic:
    topic = BY_SLUG.get(slug)
    if topic is None:
        raise NotFound(
            "Help topic not found",
            hint=did_you_mean(slug, BY_SLUG),
            links=[Link(each.title, each.path) for each in TOPICS],
        )
    return topic


def show(access: Access, topic: Topic) -> Mapping[str, Any]:
    return {
        "topic": topic,
        "body": f"help/{topic.slug}.html",
        "routes": routes() if topic.slug == "rest-api" else (),
        "capabilities": groups(),
        "harnesses": HARNESSES.values(),
        "operators": LISTED,
        "search": {"terms": MAX_TERMS, "length": Q_LENGTH, "looked_at": f"{LOOKED_AT:,}"},
        "limits": {"requests": settings.LIMIT_REQUESTS, "writes": settings.LIMIT_WRITES},
    }


TOPIC = Page(
    name="help.topic",
    template="help/topic.html",
    title=lambda access, topic: f"Help — {topic.title}",
    heading=lambda access, topic: topic.title,
    find=topic_at,
    crumbs=lambda access, topic: [Link("Help", "/help")],
    show=show,
    access_level=AccessLevel.PUBLIC,
)


def topic_view(request: AccessRequest, slug: str) -> HttpResponse:
    """Show a topic; its examples use the origin of the request."""
    require_read_method(request, TOPIC)
    access = request.access
    shown = TOPIC.document(access, TOPIC.found(access, {"slug": slug}), access.path)
    context = {**shown.context, "origin": _origin_for_examples(request, access)}
    return respond(request, access, replace(shown, context=context))


def harness_at(access: Access, harness: str) -> Harness:
    found = HARNESSES.get(harness)
    if found is None:
        raise NotFound(
            "Client not found",
            hint=did_you_mean(harness, HARNESSES),
            links=[Link(each.label, each.help_path) for each in HARNESSES.values()],
        )
    return found


def show_harness(access: Access, harness: Harness) -> Mapping[str, Any]:
    origin = access.origin if access.tenant.subdomain else "https://your-community.example.org"
    return {
        "origin": origin,
        "harness": harness,
        "tab": Tab(harness, harness.configure(McpServer(origin, "your-agent"))),
        "body": f"help/connect/{harness.key}.html" if harness.needs_help else "",
    }


CONNECT = Page(
    name="help.connect",
    template="help/connect.html",
    title=lambda access, harness: f"Help — Connecting {harness.label}",
    heading=lambda access, harness: f"Connecting {harness.label}",
    find=harness_at,
    crumbs=lambda access, harness: [Link("Help", "/help"), Link("MCP", "/help/mcp")],
    show=show_harness,
    access_level=AccessLevel.PUBLIC,
)


def _origin_for_examples(request: AccessRequest, access: Access) -> str:
    if access.tenant.subdomain:
        return origin_of(request)
    return tenant_origin(request, "your-community")


def urls() -> list[URLPattern]:
    return [
        *mount("help", INDEX)[:1],
        *mount("help/mcp/connect/<str:harness>", CONNECT)[:1],
        path("help/<path:slug>", with_rule(topic_view, TOPIC.rule, TOPIC), name=TOPIC.name),
    ]
