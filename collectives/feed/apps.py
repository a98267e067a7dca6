from django.apps import AppConfig


class FeedConfig(AppConfig):
    name = "collectives.feed"
    label = "feed"
