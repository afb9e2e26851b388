"""What a user may do with the models of the registry, and telling Tidegate about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import client, registry
from .conf import config

#: What a push waits for after it has failed so often, in seconds: it grows, and never ends.
BACKOFF_SECONDS = (0, 5, 30, 120, 600, 1800)
#: Tidegate lets what it was told lapse after a day; it is told again long before.
RENEW_AFTER = timedelta(hours=12)
#: Characters of what went wrong that are kept.
ERROR_CHARACTERS_MAX = 500


def email_of(user: Any) -> str:
    """The address by which Tidegate knows a user; empty if there is none."""
    given = config().email
    if given is not None:
        return given(user).strip().lower()
    field = get_user_model().get_email_field_name()
    return str(getattr(user, field, "") or "").strip().lower()


def of(user: Any) -> list[dict[str, Any]]:
    """What a user may: asked anew, as a user object remembers what it was told before."""
    fresh = get_user_model()._default_manager.filter(pk=user.pk).first()
    if fresh is None or not fresh.is_active:
        return []
    codenames: dict[str, list[str]] = {}
    for action in registry.declared():
        model = action.model_class()._meta
        held = codenames.setdefault(action.model, [])
        sees = f"{model.app_label}.view_{model.model_name}"
        if registry.VIEW not in held and fresh.has_perm(sees):
            held.append(registry.VIEW)
        if fresh.has_perm(action.permission):
            held.append(action.codename)
    return [
        {"model": model, "codenames": sorted(held)} for model, held in codenames.items() if held
    ]


def is_shared(user: Any, email: str) -> bool:
    """Whether another user has the same address: then it says nothing about who somebody is."""
    field = get_user_model().get_email_field_name()
    others = get_user_model()._default_manager.exclude(pk=user.pk)
    return others.filter(**{f"{field}__iexact": email}).exists()


def note(user: Any) -> None:
    """Remembers that Tidegate has to be told about a user, and tells it once that is committed."""
    from .models import Membership

    email = email_of(user)
    held = of(user)
    known = Membership.objects.filter(user_key=str(user.pk)).exclude(email=email)
    # By the old address nobody may anything any more.
    known.update(user_key="", is_pending=True, next_try_at=timezone.now(), attempts=0)
    if email:
        row, is_new = Membership.objects.get_or_create(email=email)
        if is_new and not held:
            # Tidegate has never heard of them, and need not.
            row.delete()
        else:
            row.user_key, row.is_pending = str(user.pk), True
            row.next_try_at, row.attempts = timezone.now(), 0
            row.save()
    transaction.on_commit(push_quietly)


def push_quietly() -> None:
    """Tells Tidegate at once, where it answers; what fails stays for `push_memberships`."""
    push(limit=20, is_patient=False)


def push(*, limit: int = 1000, is_patient: bool = True) -> tuple[int, int]:
    """Tells Tidegate what is due; gives how many were told, and how many were not."""
    from .models import Membership

    now = timezone.now()
    due = Q(is_pending=True, next_try_at__lte=now) | Q(
        is_pending=False, pushed_at__lte=now - RENEW_AFTER
    )
    told = failed = 0
    for row in Membership.objects.filter(due).order_by("next_try_at")[:limit]:
        if _push_one(row):
            told += 1
        else:
            failed += 1
            if not is_patient:
                break
    return told, failed


def _push_one(row: Any) -> bool:
    users = get_user_model()._default_manager
    signed_at = client.moment()
    user = users.filter(pk=row.user_key).first() if row.user_key else None
    if user is not None and (email_of(user) != row.email or is_shared(user, row.email)):
        user = None
    held = of(user) if user is not None else []
    stamp = row.next_try_at
    try:
        client.hand_over(
            config(),
            email=row.email,
            is_active=bool(user is not None and user.is_active),
            memberships=held,
            signed_at=signed_at,
            export=None,
        )
    except client.Refused as error:
        # Whoever is not known there has nothing there.
        if held or error.status != 422:
            return _failed(row, error)
    except client.TidegateError as error:
        return _failed(row, error)
    if not held:
        type(row).objects.filter(pk=row.pk, next_try_at=stamp).delete()
        return True
    # What has changed since is told again.
    type(row).objects.filter(pk=row.pk, next_try_at=stamp).update(
        is_pending=False, pushed_at=timezone.now(), attempts=0, last_error=""
    )
    return True


def _failed(row: Any, error: Exception) -> bool:
    attempts = row.attempts + 1
    pause = BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS) - 1)]
    type(row).objects.filter(pk=row.pk, next_try_at=row.next_try_at).update(
        is_pending=True,
        attempts=attempts,
        next_try_at=timezone.now() + timedelta(seconds=pause),
        last_error=str(error)[:ERROR_CHARACTERS_MAX],
    )
    return False
