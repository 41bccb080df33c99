"""The tasks of the confined process, and the job that a task is given.

A task is a function `task(job: Job) -> None`, which does its work in parts. Only the child imports
tasks; the parent knows their names.
"""

import errno
import json
import shutil
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from shared.confined.budget import LEAST_SECONDS
from shared.confined.job_files import OUTPUT
from shared.confined.jobs import MACHINE_ERRORS, Exceeded, Json, Order

# The name of a task, and where it is: "module:function".
TASKS: Mapping[str, str] = {
    "release": "shared.confined.release_docs:make_release",
    "check": "shared.confined.release_docs:check_release",
    "compare": "shared.confined.comparison:compare_versions",
    "sboms": "shared.confined.sbom_differences:compare_sboms",
    "highlight": "shared.confined.release_docs:highlight_file",
    "advisories": "shared.confined.advisory_files:read_advisories",
    "sigstore-root": "shared.confined.trusted_roots:renew_root",
    "sigstore-bundle": "shared.confined.sigstore_bundles:verify_bundle",
    "secrets": "shared.confined.secret_search:find_secrets",
    "secrets-on-demand": "shared.confined.secret_search:find_secrets",
    "markdown": "shared.confined.markdown_text:render_text",
}

LINE_BYTES = 64 * 1024  # The longest line that travels between child and parent.
_SHARE = 0.5  # The share of the remaining processor time that one part may use.
_LAST_SHARE = 0.15  # The share of a job's budget that is reserved for its last part.
_OWN_SECONDS = 0.2  # Time to move the files of a finished part, and for what is done between parts.
_FRAMES = 5  # Stack frames of a part's error in the log.


class Limits(Protocol):
    """The limits of the process in which a job runs."""

    def used_seconds(self) -> float:
        """Return the processor time that the process has taken since it began."""
        ...

    def allow(self, seconds: float, output_bytes: int) -> None:
        """End the process when it takes more processor time from now on; fail larger files."""
        ...


class _Outcome(Struct, frozen=True):
    result: Json = None
    reason: Exceeded | None = None
    error: str = ""


class OutputExceeded(Exception):
    """The output of a part is larger than it may be."""


class Job:
    """A request, a folder with its inputs, and the parts in which a task does its work.

    What a part writes into `output` is there, in the folder `output` of the job, once the part has
    finished, and never of a part that was refused.
    """

    def __init__(
        self, order: Order, limits: Limits, report: Callable[[Mapping[str, Json]], None]
    ) -> None:
        self.folder = Path(order.folder)
        self.request = order.request
        self.output = self.folder / "part"
        self._skip = order.skip
        self._kept_seconds = order.budget.processor_seconds * _LAST_SHARE
        self._limits = limits
        self._report = report
        self._ends_at = limits.used_seconds() + order.left_seconds
        self._kept = self.folder / OUTPUT
        if not order.skip:  # Without parts to skip, the job starts from the beginning.
            shutil.rmtree(self._kept, ignore_errors=True)
        self._kept.mkdir(exist_ok=True)
        self._output_left = order.budget.output_bytes - _bytes_of(self._kept.rglob("*"))

    def run(self, name: str, work: Callable[[], Json]) -> Json:
        """Do a part with at most half of the processor time that is left for parts.

        Returns what `work` returns, which is small and JSON; None if the part is refused, or if it
        was finished or refused when the job was run before.
        """
        return self._run(name, work, _SHARE * (self._left_seconds() - self._kept_seconds))

    def run_last(self, name: str, work: Callable[[], Json]) -> Json:
        """Do the last part, as `run`, with all of the processor time that is left: the others leave
        some, as it makes one of what they finished."""
        return self._run(name, work, self._left_seconds())

    def run_task(self, task: Callable[["Job"], None]) -> None:
        """Run the whole task; what fails outside of a part is reported for the empty name."""
        began = self._limits.used_seconds()
        self._allow_own()
        outcome = _attempt(lambda: task(self))
        if outcome.reason:
            self._report_refusal("", outcome, self._limits.used_seconds() - began)
        shutil.rmtree(self.output, ignore_errors=True)

    def _run(self, name: str, work: Callable[[], Json], allowance: float) -> Json:
        if name in self._skip:
            return None
        left = self._left_seconds()
        began = self._limits.used_seconds()
        if allowance < LEAST_SECONDS:
            self._report_refusal(name, _Outcome(reason=Exceeded.PROCESSOR), 0)
            return None
        self._allow(allowance)
        self._report({"begin": name, "left": left, "allowance": allowance})
        outcome = _attempt(lambda: self._finish(name, work))
        seconds = self._limits.used_seconds() - began
        if outcome.reason:
            self._report_refusal(name, outcome, seconds)
        else:
            self._report({"end": name, "result": outcome.result, "processor_seconds": seconds})
        self._allow_own()
        return outcome.result

    def _finish(self, name: str, work: Callable[[], Json]) -> Json:
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir()
        result = work()
        # The line has the name and some numbers as well.
        if len(json.dumps([name, result])) > LINE_BYTES - 1024:
            raise OutputExceeded
        files = [each for each in self.output.rglob("*") if each.is_file()]
        targets = [self._kept / each.relative_to(self.output) for each in files]
        left = self._output_left + _bytes_of(targets) - _bytes_of(files)
        if left < 0:
            raise OutputExceeded
        # The part has done its work, and must not end between two of its files.
        self._allow(_OWN_SECONDS)
        self._output_left = left
        for file, target in zip(files, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
        return result

    def _left_seconds(self) -> float:
        return self._ends_at - self._limits.used_seconds()

    def _allow_own(self) -> None:
        self._allow(max(_OWN_SECONDS, self._left_seconds()))

    def _allow(self, seconds: float) -> None:
        self._limits.allow(seconds, self._output_left)

    def _report_refusal(self, name: str, outcome: _Outcome, seconds: float) -> None:
        reason = outcome.reason and outcome.reason.value
        line = {"refused": name, "reason": reason, "processor_seconds": seconds}
        self._report({**line, "error": outcome.error})


def _attempt(work: Callable[[], Json]) -> _Outcome:
    """Do the work; what fails because of the input is a reason, and other failures are raised."""
    try:
        return _Outcome(result=work())
    except (MemoryError, OutputExceeded) as error:
        exceeded = Exceeded.MEMORY if isinstance(error, MemoryError) else Exceeded.OUTPUT
        return _Outcome(reason=exceeded)
    except OSError as error:
        if error.errno in MACHINE_ERRORS:
            raise
        if error.errno in {errno.EFBIG, errno.ENOMEM}:
            memory = error.errno == errno.ENOMEM
            return _Outcome(reason=Exceeded.MEMORY if memory else Exceeded.OUTPUT)
        return _Outcome(reason=Exceeded.CRASHED, error=_place(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    # The last place that can handle errors in untrusted input. A panic of a Rust library is no
    # `Exception`.
    except BaseException as error:
        return _Outcome(reason=Exceeded.CRASHED, error=_place(error))


def _place(error: BaseException) -> str:
    """Return the kind and place of an error, without its message, which may quote the input."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = " > ".join(f"{Path(each.filename).name}:{each.lineno}" for each in frames)
    return f"{type(error).__name__} at {places}"


def _bytes_of(files: Iterable[Path]) -> int:
    return sum(each.stat().st_size for each in files if each.is_file())
