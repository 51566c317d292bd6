"""What the machine still has of regions that are gone."""

import hashlib
import os
import time
from pathlib import Path

SECONDS_MAX = 10


def expect_none(folders):
    """Fails with a list when anything is left of the regions on these data folders."""
    deadline = time.monotonic() + SECONDS_MAX
    # The kernel takes a moment for devices and namespaces.
    while left := [line for folder in folders for line in of(folder)]:
        assert time.monotonic() < deadline, "left on this machine:\n" + "\n".join(left)
        time.sleep(0.1)


def of(data):
    """As haneul names things; see ARCHITECTURE.md."""
    data = Path(os.path.realpath(data))
    tag = "hnl-" + hashlib.sha256(os.fsencode(data)).hexdigest()[:6]
    folders = [Path("/run"), Path("/run/netns"), Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*/")]
    named = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    yield from (str(path) for path in named if path.name == tag or path.name.startswith(f"{tag}-"))
    links = Path("/proc/self/net/dev").read_text().splitlines()
    yield from (f"link {line.strip()}" for line in links if line.strip().startswith(f"{tag}:"))
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    yield from (line for line in mounts if line.split()[4].startswith(f"{data}/"))
    for disk in Path("/sys/block").glob("loop*/loop/backing_file"):
        file = read(disk)
        if file.startswith(f"{data.parent}/"):
            yield f"{disk.parent.parent.name}: {file.strip()}"
    for process in Path("/proc").glob("[0-9]*"):
        words = read(process / "cmdline").split("\0")
        if tag in words or str(data) in words:
            yield f"process {process.name}: {' '.join(words)}"


def read(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        # Gone while we looked.
        return ""
