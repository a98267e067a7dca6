from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "collectives.events"
    label = "events"

    def ready(self) -> None:
        from collectives.events.rules import store_event
        from harmonic.kernel.events import add_reader

        add_reader(store_event)
