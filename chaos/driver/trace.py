"""Follows the system calls of a process while it builds: the checker sees what was synced."""

from .crew import Member
from .kills import settle

# `-D` makes the process itself our child, with strace beside it; the longest text is a page of
# SQLite's log, in which the checker looks for the digest of a file.
STRACE = ["strace", "-D", "-f", "-ttt", "-y", "-s", "8192", "-e",
          "trace=openat,linkat,link,rename,renameat,renameat2,mkdir,mkdirat,fsync,fdatasync,write,"
          "pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,close"]
REQUESTS = [
    {"subject": "small_lite", "format": "csv", "sort": "id"},
    {"subject": "large_lite", "format": "json", "sort": "id"},
    {"subject": "small_server", "format": "xlsx", "sort": "id"},
]


def run(rig):
    jobs = [rig.create(request) for request in REQUESTS]
    serve = Member(rig, "serve", "h1")
    serve.start(under=[*STRACE, "-o", str(rig.folder / "trace")])
    quiet = settle(rig, [serve])
    serve.end()
    return {"traced_jobs": len(jobs), "settled_seconds": round(quiet, 1)}
