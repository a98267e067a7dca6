"""The tasks of a blind agent, with the shortest path of each on each surface.

A task begins where its human left the agent: at the `address`, which the agent has opened; on the
page of the `collective`; or at a `note`. The shortest path counts the requests of a person who
knows Harmonic by heart and has only what the agent has. The agents of these tests know
nothing by heart, and may need one request more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.blind.stage import KITCHEN, TEXT, Stage, Told
from tests.blind.surfaces import MarkdownAgent, RestAgent, path_of

Agent = MarkdownAgent | RestAgent
ADDRESS, COLLECTIVE, NOTE = "the address", "the collective", "the note"
# Words for a parameter that finds notes by what they say.
SEARCHES = ("a search", "terms")
# How many requests more than the shortest path an agent may need.
ALLOWED = {"markdown": 1, "mcp": 2, "rest": 1}


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task: where it begins, its shortest paths, and how an agent does it."""

    name: str
    begins: str
    shortest: Mapping[str, int]
    on_pages: Callable[[MarkdownAgent, Told], None]
    over_rest: Callable[[RestAgent, Told], None]
    who: str = "scout"
    # Makes what the task is about.
    made: Callable[[Stage], Told] = field(default=lambda stage: Told())

    def is_for(self, surface: str) -> bool:
        return surface in self.shortest


def everywhere(requests: int, **others: int) -> dict[str, int]:
    return {"markdown": requests, "mcp": requests, "rest": requests, **others}


# --- Who, where, what -----------------------------------------------------------------------


def who_am_i(agent: MarkdownAgent, told: Told) -> None:
    seen = agent.who_am_i()
    assert "an AI agent managed by Alice" in seen.says
    assert "can read and write until" in seen.says
    assert re.search(r"You cannot run: .*`delete_note`", seen.says)


def who_am_i_over_rest(agent: RestAgent, told: Told) -> None:
    me = agent.reach()
    assert agent.root["user"]["handle"] == "scout"
    assert set(me["scopes"]) == {"read:all", "create:all", "update:all", "delete:all"}
    assert me["reach"][0]["limit"]["who"] == [{"handle": "alice", "name": "Alice"}]


def where_does_it_work(agent: MarkdownAgent, told: Told) -> None:
    seen = agent.who_am_i()
    assert seen.link(KITCHEN).path
    assert "This token" in seen.says


def where_does_it_work_over_rest(agent: RestAgent, told: Told) -> None:
    open_in = {each["collective"]["name"] for each in agent.reach()["reach"] if each["open"]}
    assert open_in == {"Garden Cooperative (main)", KITCHEN, "Private Workspace"}


def members(agent: MarkdownAgent, told: Told) -> None:
    seen = agent.follow("members")
    names = {link.text for link in seen.links}
    assert {"Alice", "Bob", "Erin", "scout", "steward"} <= names


def members_over_rest(agent: RestAgent, told: Told) -> None:
    rows = agent.call("GET", "collectives", "members", of=agent.place["handle"], at="/api/v1")
    assert {row["display_name"] for row in rows} == {"Alice", "Bob", "Erin", "scout", "steward"}


def find_help(agent: MarkdownAgent, told: Told) -> None:
    assert "Confirm a note to show other members" in agent.help("confirm").says


def find_help_over_rest(agent: RestAgent, told: Told) -> None:
    part = next(each for each in agent.root["parts"] if "docs" in each)
    reply = agent.wire.ask("GET", path_of(part))
    assert "Confirm reading a note" in reply.text


# --- Reading --------------------------------------------------------------------------------


def find_a_note(agent: MarkdownAgent, told: Told) -> None:
    seen = agent.follow(told.collective)
    assert seen.link(told.title).path == told.page


def find_a_note_over_rest(agent: RestAgent, told: Told) -> None:
    agent.enter(told.collective)
    word = agent.named_in("GET", "notes", about=SEARCHES)["name"]
    rows = agent.call("GET", "notes", query={word: told.title})
    assert [row["path"] for row in rows] == [told.page]


def read_it(agent: MarkdownAgent, told: Told) -> None:
    assert TEXT in agent.follow(told.title).text


def read_it_over_rest(agent: RestAgent, told: Told) -> None:
    word = agent.named_in("GET", "notes", about=SEARCHES)["name"]
    assert [row["text"] for row in agent.call("GET", "notes", query={word: told.title})] == [TEXT]


