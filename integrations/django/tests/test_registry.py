"""`ADMIN_ACTIONS`: declared, synced, and what is wrong with it."""

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from tidegate_django import registry
from tidegate_django.conf import config
from tidegate_django.signing import canonical, sign, verify


def test_the_signature_is_that_of_the_standard():
    key, nonce, at = (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
    )
    body = b'{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(key, nonce, at, body) == signature
    assert verify(key, nonce, at, body, f"v1a,x {signature}")
    assert not verify(key, nonce, at + 1, body, signature)
    assert canonical({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'.encode()


def test_the_declaration_of_the_specification_is_read_unchanged():
    found = [one for one in registry.declared() if one.model == "user.User"]
    assert [one.permission for one in found] == ["user.export"]


def declare(monkeypatch, *entries):
    monkeypatch.setattr("tests.shop.admin_actions.ADMIN_ACTIONS", list(entries))


def action(model, codename, **more):
    entry = {"model": model, "codename": codename, "name": "N", "kind": "server", "scope": "row"}
    return {**entry, **more}


def test_two_models_that_has_perm_cannot_tell_apart_are_both_named(monkeypatch):
    declare(monkeypatch, action("auth.Group", "merge"), action("auth.Permission", "merge"))
    with pytest.raises(
        ImproperlyConfigured, match=r"`auth.Group` and `auth.Permission`.*auth.merge"
    ):
        registry.declared()


@pytest.mark.parametrize(
    "entry",
    [action("shop.Ordr", "x"), action("shop.Order", "x", kind="both"), {"model": "shop.Order"}],
)
def test_what_is_wrong_is_told(monkeypatch, entry):
    declare(monkeypatch, entry)
    with pytest.raises(ImproperlyConfigured):
        registry.declared()


def test_settings_are_checked(settings):
    settings.TIDEGATE = {"url": "https://t", "token": "t", "key": "short"}
    with pytest.raises(ImproperlyConfigured, match="bytes"):
        config()
    settings.TIDEGATE = {"url": "https://t", "token": "t", "key": "k" * 24, "secret": 1}
    with pytest.raises(ImproperlyConfigured, match="secret"):
        config()


def test_a_sync_makes_permissions_and_the_registry_and_then_has_nothing_to_do(tidegate, capsys):
    call_command("sync_admin_actions", dry_run=True)
    said = capsys.readouterr().out
    assert "permission: add user.export (Export users)" in said
    assert "tidegate: add user.User export (users.export)" in said
    assert not Permission.objects.filter(codename="export").exists()
    call_command("sync_admin_actions")
    made = Permission.objects.get(codename="export", content_type__app_label="user")
    assert (made.content_type.model, made.name) == ("user", "Export users")
    capsys.readouterr()
    call_command("sync_admin_actions")
    assert capsys.readouterr().out == "0 done\n"
    assert sum(one["action"] == "action.synced" for one in tidegate.log()) == 2


def test_what_tidegate_refuses_changes_nothing_here(tidegate, monkeypatch):
    declare(monkeypatch, action("auth.Group", "merge"))
    with pytest.raises(CommandError, match="/actions/"):
        call_command("sync_admin_actions")
    assert not Permission.objects.filter(codename__in=["merge", "export"]).exists()
