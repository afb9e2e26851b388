"""Asks Tidegate, over its API and nothing else."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, NamedTuple

from .conf import Config
from .signing import canonical, sign

#: Bytes of an answer at most.
ANSWER_BYTES_MAX = 1 << 20
#: The code of a filter or an order by a field that is masked for somebody.
MASKED = "masked"


class Fault(NamedTuple):
    """One thing that is wrong in a request."""

    #: Its place, as a JSON pointer.
    pointer: str
    detail: str
    #: The kind of fault, where it has a name.
    code: str | None

    def __str__(self) -> str:
        return f"{self.pointer}: {self.detail}" if self.pointer else self.detail


class TidegateError(Exception):
    """Tidegate did not do what it was asked."""


class Unreachable(TidegateError):
    """It did not answer, or not now: it is worth to ask again."""


class Refused(TidegateError):
    """It said no, and why."""

    def __init__(self, status: int, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        #: What is wrong in the request, and where.
        self.faults = faults

    @property
    def is_masked(self) -> bool:
        """Whether it is because a field is masked for the user: no other way may be found."""
        return any(fault.code == MASKED for fault in self.faults)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token is sent to nobody else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def post(
    config: Config, path: str, body: bytes, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Sends JSON, and reads the answer."""
    request = urllib.request.Request(f"{config.url}{path}", data=body, method="POST")
    request.add_header("content-type", "application/json")
    request.add_header("authorization", f"Bearer {config.token}")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with _OPENER.open(request, timeout=config.timeout) as answer:
            return _document(answer.read(ANSWER_BYTES_MAX))
    except urllib.error.HTTPError as error:
        detail, faults = _told(error)
        if error.code == 429 or error.code >= 500:
            raise Unreachable(f"Tidegate cannot do this now ({error.code}): {detail}") from error
        raise Refused(error.code, detail, faults) from error
    except (OSError, HTTPException) as error:
        raise Unreachable(f"Tidegate does not answer at {config.url}") from error


def _document(answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except ValueError as error:
        raise Unreachable("what answers is not Tidegate") from error
    if not isinstance(document, dict):
        raise Unreachable("what answers is not Tidegate")
    return document


def _told(error: urllib.error.HTTPError) -> tuple[str, tuple[Fault, ...]]:
    try:
        problem = json.loads(error.read(ANSWER_BYTES_MAX))
        faults = tuple(
            Fault(str(one["pointer"]), str(one["detail"]), one.get("code"))
            for one in problem.get("errors") or []
        )
        whole = problem.get("detail") or problem.get("title") or ""
        return "; ".join(map(str, faults)) or str(whole), faults
    except (ValueError, AttributeError, KeyError, TypeError):
        return "it did not say why", ()


def moment() -> int:
    """Now, in microseconds since 1970. Whoever reads what somebody may asks for it before."""
    return time.time_ns() // 1_000


def hand_over(
    config: Config,
    *,
    email: str,
    is_active: bool,
    memberships: list[dict[str, Any]],
    signed_at: int,
    export: dict[str, Any] | None,
    cited: list[str] | None = None,
) -> dict[str, Any]:
    """Sends a signed request: good once, for a minute, and for this user alone.

    Of two requests that overtake one another the one of the later moment counts: what it says of
    the user is not older than that. `cited` are the fields by which records were found that go by
    their keys: Tidegate refuses what is masked for the user, by this way as by any other.
    """
    document: dict[str, Any] = {
        "issuer": config.issuer,
        "audience": config.audience,
        "user": {"email": email, "is_active": is_active},
        "memberships": memberships,
        "signed_at": signed_at,
        "export": export,
    }
    if cited:
        document["cited"] = cited
    body = canonical(document)
    nonce, timestamp = secrets.token_urlsafe(24), signed_at // 1_000_000
    headers = {
        "webhook-id": nonce,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(config.key, nonce, timestamp, body),
    }
    return post(config, "/api/v1/hand-overs", body, headers)


def sync_actions(config: Config, actions: list[dict[str, str]], *, dry_run: bool) -> dict[str, Any]:
    """Makes Tidegate's registry what the applications declare."""
    body = canonical({"actions": actions, "dry_run": dry_run})
    return post(config, "/api/v1/actions/sync", body)
