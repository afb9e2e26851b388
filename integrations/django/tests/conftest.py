"""A real Tidegate beside a real Django: `TIDEGATE` names the program."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

CONFIG = """
[control]
url = "sqlite:control.db"
[server]
listen = "127.0.0.1:0"
requests_per_minute = 1000000
[server.hand_over]
key = "{key}"
role = "people"
create = true
sign_in = true
[settings]
open_jobs_max = 10000
[sources.site]
url = "{source}"
[[roles]]
slug = "people"
label = "People of the site"
capabilities = ["exports.list.own", "exports.download.own", "exports.cancel.own"]
[[roles]]
slug = "site"
label = "The site itself"
capabilities = ["actions.sync"]
[[subjects]]
slug = "users"
model = "user.User"
source = "site"
table = "user_user"
pii = true
fields = ["id", "username", {{ slug = "email", pii = "email" }}, "is_active"]
[[subjects]]
slug = "orders"
model = "shop.Order"
source = "site"
table = "shop_order"
"""


class Tidegate:
    """A running Tidegate, and what an operator sees of it."""

    def __init__(self, folder: Path, source: str, program: str) -> None:
        self.folder, self.program = folder, program
        key = settings.TIDEGATE["key"]
        (folder / "tidegate.toml").write_text(CONFIG.format(key=key, source=source))
        self.run("operators", "add", "root@example.com", "--role", "administrator")
        self.run("operators", "add", "site@example.com", "--role", "site")
        self.token = self.token_of("site@example.com")
        self.child = subprocess.Popen(
            [program, "serve"], cwd=folder, stderr=subprocess.PIPE, env=self.environment, text=True
        )
        assert self.child.stderr is not None
        for line in self.child.stderr:
            if "ready at " in line:
                self.url = line.split("ready at ")[1].split('"')[0].strip()
                break
        else:
            raise AssertionError("Tidegate did not start")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "RUST_LOG": "off"}

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.program, "--as", "root@example.com", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token_of(self, email: str) -> str:
        done = subprocess.run(
            [self.program, "--as", email, "--json", "tokens", "create", "--name", "t"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["token"]

    def log(self) -> list[dict]:
        listed = self.run("--json", "audit", "list", "--oldest", "--limit", "1000")
        return [json.loads(line)["entry"] for line in listed.splitlines()]

    def keys_of(self, job: int) -> list[str]:
        """The keys in the file of an export, as its bytes have them."""
        return [row["id"] for row in self.rows_of(job)]

    def rows_of(self, job: int) -> list[dict[str, str]]:
        root = getattr(self, "_root", None) or self.token_of("root@example.com")
        self._root = root
        headers = {"authorization": f"Bearer {root}"}

        def ask(path: str, method: str = "GET") -> bytes:
            data = b"{}" if method == "POST" else None
            request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
            request.add_header("content-type", "application/json")
            with urllib.request.urlopen(request) as answer:
                return answer.read()

        while (found := json.loads(ask(f"/api/v1/exports/{job}")))["status"] in (
            "pending",
            "building",
        ):
            time.sleep(0.02)
        assert found["status"] == "ready", found
        link = json.loads(ask(f"/api/v1/exports/{job}/downloads", "POST"))["url"]
        with urllib.request.urlopen(urllib.request.Request(link, headers=headers)) as answer:
            text = answer.read().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))


def source_url() -> str:
    """The database of the tests, as Tidegate reaches it."""
    given = connection.settings_dict
    if connection.vendor == "postgresql":
        return f"postgres://{given['USER']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    return f"sqlite:{given['NAME']}"


@pytest.fixture
def tidegate(transactional_db, tmp_path):
    """A Tidegate for one test, which Django's settings name."""
    program = os.environ.get("TIDEGATE")
    if not program:
        pytest.fail("TIDEGATE names no program: cargo build -p tidegate")
    running = Tidegate(tmp_path, source_url(), program)
    before = dict(settings.TIDEGATE)
    settings.TIDEGATE.update(url=running.url, token=running.token)
    yield running
    settings.TIDEGATE.clear()
    settings.TIDEGATE.update(before)
    running.child.terminate()
    running.child.wait()


@pytest.fixture
def people(tidegate):
    """Ten administrators who see users; three of them are in the group that exports."""
    from django.contrib.auth.models import Group, Permission
    from django.core.management import call_command

    from tests.user.models import User

    call_command("sync_admin_actions")
    exporters = Group.objects.create(name="exporters")
    exporters.permissions.add(
        Permission.objects.get(codename="export", content_type__app_label="user")
    )
    view = Permission.objects.get(codename="view_user")
    admins = []
    for number in range(10):
        email = f"admin{number}@example.com"
        user = User.objects.create_user(f"admin{number}", email, "p", is_staff=True)
        user.user_permissions.add(view)
        if number < 3:
            user.groups.add(exporters)
        admins.append(user)
    return admins
