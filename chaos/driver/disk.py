"""Fills the disk of the artifacts: large exports fail and say why, the others go on."""

import subprocess

from .kills import settle

# Room for some small files, and for no large one.
DISK_BYTES = 4 << 20
LARGE = {"subject": "large_lite", "format": "json", "sort": "id"}
SMALL = {"subject": "small_lite", "format": "csv", "sort": "id"}


def run(rig):
    folder = rig.folder / "artifacts"
    folder.mkdir(mode=0o700, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tidegate-chaos", folder],
        capture_output=True, text=True)
    if mounted.returncode != 0:
        # There is no other small disk to be had: it is said, and nothing is claimed.
        return {"disk": f"NOT RUN, nothing can be mounted here: {mounted.stderr.strip()}"}
    rig.at_end.append(lambda: subprocess.run(["umount", folder], check=True))
    for _ in range(3):
        rig.create(LARGE)
        rig.create(SMALL)
    serve = rig.add("serve")
    serve.start()
    quiet = settle(rig)
    ends = rig.rows("select subject, status, error_reason, count(*) from jobs "
                    "group by subject, status, error_reason order by 1")
    expected = [("large_lite", "failed", "disk_full", 3), ("small_lite", "ready", None, 3)]
    if [tuple(row) for row in ends] != expected:
        raise RuntimeError(f"a full disk ends jobs like this: {ends}")
    return {"disk": ends, "disk_bytes": DISK_BYTES, "settled_seconds": round(quiet, 1)}
