from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "tokens"

    def ready(self) -> None:
        from accounts.security import show_with
        from tokens.queries import pages_in_log

        show_with("token_pages", pages_in_log)
