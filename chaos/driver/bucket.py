"""The tests' S3 server, with faults on demand, for one rig."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

from .servers import wait_until

SERVER = pathlib.Path(__file__).parents[2] / "crates/tidegate-testkit/s3"
START_SECONDS_MAX = 60
# What the server takes.
ACCESS_KEY, SECRET, REGION = "test-key", "test-secret", "eu-central-1"
# What goes wrong between a rig and its store: refused, done and not told, told and not done, cut.
FAULTS = [
    {"kind": "refuse", "status": 500, "code": "InternalError"},
    {"kind": "refuse", "status": 503, "code": "SlowDown"},
    {"kind": "lose_reply"}, {"kind": "lose_request"}, {"kind": "cut_reply"},
]
ON = ["PUT", "POST", "CompleteMultipartUpload", "HEAD", "GET", "DELETE"]
FAULT_SECONDS = (0.3, 1.5)


class Bucket:
    def __init__(self, folder):
        self.folder, self.name = pathlib.Path(folder), "chaos"
        self.folder.mkdir(parents=True)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-B", str(SERVER), str(self.folder),
                 str(os.getpid())], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        state = self.folder / "state"
        wait_until(state.exists, START_SECONDS_MAX, "the S3 server starts")
        self.endpoint = f"http://127.0.0.1:{state.read_text()}"
        self.tell("bucket", is_versioned=False)

    def tell(self, what, method="PUT", body=None, **said):
        query = urllib.parse.quote(json.dumps({"bucket": self.name, **said}))
        request = urllib.request.Request(f"{self.endpoint}/_rig/{what}?{query}", body,
                                         method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def objects(self):
        return self.tell("objects", method="GET")

    def put_object(self, key, content):
        self.tell("object", body=content, key=key)

    @property
    def url(self):
        return f"s3://{self.name}/exports"

    def declaration(self):
        """The part of a `tidegate.toml` that says how it is reached."""
        return f"""
[artifacts.s3]
endpoint = "{self.endpoint}"
region = "{REGION}"
access_key_id = "{ACCESS_KEY}"
secret_access_key = "{SECRET}"
allow_http = true
"""

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Troubles(threading.Thread):
    """Lets requests to the store fail, now and again."""

    def __init__(self, rig, seed):
        super().__init__(name=f"troubles-{rig.name}", daemon=True)
        self.rig, self.chance = rig, random.Random(seed)
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.chance.uniform(*FAULT_SECONDS)):
            fault = self.chance.choice(FAULTS)
            on, times = self.chance.choice(ON), self.chance.choice([1, 1, 2, 5])
            self.rig.history.add("store_fault", on=on, times=times, **fault)
            self.rig.bucket.tell("fault", on=f"^{on}", skip=self.chance.randrange(3), times=times,
                                 **fault)

    def stop(self):
        self.over.set()
        self.join()
        self.rig.bucket.tell("faults", method="DELETE")
