"""What `settings.TIDEGATE` says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

#: Seconds after which Tidegate is taken not to answer.
TIMEOUT_SECONDS = 10.0
#: Bytes of a key at least.
KEY_BYTES_MIN = 24


@dataclass(frozen=True)
class Config:
    """Where Tidegate is, and by what it knows this site."""

    #: Address that this process reaches it by.
    url: str
    #: API token of an operator whose role has `actions.sync`, and nothing else.
    token: str
    #: The key of `[server.hand_over]`.
    key: str
    #: The `source` of `[server.hand_over]`.
    issuer: str
    #: Address that people reach it by: its `public_url`.
    audience: str
    timeout: float
    #: Gives the address by which Tidegate knows a user; their `email` field if it is not set.
    email: Callable[[Any], str] | None


def config() -> Config:
    """The settings, checked."""
    given = getattr(settings, "TIDEGATE", None)
    if not isinstance(given, dict):
        raise ImproperlyConfigured("TIDEGATE is not set: url, token and key of Tidegate")
    known = {"url", "token", "key", "issuer", "audience", "timeout", "email"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise ImproperlyConfigured(f"TIDEGATE has unknown members: {', '.join(unknown)}")
    missing = [name for name in ("url", "token", "key") if not given.get(name)]
    if missing:
        raise ImproperlyConfigured(f"TIDEGATE lacks {', '.join(missing)}")
    url = str(given["url"]).rstrip("/")
    if not url.startswith(("https://", "http://")):
        raise ImproperlyConfigured("TIDEGATE['url'] is no http address")
    if len(str(given["key"]).encode()) < KEY_BYTES_MIN:
        raise ImproperlyConfigured(f"TIDEGATE['key'] has fewer than {KEY_BYTES_MIN} bytes")
    return Config(
        url=url,
        token=str(given["token"]),
        key=str(given["key"]),
        issuer=str(given.get("issuer", "django")),
        audience=str(given.get("audience", url)).rstrip("/"),
        timeout=float(given.get("timeout", TIMEOUT_SECONDS)),
        email=given.get("email"),
    )
