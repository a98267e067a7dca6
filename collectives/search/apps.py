from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "collectives.search"
    label = "search"

    def ready(self) -> None:
        from collectives.items.kinds import index_with
        from collectives.search.index.entries import index_items

        index_with(index_items)