def history(agent: MarkdownAgent, told: Told) -> None:
    seen = agent.open(told.page)
    assert "created this note at" in seen.says
    assert "confirmed reading this note at" in seen.says


def history_over_rest(agent: RestAgent, told: Told) -> None:
    include = agent.named_in("GET", "notes", about=("history",), of=True)
    value = next(word.strip(".,") for word in include["description"].split() if "history" in word)
    note = agent.call("GET", "notes", of=agent.here["id"], query={include["name"]: value})
    done = [event["event_type"] for event in note[value]]
    assert done == ["create", "read_confirmation"]


def find_by_topic(agent: MarkdownAgent, told: Told) -> None:
    agent.follow(told.collective)
    seen = agent.ask_page("search", "blunt knives")
    found = [link.text for link in seen.links if "/n/" in link.path]
    assert told.title in found
    assert "Knife care" not in found


def find_by_topic_over_rest(agent: RestAgent, told: Told) -> None:
    agent.enter(told.collective)
    word = agent.named_in("GET", "notes", about=SEARCHES)["name"]
    rows = agent.call("GET", "notes", query={word: "blunt knives"})
    found = [row["title"] for row in rows]
    assert told.title in found
    assert "Knife care" not in found


def what_changed(agent: MarkdownAgent, told: Told) -> None:
    agent.follow(told.collective)
    seen = agent.ask_page("new", an_hour_ago())
    assert told.title in [link.text for link in seen.links]
    assert "Knife care" not in seen.text


def what_changed_over_rest(agent: RestAgent, told: Told) -> None:
    listed = next(each for each in agent.root["lists"] if each["path"].endswith("/notes"))
    example = dict(pair.split("=") for pair in listed["example"].split("&"))
    after = next(name for name in example if "after" in name)
    example[after] = an_hour_ago()
    agent.enter(told.collective)
    rows = agent.call("GET", "notes", query=example)
    assert told.title in {row["title"] for row in rows}


def an_hour_ago() -> str:
    return f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"


# --- Writing --------------------------------------------------------------------------------


def write(agent: MarkdownAgent, told: Told) -> None:
    agent.follow(told.collective)
    done = agent.act("write a note", title="Blue knife", text=TEXT)
    assert done.status == 200
    assert done.resource.path


def write_over_rest(agent: RestAgent, told: Told) -> None:
    agent.enter(told.collective)
    note = agent.call("POST", "notes", title="Blue knife", text=TEXT)
    assert (agent.status, note["text"]) == (200, TEXT)


def edit(agent: MarkdownAgent, told: Told) -> None:
    agent.follow("Edit")
    assert "Note updated." in agent.act("change", text=f"{TEXT} Twice.").says


def edit_over_rest(agent: RestAgent, told: Told) -> None:
    note = agent.call("PATCH", "notes", of=agent.here["id"], text=f"{TEXT} Twice.")
    assert note["text"] == f"{TEXT} Twice."


def comment(agent: MarkdownAgent, told: Told) -> None:
    done = agent.act("comment", text="I will.")
    assert "Comment added successfully." in done.says


def comment_over_rest(agent: RestAgent, told: Told) -> None:
    note = agent.here["id"]
    made = agent.call("POST", "notes", "comments", of=note, text="I will.")
    assert (made["text"], made["commentable_id"]) == ("I will.", note)


def reply(agent: MarkdownAgent, told: Told) -> None:
    asked = agent.here.link("Who does it?")
    agent.open(asked.path)
    done = agent.act("comment", text="I will.")
    assert f"Parent: Note {asked.path.rpartition('/')[2]}" in done.says


def reply_over_rest(agent: RestAgent, told: Told) -> None:
    (asked,) = agent.call("GET", "notes", "comments", of=agent.here["id"])
    made = agent.call("POST", "notes", "comments", of=asked["id"], text="I will.")
    assert made["commentable_id"] == asked["id"]


def confirm(agent: MarkdownAgent, told: Told) -> None:
    assert "You confirmed that you read this note." in agent.act("confirm").says


def confirm_over_rest(agent: RestAgent, told: Told) -> None:
    event = agent.call("POST", "notes", "confirm", of=agent.here["id"])
    assert event["event_type"] == "read_confirmation"


