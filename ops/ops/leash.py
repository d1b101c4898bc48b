"""How does a child end with its parent? This starts it: `python -I -S leash.py PARENT SIGNAL UID GID argv...` becomes argv.

It runs between fork and exec instead of a `preexec_fn`, which may deadlock in a parent that has threads. The kernel forgets the wish
when the user changes, so that comes first. Without Linux the wish is left out, and the next start finds what was left over.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
KEEP_USER = -1


def become(parent: int, signal: int, uid: int, gid: int, argv: list[str]) -> None:
    """Change to the user, ask for the signal at the parent's death, and become argv; ends at once if the parent is dead already."""
    if uid != KEEP_USER:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(argv[0], argv)  # noqa: S606 - becoming what it was told to is its purpose


if __name__ == "__main__":
    parent, at_death, uid, gid = map(int, sys.argv[1:5])
    become(parent, at_death, uid, gid, sys.argv[5:])
