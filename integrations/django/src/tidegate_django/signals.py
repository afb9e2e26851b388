"""Hears of every change of who may what."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import m2m_changed, post_save, pre_delete

from . import memberships

log = logging.getLogger("tidegate_django")

#: Users whom one change of a group is told about at once; the rest waits for `push_memberships`.
_PREFIX = "tidegate_django"


def connect() -> None:
    user = get_user_model()
    post_save.connect(_saved, sender=user, dispatch_uid=f"{_PREFIX}.saved")
    pre_delete.connect(_deleted, sender=user, dispatch_uid=f"{_PREFIX}.deleted")
    pre_delete.connect(_group_deleted, sender=Group, dispatch_uid=f"{_PREFIX}.group_deleted")
    user_logged_in.connect(_logged_in, dispatch_uid=f"{_PREFIX}.logged_in")
    for name in ("groups", "user_permissions"):
        through = getattr(getattr(user, name, None), "through", None)
        if through is not None:
            m2m_changed.connect(_user_changed, sender=through, dispatch_uid=f"{_PREFIX}.{name}")
    m2m_changed.connect(
        _group_changed, sender=Group.permissions.through, dispatch_uid=f"{_PREFIX}.permissions"
    )


def _note(users: Iterable[Any]) -> None:
    for user in users:
        memberships.note(user)


def _saved(instance: Any, raw: bool = False, **_: Any) -> None:
    if not raw:
        _note([instance])


def _deleted(instance: Any, **_: Any) -> None:
    from django.db import transaction
    from django.utils import timezone

    from .models import Membership

    rows = Membership.objects.filter(user_key=str(instance.pk))
    rows.update(user_key="", is_pending=True, attempts=0, next_try_at=timezone.now())
    transaction.on_commit(memberships.push_quietly)


def _group_deleted(instance: Group, **_: Any) -> None:
    from django.db import transaction

    users = list(_members([instance.pk]))
    transaction.on_commit(lambda: _note(users))


def _logged_in(user: Any, **_: Any) -> None:
    _note([user])


def _members(groups: Iterable[Any]) -> Iterable[Any]:
    return get_user_model()._default_manager.filter(groups__in=list(groups)).distinct()


def _user_changed(
    instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, **_: Any
) -> None:
    """A user's groups or permissions, from either side of the relation."""
    users = get_user_model()._default_manager
    if action == "pre_clear" and reverse:
        # Behind the change nobody knows any more whom it took something from.
        related = "groups" if isinstance(instance, Group) else "user_permissions"
        instance._tidegate_cleared = list(users.filter(**{related: instance}))
        return
    if not action.startswith("post_"):
        return
    if not reverse:
        _note([instance])
    elif action == "post_clear":
        _note(getattr(instance, "_tidegate_cleared", []))
    else:
        _note(users.filter(pk__in=pk_set or ()))


def _group_changed(
    instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, **_: Any
) -> None:
    """A group's permissions, from either side of the relation."""
    if action == "pre_clear" and reverse:
        instance._tidegate_groups = list(instance.group_set.values_list("pk", flat=True))
        return
    if not action.startswith("post_"):
        return
    if not reverse:
        _note(_members([instance.pk]))
    elif action == "post_clear":
        _note(_members(getattr(instance, "_tidegate_groups", [])))
    else:
        _note(_members(pk_set or ()))
