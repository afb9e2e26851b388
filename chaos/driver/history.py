"""What a rig was asked and what happened to it, in a file that only grows."""

import json
import threading
import time


class History:
    def __init__(self, path):
        self._file = open(path, "a", buffering=1)
        self._lock = threading.Lock()
        self.path = path
        self.counts = {}

    def add(self, event, **members):
        line = json.dumps({"at": time.time(), "event": event, **members})
        with self._lock:
            self._file.write(line + "\n")
            self.counts[event] = self.counts.get(event, 0) + 1

    def close(self):
        self._file.close()
