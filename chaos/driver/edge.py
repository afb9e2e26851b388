"""Speaks to a running `serve` as programs do: by its API with a token, and by plain sockets."""

import http.client
import json
import re
import select
import socket
import threading
import time
import urllib.parse

from .servers import wait_until

READY_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 30
# What the kernel keeps for a reader of ours, as little as it will: what is behind it is the
# server's to hold back.
RECEIVED_BYTES = 32 << 10
READ_BYTES = 8 << 10
# A reader that takes minutes for what a download has.
READ_PAUSE = 0.02


class Refused(Exception):
    """An answer that is a refusal."""


class Edge:
    """The address of a `serve`, and who asks."""

    def __init__(self, address, token):
        self.address, self.token = address, token

    @classmethod
    def of(cls, member, token):
        wait_until(member.is_ready, READY_SECONDS_MAX, "serve is ready")
        with open(member.log_path(), "rb") as log:
            log.seek(member.log_start)
            found = re.findall(rb"tidegate: ready at http://(\S+)", log.read())
        return cls(found[-1].decode(), token)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=ANSWER_SECONDS_MAX)
        try:
            headers = {"authorization": f"Bearer {self.token}"}
            if body is not None:
                headers["content-type"] = "application/json"
            connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None
                               else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text else None

    def download(self, job, is_reading):
        made = self.ask("POST", f"/exports/{job}/downloads", {"bearer": False})
        return SlowDownload(self, urllib.parse.urlsplit(made["url"]).path, is_reading)


class SlowDownload(threading.Thread):
    """Somebody who receives a file slowly, or has stopped receiving it, until it ends."""

    def __init__(self, edge, path, is_reading):
        super().__init__(daemon=True)
        self.is_reading, self.received, self.last_at, self.ended_at = is_reading, 0, None, None
        host, _, port = edge.address.rpartition(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        self.socket.settimeout(ANSWER_SECONDS_MAX)
        self.socket.connect((host, int(port)))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nhost: {edge.address}\r\n"
                            f"authorization: Bearer {edge.token}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise Refused(f"no answer to a download: {head!r}")
            head += byte
        if not head.startswith(b"HTTP/1.1 200"):
            raise Refused(f"a download: {head[:200]!r}")
        self.length = int(re.search(rb"content-length: (\d+)", head)[1])
        self.start()

    def run(self):
        try:
            self.read() if self.is_reading else self.stand_still()
        except ConnectionError:
            pass
        self.ended_at = time.time()
        self.socket.close()

    def read(self):
        while self.received < self.length:
            piece = self.socket.recv(READ_BYTES)
            if not piece:
                return
            self.received, self.last_at = self.received + len(piece), time.time()
            time.sleep(READ_PAUSE)

    def stand_still(self):
        """What is received does not count here, so that only the end is waited for."""
        poll = select.poll()
        poll.register(self.socket, 0)
        poll.poll(ANSWER_SECONDS_MAX * 1000)

    def moment(self):
        """When its last byte came, or when it was broken off where none is taken."""
        if self.is_reading:
            return max(filter(None, (self.last_at, self.ended_at)))
        return self.ended_at
