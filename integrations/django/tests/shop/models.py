"""Orders, with a field of every kind that a list is filtered by."""

from django.conf import settings
from django.db import models


class Order(models.Model):
    number = models.CharField(max_length=20, unique=True)
    status = models.CharField(max_length=10, choices=[(s, s) for s in ("paid", "open", "void")])
    note = models.TextField(null=True, blank=True)
    is_gift = models.BooleanField(default=False)
    is_checked = models.BooleanField(null=True)
    quantity = models.IntegerField()
    rank = models.IntegerField(null=True)
    total = models.DecimalField(max_digits=12, decimal_places=2)
    placed_at = models.DateTimeField()
    due_on = models.DateField(null=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="orders"
    )
    token = models.UUIDField()
