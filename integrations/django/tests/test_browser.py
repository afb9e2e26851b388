"""In a real browser: from the Django admin to the page of the export, signed in."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.user.models import User

ROOT = Path(__file__).resolve().parents[3]


def test_a_click_in_the_admin_lands_on_the_export(live_server, tidegate, people):
    modules = os.environ.get("NODE_PATH", str(ROOT / "e2e/node_modules"))
    if not Path(modules, "playwright-core").is_dir():
        pytest.fail("no browser: scripts/e2e installs what drives it")
    done = subprocess.run(
        ["node", str(Path(__file__).parent / "browser.cjs"), live_server.url, "admin1", "p"],
        env={**os.environ, "NODE_PATH": modules},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["words"] == "Export the one that matches"
    job = int(told["url"].rstrip("/").rsplit("/", 1)[1])
    assert told["url"].startswith(tidegate.url)
    assert "1 row" in told["text"]
    ada = User.objects.get(username="admin1")
    assert tidegate.keys_of(job) == [str(ada.pk)]
    started = [one for one in tidegate.log() if one["action"] == "session.started"]
    assert [one["name"] for one in started] == ["admin1@example.com"]
