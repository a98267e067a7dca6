"""Following the hint of a refusal: as the person it names, or to the page or action it names.

`CLAUSES` are the sentences of hints that name a person, page or action, each with a function that
follows it and asserts that it works. `PLAIN` are the sentences that name none. A sentence in
neither list fails the test, so every new hint is followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.test import Client

from accounts.models import TenantUser
from collectives.items.models import Item
from collectives.models import CollectiveMember
from harmonic.kernel import registry
from tests.access.sweep import ALL, BODY, Caller, headers_of
from tests.blind.refusals import Refusal, read_refusal
from tests.fixtures.html import parsed
from tests.fixtures.rows import UNKNOWN_ID, make_invite
from tests.fixtures.world import PASSWORD, World, host, make_token, sign_in, token_client
from tokens.models import ApiToken

# Statuses of a request that was allowed; its parameters may be wrong.
ALLOWED = frozenset({200, 302, 303, 400, 409, 422})
# A page or a resource of an item of any kind, with its ID.
ITEM = r"/(?:n|c|d|notes|commitments|decisions)/([\w-]{8,})"
PARENTS = {"scout": "alice", "pilot": "bob", "steward": "alice"}


@dataclass(frozen=True)
class Guide:
    """The world in which a refusal is followed."""

    world: World
    refusal: Refusal

    @property
    def who(self) -> str:
        return self.refusal.who

    @property
    def place(self) -> str:
        """The path of the collective that the request was about."""
        about = re.search(r"/(collectives|workspace)/([\w-]+)", self.refusal.request.path)
        api = re.search(r"/api/v1/collectives/([\w-]+)", self.refusal.request.path)
        if api:
            return f"/collectives/{api[1]}"
        return about[0] if about and about[2] != "new" else ""

    @property
    def page(self) -> str:
        """The page whose action was refused."""
        return self.refusal.request.path.partition("/actions/")[0]

    @property
    def item(self) -> Item:
        named = re.search(ITEM, self.refusal.request.path)
        assert named, self.refusal
        rows = Item.unscoped.select_related("collective")
        found: Item = rows.get(truncated_id=named[1][:8], tenant__subdomain="garden")
        return found

    @property
    def item_path(self) -> str:
        """The path of the page of the item that the request was about."""
        return self.item.path_in(self.item.collective.path)

    @property
    def owner(self) -> str:
        """The person of the account that the request was about."""
        path = self.refusal.request.path
        named = re.search(r"/(?:u|users|ai-agents)/([\w-]+)", path)
        assert named, self.refusal
        handle = named[1]
        if len(handle) == 36:
            handle = TenantUser.unscoped.get(user_id=handle, tenant__subdomain="garden").handle
        return PARENTS.get(handle, handle)

    @property
    def agent(self) -> str:
        """The agent that the request was about."""
        return self.refusal.request.path.split("/")[2]

    @property
    def admins(self) -> list[str]:
        rows = CollectiveMember.unscoped.filter(
            collective__handle=self.place.rpartition("/")[2], is_admin=True, archived_at=None
        )
        return list(rows.values_list("person__handle", flat=True))

    # --- What is tried ----------------------------------------------------------------------

    def succeeds_as(self, *handles: str) -> None:
        """Send the refused request as these people, without writing."""
        assert handles, f"{self.refusal}: nobody is such a person"
        for handle in handles:
            status = self.sent_as(handle)
            is_nothing = status == 404 and UNKNOWN_ID in self.refusal.request.path
            assert status in ALLOWED or is_nothing, f"{self.refusal}\n as {handle}: {status}"

    def sent_as(self, handle: str) -> int:
        request = self.refusal.request
        # No one else can use the workspace as a base.
        request = replace(request, path=re.sub(r"^/workspace/\w+(?=/api)", "", request.path))
        if request.method != "GET":
            request = replace(
                request, path=f"{request.path}?dry_run=true", body=self._body_of(handle)
            )
        headers = {"authorization": f"Bearer {make_token(handle)}"}
        return int(request.sent(headers).status_code)

    def _body_of(self, handle: str) -> str:
        """Return the body of the sweep, with an agent that the person manages."""
        agent = next((agent for agent, parent in PARENTS.items() if parent == handle), "scout")
        return json.dumps({**BODY, "ai_agent_id": str(self.world.user(agent).id)})

    def opens(self, handle: str, path: str) -> None:
        """Open a page in a person's browser, or with a token of an agent."""
        parent = PARENTS.get(handle)
        client = token_client(make_token(parent, agent=handle)) if parent else browser_of(handle)
        answer = client.get(path)
        assert answer.status_code == 200, f"{self.refusal}\n {handle} opens {path}"

    def acts(self, handle: str, path: str, **params: Any) -> Any:
        """Perform an action in the browser of a person, and return the response."""
        answer = browser_of(handle).post(path, json.dumps(params), "application/json")
        assert answer.status_code == 200, f"{self.refusal}\n {handle} at {path}: {answer.text}"
        return answer

    def is_admitted(self, authorization: str = "") -> None:
        """Send the refused request again: it is no longer refused for this reason."""
        headers = headers_of(self.refusal.request.caller, self.world)
        if authorization:
            headers["authorization"] = authorization
        answer = self.refusal.request.sent(headers)
        assert self.refusal.code not in answer.text, f"{self.refusal}\n again: {answer.text}"


