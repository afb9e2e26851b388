"""What is masked for somebody, or beyond their rows, leaves Django's lists by no path either."""

import json
import re
import urllib.error
import urllib.request

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Lower, StrIndex
from django.db.models.lookups import Exact
from django.test import Client

from tests.user.admin import PersonAdmin
from tests.user.models import User
from tidegate_django import translate

#: A word for each person: no address of a masked person may leave.
CANARY = "canary{:02d}x7q"
NORTH = 6


@pytest.fixture
def masked(tidegate):
    """Ada, who exports users and sees their addresses masked; and ten people, six in her limit."""
    call_command("sync_admin_actions")
    config = tidegate.folder / "tidegate.toml"
    assert 'pii = "email"' in config.read_text()
    people = [
        User.objects.create_user(f"user{n:02d}", f"{CANARY.format(n)}@example.org", "p")
        for n in range(10)
    ]
    for n, person in enumerate(people):
        person.is_active = n < NORTH
        person.save()
    ada = User.objects.create_user("ada", "ada@example.com", "p", is_staff=True, is_active=True)
    for codename in ("export", "view_user"):
        ada.user_permissions.add(
            Permission.objects.get(codename=codename, content_type__app_label="user")
        )
    client = Client()
    client.force_login(ada)
    return client, people


def limit(tidegate, *arguments):
    may = "exports.list.own,exports.download.own,exports.cancel.own"
    tidegate.run(
        *("roles", "put", "people", "--capabilities", may, "--mask", "email=partial", *arguments)
    )


def export(client, query="", chosen=None):
    body = {"action": "tidegate_export_matching", "select_across": "1", "index": "0"}
    if chosen is not None:
        body = {"action": "tidegate_export_selected", "index": "0"}
    body["_selected_action"] = chosen or "0"
    answer = client.post(f"/admin/user/user/{query}", body)
    said = " ".join(str(one) for one in answer.wsgi_request._messages)
    job = re.search(r"job=(\d+)", answer.get("location", ""))
    return (int(job.group(1)) if job else None), said


def everything(tidegate, job):
    """What the person is given: the file, its manifest, the job, as bytes."""
    token = tidegate.token_of("ada@example.com")

    def ask(path, method="GET"):
        data = b"{}" if method == "POST" else None
        url = path if path.startswith("http") else f"{tidegate.url}{path}"
        request = urllib.request.Request(url, data, method=method)
        request.add_header("authorization", f"Bearer {token}")
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    tidegate.rows_of(job)
    link = json.loads(ask(f"/api/v1/exports/{job}/downloads", "POST"))["url"]
    return b"\n".join(
        [ask(link), ask(f"/api/v1/exports/{job}"), ask(f"/api/v1/exports/{job}/manifest")]
    ).decode()


def test_what_is_masked_is_not_in_the_file_of_a_list(tidegate, masked):
    client, people = masked
    limit(tidegate)
    for chosen in (None, [person.pk for person in people[2:5]]):
        job, said = export(client, chosen=chosen)
        assert job is not None, said
        told = everything(tidegate, job)
        assert "canary" not in told, told
        assert "c•••@e•••.org" in told
        assert len(tidegate.keys_of(job)) == (3 if chosen else len(people) + 1)


@pytest.mark.parametrize(
    ("attribute", "value", "query"),
    [
        ("list_filter", ("email",), f"?email={CANARY.format(3)}@example.org"),
        ("search_fields", ("email",), f"?q={CANARY.format(3)}"),
        ("search_fields", ("username", "email"), "?q=canary"),
        # What has no translation would go by keys.
        ("search_fields", ("email",), "?q=canary03é"),
        ("search_fields", ("=email",), f"?q={CANARY.format(3)}@example.org"),
        ("search_fields", ("username", "=email"), f"?q={CANARY.format(3)}@example.org"),
        ("search_fields", ("email__lt",), "?q=canary05"),
        ("list_display", ("email", "username"), "?o=1"),
        ("list_display", ("email", "username"), "?o=-1.2"),
    ],
)
def test_a_list_by_what_is_masked_is_refused_by_name(
    tidegate, masked, monkeypatch, attribute, value, query
):
    client, _people = masked
    limit(tidegate)
    monkeypatch.setattr(PersonAdmin, attribute, value)
    before = len(tidegate.log())
    job, said = export(client, query)
    assert job is None, "it went by keys"
    assert "`email` is masked" in said and "canary" not in said, said
    # Neither does its entry say what was looked for.
    after = tidegate.log()[before:]
    assert not any(one["action"] == "export.created" for one in after)
    assert "canary" not in json.dumps(after)


@pytest.mark.parametrize(
    "found_by",
    [
        lambda people: people.filter(email__iexact=f"{CANARY.format(3)}@example.org"),
        lambda people: people.exclude(email__lt="canary05"),
        lambda people: people.alias(low=Lower("email")).filter(low__contains="canary03"),
        lambda people: people.annotate(has=StrIndex("email", Value("canary03"))).filter(has=1),
        lambda people: people.filter(Q(username="é") | Q(Exact(Lower("email"), Value("x")))),
        lambda people: people.filter(pk__in=User.objects.filter(email__contains="canary03")),
        lambda people: people.filter(Exists(User.objects.filter(email=OuterRef("email"), pk=3))),
        lambda people: people.filter(email="a").union(people.filter(email="b")),
        lambda people: people.order_by("email")[:3],
    ],
)
def test_a_queryset_cites_what_it_is_found_by_whatever_it_does_with_it(db, found_by):
    queryset = found_by(User.objects.all())
    with pytest.raises(translate.Untranslatable):
        translate._filter(queryset, {})
    assert "email" in translate.cited(queryset, {})
    assert "address" in translate.cited(queryset, {"email": "address"})
    assert "email" not in translate.cited(queryset, {"email": None})


def test_a_queryset_cites_nothing_beside(db):
    everybody = User.objects.order_by("email")
    assert translate.cited(everybody, {}) == []
    assert translate.cited(everybody.filter(username__iexact="a"), {}) == ["username"]


def test_an_order_that_nobody_has_chosen_is_left_out(tidegate, masked, monkeypatch):
    client, people = masked
    limit(tidegate)
    monkeypatch.setattr(PersonAdmin, "ordering", ("-email",))
    job, said = export(client)
    assert job is not None, said
    assert len(tidegate.keys_of(job)) == len(people) + 1
    assert "canary" not in everything(tidegate, job)


def test_rows_beyond_a_limit_are_not_in_the_file_whichever_keys_are_handed_over(tidegate, masked):
    client, people = masked
    where = json.dumps({"field": "is_active", "op": "eq", "value": True})
    limit(tidegate, "--limit", f"users={where}")
    north, south = people[:NORTH], people[NORTH:]
    job, said = export(client)
    assert job is not None, said
    keys = set(map(int, tidegate.keys_of(job)))
    assert {one.pk for one in north} < keys and not keys & {one.pk for one in south}
    assert "canary" not in everything(tidegate, job)
    job, said = export(client, chosen=[north[1].pk, south[0].pk, south[1].pk])
    assert job is not None, said
    assert tidegate.keys_of(job) == [str(north[1].pk)]
    told = everything(tidegate, job)
    assert all(one.username not in told for one in south), told
