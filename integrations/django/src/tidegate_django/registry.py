"""`ADMIN_ACTIONS` of the applications: what is declared, and what is wrong with it."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

MEMBERS = ("model", "codename", "name", "kind", "scope")
KINDS = ("server", "client")
SCOPES = ("row", "bulk", "list")
EXPORT = "export"
VIEW = "view"


@dataclass(frozen=True)
class AdminAction:
    """An action, as an application declares it."""

    model: str
    codename: str
    name: str
    kind: str
    scope: str

    @property
    def app_label(self) -> str:
        return self.model.split(".", 1)[0]

    @property
    def permission(self) -> str:
        """What `has_perm` is asked: `user.export`."""
        return f"{self.app_label}.{self.codename}"

    def model_class(self) -> type[Model]:
        return apps.get_model(self.model)

    def document(self) -> dict[str, str]:
        return asdict(self)


def declared() -> list[AdminAction]:
    """Everything that `admin_actions.py` of the installed applications declares."""
    actions: list[AdminAction] = []
    for app in apps.get_app_configs():
        name = f"{app.name}.admin_actions"
        if find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        for entry in getattr(module, "ADMIN_ACTIONS", []):
            actions.append(_read(name, entry))
    _check(actions)
    return actions


def _read(where: str, entry: Any) -> AdminAction:
    if not isinstance(entry, dict) or set(entry) != set(MEMBERS):
        raise ImproperlyConfigured(f"{where}: an action has {', '.join(MEMBERS)}: {entry!r}")
    action = AdminAction(**{name: str(entry[name]) for name in MEMBERS})
    if action.kind not in KINDS or action.scope not in SCOPES:
        raise ImproperlyConfigured(
            f"{where}: `kind` is {' or '.join(KINDS)}, `scope` is one of {', '.join(SCOPES)}: "
            f"{action.model} {action.codename}"
        )
    try:
        action.model_class()
    except (LookupError, ValueError) as error:
        raise ImproperlyConfigured(f"{where}: there is no model `{action.model}`") from error
    return action


def _check(actions: list[AdminAction]) -> None:
    by_permission: dict[str, AdminAction] = {}
    for action in actions:
        other = by_permission.setdefault(action.permission, action)
        if other is action:
            continue
        if other.model == action.model:
            raise ImproperlyConfigured(f"`{action.model}` has two actions `{action.codename}`")
        raise ImproperlyConfigured(
            f"`{other.model}` and `{action.model}` both have an action `{action.codename}`, and "
            f"has_perm('{action.permission}') cannot tell them apart"
        )


def export_of(model: type[Model]) -> AdminAction | None:
    """The export of a model, if it is declared."""
    label = model._meta.label
    found = (one for one in declared() if one.codename == EXPORT and one.model == label)
    return next(found, None)
