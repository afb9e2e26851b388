"""An S3 server for tests: moto, with signatures checked and faults on demand.

    python s3 FOLDER OWNER

It listens on a free port, writes it to FOLDER/state, and ends when the process OWNER does. What is
below `/_rig` is for the test: faults to come, objects as they lie there, the log of requests.
"""

import base64
import hashlib
import io
import os
import pathlib
import re
import shutil
import socket
import sys
import threading
import time
import urllib.parse

os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "10"  # so that every list of more has pages

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import moto.s3.models as models
import werkzeug.serving
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app

import rig

CREDENTIALS = botocore.credentials.Credentials("test-key", "test-secret")
REGION = "eu-central-1"
SILENCE_SECONDS_MAX = 30


class Refused(Exception):
    """The request is not what was signed, or not whole."""

    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


def check_signature(environ, url):
    """Signs the request once more, as Amazon's own client would, and compares."""
    scheme, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "AWS4-HMAC-SHA256" or "Signature" not in parts:
        raise Refused("403 Forbidden", "AccessDenied")
    request = botocore.awsrequest.AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=urllib.parse.urlunsplit(url._replace(query="")),
        params=urllib.parse.parse_qsl(url.query, keep_blank_values=True) or None,
    )
    for name in parts["SignedHeaders"].split(";"):
        key = name.upper().replace("-", "_")
        is_plain = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
        request.headers[name] = environ.get(key if is_plain else f"HTTP_{key}", "")
    request.context["timestamp"] = environ.get("HTTP_X_AMZ_DATE", "")
    auth = botocore.auth.S3SigV4Auth(CREDENTIALS, "s3", REGION)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    if parts["Credential"] != auth.scope(request):
        raise Refused("403 Forbidden", "InvalidAccessKeyId")
    if auth.signature(text, request) != parts["Signature"]:
        raise Refused("403 Forbidden", "SignatureDoesNotMatch")


def check_body(environ, body):
    """Holds the body against the checksums that came with it."""
    digest = hashlib.sha256(body)
    said = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "UNSIGNED-PAYLOAD")
    if said != "UNSIGNED-PAYLOAD" and said != digest.hexdigest():
        raise Refused("400 Bad Request", "XAmzContentSHA256Mismatch")
    said = environ.get("HTTP_X_AMZ_CHECKSUM_SHA256")
    if said and said != base64.b64encode(digest.digest()).decode():
        raise Refused("400 Bad Request", "BadDigest")


def error_body(code):
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>rig</Message></Error>'.encode()


class Server:
    """The application: checks, breaks what it is told to break, and leaves the rest to moto."""

    def __init__(self):
        self.moto = create_backend_app("s3").wsgi_app
        self.rig = rig.Rig()

    def __call__(self, environ, start_response):
        url = urllib.parse.urlsplit(
            f"http://{environ['HTTP_HOST']}{environ['REQUEST_URI']}"
        )
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        if url.path.startswith("/_rig/"):
            return self.rig.answer(environ["REQUEST_METHOD"], url, body, start_response)
        fault = self.rig.next_fault(environ["REQUEST_METHOD"], url)
        try:
            check_signature(environ, url)
            check_body(environ, body)
        except Refused as refused:
            line = f"{environ['REQUEST_METHOD']} {url.path}?{url.query}"
            print("refused", refused.code, line, flush=True)
            start_response(refused.status, [("Content-Type", "application/xml")])
            return [error_body(refused.code)]
        if fault is not None:
            return self.broken(fault, environ, start_response)
        if environ["REQUEST_METHOD"] == "GET" and re.match("uploads(=|&|$)", url.query):
            return self.uploads(url.path.split("/")[1], environ, start_response)
        return self.moto(environ, start_response)

    def uploads(self, bucket, environ, start_response):
        answer = Answer()
        body = rig.with_times(bucket, b"".join(self.moto(environ, answer.start)))
        head = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        start_response(answer.status, [*head, ("Content-Length", str(len(body)))])
        return [body]

    def broken(self, fault, environ, start_response):
        kind = fault["kind"]
        if kind == "refuse":
            start_response(f"{fault['status']} Refused", [("Content-Type", "application/xml")])
            return [error_body(fault["code"])]
        if kind == "false_ok":
            start_response("200 OK", [("Content-Type", "application/xml")])
            return [error_body(fault["code"])]
        if kind in ("lose_reply", "silent_reply", "cut_reply"):
            answer = Answer()
            whole = b"".join(self.moto(environ, answer.start))
            if kind == "cut_reply":
                start_response(answer.status, answer.headers)
                return CutShort(whole, environ["werkzeug.socket"])
        if kind in ("silent_request", "silent_reply"):
            fault["released"].wait(SILENCE_SECONDS_MAX)
        hang_up(environ["werkzeug.socket"])
        start_response("500 Gone", [])
        return []


class Answer:
    """Takes what moto answers, and keeps it."""

    def start(self, status, headers, exc_info=None):
        self.status, self.headers = status, headers


class CutShort:
    """Half of a body, and then the end of the connection."""

    def __init__(self, body, connection):
        self.body, self.connection = body, connection

    def __iter__(self):
        yield self.body[: len(self.body) // 2]
        hang_up(self.connection)


def hang_up(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class RequestHandler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


def keep_time_of_uploads():
    """moto does not know when an upload began."""
    made = models.FakeMultipart.__init__

    def make(self, *arguments, **options):
        made(self, *arguments, **options)
        self.initiated = time.time()

    models.FakeMultipart.__init__ = make


def end_with(owner, folder):
    def watch():
        while True:
            try:
                os.kill(owner, 0)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                os._exit(0)
            time.sleep(0.2)

    threading.Thread(target=watch, daemon=True).start()


def main():
    folder, owner = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    end_with(owner, folder)
    keep_time_of_uploads()
    server = werkzeug.serving.make_server(
        "127.0.0.1", 0, Server(), threaded=True, request_handler=RequestHandler
    )
    draft = folder / "state.draft"
    draft.write_text(str(server.server_port))
    draft.rename(folder / "state")
    server.serve_forever()


main()
