"""People."""

from django.apps import AppConfig


class UserConfig(AppConfig):
    name = "tests.user"
    label = "user"