def in_settings(words: str, says: str) -> Callable[[MarkdownAgent, Told], None]:
    """Return the task that an action of the note's settings does."""

    def do(agent: MarkdownAgent, told: Told) -> None:
        agent.follow("Settings")
        assert says in agent.act(words).says

    return do


def called(method: str, *words: str) -> Callable[[RestAgent, Told], None]:
    """Return the task that one call on the note does."""

    def do(agent: RestAgent, told: Told) -> None:
        agent.call(method, "notes", *words, of=agent.here["id"])
        assert agent.status == 200, agent.here

    return do


def restore(agent: MarkdownAgent, told: Told) -> None:
    agent.open(told.page)
    assert "The note was restored." in agent.act("restore").says


def restore_over_rest(agent: RestAgent, told: Told) -> None:
    agent.enter(told.collective)
    agent.call("POST", "notes", "restore", of=told.page.rpartition("/")[2])
    assert (agent.status, agent.here["title"]) == (200, told.title)


def dry_run(agent: MarkdownAgent, told: Told) -> None:
    action = agent.here.action("comment")
    done = agent.perform(action, {"text": "I will."}, dry=True)
    assert done.fields["title"] == "Dry Run: add_comment"


def dry_run_over_rest(agent: RestAgent, told: Told) -> None:
    word = agent.named_in("POST", "notes", "comments", about=("dry",), of=True)["name"]
    note = agent.here["id"]
    made = agent.call("POST", "notes", "comments", of=note, query={word: "true"}, text="I will.")
    assert made["dry_run"] is True


# --- Membership, and a refusal --------------------------------------------------------------


def join(agent: MarkdownAgent, told: Told) -> None:
    agent.open(told.address)
    assert f"You have joined {KITCHEN}." in agent.act("join", code=told.code).says


def join_over_rest(agent: RestAgent, told: Told) -> None:
    base = agent.base_below(told.page)
    agent.call("POST", "join", at=base, code=told.code)
    assert (agent.status, agent.here["name"]) == (200, KITCHEN)


def leave(agent: MarkdownAgent, told: Told) -> None:
    agent.follow("members")
    assert "left" in agent.act("leave").says


def leave_over_rest(agent: RestAgent, told: Told) -> None:
    agent.call("POST", "leave")
    assert agent.status == 200


def refused(agent: MarkdownAgent, told: Told) -> None:
    seen = agent.open(told.page)
    assert "This note has been deleted" in seen.says
    assert "@bob or @alice can restore it" in seen.says


def refused_over_rest(agent: RestAgent, told: Told) -> None:
    agent.enter(told.collective)
    answer = agent.call("GET", "notes", of=told.page.rpartition("/")[2])
    assert (agent.status, answer["code"]) == (404, "deleted")
    assert "@bob or @alice can restore it" in answer["hint"]


# --- What they are about --------------------------------------------------------------------


def a_note(stage: Stage) -> Told:
    return stage.note_by("bob")


def a_topic(stage: Stage) -> Told:
    return stage.note_by("bob", "Two blunt knives are back from the grinder.")


def own_note(stage: Stage) -> Told:
    return stage.note_by("scout")


def confirmed_note(stage: Stage) -> Told:
    told = stage.note_by("bob")
    agent = stage.agent("scout")
    agent.open(told.page)
    agent.act("confirm")
    return told


def commented_note(stage: Stage) -> Told:
    told = stage.note_by("bob")
    stage.comment_on(told, "bob", "Who does it?")
    return told


def pinned_note(stage: Stage) -> Told:
    told = stage.note_by("bob")
    agent = stage.agent("bob")
    agent.open(told.page)
    agent.follow("Settings")
    agent.act("pin")
    return told


def deleted_note(stage: Stage) -> Told:
    told = stage.note_by("bob")
    stage.deletion_of(told, "bob")
    return told


def invited(stage: Stage) -> Told:
    return stage.invitation_by("alice")


def member(stage: Stage) -> Told:
    """Let Carol join and send her heartbeat; her task is to leave."""
    told = stage.invitation_by("alice")
    agent = stage.agent("carol")
    agent.open(told.address)
    agent.act("join", code=told.code)
    agent.open(told.page)
    # Once in a cycle.
    if any(action["name"] == "send_heartbeat" for action in agent.here.actions):
        agent.act("heartbeat")
    return told


