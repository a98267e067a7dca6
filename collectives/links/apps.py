from django.apps import AppConfig


class LinksConfig(AppConfig):
    name = "collectives.links"
    label = "links"

    def ready(self) -> None:
        from collectives.items.models import add_text_reader
        from collectives.links.rules import store_links

        add_text_reader(store_links)
