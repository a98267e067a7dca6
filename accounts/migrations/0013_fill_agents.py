"""Give every AI agent a row of its own, from the JSON in its account.

No list of capabilities meant everything that can be granted; the row says `all`. The list that
earlier releases wrote for an agent whose parent chose nothing becomes `usual`, so that such an
agent gets later capabilities like one made today
(`docs/decisions/0019-a-capability-is-declared-once.md`).
"""

from django.db import migrations

BATCH = 500
# Written for each new agent before the stored word `usual` existed.
FORMER_DEFAULT = frozenset(
    """
    create_note update_note pin_note unpin_note
    confirm_read acknowledge_reminder create_reminder_note cancel_reminder
    add_comment
    create_decision update_decision_settings pin_decision unpin_decision vote
    add_options close_decision add_statement
    create_commitment update_commitment_settings join_commitment pin_commitment
    unpin_commitment
    create_table_note add_row update_row add_table_column query_rows summarize
    update_table_description batch_table_update
    send_message
    accept_trustee_grant decline_trustee_grant
    start_representation end_representation
    report_content
    """.split()
)


def fill(apps, schema_editor):
    agents, batch = apps.get_model("agents", "Agent"), []
    for user in _agents(apps).only("id", "agent_configuration").iterator(BATCH):
        batch.append(agents(user_id=user.id, **_columns(user.agent_configuration or {})))
    agents.objects.bulk_create(batch, batch_size=BATCH)


def restore(apps, schema_editor):
    """Write the rows back into the accounts and delete them, so that `fill` can run again."""
    agents, batch = apps.get_model("agents", "Agent"), []
    for agent in agents.objects.select_related("user").iterator(BATCH):
        agent.user.agent_configuration = _configuration(agent)
        batch.append(agent.user)
    apps.get_model("accounts", "User").objects.bulk_update(
        batch, ["agent_configuration"], batch_size=BATCH
    )
    agents.objects.all().delete()


def _agents(apps):
    return apps.get_model("accounts", "User").objects.filter(user_type="ai_agent")


def _columns(configuration):
    names = configuration.get("capabilities")
    return {
        "mode": "internal" if configuration.get("mode") == "internal" else "external",
        "model": configuration.get("model") or "",
        "capability_names": ["all"] if names is None else _stored(names),
        "may_write_publicly": configuration.get("allow_public_writes") is not False,
        "identity_prompt": configuration.get("identity_prompt") or "",
        "scratchpad": configuration.get("scratchpad") or "",
    }


def _stored(names):
    return ["usual"] if set(names) == FORMER_DEFAULT else names


def _configuration(agent):
    stored = {"mode": agent.mode, "identity_prompt": agent.identity_prompt}
    if "all" not in agent.capability_names:
        stored["capabilities"] = agent.capability_names
    if not agent.may_write_publicly:
        stored["allow_public_writes"] = False
    optional = {"model": agent.model, "scratchpad": agent.scratchpad}
    return stored | {name: value for name, value in optional.items() if value}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_fill_event_filters"),
        ("agents", "0001_initial"),
    ]

    operations = [migrations.RunPython(fill, restore)]
