"""What an AI agent may be allowed to do. The list is complete from the first day, so that
an agent made early is not cut when an action arrives later (`docs/agents.md`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Grantable capabilities that a settings form shows together.

    `careful` ones start unticked on a new agent.
    """

    label: str
    usual: tuple[str, ...] = ()
    careful: tuple[str, ...] = ()


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GROUPS = (
    Group("Notes", words("create_note update_note pin_note unpin_note"), words("delete_note")),
    Group(
        "Reading and reminders",
        words("confirm_read acknowledge_reminder create_reminder_note cancel_reminder"),
    ),
    Group("Comments", words("add_comment")),
    Group(
        "Decisions",
        words(
            "create_decision update_decision_settings pin_decision unpin_decision vote"
            " add_options close_decision add_statement"
        ),
        words("delete_decision"),
    ),
    Group(
        "Commitments",
        words(
            "create_commitment update_commitment_settings join_commitment pin_commitment"
            " unpin_commitment"
        ),
        words("delete_commitment"),
    ),
    Group(
        "Tables",
        words(
            "create_table_note add_row update_row add_table_column query_rows summarize"
            " update_table_description batch_table_update"
        ),
        words("delete_row remove_table_column"),
    ),
    Group("Attachments", careful=words("add_attachment remove_attachment")),
    Group("Chat", words("send_message")),
    Group("Trustee responses", words("accept_trustee_grant decline_trustee_grant")),
    Group("Trustee administration", careful=words("create_trustee_grant revoke_trustee_grant")),
    Group("Representation", words("start_representation end_representation")),
    Group("Reporting", words("report_content")),
)

ALWAYS = frozenset(
    words("send_heartbeat dismiss dismiss_all dismiss_for_collective search update_scratchpad")
)
NEVER = frozenset(
    words(
        "create_collective join_collective leave_collective update_collective_settings"
        " create_invite create_ai_agent update_ai_agent add_ai_agent_to_collective"
        " remove_ai_agent_from_collective deactivate_ai_agent reactivate_ai_agent stop_ai_agent"
        " create_api_token rename_api_token delete_api_token rotate_api_token"
        " update_profile update_member_roles remove_member restore_note"
        " create_webhook update_webhook delete_webhook test_webhook"
        " suspend_user unsuspend_user update_tenant_settings update_tenant_roles"
        " remove_from_tenant create_tenant retry_sidekiq_job"
        " create_automation_rule update_automation_rule delete_automation_rule"
        " toggle_automation_rule test_automation_rule run_automation_rule"
    )
)
DEFAULT = tuple(name for group in GROUPS for name in group.usual)
GRANTABLE = tuple(name for group in GROUPS for name in (*group.usual, *group.careful))


def grantable(names: list[str]) -> list[str]:
    """Return the names that can be granted, each once, in the order of the list above."""
    return [name for name in GRANTABLE if name in names]


def holds(capabilities: frozenset[str] | None, name: str) -> bool:
    """Answer whether an agent with `capabilities` (None: all grantable) may do `name`."""
    if name in ALWAYS:
        return True
    return name in GRANTABLE and (capabilities is None or name in capabilities)
