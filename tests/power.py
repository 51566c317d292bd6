"""A region on disks that lose what was not synced when their power is cut."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from region import BASE_ENV, HANEUL, ROOT, START_SECONDS_MAX, Region, run

LAZYDISK = Path(os.environ.get("LAZYDISK_BINARY", ROOT / "target/debug/lazydisk"))
ZONES = ["a", "b", "c"]
SYNC_SECONDS_MAX = 30
# What `haneul up` says last when it is ready.
READY = "aws sts get-caller-identity"


def missing():
    """What keeps power from being cut here, or nothing."""
    for program in ["unshare", "nsenter", "setpriv"]:
        if not shutil.which(program):
            return f"`{program}` is not in PATH"
    if os.geteuid() != 0:
        return "mounting needs root"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse cannot be opened: {error.strerror}"
    alone = run(["unshare", "--mount", "true"])
    return f"no mounts of its own: {alone.stderr.strip()}" if alone.returncode else None


class Machine:
    """Disks that lose their power together (crates/lazydisk), mounted for nobody else to see.

    They are unmounted by the system when the last process that sees them has ended, and the
    file system itself ends when this process does, however it ends.
    """

    def __init__(self, folders):
        for folder in folders:
            folder.mkdir(parents=True)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", LAZYDISK, *folders],
            env=BASE_ENV,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "mounted", LAZYDISK

    @property
    def inside(self):
        """The words that let a program see the disks."""
        return ("nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt")

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        assert line.endswith("\n"), "lazydisk has ended"
        return line.rstrip("\n")

    def freeze_after(self, changes):
        assert self.ask("freeze", changes) == "done"

    def froze_within(self, seconds):
        return self.ask("wait", seconds) == "frozen"

    def ignore(self, what, prefix):
        """Syncs of `files` or `folders` whose path begins so do nothing from here on."""
        assert self.ask("ignore", what, prefix) == "done"

    def unsynced(self, prefix):
        """Paths in the zones that a power cut could change, as `DISK:PATH`."""
        paths = [path.split(":", 1) for path in self.ask("unsynced").split()]
        return [
            f"{disk}:{path}"
            for disk, path in paths
            if int(disk) < len(ZONES) and path.startswith(prefix)
        ]

    def wait_until_synced(self, prefix):
        for _ in range(SYNC_SECONDS_MAX * 50):
            if not (unsynced := self.unsynced(prefix)):
                return
            time.sleep(0.02)
        raise AssertionError(unsynced)

    def syncs(self, prefix):
        """How often files whose path begins so were synced, for each zone."""
        return [int(count) for count in self.ask("syncs", prefix).split()][: len(ZONES)]

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()


class PoweredRegion(Region):
    """A region whose zones and data folder lie on the disks of one machine."""

    def __init__(self):
        super().__init__(Path(tempfile.mkdtemp(prefix="haneul-power-")))
        self.zones = [self.folder / "zones" / zone for zone in ZONES]
        self.machine = Machine([*self.zones, self.data])
        # Nobody is left to end it when the test is killed.
        self.program = (*self.machine.inside, "setpriv", "--pdeathsig", "KILL", HANEUL)

    def launch(self, *words):
        assert self.machine.ask("start") == "done"
        super().launch(*(word for zone in self.zones for word in ("--zone", zone)), *words)

    def launch_until_frozen_or_up(self, changes):
        """Starts, and loses its disks after so many changes unless it needs fewer."""
        assert self.machine.ask("start") == "done"
        before = self.log.count(READY) if (self.folder / "log").exists() else 0
        self.launch()
        self.machine.freeze_after(changes)
        for _ in range(START_SECONDS_MAX * 50):
            if self.machine.froze_within(0):
                return "frozen"
            if self.log.count(READY) > before:
                return "up"
            assert self.process.poll() is None, self.log[-5000:]
            time.sleep(0.02)
        raise AssertionError(f"haneul up does neither: {self.log[-5000:]}")

    def cut_power(self, seed, keep_in_8=None):
        """The machine stops and what was not synced is lost; answers how much that was."""
        self.process.kill()
        # What waits for a frozen disk ends only with an answer from it.
        lost = self.machine.ask("cut", seed, *([] if keep_in_8 is None else [keep_in_8]))
        self.process.wait(30)
        self.process = None
        return lost

    def remove_index(self):
        """The index of the objects is a view: it may be lost whole."""
        assert self.machine.ask("start") == "done"
        done = run([*self.machine.inside, "rm", "-rf", self.data / "index"])
        assert done.returncode == 0, done.stderr

    def remove(self):
        try:
            if self.process:
                self.cut_power(0)
        finally:
            self.machine.end()
            self.take_off_the_machine()
            shutil.rmtree(self.folder, ignore_errors=True)
