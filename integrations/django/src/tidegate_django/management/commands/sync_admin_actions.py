"""Creates the permissions of declared actions, and makes Tidegate's registry what is declared."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ... import client, registry
from ...conf import config


class Command(BaseCommand):
    help = "Creates the permissions of ADMIN_ACTIONS, and tells Tidegate what is declared"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--local", action="store_true", help="do not tell Tidegate")

    def handle(self, *args: Any, dry_run: bool, local: bool, **options: Any) -> None:
        try:
            actions = registry.declared()
            # What Tidegate would refuse is found before anything is changed here.
            steps = [] if local else self._sync(actions, dry_run=True)
            with transaction.atomic():
                made = [line for action in actions if (line := self._permission(action, dry_run))]
            if not dry_run and not local:
                steps = self._sync(actions, dry_run=False)
        except (ImproperlyConfigured, client.TidegateError) as error:
            raise CommandError(str(error)) from error
        for line in made + steps:
            self.stdout.write(line)
        verb = "would be done" if dry_run else "done"
        self.stdout.write(f"{len(made) + len(steps)} {verb}")

    def _sync(self, actions: list[registry.AdminAction], *, dry_run: bool) -> list[str]:
        documents = [action.document() for action in actions]
        done = client.sync_actions(config(), documents, dry_run=dry_run)
        return [
            f"tidegate: {step['step']} {step['model']} {step['codename']} ({step['capability']})"
            for step in done["steps"]
        ]

    def _permission(self, action: registry.AdminAction, dry_run: bool) -> str | None:
        content_type = ContentType.objects.get_for_model(
            action.model_class(), for_concrete_model=False
        )
        found = Permission.objects.filter(content_type=content_type, codename=action.codename)
        permission = found.first()
        if permission is None:
            if not dry_run:
                Permission.objects.create(
                    content_type=content_type, codename=action.codename, name=action.name
                )
            return f"permission: add {action.permission} ({action.name})"
        if permission.name == action.name:
            return None
        was, permission.name = permission.name, action.name
        if not dry_run:
            permission.save(update_fields=["name"])
        return f"permission: rename {action.permission} ({was} → {action.name})"