def browser_of(handle: str) -> Client:
    """Return the browser of a person, which asks for Markdown."""
    browser = Client(headers={"host": host("garden"), "accept": "text/markdown"})
    sign_in(browser, handle, "garden")
    return browser


# --- Sentences that lead on -----------------------------------------------------------------


def create_a_token(guide: Guide, found: re.Match[str]) -> None:
    owner = guide.who if found["who"] == "You" else PARENTS[guide.who]
    guide.opens(owner, found["path"])
    scope = "read" if found["kind"] == "read-only" else "write"
    path = f"{found['path']}/actions/create_api_token"
    made = guide.acts(owner, path, name="as it says", read_write=scope)
    plaintext = re.search(r"hmn_\w+", made.text)
    assert plaintext
    guide.is_admitted(f"Bearer {plaintext[0]}")


def change_capabilities(guide: Guide, found: re.Match[str]) -> None:
    parent = PARENTS[guide.who]
    guide.opens(parent, found["path"])
    granted = registry.grantable()
    guide.acts(parent, f"{found['path']}/actions/update_ai_agent", capabilities=granted)
    guide.is_admitted()


def join(guide: Guide, found: re.Match[str]) -> None:
    guide.opens(guide.who, found["path"])
    guide.acts(guide.who, f"{found['path']}/actions/join_collective", code=make_invite(guide.world))
    guide.is_admitted()


def ask_for_an_invitation(guide: Guide, found: re.Match[str]) -> None:
    path = f"{guide.place}/join/actions/join_collective"
    guide.acts(guide.who, path, code=make_invite(guide.world))


def add_the_agent(guide: Guide, found: re.Match[str]) -> None:
    """The sentence has a condition, which is made true first."""
    parent = PARENTS[guide.who]
    rows = CollectiveMember.unscoped.filter(collective__handle="kitchen", person__handle=parent)
    rows.update(is_admin=True)
    agent = str(guide.world.user(guide.who).id)
    members = f"{guide.place or '/collectives/kitchen'}/members"
    guide.opens(parent, members)
    path = f"{members}/actions/add_ai_agent_to_collective?dry_run=true"
    answer = token_client(make_token(parent)).post(
        path, json.dumps({"ai_agent_id": agent}), "application/json"
    )
    assert answer.status_code in ALLOWED, f"{guide.refusal}\n {answer.text}"


def enable_for_the_tenant(guide: Guide, found: re.Match[str]) -> None:
    for admin in tenant_admins(guide):
        guide.opens(admin, found["path"])
        path = f"{found['path']}/actions/update_tenant_settings"
        guide.acts(admin, path, feature_api=True)
    guide.is_admitted()


def enable_here(guide: Guide, found: re.Match[str]) -> None:
    for admin in guide.admins:
        guide.opens(admin, found["path"])
        path = f"{found['path']}/actions/update_collective_settings"
        guide.acts(admin, path, feature_api=True)
    guide.is_admitted()


def resume_the_agent(guide: Guide, found: re.Match[str]) -> None:
    guide.opens(found["handle"], found["path"])
    guide.acts(found["handle"], f"{found['path']}/actions/resume_ai_agent")
    guide.is_admitted()


