"""What Linux keeps the child from: new privileges, other processes, the network and files that are
not those of its jobs. No library for this is kept up and has all of it, so the kernel is called.

A filter of seccomp lets calls fail with EPERM, and Landlock limits what paths can be opened. Each
holds where the kernel has it, and nothing ends without.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path


class Restriction(Enum):
    """A restriction that the kernel may enforce on the child."""

    PRIVILEGES = "no new privileges"
    CALLS = "no network, no other process and no signals to one (seccomp)"
    FILES = "no files but those of jobs and of the program (Landlock)"


def restrict_access(jobs: Path, tasks: str) -> list[Restriction]:
    """Restrict this process for good to what is below `jobs`, and to reading the program; return
    what the kernel enforces."""
    if sys.platform != "linux":
        return []
    import resource  # noqa: PLC0415 - Windows has none.

    # A second protection against starting another process.
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    held = list[Restriction]()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        held.append(Restriction.PRIVILEGES)
    if _limit_files(libc, jobs, tasks):
        held.append(Restriction.FILES)
    if _limit_calls(libc):
        held.append(Restriction.CALLS)
    return held


# --- Calls ---------------------------------------------------------------------------------------

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

# Instructions of classic BPF.
_LOAD = 0x20
_EQUAL = 0x15
_AT_LEAST = 0x35
_RETURN = 0x06

# Offsets in `struct seccomp_data`.
_NUMBER = 0
_ARCHITECTURE = 4
_FIRST_ARGUMENT = 16
_SECOND_ARGUMENT = 24

_ALLOW = 0x7FFF_0000
_FAIL = 0x0005_0000
_OTHER_ABI = 0x4000_0000  # Bit of the numbers of x32.


# The commands of fcntl that name the process to which the kernel signals input and output.
_SET_OWNER = 8
_SET_OWNER_EX = 15

# By processor: its architecture; calls that fail; calls with a process id, which fail for another
# one than this; prlimit64, which fails for any; fcntl, of which two commands fail.
#
# They fail: socket, connect, accept, sendto, bind, listen, socketpair, clone, fork, vfork, execve,
# execveat, ptrace, process_vm_readv, process_vm_writev, bpf, unshare, setns, mount, userfaultfd,
# perf_event_open, add_key, request_key, keyctl, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo, chroot.
# Calls that change files and processes by their names, which Landlock does not limit, fail as well:
# chmod, chown, utime, setxattr, removexattr and truncate with their variants, setpriority,
# ioprio_set, sched_setparam, sched_setscheduler, sched_setaffinity, sched_setattr, migrate_pages,
# move_pages, shmget, shmat, shmctl, semget, msgget, mq_open, mq_unlink.
_X86 = (41, 42, 43, 44, 49, 50, 53, 56, 57, 58, 59, 322, 101, 310, 311, 321, 272, 308, 165, 323)
_X86_MORE = (298, 248, 249, 250, 200, 129, 297, 161, 288)  # The last is accept4.
_ARM = (198, 203, 202, 206, 200, 201, 199, 220, 221, 281, 117, 270, 271, 280, 97, 268, 40, 282)
_ARM_MORE = (241, 217, 218, 219, 130, 138, 240, 51, 242)
_X86_NAMED = (90, 91, 92, 93, 94, 268, 260, 132, 235, 261, 280, 188, 189, 190, 197, 198, 199, 76)
_X86_SHARED = (141, 251, 142, 144, 203, 314, 256, 279, 29, 30, 31, 64, 68, 240, 241)
_ARM_NAMED = (52, 53, 54, 55, 88, 5, 6, 7, 14, 15, 16, 45)
_ARM_SHARED = (140, 30, 118, 119, 122, 274, 238, 239, 194, 196, 195, 190, 186, 180, 181)
# pidfd_send_signal, io_uring_setup, pidfd_open, pidfd_getfd, process_madvise, fchmodat2,
# setxattrat, removexattrat
_COMMON = (424, 425, 434, 438, 440, 452, 463, 466)
_CLONE3 = 435  # Without it the C library calls clone.
_CALLS = {
    "x86_64": (
        0xC000_003E,
        (*_X86, *_X86_MORE, *_X86_NAMED, *_X86_SHARED, *_COMMON),
        (62, 234),
        302,
        72,
    ),
    "aarch64": (
        0xC000_00B7,
        (*_ARM, *_ARM_MORE, *_ARM_NAMED, *_ARM_SHARED, *_COMMON),
        (129, 131),
        261,
        25,
    ),
}


def _limit_calls(libc: ctypes.CDLL) -> bool:
    if platform.machine() not in _CALLS:
        return False
    filters = [struct.pack("HBBI", *each) for each in _instructions(*_CALLS[platform.machine()])]
    instructions = ctypes.create_string_buffer(b"".join(filters))
    program = struct.pack("HP", len(filters), ctypes.addressof(instructions))
    return libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0) == 0


def _instructions(
    architecture: int, refused: Sequence[int], signals: Sequence[int], limits: int, control: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield the filter; a jump skips as many instructions as it says."""
    fail = (_RETURN, 0, 0, _FAIL | errno.EPERM)
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, architecture
    yield fail
    yield _LOAD, 0, 0, _NUMBER
    yield _AT_LEAST, 0, 1, _OTHER_ABI
    yield fail
    yield _EQUAL, 0, 1, _CLONE3
    yield _RETURN, 0, 0, _FAIL | errno.ENOSYS
    for number, process in [*((each, os.getpid()) for each in signals), (limits, 0)]:
        yield _EQUAL, 0, 4, number
        yield _LOAD, 0, 0, _FIRST_ARGUMENT
        yield _EQUAL, 1, 0, process
        yield fail
        yield _RETURN, 0, 0, _ALLOW
    yield _EQUAL, 0, 5, control
    yield _LOAD, 0, 0, _SECOND_ARGUMENT
    yield _EQUAL, 1, 0, _SET_OWNER
    yield _EQUAL, 0, 1, _SET_OWNER_EX
    yield fail
    yield _RETURN, 0, 0, _ALLOW
    for number in refused:
        yield _EQUAL, 0, 1, number
        yield fail
    yield _RETURN, 0, 0, _ALLOW


