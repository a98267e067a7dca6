"""Create an event for each entry in the history of an item.

Ids, accounts and times are kept. Reversing the migration keeps only the events of histories.
"""

from django.db import migrations

FORWARD = """
INSERT INTO events_event
    (id, tenant_id, subject, verb, happened_at, collective_id, item_id, actor_id, metadata)
SELECT history.id, history.tenant_id, lower(item.kind),
    CASE history.event_type
        WHEN 'create' THEN 'created' WHEN 'update' THEN 'updated' ELSE 'confirmed' END,
    history.happened_at, item.collective_id, item.id, history.user_id, '{}'
FROM items_historyevent AS history JOIN items_item AS item ON item.id = history.item_id
"""
BACK = [
    """
INSERT INTO items_historyevent (id, tenant_id, item_id, user_id, event_type, happened_at)
SELECT id, tenant_id, item_id, actor_id,
    CASE verb
        WHEN 'created' THEN 'create' WHEN 'updated' THEN 'update' ELSE 'read_confirmation' END,
    happened_at
FROM events_event WHERE item_id IS NOT NULL AND verb IN ('created', 'updated', 'confirmed')
""",
    "DELETE FROM events_event",
]


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial"), ("items", "0002_fill_items")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
