# ruff: noqa: S608 no statement holds a value from outside
"""Create an item for each note, and refer to it from history and pins.

Ids, paths and times are kept. Pins of missing items, which lists did not show, are dropped.
Reversing the migration restores the rows of the old tables, which hold notes and their comments
only. Later kinds of items have no place there: they are dropped with their comments.
"""

from django.db import migrations

COMMON = (
    "id, tenant_id, truncated_id, subtype, collective_id, title, deadline, created_by_id,"
    " updated_by_id, created_at, updated_at, deleted_at, deleted_by_id, hard_delete_after"
)
FORWARD = [
    f"INSERT INTO items_item ({COMMON}, kind, parent_id, root_id)"
    f" SELECT {COMMON}, 'Note', commentable_id, thread_id FROM notes_flatnote",
    "INSERT INTO notes_note (item_id, edit_access, text)"
    " SELECT id, edit_access, text FROM notes_flatnote",
    "INSERT INTO items_historyevent (id, tenant_id, item_id, user_id, event_type, happened_at)"
    " SELECT id, tenant_id, note_id, user_id, event_type, happened_at"
    " FROM notes_notehistoryevent",
    "INSERT INTO items_pin (id, tenant_id, collective_id, person_id, item_id, pinned_at)"
    " SELECT id, tenant_id, collective_id, person_id, item_id, pinned_at FROM collectives_pin"
    " WHERE item_type = 'Note' AND item_id IN (SELECT id FROM notes_flatnote)",
]
BACK = [
    f"INSERT INTO notes_flatnote ({COMMON}, edit_access, text,"
    " commentable_type, commentable_id, thread_type, thread_id)"
    f" SELECT {COMMON}, edit_access, text,"
    " CASE WHEN parent_id IS NULL THEN '' ELSE 'Note' END, parent_id,"
    " CASE WHEN root_id IS NULL THEN '' ELSE 'Note' END, root_id"
    " FROM items_item JOIN notes_note ON item_id = id"
    " WHERE root_id IS NULL OR root_id IN (SELECT id FROM items_item WHERE kind = 'Note')",
    "INSERT INTO notes_notehistoryevent (id, tenant_id, note_id, user_id, event_type, happened_at)"
    " SELECT id, tenant_id, item_id, user_id, event_type, happened_at FROM items_historyevent"
    " WHERE item_id IN (SELECT id FROM notes_flatnote)",
    "INSERT INTO collectives_pin"
    " (id, tenant_id, collective_id, person_id, item_type, item_id, pinned_at)"
    " SELECT id, tenant_id, collective_id, person_id, 'Note', item_id, pinned_at FROM items_pin"
    " WHERE item_id IN (SELECT id FROM notes_flatnote)",
    "DELETE FROM items_pin",
    "DELETE FROM items_historyevent",
    "DELETE FROM notes_note",
    "DELETE FROM items_item",
]


class Migration(migrations.Migration):
    dependencies = [
        ("collectives", "0003_agents_leave_with_parent"),
        ("items", "0001_initial"),
        ("notes", "0003_notes_beside_items"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACK)]