def ask_your_human(guide: Guide, found: re.Match[str]) -> None:
    """Let the human create a token; first whatever that is refused for."""
    human = PARENTS.get(guide.who, guide.who)
    if guide.world.user(human).suspended_at:
        sign_in_refused(guide, human)
    guide.opens(human, found["path"].format(handle=guide.who))
    path = f"/u/{guide.who}/settings/tokens/new/actions/create_api_token"
    sent = {"name": "as it says", "read_write": "write"}
    answer = browser_of(human).post(path, json.dumps(sent), "application/json")
    if answer.status_code == 403:
        request = replace(guide.refusal.request, method="POST", path=path, caller=person(human))
        for refusal in read_refusal(request, answer):
            follow(guide.world, refusal)
    made = guide.acts(human, path, **sent)
    plaintext = re.search(r"hmn_\w+", made.text)
    assert plaintext
    guide.is_admitted(f"Bearer {plaintext[0]}")


def sign_in_refused(guide: Guide, human: str) -> None:
    """Follow the refusal of a sign-in."""
    to = replace(guide.refusal.request, method="POST", path="/login", caller=person(human))
    sent = {"email": f"{human}@example.com", "password": PASSWORD}
    headers = {"host": host("garden"), "accept": "text/markdown"}
    answer = Client().post(to.path, sent, headers=headers)
    [refusal] = read_refusal(to, answer)
    assert refusal.status == 403, refusal
    follow(guide.world, refusal)


def lift_the_suspension(guide: Guide, found: re.Match[str]) -> None:
    named = re.match(r"/u/(\w+)/", guide.refusal.request.path)
    account = guide.world.user(named[1] if named else guide.who)
    call_command("unsuspend", str(account.id), stdout=StringIO())


def reactivate(guide: Guide, found: re.Match[str]) -> None:
    guide.opens(guide.who, found["path"])
    guide.acts(guide.who, f"{found['path']}/actions/reactivate_ai_agent")


def person(handle: str) -> Caller:
    return Caller(f"the human {handle}", "session", handle, places=ALL)


def restore_as_named(guide: Guide, found: re.Match[str]) -> None:
    """Restore the note as each person in the refusal, in both ways that it names."""
    named = re.findall(r"@(\w+)", found["who"])
    restore(guide, named, [found["route"], f"{found['path']}/actions/{restoring(guide)}"])


def restoring(guide: Guide) -> str:
    """Return the action that restores the item that the request was about."""
    return f"restore_{guide.item.kind.lower()}"


def restore(guide: Guide, people: list[str], paths: list[str]) -> None:
    assert people, guide.refusal
    for handle in people:
        client = token_client(make_token(handle))
        for path in paths:
            answer = client.post(f"{path}?dry_run=true", content_type="application/json")
            assert answer.status_code == 200, f"{guide.refusal}\n {handle} {path}: {answer.text}"


def close_first(guide: Guide, found: re.Match[str]) -> None:
    guide.acts(guide.who, f"{guide.item_path}/actions/{found['name']}?dry_run=true")


def remove_the_agent(guide: Guide, found: re.Match[str]) -> None:
    agent = str(guide.world.user(guide.who).id)
    path = f"{guide.place}/members/actions/remove_ai_agent_from_collective"
    guide.acts(PARENTS[guide.who], path, ai_agent_id=agent)


def read_who_restores(guide: Guide, found: re.Match[str]) -> None:
    """Follow the handles that the page of the deleted item names; others have nothing to do."""
    item = guide.item
    headers = headers_of(guide.refusal.request.caller, guide.world)
    shown = Client().get(guide.item_path, headers={**headers, "host": host("garden")}).text
    named = re.search(r"((?:@\w+(?:, | or )?)+) can restore it until", shown)
    assert bool(named) is (item.deleted_at is not None), shown
    if named:
        guide.succeeds_as(*re.findall(r"@(\w+)", named[1]))


def make_another_admin(guide: Guide, found: re.Match[str]) -> None:
    path = f"{guide.place}/members/actions/update_member_roles"
    guide.acts(guide.who, path, user_handle="bob", role="admin", grant=True)
    guide.is_admitted()


def list_rows(guide: Guide, found: re.Match[str]) -> None:
    assert_done(guide, f"{guide.item_path}/actions/query_rows")


def create_a_reminder(guide: Guide, found: re.Match[str]) -> None:
    path = f"{guide.place}/note/actions/create_reminder_note"
    assert_done(guide, path, text="Order rye.", scheduled_for="2d")


