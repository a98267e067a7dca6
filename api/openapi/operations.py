"""What each route does, and with which parameters: the part that its code does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.openapi.objects import Schema, array, ref, text, words
from api.v1 import collectives, info, note_json, notes, token_self, tokens, users
from api.v1.note_lists import CommentListParams, NoteListParams
from collectives.notes import actions as note_actions
from harmonic.kernel.parameters.fields import Params
from tokens import actions as token_actions


@dataclass(frozen=True, slots=True)
class Operation:
    """A function of a resource, as the API's description tells of it."""

    name: str
    summary: str
    answer: Schema
    query: type[Params] | None = None
    body: type[Params] | None = None
    # The values of `include`, where there is such a parameter.
    includes: tuple[str, ...] = ()
    # What else the body takes, or what of the parameters above it takes in truth.
    takes: Mapping[str, Schema] = field(default_factory=dict)
    # Parameters that are of use together alone.
    together: tuple[str, ...] = ()
    # The object within which the parameters may also stand.
    within: str = ""


NOTE, COLLECTIVE, USER, TOKEN = ref("Note"), ref("Collective"), ref("User"), ref("Token")
MESSAGE = ref("Message")
INCLUDES = note_json.INCLUDES

# By resource and function, as the routes name them.
OPERATIONS: dict[tuple[type, str], Operation] = {
    (info.Info, "retrieve"): Operation(
        "read_info", "What is offered at this base, and who asks", ref("Info")
    ),
    (notes.Notes, "list"): Operation(
        "list_notes",
        "Notes, newest first",
        array(NOTE),
        query=NoteListParams,
        includes=INCLUDES,
    ),
    (notes.Notes, "create"): Operation(
        "create_note",
        "Write a note, or with `commentable_type` and `commentable_id` a comment",
        NOTE,
        body=notes.create_note.params,
        takes={
            "subtype": {
                **words("text", "post", "comment"),
                "description": "text, or post, which is the same; comment only with a parent.",
            },
            "commentable_type": {
                **words("Note"),
                "description": "What kind of item the note is a comment on.",
            },
            "commentable_id": text(
                "3f0c7a52", minLength=1, description="The item that the note is a comment on."
            ),
        },
        together=("commentable_type", "commentable_id"),
        within="note",
        includes=INCLUDES,
    ),
    (notes.Notes, "retrieve"): Operation("read_note", "One note", NOTE, includes=INCLUDES),
    (notes.Notes, "update"): Operation(
        "update_note",
        "Change a note; blank values change nothing",
        NOTE,
        body=note_actions.update_note.params,
        takes={
            "edit_access": {
                **words("owner", "members"),
                "description": "Who may edit the rows of a table.",
            }
        },
        within="note",
        includes=INCLUDES,
    ),
    (notes.Notes, "destroy"): Operation("delete_note", "Delete a note", MESSAGE),
    (notes.Confirmations, "create"): Operation(
        "confirm_note",
        "Confirm having read a note as it is now",
        ref("HistoryEvent"),
    ),
    (notes.Comments, "list"): Operation(
        "list_comments",
        "The direct comments on a note, oldest first",
        array(NOTE),
        query=CommentListParams,
        includes=INCLUDES,
    ),
    (notes.Comments, "create"): Operation(
        "create_comment",
        "Comment on a note",
        NOTE,
        body=note_actions.add_comment.params,
        within="note",
        includes=INCLUDES,
    ),
    (collectives.Collectives, "list"): Operation(
        "list_collectives",
        "The caller's collectives, the main one among them",
        array(ref("ListedCollective")),
        query=collectives.CollectiveListParams,
    ),
    (collectives.Collectives, "create"): Operation(
        "create_collective",
        "Make a collective; the caller is its first member and admin",
        COLLECTIVE,
        body=collectives.create_collective.params,
    ),
    (collectives.Collectives, "retrieve"): Operation(
        "read_collective", "One collective of the caller", COLLECTIVE
    ),
    (collectives.Collectives, "update"): Operation(
        "update_collective",
        "Change a collective's settings; for its admins",
        COLLECTIVE,
        body=collectives.update_settings.params,
    ),
    (collectives.Members, "list"): Operation(
        "list_members",
        "Active members of a collective, newest first",
        array(ref("Member")),
        query=collectives.MemberListParams,
    ),
    (users.Users, "list"): Operation(
        "list_users",
        "Who belongs to the tenant, newest first",
        array(USER),
        query=users.UserListParams,
    ),
    (users.Users, "create"): Operation(
        "create_ai_agent",
        "Make an AI agent of the caller",
        USER,
        body=users.create_ai_agent.params,
    ),
    (users.Users, "retrieve"): Operation("read_user", "One user; `me` is the caller", USER),
    (users.Users, "update"): Operation(
        "update_user",
        "Change oneself, or an agent of one's own",
        USER,
        body=users.update_profile.params,
    ),
    (users.Users, "destroy"): Operation(
        "delete_user", "Delete an agent that has written nothing", MESSAGE
    ),
    (tokens.Tokens, "list"): Operation(
        "list_tokens",
        "Tokens that nobody deleted, newest first",
        array(TOKEN),
        query=tokens.TokenListParams,
    ),
    (tokens.Tokens, "create"): Operation(
        "create_token",
        "Make a token; its plaintext is in this answer alone",
        ref("NewToken"),
        body=tokens.create_api_token.params,
    ),
    (tokens.Tokens, "retrieve"): Operation("read_token", "One token", TOKEN),
    (tokens.Tokens, "update"): Operation(
        "rename_token", "Rename a token", TOKEN, body=tokens.rename_api_token.params
    ),
    (tokens.Tokens, "destroy"): Operation("delete_token", "Delete a token", MESSAGE),
    (tokens.Rotation, "create"): Operation(
        "rotate_token",
        "Give a token a successor; both work for some days",
        ref("Successor"),
        body=token_actions.rotate_api_token.params,
    ),
    (token_self.Self, "retrieve"): Operation(
        "read_token_in_use", "The token of the request, and where it gets in", ref("TokenInUse")
    ),
}