# --- Files ---------------------------------------------------------------------------------------

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_VERSION = 1
_PATH_BENEATH = 1
_EXECUTE = 1 << 0
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
# The accesses to files in the first version of Landlock; later versions have more.
_OF_FILES = (1 << 13) - 1
_MORE_OF_FILES = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}


def _limit_files(libc: ctypes.CDLL, jobs: Path, tasks: str) -> bool:
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    files = _OF_FILES | sum(bit for since, bit in _MORE_OF_FILES.items() if since <= version)
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack("Q", files), 8, 0) if version > 0 else -1
    if ruleset < 0:
        return False
    _allow(libc, ruleset, [jobs], files & ~_EXECUTE)
    _allow(libc, ruleset, _read_paths(tasks), _READ_FILE | _READ_DIR)
    is_held = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return is_held


def _allow(libc: ctypes.CDLL, ruleset: int, paths: Iterable[Path], accesses: int) -> None:
    for path in paths:
        with suppress(OSError):  # What is not there needs no rule.
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = accesses if path.is_dir() else accesses & ~_READ_DIR
            libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, parent), 0)
            os.close(parent)


def _read_paths(tasks: str) -> Iterator[Path]:
    """Yield the interpreter, libraries, and of the folder of the program only its packages: the
    folder of the data may be next to them."""
    yield from map(Path, ("/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/proc/self"))
    yield from (Path(each) / "lib" for each in (sys.base_prefix, sys.prefix))
    for each in map(Path, filter(None, sys.path)):
        if each.name in {"site-packages", "dist-packages"} or not each.is_dir():
            yield each
        yield from (each / name for name in {"shared", tasks.partition(".")[0]})
