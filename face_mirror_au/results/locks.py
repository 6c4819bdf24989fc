"""One process at a time: the system lets go of a lock when its process ends, by whatever cause."""

from __future__ import annotations

import os
import sys

# Windows keeps others from reading what is locked: lock a byte that no file of ours reaches.
_FAR_BYTE = 1 << 30


def try_lock(descriptor: int) -> bool:
    """Lock an open file without waiting; False when somebody else holds it. True, too, on network drives that have no locks."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            pass
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