# --- The table ------------------------------------------------------------------------------

TASKS = (
    Task(
        name="Who am I, and what may I do?",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=who_am_i,
        over_rest=who_am_i_over_rest,
    ),
    Task(
        name="Where does my token work?",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=where_does_it_work,
        over_rest=where_does_it_work_over_rest,
    ),
    Task(
        name="Find a note by its title",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=find_a_note,
        over_rest=find_a_note_over_rest,
        made=a_note,
    ),
    Task(
        name="Find a note by its topic",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=find_by_topic,
        over_rest=find_by_topic_over_rest,
        made=a_topic,
    ),
    Task(
        name="What changed since an hour ago?",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=what_changed,
        over_rest=what_changed_over_rest,
        made=a_note,
    ),
    Task(
        name="Read it",
        begins=COLLECTIVE,
        shortest=everywhere(1),
        on_pages=read_it,
        over_rest=read_it_over_rest,
        made=a_note,
    ),
    Task(
        name="Read its history",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=history,
        over_rest=history_over_rest,
        made=confirmed_note,
    ),
    Task(
        name="Write a note",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=write,
        over_rest=write_over_rest,
    ),
    Task(
        name="Edit it",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=edit,
        over_rest=edit_over_rest,
        made=own_note,
    ),
    Task(
        name="Comment on a note",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=comment,
        over_rest=comment_over_rest,
        made=a_note,
    ),
    Task(
        name="Reply to a comment",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=reply,
        over_rest=reply_over_rest,
        made=commented_note,
    ),
    Task(
        name="Confirm reading a note",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=confirm,
        over_rest=confirm_over_rest,
        made=a_note,
    ),
    Task(
        name="Pin a note",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=in_settings("pin", "The note was pinned."),
        over_rest=called("POST", "pin"),
        made=a_note,
    ),
    Task(
        name="Unpin it",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=in_settings("unpin", "The note was unpinned."),
        over_rest=called("POST", "unpin"),
        made=pinned_note,
    ),
    Task(
        name="Delete a note",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=in_settings("delete", "The note was deleted."),
        over_rest=called("DELETE"),
        who="bob",
        made=a_note,
    ),
    Task(
        name="Restore it",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=restore,
        over_rest=restore_over_rest,
        who="bob",
        made=deleted_note,
    ),
    Task(
        name="Who is in this collective?",
        begins=COLLECTIVE,
        shortest=everywhere(1),
        on_pages=members,
        over_rest=members_over_rest,
    ),
    Task(
        name="Join a collective",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=join,
        over_rest=join_over_rest,
        who="carol",
        made=invited,
    ),
    Task(
        name="Leave a collective",
        begins=COLLECTIVE,
        shortest=everywhere(1),
        on_pages=leave,
        over_rest=leave_over_rest,
        who="carol",
        made=member,
    ),
    Task(
        name="A deleted note: who can restore it?",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=refused,
        over_rest=refused_over_rest,
        made=deleted_note,
    ),
    Task(
        name="Find help about confirming",
        begins=ADDRESS,
        shortest=everywhere(1),
        on_pages=find_help,
        over_rest=find_help_over_rest,
    ),
    Task(
        name="Try a comment without writing it",
        begins=NOTE,
        shortest=everywhere(1),
        on_pages=dry_run,
        over_rest=dry_run_over_rest,
        made=a_note,
    ),
)


def begin(task: Task, agent: Agent, told: Told) -> None:
    """Put the agent where its human leaves it."""
    agent.connect()
    if isinstance(agent, RestAgent):
        if task.begins != ADDRESS:
            agent.enter(told.collective)
        if task.begins == NOTE:
            rows = agent.call("GET", "notes")
            agent.here = next(row for row in rows if row["title"] == told.title)
        return
    if task.begins != ADDRESS:
        agent.follow(told.collective)
    if task.begins == NOTE:
        agent.follow(told.title)


def do(task: Task, agent: Agent, stage: Stage) -> None:
    """Do a task, counting the requests from its beginning."""
    told = task.made(stage)
    begin(task, agent, told)
    agent.wire.reset()
    if isinstance(agent, RestAgent):
        task.over_rest(agent, told)
    else:
        task.on_pages(agent, told)