def describe_each(guide: Guide, found: re.Match[str]) -> None:
    """Open the descriptions of the operations, which are actions with the same parameters."""
    for name in found["names"].split(", "):
        guide.opens(guide.who, f"{guide.item_path}/actions/{name}")


def author(guide: Guide) -> str:
    rows = TenantUser.unscoped.filter(user=guide.item.created_by, tenant__subdomain="garden")
    return str(rows.get().handle)


def writer_and_admins(guide: Guide, found: re.Match[str]) -> None:
    """An agent that wrote it is not meant: the sentence says "person"."""
    wrote = author(guide)
    people = [] if wrote in PARENTS else [wrote]
    people += guide.admins if guide.place else []
    if guide.refusal.status == 404:
        restore(guide, people, [f"{guide.item_path}/actions/{restoring(guide)}"])
    else:
        guide.succeeds_as(*people)


def author_edits(guide: Guide, found: re.Match[str]) -> None:
    wrote = author(guide)
    if wrote not in PARENTS:
        guide.succeeds_as(wrote)
    comment(guide)


def closer_closes(guide: Guide, found: re.Match[str]) -> None:
    guide.succeeds_as(found["handle"])
    comment(guide)


def creator_changes(guide: Guide, found: re.Match[str]) -> None:
    guide.succeeds_as(author(guide))
    assert_done(guide, f"{guide.item_path}/duplicate/actions/duplicate_decision")


def comment(guide: Guide) -> None:
    assert_done(guide, f"{guide.item_path}/actions/add_comment", text="Please change it.")


def assert_done(guide: Guide, path: str, **params: Any) -> None:
    """Perform an action as the caller who was refused."""
    # A read-only token cannot write anything, which is a refusal of its own.
    caller = replace(guide.refusal.request.caller, is_read_only=False)
    headers = headers_of(caller, guide.world)
    answer = Client().post(
        path,
        json.dumps(params),
        "application/json",
        headers={**headers, "host": host("garden"), "accept": "text/markdown"},
    )
    assert answer.status_code == 200, f"{guide.refusal}\n {path}: {answer.text}"


def as_named(*roles: Callable[[Guide], list[str]]) -> Callable[[Guide, re.Match[str]], None]:
    """Return the clause of a role: the refused request succeeds as people who have it."""

    def follow(guide: Guide, found: re.Match[str]) -> None:
        for role in roles:
            guide.succeeds_as(*role(guide))

    return follow


def for_own(guide: Guide, found: re.Match[str]) -> None:
    """The person who manages the agent can do it to the account of that agent."""
    request = guide.refusal.request
    is_run = "/run" in request.path
    if is_run and PARENTS[guide.who] != "alice":
        return  # only Alice has an agent that runs here
    own = guide.world.person("steward" if is_run else guide.who)
    path = re.sub(r"(?<=/users/)[\w-]+", str(own.user_id), request.path)
    path = re.sub(r"^/ai-agents/(?!new)[\w-]+", f"/ai-agents/{own.handle}", path)
    path = re.sub(r"(?<=/runs/)[\w-]{36}", UNKNOWN_ID, path)
    token = ApiToken.unscoped.filter(owner=own).first()
    if token is not None:
        path = re.sub(r"(?<=/tokens/)[\w-]{36}", str(token.id), path)
    to_own = replace(guide.refusal, request=replace(request, path=path))
    Guide(guide.world, to_own).succeeds_as(PARENTS[guide.who])


def tenant_admins(guide: Guide) -> list[str]:
    return ["alice"]


def parent(guide: Guide) -> list[str]:
    return [PARENTS[guide.who]]


def opened_by(handle: Callable[[Guide], list[str]]) -> Callable[[Guide, re.Match[str]], None]:
    """Return the clause of a page that these people can open."""

    def follow(guide: Guide, found: re.Match[str]) -> None:
        for each in handle(guide):
            guide.opens(each, found["path"])

    return follow


