"""Tasks of tests for the confined process, which do what hostile input might make a task do."""

import ctypes
import errno
import fcntl
import os
import re
import resource
import signal
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from shared.confined.jobs import Json
from shared.confined.tasks import Job

TASKS = {name: f"tests.support.confined_tasks:{name}" for name in ("parts", "outside")}
TASKS["compare"] = TASKS["parts"]
_HELD = list[bytearray]()


def parts(job: Job) -> None:
    """Do the acts that the request names, each as a part of its own."""
    assert isinstance(job.request, list)
    for number, act in enumerate(job.request):
        assert isinstance(act, str)
        name, _, argument = act.partition(" ")
        job.run(f"{number}:{name}", lambda name=name, argument=argument: _ACTS[name](job, argument))


def outside(job: Job) -> None:
    """Do the act that the request names outside of a part."""
    _ACTS[str(job.request)](job, "")


def _say(job: Job, text: str) -> Json:
    return text


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _trace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0x4206, os.getppid(), 0, 0) < 0:  # PTRACE_SEIZE
        raise OSError(ctypes.get_errno(), "ptrace")


def _share() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.shmget(0, 4096, 0o1600) < 0:  # IPC_PRIVATE, IPC_CREAT
        raise OSError(ctypes.get_errno(), "shmget")


def _signal_by_pipe(command: int, owner: int | bytes) -> None:
    """Let the kernel send a signal to the owner of a pipe when somebody writes into it."""
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGURG)  # It ends nothing.
    fcntl.fcntl(reading, command, owner)
    fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
    os.write(writing, b"x")


_F_SETOWN_EX = 15
_F_OWNER_PID = 1


_REACHED: dict[str, Callable[[str], object]] = {
    "read": lambda path: Path(path).read_bytes(),
    "list": lambda path: list(Path(path).iterdir()),
    "write": lambda path: Path(path).write_text("x"),
    "socket": lambda family: socket.socket(getattr(socket, family)),
    "pair": lambda _: socket.socketpair(),
    "fork": lambda _: _fork(),
    "spawn": lambda _: os.posix_spawn("/bin/true", ["true"], {}),
    "exec": lambda _: os.execv("/bin/true", ["true"]),  # noqa: S606 - it is to fail.
    "kill": lambda _: os.kill(os.getppid(), 0),
    "notify": lambda _: _signal_by_pipe(fcntl.F_SETOWN, os.getppid()),
    "notify-more": lambda _: _signal_by_pipe(
        _F_SETOWN_EX, struct.pack("=ii", _F_OWNER_PID, os.getppid())
    ),
    "queue": lambda _: signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0),
    "limit": lambda _: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE),
    "thread": lambda _: threading.Thread(target=print).start(),
    "ptrace": lambda _: _trace(),
    "mode": lambda path: Path(path).chmod(0o666),
    "owner": lambda path: os.chown(path, os.getuid(), -1),
    "time": os.utime,
    "attribute": lambda path: os.setxattr(path, "user.x", b"x"),
    "cut": lambda path: os.truncate(path, 0),
    "priority": lambda _: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "processors": lambda _: os.sched_setaffinity(os.getppid(), {0}),
    "segment": lambda _: _share(),
}


def _reach(job: Job, what: str) -> Json:
    """Try to reach what is outside of the job; return the error, or None if it was reached."""
    name, _, target = what.partition("=")
    try:
        _REACHED[name](target)
    except (OSError, RuntimeError) as error:
        return type(error).__name__
    return None


def _read(job: Job, name: str) -> Json:
    return (job.folder / name).read_text("utf-8")


def _write(job: Job, size: str) -> Json:
    with (job.output / f"of-{size}").open("wb") as file:
        for _ in range(int(size)):
            file.write(bytes(1024 * 1024))
    return None


def _memory(job: Job, _argument: str) -> Json:
    held = list[bytes]()
    while True:
        held.append(bytes(4 * 1024 * 1024))


def _hold(job: Job, mebibytes: str) -> Json:
    _HELD.append(bytearray(int(mebibytes) * 1024 * 1024))
    _HELD[-1][::4096] = b"x" * len(_HELD[-1][::4096])  # Each page is resident.
    return None


