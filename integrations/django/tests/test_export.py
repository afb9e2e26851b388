"""From a changelist to a file: only who is in the group, only what the list shows."""

import re

from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from tests.user.models import User
from tidegate_django import client as tidegate_client
from tidegate_django.conf import config


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def export_all(client, query=""):
    body = {
        "action": "tidegate_export_matching",
        "select_across": "1",
        "index": "0",
        "_selected_action": "0",
    }
    return client.post(f"/admin/user/user/{query}", body)


def job_of(answer):
    assert answer.status_code == 302, answer
    said = [str(one) for one in answer.wsgi_request._messages]
    assert "job=" in answer["location"], said
    return int(re.search(r"job=(\d+)|exports/(\d+)", answer["location"]).group(1) or 0)


def test_only_three_of_ten_administrators_may_export_users(tidegate, people):
    for number, user in enumerate(people):
        client = browser(user)
        page = client.get("/admin/user/user/").content.decode()
        assert ("tidegate_export" in page) == (number < 3), number
        answer = export_all(client)
        if number < 3:
            keys = tidegate.keys_of(job_of(answer))
            assert sorted(keys, key=int) == [
                str(pk) for pk in User.objects.order_by("pk").values_list("pk", flat=True)
            ]
        else:
            assert "exports" not in answer.get("location", "")
    made = [one for one in tidegate.log() if one["action"] == "export.created"]
    assert [one["name"] for one in made] == [f"admin{n}@example.com" for n in range(3)]


def test_what_is_selected_is_taken_and_nothing_beside_it(tidegate, people):
    chosen = [people[4].pk, people[7].pk]
    body = {"action": "tidegate_export_selected", "_selected_action": chosen, "index": "0"}
    answer = browser(people[0]).post("/admin/user/user/", body)
    assert sorted(map(int, tidegate.keys_of(job_of(answer)))) == chosen


def test_search_and_filters_of_the_list_are_those_of_the_file(tidegate, people):
    people[5].is_staff = False
    people[5].save()
    answer = export_all(browser(people[0]), "?q=admin5&is_staff__exact=0")
    assert tidegate.keys_of(job_of(answer)) == [str(people[5].pk)]


def test_who_leaves_the_group_may_not_from_then_on(tidegate, people):
    ada = people[0]
    assert export_all(browser(ada)).status_code == 302
    of_ada = [e for e in tidegate.log() if e["action"] == "grant.renewed"]
    ada.groups.clear()
    renewed = [e for e in tidegate.log() if e["action"] == "grant.renewed"][len(of_ada) :]
    assert renewed[-1]["details"]["taken"] == ["users.export"]
    # Even by Tidegate's own ways, where Django is not asked.
    reruns = tidegate.run("roles", "explain", "admin0@example.com", "users")
    assert "refused" in reruns


def test_a_change_that_tidegate_was_not_told_of_is_told_later(tidegate, people, settings, capsys):
    ada = people[1]
    url = settings.TIDEGATE["url"]
    settings.TIDEGATE["url"] = "http://127.0.0.1:9"
    ada.groups.clear()
    assert "allowed" in tidegate.run("roles", "explain", "admin1@example.com", "users")
    settings.TIDEGATE["url"] = url
    from tidegate_django.models import Membership

    row = Membership.objects.get(email="admin1@example.com")
    assert row.is_pending and row.attempts == 1 and "does not answer" in row.last_error
    Membership.objects.update(next_try_at=row.next_try_at.replace(year=2020))
    call_command("push_memberships")
    assert "refused" in tidegate.run("roles", "explain", "admin1@example.com", "users")


def test_a_word_that_was_overtaken_gives_nothing_back(tidegate, people):
    email = people[0].email
    assert tidegate.keys_of(job_of(export_all(browser(people[0]))))

    def says(moment):
        may = [{"model": "user.User", "codenames": ["export", "view"]}]
        return tidegate_client.hand_over(
            config(), email=email, is_active=True, memberships=may, signed_at=moment, export=None
        )["granted"]

    before = tidegate_client.moment()
    people[0].groups.clear()
    assert says(before) == ["users.list"], "what the newer one says, too"
    assert says(tidegate_client.moment()) == ["users.export", "users.list"]


def test_a_user_who_is_shut_out_or_deleted_may_nothing(tidegate, people):
    for user, end in ((people[0], "off"), (people[1], "deleted"), (people[2], "renamed")):
        email = user.email
        assert "allowed" in tidegate.run("roles", "explain", email, "users")
        if end == "off":
            user.is_active = False
            user.save()
        elif end == "deleted":
            user.delete()
        else:
            user.email = "other@example.com"
            user.save()
        assert "refused" in tidegate.run("roles", "explain", email, "users"), end


def test_an_address_that_two_have_is_nobodys(tidegate, people):
    people[5].email = people[0].email.upper()
    people[5].save()
    answer = export_all(browser(people[0]))
    assert "exports" not in answer.get("location", "")
    assert "refused" in tidegate.run("roles", "explain", "admin0@example.com", "users")


def test_a_group_that_loses_the_permission_loses_it_for_all(tidegate, people):
    Group.objects.get(name="exporters").permissions.clear()
    for number in range(3):
        assert "refused" in tidegate.run("roles", "explain", f"admin{number}@example.com", "users")
