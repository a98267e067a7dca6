"""End the memberships of agents whose parent is not a member.

Before this, an agent stayed a member when its parent's membership ended. Each membership that ends
gets an entry in the security log. Reversing the migration changes nothing.
"""

from django.db import migrations
from django.db.models import Exists, OuterRef
from django.utils import timezone

from harmonic.kernel.operations.redaction import without_tokens


def leave(apps, schema_editor):
    using = schema_editor.connection.alias
    member = apps.get_model("collectives", "CollectiveMember")
    event = apps.get_model("accounts", "SecurityEvent")
    now = timezone.now()
    # A list, because the loop changes the rows that match the query.
    for row in list(_without_parent(member, using)):
        member.objects.using(using).filter(id=row.id).update(
            archived_at=now, is_admin=False, is_representative=False
        )
        event.objects.using(using).create(**_line(row, now))


def _without_parent(member, using):
    """Return the agents' memberships where the parent is not an active member.

    Memberships in main collectives and workspaces do not depend on the parent.
    """
    parent_here = member.objects.using(using).filter(
        collective=OuterRef("collective"),
        person__user=OuterRef("person__user__parent"),
        archived_at=None,
        person__archived_at=None,
    )
    rows = member.objects.using(using).filter(
        ~Exists(parent_here),
        person__user__user_type="ai_agent",
        collective__is_main=False,
        archived_at=None,
    )
    rows = rows.exclude(collective__kind="private_workspace")
    return rows.select_related("person").order_by("id")


def _line(row, now):
    name = without_tokens(row.person.display_name)
    names = {"handle": row.person.handle, "name": name}
    return {
        "tenant_id": row.tenant_id,
        "at": now,
        "event": "user_action",
        "severity": "info",
        "subject_id": row.person.user_id,
        "data": {
            "action": "remove_ai_agent_from_collective",
            "collective_id": str(row.collective_id),
            "reason": "parent_left",
            "people": {"subject": names},
        },
    }


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_event_append_only"),
        ("collectives", "0002_pin_once_in_two"),
    ]

    operations = [migrations.RunPython(leave, migrations.RunPython.noop)]