PATH = r"(?P<path>/[\w/{}-]*)"
CLAUSES: tuple[tuple[str, Callable[[Guide, re.Match[str]], None]], ...] = (
    (
        r"The token lacks the scope [\w:]+\. A (?P<kind>read-only|read \+ write) token has it\."
        rf" (?P<who>You|The person who manages you) can create one at {PATH},"
        r" signed in with a browser\.",
        create_a_token,
    ),
    (rf"The person who manages you can change your capabilities at {PATH}\.", change_capabilities),
    (rf"Join it with an invitation at {PATH}\.", join),
    (r"This code is not valid\. Ask a member for a new invitation\.", ask_for_an_invitation),
    (
        r"(Agents do not join collectives\. )?The person who manages the agent can add it"
        r"( on the collective's members page)?, if they can invite members( here)?\.",
        add_the_agent,
    ),
    (
        r"The person who manages the agent can remove it on the collective's members page\.",
        remove_the_agent,
    ),
    (r"The page of the \w+ names who can restore it\.", read_who_restores),
    (
        rf"This \w+ is deleted\. (?P<who>(@\w+(, | or )?)+) can restore it until [\d-]+:"
        rf" POST (?P<route>/[\w/]+), or its page {PATH}\.",
        restore_as_named,
    ),
    (rf"(?P<name>\w+) \(@(?P<handle>\w+)\) can resume it at {PATH}\.", resume_the_agent),
    (
        r"Agents cannot create tokens: ask your human for one\."
        rf" People create theirs at {PATH}\.",
        ask_your_human,
    ),
    (
        r"The operator of this site can explain the suspension and lift it\.",
        lift_the_suspension,
    ),
    (rf"Reactivate it at {PATH} first\.", reactivate),
    (
        r"Only @(?P<handle>\w+) can close this decision and write its statement\."
        r" Others can comment on it\.",
        closer_closes,
    ),
    (
        r"Only the person who created this decision can change its settings\."
        r" Others can duplicate it\.",
        creator_changes,
    ),
    (r"Run (?P<name>\w+) first\.", close_first),
    (rf"Its settings are at {PATH}\.", opened_by(lambda guide: [guide.who])),
    (
        rf"An admin of the collective can open its settings at {PATH}\.",
        opened_by(lambda guide: guide.admins),
    ),
    (rf"An admin of the collective can enable it at {PATH}\.", enable_here),
    (r"A tenant admin can enable it at (?P<path>/tenant-admin/settings)\.", enable_for_the_tenant),
    (r"First make another member an admin, on the members page\.", make_another_admin),
    (
        r"The person who wrote it or an admin of the collective can (delete it|restore it for 30"
        r" days)\.",
        writer_and_admins,
    ),
    (r"Only the \w+'s author can edit it\. Others can comment on it\.", author_edits),
    (
        r"Only the account's owner may open this\."
        r" For an agent, that is the human who manages it\.",
        lambda guide, found: guide.opens(guide.owner, guide.page),
    ),
    (
        r"(Only the person who manages the agent can open this\. )?"
        r"The agent's profile names that person\.",
        as_named(lambda guide: [guide.owner]),
    ),
    (r"Only that account can read and change them\.", as_named(lambda guide: [guide.owner])),
    (r"`query_rows` returns the rows with their IDs\.", list_rows),
    (r"Create a new reminder instead\.", create_a_reminder),
    (r"Operations: (?P<names>\w+(, \w+)*)\.", describe_each),
    (r"Ask a tenant admin to do it(: @alice)?\.", as_named(tenant_admins)),
    (r"A tenant admin can do it\.", as_named(tenant_admins)),
    (rf"A tenant admin can [\w ]+ at {PATH}\.", opened_by(tenant_admins)),
    (
        "The main collective has no admins of its own. A tenant admin can change its name and"
        rf" timezone at {PATH}\.",
        opened_by(tenant_admins),
    ),
    (r"Ask an admin of the collective(: @\w+)?\.", as_named(lambda guide: guide.admins)),
    (r"An admin of the collective can do it\.", as_named(lambda guide: guide.admins)),
    (
        r"Its admins can invite people, and can allow every member to invite\.",
        as_named(lambda guide: guide.admins),
    ),
    (r"The person who manages the agent can do it instead\.", as_named(parent)),
    (
        r"The person who manages the agent can do this for themselves and for their agents\.",
        for_own,
    ),
    (
        r"Connect the agent to your own program instead, with a token\.",
        lambda guide, found: guide.opens(guide.owner, f"/u/{guide.agent}/settings/tokens/new"),
    ),
    (rf"Finished jobs are deleted\. See {PATH}\.", opened_by(lambda guide: [guide.who])),
    (rf"Create a collective to share, at {PATH}\.", opened_by(lambda guide: [guide.who])),
    (rf"{PATH} lists your notifications with their IDs\.", opened_by(lambda guide: [guide.who])),
    (rf"{PATH} lists all reports\.", opened_by(lambda guide: [guide.who])),
    (rf"The nearest page is {PATH}\.", opened_by(lambda guide: [guide.who])),
)
PLAIN = (
    r"Only notes with the subtype `(table` have rows|reminder` are scheduled)\.",
    r"Only table notes can be downloaded as CSV\.",
    r"Columns: (none|'[^']+'(, '[^']+')*)\.",
    r"It was already delivered or cancelled\.|You can acknowledge it once it has been delivered\.",
    r"The admins can see your earlier report\.",
    r"Only people other than the author can report it\.",
    r"The main collective and private workspaces have none\.",
    r"The options are: '.+'\.",
    r"The next one is due in the next cycle\.",
    r"Cycles cannot be created, changed or deleted\.",
    r"Did you mean “\w+”\?",
    r"No vote in this decision has this receipt\. Check that it has 64 characters\.",
    r"Only calendar events have a calendar file\.",
    r"Its tokens stay valid until then\.",
    r"This account is suspended\.",
    r"This token does not work here\. It may be mistyped or revoked, or it may belong to another"
    r" community\.",
    r"Agents cannot do this\.",
    r"Everyone in the tenant belongs to it\.",
    r"Everyone in the tenant belongs to the main collective\.",
    r"Only AI agents have a person who manages them\.",
    r"Your own notes are in your workspace\.",
    r"A private workspace belongs to its owner only\.",
    r"A private workspace has no other members and no settings\.",
    r"It belongs to its owner only and uses the API switch of the tenant\.",
    r"Nothing was written\. Correct the name, or leave the parameter out\.",
    r"You can update and delete only yourself and your own agents\.",
    r"Send a token in the `Authorization: Bearer …` header\.",
    r"Who you are and what you may do is at /whoami, all actions are at /actions, help is at"
    r" /help\.",
)


