# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas whose data lie in a file system of their own, in an image: so that the power can be cut.

An image is copied while its replica is stopped by SIGSTOP in the middle of whatever it did. What
the replica's file system had handed to the image by then, which is all that was flushed and next
to nothing else, is in the copy; what was only in memory is not. Mounted and started from, the copy
is the replica after a power cut. Needs root and loop devices; possible() says so.
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from badnet import KILL, STOP, MadeCluster, free_ports  # noqa: E402
from harness import Failure  # noqa: E402

SIZE = 64 << 20


def sh(*command, status=0):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if status is not None and done.returncode != status:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
    return done


def make_image(path, size=SIZE):
    with open(path, "wb") as file:
        file.truncate(size)
    sh("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", path)


def possible():
    """None, or why not."""
    if os.geteuid() != 0:
        return "mounting an image needs root"
    with tempfile.TemporaryDirectory(prefix="rsm-test.") as work:
        image, place = os.path.join(work, "image"), os.path.join(work, "place")
        os.mkdir(place)
        try:
            make_image(image, 16 << 20)
            sh("mount", "-o", "loop", image, place)
            sh("umount", place)
        except (Failure, OSError) as why:
            return f"no loop devices here: {why}"
    return None


class ImageCluster(MadeCluster):
    def __init__(self, replicas=3, size=SIZE, **settings):
        super().__init__(replicas)
        self.size = size
        self.frozen = set()
        self.settings = dict(settings, segment_size=1 << 20)

    def image(self, replica, name="image"):
        return os.path.join(self.work, f"{name}-{replica}")

    def place(self, replica):
        return f"{self.dir}/replica-{replica}/disk"

    def data(self, replica):
        return f"{self.place(replica)}/data"

    def mount(self, replica):
        sh("mount", "-o", "loop", self.image(replica), self.place(replica))

    def unmount(self, replica):
        sh("umount", self.place(replica))

    def into_image(self, replica):
        """A replica that has not started yet gets a file system for its data."""
        path = f"{self.dir}/replica-{replica}/rsmd.conf"
        with open(path, encoding="ascii") as file:
            text = file.read()
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace("data = data", "data = disk/data"))
        os.mkdir(self.place(replica))
        make_image(self.image(replica), self.size)
        self.mount(replica)

    def __enter__(self):
        ports = free_ports(2 * self.replicas)
        everybody = range(1, self.replicas + 1)
        members = {i: (f"127.0.0.1:{ports[2 * i - 2]}",) * 2 + (f"127.0.0.1:{ports[2 * i - 1]}",) for i in everybody}
        try:
            self.make(members)
            for i in everybody:
                self.into_image(i)
            self.ctl("dev", "up", "--dir", self.dir, cluster=False)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.thaw()
        remove = self.work
        self.work = os.path.join(remove, "nothing")  # not while something is mounted in it
        super().__exit__(kind, error, trace)
        for i in range(1, self.replicas + 1):
            sh("umount", self.place(i), status=None)
            if os.path.ismount(self.place(i)):
                sh("umount", "-l", self.place(i), status=None)
        sh("rm", "-rf", remove, status=None)

    def freeze(self, replica):
        """Its file system takes no write and ends no flush until thaw()."""
        self.frozen.add(replica)
        sh("fsfreeze", "-f", self.place(replica))

    def thaw(self):
        for i in list(self.frozen):
            sh("fsfreeze", "-u", self.place(i), status=None)
            self.frozen.discard(i)

    def cut_power(self, replicas):
        """Of these at one moment: afterwards their disks are what a power cut leaves."""
        for i in replicas:
            self.signal(i, STOP)
        for i in replicas:
            sh("cp", "--sparse=always", self.image(i), self.image(i, "cut"))
        for i in replicas:
            self.signal(i, KILL)
            self.await_end(i)
            # What it handed to a ring may be under way for some milliseconds: to the old image, which is nobody's now.
            sh("umount", "-l", self.place(i))
            os.replace(self.image(i, "cut"), self.image(i))
            self.mount(i)

    def up(self, *replicas):
        """Starts them, all before the first is waited for."""
        if len(replicas) == self.replicas:
            self.ctl("dev", "up", "--dir", self.dir)
        else:
            for i in replicas:
                self.ctl("dev", "start", "--dir", self.dir, "--replica", str(i))
