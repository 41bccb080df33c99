"""The limits of the confined process, which the system enforces: time, memory and output."""

import os
import signal
import sys
import time
from pathlib import Path

if sys.platform == "win32":

    class ProcessLimits:
        """The limits of this process: Windows has none that a process sets for itself."""

        def used_seconds(self) -> float:
            return time.process_time()

        def allow(self, seconds: float, output_bytes: int) -> None:
            """Leave the time to the parent."""

        def allow_memory(self, more_bytes: int) -> None:
            """Leave memory to the parent."""

        def lift(self) -> None:
            """Do nothing, as nothing was limited."""

else:
    import resource

    class ProcessLimits:
        """The limits of this process, which the system enforces."""

        def __init__(self) -> None:
            _set_soft(resource.RLIMIT_CORE, 0)
            signal.signal(signal.SIGPROF, signal.SIG_DFL)  # The parent may have ignored it.

        def used_seconds(self) -> float:
            return time.process_time()

        def allow(self, seconds: float, output_bytes: int) -> None:
            # SIGPROF ends the process, also within a function of C. RLIMIT_CPU has whole seconds.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            # Python ignores SIGXFSZ: a write beyond the limit fails with EFBIG.
            _set_soft(resource.RLIMIT_FSIZE, output_bytes)

        def allow_memory(self, more_bytes: int) -> None:
            """Fail allocations above what is mapped now and `more_bytes`."""
            mapped = _statm(0)
            if mapped is not None:
                _set_soft(resource.RLIMIT_AS, mapped + more_bytes)

        def lift(self) -> None:
            """Remove the limits, to import or between jobs."""
            signal.setitimer(signal.ITIMER_PROF, 0)
            for each in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS):
                _set_soft(each, resource.RLIM_INFINITY)

    def _set_soft(limit: int, value: int) -> None:
        hard = resource.getrlimit(limit)[1]
        if hard != resource.RLIM_INFINITY and not 0 <= value <= hard:
            value = hard
        resource.setrlimit(limit, (value, hard))


def resident_bytes() -> int | None:
    """Return the memory that this process holds; None where the system does not say."""
    return _statm(1)


def _statm(field: int) -> int | None:
    """Return the bytes that are mapped (0) or resident (1)."""
    try:
        text = Path("/proc/self/statm").read_text("ascii")
    except OSError:
        return None
    return int(text.split()[field]) * os.sysconf("SC_PAGE_SIZE")