def follow(world: World, refusal: Refusal) -> None:
    """Follow each sentence of a refusal, each of its links, and where it redirects."""
    guide = Guide(world, refusal)
    assert "parent" not in refusal.hint, f"{refusal}\n an agent is managed by somebody"
    if refusal.page:
        assert_shown(refusal)
    if refusal.location:
        follow_redirect(guide)
    for link in refusal.links:
        if refusal.status == 401:
            continue  # the links of a first visit, which a working token opens
        headers = {**headers_of(refusal.request.caller, world), "host": host("garden")}
        status = Client().get(link.path, headers=headers, follow=True).status_code
        assert status == 200, f"{refusal}\n link {link.path}: {status}"
    rest = refusal.hint
    while rest:
        rest = _after_one(guide, rest)


def follow_redirect(guide: Guide) -> None:
    """Open the page that a browser is redirected to; if it refuses too, follow that."""
    headers = {**headers_of(guide.refusal.request.caller, guide.world), "host": host("garden")}
    to = replace(guide.refusal.request, method="GET", path=guide.refusal.location, body="")
    answer = Client().get(to.path, headers=headers, follow=True)
    assert answer.status_code in {200, 403}, f"{guide.refusal}\n to {to.path}"
    if answer.status_code == 403:
        told = to.sent(headers, "text/markdown")
        for refusal in read_refusal(to, told, answer.text):
            follow(guide.world, refusal)


def assert_shown(refusal: Refusal) -> None:
    """Assert that the page of a refusal shows the sentences and links of its Markdown."""
    shown = parsed(refusal.page).select_one(".refusal")
    if shown is None:
        return  # the form with what was typed
    words = " ".join(shown.get_text(" ").split()).lower()
    for sentence in re.split(r"(?<=\.) (?=[A-Z])", refusal.hint):
        plain = sentence.replace("`", "").rstrip(".").lower()
        assert plain in words, f"{refusal}\n page: {words}"
    targets = [link["href"] for link in shown.select(".buttons a")]
    named = [link.path for link in refusal.links]
    assert targets == named or (targets, named) == (["/"], []), f"{refusal}\n {targets} {named}"


def _after_one(guide: Guide, rest: str) -> str:
    """Follow the sentence at the beginning, and return what stands behind it."""
    for pattern, follows in CLAUSES:
        if found := re.match(pattern, rest):
            follows(guide, found)
            return rest[found.end() :].lstrip()
    for pattern in PLAIN:
        if found := re.match(pattern, rest):
            return rest[found.end() :].lstrip()
    raise AssertionError(f"{guide.refusal}\n nothing follows {rest!r}")
