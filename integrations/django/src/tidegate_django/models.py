"""Whom Tidegate was told about, and whom it has to be told about: a small outbox."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Membership(models.Model):
    """Somebody whom Tidegate knows, or is to know, by an address."""

    email = models.CharField(max_length=254, unique=True)
    #: Primary key of the user; empty once nobody has this address any more.
    user_key = models.CharField(max_length=64, blank=True, default="")
    is_pending = models.BooleanField(default=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    pushed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        indexes = (models.Index(fields=["is_pending", "next_try_at"], name="tidegate_due"),)

    def __str__(self) -> str:
        return self.email
