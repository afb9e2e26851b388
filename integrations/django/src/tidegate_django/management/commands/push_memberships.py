"""Tells Tidegate again what it could not be told, and what it would let lapse."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from ... import memberships


class Command(BaseCommand):
    help = "Tells Tidegate who may what: what is due, or with --all everybody. Run it hourly."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="everybody, not only what is due")

    def handle(self, *args: Any, all: bool, **options: Any) -> None:
        if all:
            for user in get_user_model()._default_manager.iterator():
                memberships.note(user)
        told, failed = memberships.push()
        self.stdout.write(f"{told} told, {failed} not")
        if failed:
            raise CommandError("Tidegate could not be told about everybody; it is tried again")
