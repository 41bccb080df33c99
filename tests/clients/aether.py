"""Maven Resolver (Aether) with its real HTTP transport, which is what `bal` puts on the wire."""

import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from tests.paths import ROOT
from tests.support.debian import require_packages
from tests.support.world import Person

PACKAGES = (
    "libmaven-resolver-java",
    "libmaven-resolver-transport-http-java",
    "libmaven3-core-java",
    "libslf4j-java",
)
_COMPILER = "default-jdk-headless"  # One of several packages that bring it.
_JARS = Path("/usr/share/java")
_LIBRARIES = (
    "maven-resolver-api",
    "maven-resolver-spi",
    "maven-resolver-util",
    "maven-resolver-impl",
    "maven-resolver-named-locks",  # Of newer versions, such as that of Debian 13.
    "maven-resolver-connector-basic",
    "maven-resolver-transport-http",
    "maven3-resolver-provider",
    "maven3-model",
    "maven3-model-builder",
    "maven3-builder-support",
    "maven3-artifact",
    "maven3-repository-metadata",
    "httpclient",
    "httpcore",
    "commons-codec",
    "commons-lang3",
    "jcl-over-slf4j",
    "slf4j-api",
    "slf4j-nop",
    "plexus-utils2",
    "plexus-interpolation",
)
# A virtual machine that lives for a second optimizes nothing.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_SECONDS = 180  # Generous: a virtual machine starts in one second, and on a busy machine in ten.


class AetherFailure(Exception):
    """The library failed; `str()` is what `bal` prints."""


@dataclass(frozen=True)
class Aether:
    """The driver, which runs each command in a session of its own, as `bal` does."""

    process: "subprocess.Popen[str]"

    def run(self, command: Sequence[str]) -> str:
        """Run a command, and return the line that it answers."""
        assert self.process.stdin
        assert self.process.stdout
        timer = Timer(_SECONDS, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write("\t".join(command) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        finally:
            timer.cancel()
        assert answer, "the virtual machine ended"
        return answer.rstrip("\n")


@contextmanager
def running_aether(folder: Path) -> Generator[Aether]:
    """Compile and run the driver, or skip the test where its libraries cannot be had."""
    require_packages(PACKAGES if shutil.which("javac") else (*PACKAGES, _COMPILER))
    classes = folder / "classes"
    source = ROOT / "tests" / "clients" / "Aether.java"
    command = [_program("javac"), "-cp", _class_path(), "-d", str(classes), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    assert done.returncode == 0, done.stderr
    java = [_program("java"), *SHORT_LIVED, "-cp", f"{_class_path()}:{classes}", "Aether"]
    with subprocess.Popen(
        [*java, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        yield Aether(process)


@dataclass(frozen=True)
class Repository:
    """A repository as an entry of Settings.toml has it."""

    aether: Aether
    url: str
    person: Person | None = None

    def do(self, action: str, *about: str) -> str:
        """Do one thing and return what came of it; raise `AetherFailure`."""
        outcome, _, message = self.aether.run(self._command(action, *about)).partition("\t")
        if outcome != "ok":
            raise AetherFailure(message)
        return message

    def do_all(self, actions: Sequence[Sequence[str]]) -> list[str]:
        """Do several things, and return what came of each; raise for the first that fails."""
        return [self.do(*action) for action in actions]

    def _command(self, action: str, *about: str) -> tuple[str, ...]:
        user, token = (self.person.account.name, self.person.token) if self.person else ("", "")
        return (action, self.url, user, token, *about)


def _program(name: str) -> str:
    return shutil.which(name) or name


def is_newer_than_in_bal() -> bool:
    """Check whether the library here sends other requests than the one in `bal`, which is 1.7: from
    1.9 on it sends credentials before it is asked for them."""
    return any(_JARS.glob("maven-resolver-api-1.9.*.jar"))


def _class_path() -> str:
    return ":".join(str(_JARS / f"{name}.jar") for name in _LIBRARIES)
