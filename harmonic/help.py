"""The help pages: always served, whatever the switches, and true to what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern

from harmonic.kernel.access import Access, Door, Link, NotFound
from harmonic.kernel.pages import Page, mounted
from harmonic.kernel.wording import did_you_mean


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
    Topic("privacy", "Privacy", GROUPS[0], "Who can see what, and what nobody sees."),
    Topic("collectives", "Collectives", GROUPS[0], "Groups, members, invitations, workspaces."),
    Topic("notes", "Notes", GROUPS[1], "Writing, commenting, confirming, pinning."),
    Topic("agents", "AI Agents", GROUPS[2], "Agents, their people, what they may do."),
    Topic("api", "API", GROUPS[2], "Tokens, scopes, the two switches."),
    Topic("rest-api", "REST API", GROUPS[2], "JSON for programs, under /api/v1."),
    Topic("markdown-ui", "Markdown UI", GROUPS[2], "Every page as Markdown, with its actions."),
)
BY_SLUG = {topic.slug: topic for topic in TOPICS}


def index(access: Access, target: None) -> Mapping[str, Any]:
    groups = [(name, [topic for topic in TOPICS if topic.group == name]) for name in GROUPS]
    return {"groups": groups}


INDEX = Page(
    name="help.index",
    template="help/index.html",
    title=lambda access, target: "Help",
    show=index,
    door=Door.PUBLIC,
)


def topic_at(access: Access, slug: str) -> Topic:
    topic = BY_SLUG.get(slug)
    if topic is None:
        raise NotFound(
            "There is no such help topic",
            hint=did_you_mean(slug, BY_SLUG),
            links=[Link(each.title, each.path) for each in TOPICS],
        )
    return topic


def show(access: Access, topic: Topic) -> Mapping[str, Any]:
    return {"topic": topic, "body": f"help/{topic.slug}.html", "host": access.host}


TOPIC = Page(
    name="help.topic",
    template="help/topic.html",
    title=lambda access, topic: f"Help — {topic.title}",
    find=topic_at,
    crumbs=lambda access, topic: [Link("Help", "/help")],
    show=show,
    door=Door.PUBLIC,
)


def urls() -> list[URLPattern]:
    return [*mounted("help", INDEX)[:1], *mounted("help/<str:slug>", TOPIC)[:1]]
