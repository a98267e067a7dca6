"""Add the place, author and kind of each item to the index of searches."""

from django.db import migrations

SQLITE = """
    UPDATE search_searchentry SET grams = grams || (
        SELECT ' c' || collective_id || ' u' || created_by_id || ' k' || lower(kind)
        FROM items_item WHERE items_item.id = search_searchentry.item_id
    )
"""
POSTGRESQL = """
    UPDATE search_searchentry SET grams = grams || array_to_tsvector(ARRAY[
        'c' || replace(collective_id::text, '-', ''),
        'u' || replace(created_by_id::text, '-', ''),
        'k' || lower(kind)
    ]) FROM items_item WHERE items_item.id = search_searchentry.item_id
"""


def add_facets(apps, schema_editor):
    statements = {"postgresql": POSTGRESQL, "sqlite": SQLITE}
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statements[schema_editor.connection.vendor])


class Migration(migrations.Migration):
    dependencies = [("search", "0001_index"), ("items", "0005_last_activity_required")]

    operations = [migrations.RunPython(add_facets, migrations.RunPython.noop)]
