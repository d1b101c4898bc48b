"""A disk that is too small: a server's folder on a file system of its own, filled to the last byte and freed again.

Needs root, for a loop mount; where even that is not allowed, a tmpfs of the same size stands in.
"""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
FILLER = "filler"
NO_ROOT = "a small disk is mounted, and that takes root"
NO_MOUNT = "neither a loop device nor a tmpfs can be mounted here"
# Ever smaller pieces, so that nothing is left between the last big one and the end.
PIECES = (64 * MIB, 8 * MIB, MIB, 64 * 1024, 4096)


class NotHereError(Exception):
    """A fault that this machine does not allow; the words say why."""


@dataclass(frozen=True)
class Disk:
    """A mounted file system: `kind` is `ext4` or `tmpfs`."""

    folder: Path
    kind: str

    @property
    def filler(self) -> Path:
        """The file that takes up all space that was left."""
        return self.folder / FILLER

    @property
    def left(self) -> int:
        """Bytes that are free."""
        facts = os.statvfs(self.folder)
        return facts.f_bavail * facts.f_frsize

    def fill(self, leave: int = 0) -> int:
        """Take all space but `leave` bytes; how much the filler takes now. Again and again is fine: servers free some themselves."""
        with self.filler.open("ab") as file:
            size = os.fstat(file.fileno()).st_size
            for piece in PIECES:
                while self.left > leave:
                    try:
                        os.posix_fallocate(file.fileno(), size, min(piece, max(4096, self.left - leave)))
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                        break
                    size = os.fstat(file.fileno()).st_size
        return size

    def free(self) -> None:
        """Give all of it back."""
        self.filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, mib: int, *, in_memory: bool = False) -> Iterator[Disk]:
    """Let `folder` lie on a file system of `mib` MiB, empty at first; it is unmounted when the block ends, and nothing of it stays.

    In memory it is much faster, for a loop device waits for the disk twice, and survives the same: whatever is killed, the kernel lives. Whoever uses the folder must have ended by then. Raises NotHereError where mounting is not allowed.
    """
    if os.geteuid() != 0:
        raise NotHereError(NO_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.with_name(f"{folder.name}.image")
    try:
        kind = _mount(folder, image, mib, in_memory=in_memory)
        try:
            yield Disk(folder, kind)
        finally:
            _run("umount", str(folder), check=True)
    finally:
        image.unlink(missing_ok=True)


def _mount(folder: Path, image: Path, mib: int, *, in_memory: bool) -> str:
    """Mount a fresh file system on a folder; its kind."""
    if in_memory and _run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "small-disk", str(folder)):
        return "tmpfs"
    with image.open("wb") as file:
        file.truncate(mib * MIB)
    # Without reserved blocks: a server that runs as root would go on writing into them.
    loop = _run("mkfs.ext4", "-q", "-m", "0", str(image)) and _run("mount", "-o", "loop", str(image), str(folder))
    if loop:
        return "ext4"
    image.unlink()
    if _run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "small-disk", str(folder)):
        return "tmpfs"
    raise NotHereError(NO_MOUNT)


def _run(*command: str, check: bool = False) -> bool:
    """Run a command; whether it could be run and succeeded."""
    try:
        return subprocess.run(command, capture_output=True, check=check).returncode == 0
    except FileNotFoundError:
        return False