def _loop(job: Job, _argument: str) -> Json:
    while True:
        pass


class PanicException(BaseException):
    """What a library in Rust raises when it panics."""


def _panic(job: Job, _argument: str) -> Json:
    raise PanicException


def _backtrack(job: Job, _argument: str) -> Json:
    return bool(re.match(r"(a|a)*$", "a" * 60 + "b"))


def _sleep(job: Job, seconds: str) -> Json:
    time.sleep(float(seconds))
    return None


def _abort(job: Job, _argument: str) -> Json:
    os.abort()


def _segfault(job: Job, _argument: str) -> Json:
    return len(ctypes.string_at(0))


def _recurse(job: Job, argument: str) -> Json:
    return _recurse(job, argument)


def _flood(job: Job, _argument: str) -> Json:
    return "x" * (1024 * 1024)


def _exit(job: Job, code: str) -> Json:
    os._exit(int(code))


def _kill(job: Job, name: str) -> Json:
    os.kill(os.getpid(), signal.Signals[name])
    time.sleep(60)
    return None


def _pid(job: Job, _argument: str) -> Json:
    return os.getpid()


def _environment(job: Job, _argument: str) -> Json:
    raw = Path("/proc/self/environ").read_text("utf-8")
    return {"os": dict(os.environ), "raw": raw}


def _descriptors(job: Job, _argument: str) -> Json:
    found = dict[str, Json]()
    for each in Path("/proc/self/fd").iterdir():
        try:
            found[each.name] = str(each.readlink())
        except FileNotFoundError:
            continue  # It read the folder.
    return found


def _once(job: Job, marker: str) -> Json:
    """Leave a mark that says how often it began."""
    with (job.folder / marker).open("a") as file:
        file.write("x")
    return None


def _leave_and_abort(job: Job, argument: str) -> Json:
    (job.output / "left").write_text("text")
    return _abort(job, argument)


def _bare_flood(job: Job, _argument: str) -> Json:
    """Write to each descriptor, as a program might that was taken over: a line without end."""
    return _bare(b"x" * (1024 * 1024))


def _bare_text(job: Job, _argument: str) -> Json:
    return _bare(b'{"end": 7}\n')


def _bare(text: bytes) -> Json:
    pipes = [each for each in range(3, 10) if _is_pipe(each)]
    while True:
        for each in pipes:
            os.write(each, text)


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _disk_full(job: Job, _argument: str) -> Json:
    raise OSError(errno.ENOSPC, "No space left on device")


def _busy(job: Job, seconds: str) -> Json:
    until = time.process_time() + float(seconds)
    while time.process_time() < until:
        pass
    return None


def _mark(job: Job, _argument: str) -> Json:
    (job.folder / "mark").touch()
    return None


def _note_pid(job: Job, _argument: str) -> Json:
    (job.folder / "writing").write_text(str(os.getpid()))
    (job.folder / "writing").rename(job.folder / "pid")
    return None


def _alone(job: Job, _argument: str) -> Json:
    """Raise if another process is here at the same time."""
    place = job.folder.parent / "busy"
    place.mkdir()
    time.sleep(0.01)
    place.rmdir()
    return None


_ACTS: dict[str, Callable[[Job, str], Json]] = {
    "say": _say,
    "reach": _reach,
    "read": _read,
    "write": _write,
    "memory": _memory,
    "hold": _hold,
    "loop": _loop,
    "panic": _panic,
    "backtrack": _backtrack,
    "sleep": _sleep,
    "abort": _abort,
    "segfault": _segfault,
    "recurse": _recurse,
    "flood": _flood,
    "exit": _exit,
    "kill": _kill,
    "pid": _pid,
    "environment": _environment,
    "descriptors": _descriptors,
    "once": _once,
    "leave-and-abort": _leave_and_abort,
    "bare-flood": _bare_flood,
    "bare-text": _bare_text,
    "disk-full": _disk_full,
    "busy": _busy,
    "mark": _mark,
    "note-pid": _note_pid,
    "alone": _alone,
}
