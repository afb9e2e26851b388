"""200 random states of a changelist: the keys in the file are the keys of Django's own queryset."""

import datetime
import decimal
import os
import random
import re
import uuid
from collections import Counter
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from tests.shop.models import Order
from tests.user.models import User

STATES = int(os.environ.get("STATES", "200"))
SEED = 20261122
NOTES = [
    None,
    "",
    "=1+1",
    "Kiel",
    "kiel street",
    "50% off",
    "under_score",
    "Größe",
    "ÄRGER",
    "o'hara",
    "\\",
]
WORDS = [
    "kiel",
    "KIEL",
    "50%",
    "_",
    "o'h",
    "street kiel",
    "gr",
    "Größe",
    "n-1",
    "N-2",
    "paid",
    "\\",
    "ada@",
]


@pytest.fixture
def shop(tidegate):
    call_command("sync_admin_actions")
    rng = random.Random(SEED)
    root = User.objects.create_superuser("root", "boss@example.com", "p")
    people = [User.objects.create_user(f"u{n}", f"ada@{n}.example.com") for n in range(4)]
    start = timezone.now().replace(microsecond=0)
    Order.objects.bulk_create(
        Order(
            number=f"N-{n}",
            status=rng.choice(["paid", "open", "void"]),
            note=rng.choice(NOTES),
            is_gift=rng.random() < 0.5,
            is_checked=rng.choice([None, True, False]),
            quantity=rng.randrange(100),
            rank=rng.choice([None, *range(5)]),
            total=decimal.Decimal(rng.randrange(100_000)) / 100,
            placed_at=start
            - datetime.timedelta(
                minutes=rng.randrange(60 * 24 * 500), microseconds=rng.choice([0, 1, 250_000])
            ),
            due_on=rng.choice([None, (start - datetime.timedelta(days=rng.randrange(60))).date()]),
            customer=rng.choice([None, *people]),
            token=uuid.UUID(int=rng.getrandbits(128)),
        )
        for n in range(400)
    )
    return root


def state(rng):
    """The address of a list, as somebody clicks it together."""
    query = {}
    day = timezone.now() - datetime.timedelta(days=rng.randrange(400))
    choices = {
        "status__exact": lambda: rng.choice(["paid", "open"]),
        "is_gift__exact": lambda: rng.choice("01"),
        "is_checked__exact": lambda: rng.choice("01"),
        "is_checked__isnull": lambda: rng.choice(["True", "False"]),
        "size": lambda: rng.choice(["large", "ranked"]),
        "placed_at__gte": lambda: day.isoformat(sep=" "),
        "placed_at__lt": lambda: (day + datetime.timedelta(days=90)).isoformat(sep=" "),
        "due_on__gte": lambda: day.date().isoformat(),
        "due_on__isnull": lambda: rng.choice(["True", "False"]),
        "customer__id__exact": lambda: str(
            User.objects.filter(username__startswith="u").order_by("?").first().pk
        ),
        "placed_at__year": lambda: str(day.year),
    }
    for name in rng.sample(sorted(choices), rng.choice([0, 0, 1, 1, 2, 3])):
        query[name] = choices[name]()
    if rng.random() < 0.5:
        query["q"] = rng.choice(WORDS)
    if rng.random() < 0.5:
        query["o"] = rng.choice(["1", "-1", "2", "-3", "4.-1"])
    return query


#: What the list's search looks in: some of it has a translation, some has none.
SEARCHED = [
    ("number", "note"),
    ("^note", "number"),
    ("note",),
    ("=status", "note"),
    ("number__startswith", "note"),
    ("customer__email", "note"),
]

#: What `get_queryset` limits a list to, in the tests: each is another way to write one.
LIMITS = [
    None,
    lambda queryset: queryset.filter(quantity__lt=80),
    lambda queryset: queryset.exclude(status="void"),
    lambda queryset: queryset.exclude(note="Kiel"),
    lambda queryset: queryset.filter(rank__in=[1, None, 3]),
    lambda queryset: queryset.filter(customer__username="u1"),
    lambda queryset: queryset.filter(total__gte="500.00"),
    lambda queryset: queryset.filter(note__contains="Kiel") | queryset.filter(is_gift=True),
    lambda queryset: queryset.filter(placed_at__date__gte="2026-01-01"),
    lambda queryset: queryset.none(),
]


@pytest.mark.django_db(transaction=True)
def test_the_keys_in_the_file_are_the_keys_of_the_list(tidegate, shop, monkeypatch):
    rng = random.Random(SEED)
    client = Client()
    client.force_login(shop)
    model_admin = admin.site._registry[Order]
    asked, jobs = [], []
    plain = type(model_admin).get_queryset
    ways: Counter[str] = Counter()
    from tidegate_django import client as api

    hand_over = api.hand_over

    def counted(*args, **kwargs):
        taken = hand_over(*args, **kwargs)
        if kwargs["export"] is not None:
            ways["filter" if "filter" in kwargs["export"]["scope"] else "keys"] += 1
        return taken

    monkeypatch.setattr(api, "hand_over", counted)
    while len(jobs) < STATES:
        limit = rng.choice(LIMITS)

        def limited(self, request, limit=limit):
            queryset = plain(self, request)
            return queryset if limit is None else limit(queryset)

        monkeypatch.setattr(type(model_admin), "get_queryset", limited)
        monkeypatch.setattr(type(model_admin), "search_fields", rng.choice(SEARCHED))
        query = state(rng)
        shown = client.get("/admin/shop/order/", query)
        if shown.status_code != 200:
            assert "e=1" in shown["location"], query
            continue
        matching = shown.context["cl"].queryset.order_by()
        expected = sorted(set(matching.values_list("pk", flat=True)))
        body = {
            "action": "tidegate_export_matching",
            "select_across": "1",
            "index": "0",
            "_selected_action": "0",
        }
        if expected and rng.random() < 0.25:
            page = [row.pk for row in shown.context["cl"].result_list]
            chosen = rng.sample(page, rng.randrange(1, len(page) + 1))
            body = {"action": "tidegate_export_selected", "_selected_action": chosen, "index": "0"}
            expected = sorted(chosen)
        answer = client.post(f"/admin/shop/order/?{urlencode(query)}", body)
        said = [str(one) for one in answer.wsgi_request._messages]
        assert answer.status_code == 302 and "job=" in answer["location"], (query, said)
        jobs.append(int(re.search(r"job=(\d+)", answer["location"]).group(1)))
        asked.append((query, LIMITS.index(limit), body["action"], expected))
    for job, (query, limit, action, expected) in zip(jobs, asked, strict=True):
        found = sorted(map(int, tidegate.keys_of(job)))
        assert found == expected, (query, limit, action)
    print(f"{len(jobs)} states: {dict(ways)}")
    assert min(ways["filter"], ways["keys"]) > STATES // 10, ways
