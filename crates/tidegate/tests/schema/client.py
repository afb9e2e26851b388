"""Makes an export, waits for it and fetches its file, with a client generated from the description."""

import hashlib
import sys

from tidegate_client import AuthenticatedClient
from tidegate_client.api.exports import create_download, create_export, get_export
from tidegate_client.models import (
    ExportRequest,
    ExportRequestFormat,
    ExportStatus,
    Problem,
    RenamedField,
    Scope,
    ValueCondition,
    ValueConditionOp,
)

base, token = sys.argv[1:]
client = AuthenticatedClient(base_url=base, token=token)
request = ExportRequest(
    subject="orders",
    format_=ExportRequestFormat.CSV,
    scope=Scope(filter_=ValueCondition(field="status", op=ValueConditionOp.EQ, value="paid")),
    fields=["id", RenamedField(slug="total", as_="Amount")],
)
export = create_export.sync(client=client, body=request)
# The stream ends when the export has.
events = f"/api/v1/exports/{export.id}/events"
accept = {"Accept": "text/event-stream"}
with client.get_httpx_client().stream("GET", events, headers=accept, timeout=60) as stream:
    told = [line for line in stream.iter_lines() if line.startswith("event: ")]
assert "event: transition" in told, told
export = get_export.sync(client=client, id=export.id)
assert export.status not in (ExportStatus.PENDING, ExportStatus.BUILDING), export.status
print(export.status)
print(export.rows_done)

link = create_download.sync(client=client, id=export.id)
file = client.get_httpx_client().get(link.url).content
assert hashlib.sha256(file).hexdigest() == link.sha256 == export.sha256
lines = file.decode().splitlines()
print(lines[0])
print(len(lines))

wrong = ExportRequest(subject="orders", format_=ExportRequestFormat.CSV, fields=["totl"])
refused = create_export.sync(client=client, body=wrong)
assert isinstance(refused, Problem), refused
print("refused:", refused.errors[0].pointer)
