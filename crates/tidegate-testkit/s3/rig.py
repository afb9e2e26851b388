"""What a test tells the server beside S3: buckets, faults to come, objects as they lie there.

    PUT /_rig/bucket?{"bucket": "some-name", "is_versioned": false}

The question is JSON in the query, percent-encoded; the methods of `Rig` are what can be asked.
"""

import collections
import datetime
import json
import re
import threading
import urllib.parse

import moto.s3.models as models
from moto.core import DEFAULT_ACCOUNT_ID

# Requests that are remembered: those of a long run would fill the memory.
REQUESTS_MAX = 100_000


class Rig:
    def __init__(self):
        self.lock = threading.Lock()
        self.faults = []
        self.requests = collections.deque(maxlen=REQUESTS_MAX)

    def answer(self, method, url, body, start_response):
        asked = json.loads(urllib.parse.unquote(url.query))
        if method == "PUT" and url.path == "/_rig/object":
            asked["content"] = body
        told = getattr(self, f"{method.lower()}_{url.path.split('/')[2]}")(**asked)
        payload = told if isinstance(told, bytes) else json.dumps(told).encode()
        start_response("200 OK", [("Content-Length", str(len(payload)))])
        return [payload]

    def put_bucket(self, bucket, is_versioned):
        backend().create_bucket(bucket, "eu-central-1")
        if is_versioned:
            backend().put_bucket_versioning(bucket, "Enabled")

    def put_fault(self, bucket, **fault):
        with self.lock:
            self.faults.append({**fault, "bucket": bucket, "released": threading.Event()})

    def delete_faults(self, bucket):
        """Forgets faults to come, and lets those go that hold somebody; tells how many are left."""
        with self.lock:
            mine = [fault for fault in self.faults if fault["bucket"] == bucket]
            self.faults = [fault for fault in self.faults if fault["bucket"] != bucket]
        for fault in mine:
            fault["released"].set()
        return sum(fault["times"] for fault in mine)

    def get_requests(self, bucket):
        with self.lock:
            return [request for of, request in self.requests if of == bucket]

    def get_objects(self, bucket):
        """Every version that lies there: key, size, whether it is only the mark of a deletion."""
        found = []
        for key, versions in backend().get_bucket(bucket).keys.lists():
            for version in versions:
                is_mark = isinstance(version, models.FakeDeleteMarker)
                found.append([key, 0 if is_mark else version.size, is_mark])
        return sorted(found)

    def get_object(self, bucket, key):
        return backend().get_object(bucket, key).value

    def put_object(self, bucket, key, content):
        backend().put_object(bucket, key, content)

    def delete_object(self, bucket, key):
        backend().delete_object(bucket, key)

    def get_uploads(self, bucket):
        uploads = backend().get_bucket(bucket).multiparts.values()
        return sorted(upload.key_name for upload in uploads)

    def next_fault(self, method, url):
        """Notes a request, and picks the fault that is due for it."""
        _, bucket, *key = url.path.split("/", 2)
        line = f"{method} {''.join(key)}?{url.query}"
        with self.lock:
            self.requests.append((bucket, line))
            for fault in self.faults:
                if fault["bucket"] != bucket or not re.search(fault["on"], line):
                    continue
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                elif fault["times"] > 0:
                    fault["times"] -= 1
                    return fault
        return None


def with_times(bucket, body):
    """The list of uploads with the times at which they began."""
    uploads = backend().get_bucket(bucket).multiparts

    def timed(match):
        upload = uploads.get(re.search(r"<UploadId>(.*?)</UploadId>", match[0])[1])
        moment = datetime.datetime.fromtimestamp(upload.initiated if upload else 0, datetime.UTC)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return re.sub(r"<Initiated>.*?</Initiated>", f"<Initiated>{text}</Initiated>", match[0])

    return re.sub(r"<Upload>.*?</Upload>", timed, body.decode(), flags=re.DOTALL).encode()


def backend():
    return models.s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
