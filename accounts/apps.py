from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.security import record_write, store
        from accounts.storage import count_stored
        from harmonic.kernel.events import add_reader
        from harmonic.kernel.operations.audit import add_sink
        from harmonic.kernel.operations.storage import add_counter

        add_sink(store)
        add_reader(record_write)
        add_counter(count_stored)
