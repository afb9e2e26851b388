"""Signs what is sent to Tidegate, as Standard Webhooks does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

PREFIX = "whsec_"


def canonical(document: dict[str, Any]) -> bytes:
    """The bytes that are signed and sent: one document is always the same bytes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def key_bytes(key: str) -> bytes:
    if key.startswith(PREFIX):
        return base64.b64decode(key[len(PREFIX) :], validate=True)
    return key.encode()


def sign(key: str, nonce: str, timestamp: int, body: bytes) -> str:
    """The signature of a message."""
    message = f"{nonce}.{timestamp}.".encode() + body
    digest = hmac.new(key_bytes(key), message, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def verify(key: str, nonce: str, timestamp: int, body: bytes, signatures: str) -> bool:
    """Whether one of the signatures, which blanks part, is that of a message."""
    expected = sign(key, nonce, timestamp, body)
    return any(hmac.compare_digest(expected, one) for one in signatures.split(" "))
