"""Publish Ballerina packages to the registry https://ballroom.example.org from a CI job.

    curl -fsS https://ballroom.example.org/publish.py | python3 - target/bala/*.bala
    python3 publish.py --help

It exchanges the id token of the job for a token of a quarter of an hour, checks every package,
publishes them in the order of their dependencies, waits until each is listed, and ends the token.
Where a CI system signs no id tokens, the variable BALLROOM_TOKEN has an access token. It writes no
file but the summary of the job. It needs Python 3.9 or later, and nothing else: the registry serves
this module, with its own address.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import signal
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ci_job import Http, PublishFailed, RunningJob, as_markdown, require_good, why_not
from shared.dependency_files import PackedPackage, packed_package
from shared.script_client import (
    flaw_of_address,
    is_token,
    objects_in,
    print_all_characters,
    print_line,
    printable,
    read_object,
    token_for,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Json = Mapping[str, object]

ADDRESS = "https://ballroom.example.org"  # A registry serves this file with its own.
# Exit codes.
FAILED = 1
INTERRUPTED = 130


@dataclass
class PublishOptions:
    """What was asked for; `argparse` sets what is given."""

    registry: str
    files: Sequence[str] = ()
    organization: str = ""
    audience: str = ""
    provenance: Sequence[str] = ()
    is_dry_run: bool = False
    waits: bool = True


def main(arguments: list[str], address: str) -> int:
    """Publish packages; return the exit code."""
    print_all_characters()
    parser = argparse.ArgumentParser(
        prog="publish.py", description=f"Publish packages to {address} from a CI job."
    )
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="a .bala file that `bal pack` made")
    add("--registry", default=address, metavar="URL", help="the registry (%(default)s)")
    add(
        "--organization",
        default="",
        metavar="ORG",
        help="the organization of the packages, which the files name as well",
    )
    add(
        "--audience",
        default="",
        help="whom the id token is for, where that is not the address of the registry",
    )
    add(
        "--provenance",
        action="append",
        default=[],
        metavar="FILE",
        help="a file with the Sigstore bundle of a package, or with one in each line; may be given "
        "several times",
    )
    add(
        "--dry-run",
        action="store_true",
        dest="is_dry_run",
        help="check the packages, and publish nothing",
    )
    add(
        "--no-wait",
        action="store_false",
        dest="waits",
        help="do not wait until a published package is listed",
    )
    options = parser.parse_args(arguments, PublishOptions(address))
    return run(options, os.environ, print_line)


def run(
    options: PublishOptions,
    environment: Mapping[str, str],
    print_line: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Publish, or print in one sentence why not; return the exit code."""
    # A job that is cancelled ends its token as well.
    before = signal.signal(signal.SIGTERM, _interrupt)
    job = RunningJob(environment, print_line, sleep)
    publishing = PublishRun(options, job)
    try:
        publishing.publish()
    except PublishFailed as reason:
        job.report_failure(f"{reason}{publishing.what_is_published()}")
        return FAILED
    except KeyboardInterrupt:
        job.say(f"Stopped.{publishing.what_is_published()}")
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


# --- The archives -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Archive(PackedPackage):
    """A .bala file, and the package that it says it is."""

    path: Path

    @property
    def package(self) -> str:
        return f"{self.org}/{self.name}"

    @property
    def content(self) -> bytes:
        """The bytes of the file; raises `PublishFailed`."""
        try:
            return self.path.read_bytes()
        except OSError:
            message = f"{self.path} cannot be read. Build it again with bal pack."
            raise PublishFailed(message) from None

    @property
    def digest(self) -> str:
        """The SHA-256 of the file, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    def __str__(self) -> str:
        return f"{self.package}:{self.version}"


def read_archives(files: Iterable[str]) -> list[Archive]:
    """Return the archives, each after those that it needs; raise `PublishFailed`."""
    found = [_read_archive(Path(each)) for each in dict.fromkeys(files)]
    known: dict[tuple[str, str], Archive] = {}
    for each in found:
        other = known.setdefault((each.org, each.name), each)
        if other is not each:
            message = (
                f"{other.path} and {each.path} are both of {each.package}. Delete the older one."
            )
            raise PublishFailed(message)
    ordered: dict[tuple[str, str], Archive] = {}
    for each in found:
        _add_with_needs(each, known, ordered, ())
    return list(ordered.values())


def _add_with_needs(
    archive: Archive,
    known: Mapping[tuple[str, str], Archive],
    ordered: dict[tuple[str, str], Archive],
    above: tuple[Archive, ...],
) -> None:
    key = archive.org, archive.name
    if key in ordered or archive in above:  # bal builds no cycle; an archive may claim one.
        return
    for need in sorted(archive.needs & known.keys()):
        _add_with_needs(known[need], known, ordered, (*above, archive))
    ordered[key] = archive


def _read_archive(file: Path) -> Archive:
    try:
        with zipfile.ZipFile(file) as archive:
            packed = packed_package(archive)
    except FileNotFoundError:
        message = f"There is no file {file}. Name the .bala file that bal pack made in target/bala."
        raise PublishFailed(message) from None
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        message = f"{file} cannot be read as an archive. Name the .bala file that bal pack made."
        raise PublishFailed(message) from None
    if packed is None:
        message = f"{file} names no package. Name the .bala file that bal pack made."
        raise PublishFailed(message)
    return Archive(**vars(packed), path=file)


# --- Sigstore bundles ---------------------------------------------------------------------------


def read_bundles(files: Iterable[str]) -> dict[str, bytes]:
    """Return Sigstore bundles by the SHA-256 of the archive that each is about; raise
    `PublishFailed`."""
    found: dict[str, bytes] = {}
    for file in files:
        try:
            content = Path(file).read_bytes()
        except OSError:
            message = f"{file} cannot be read. Name the file with the Sigstore bundle."
            raise PublishFailed(message) from None
        texts = [content] if read_object(content) else content.splitlines()
        for each in filter(bytes.strip, texts):
            found[_subject_of(each, file)] = each
    return found


def _subject_of(bundle: bytes, file: str) -> str:
    """Return the SHA-256 of the first file that a bundle is about. The registry verifies it."""
    for envelope in objects_in([read_object(bundle).get("dsseEnvelope")]):
        try:
            statement = read_object(base64.b64decode(str(envelope.get("payload"))))
        except ValueError:
            continue
        subjects = objects_in(statement.get("subject"))
        for digest in objects_in([each.get("digest") for each in subjects]):
            if digest.get("sha256"):
                return str(digest["sha256"]).lower()
    message = (
        f"{file} has no Sigstore bundle about a file. Name the one that the attestation of the job "
        "wrote, such as the output bundle-path of actions/attest-build-provenance."
    )
    raise PublishFailed(message)


# --- The publishing -----------------------------------------------------------------------------

LISTED_WITHIN = 60  # Questions whether the release is listed, one every `LISTED_PAUSE_S`.
LISTED_PAUSE_S = 3.0
# A list that the token may not read is answered as that of a missing package, which is listed
# after a few seconds.
UNSEEN_WITHIN = 6  # Questions.


class PublishRun:
    """A run of the program, which publishes archives to a registry."""

    def __init__(self, options: PublishOptions, job: RunningJob) -> None:
        self._options = options
        self._job = job
        self._address = options.registry.rstrip("/")
        self._archives: Sequence[Archive] = ()
        self._bundles: Mapping[str, bytes] = {}
        self._published: list[Archive] = []

    def publish(self) -> None:
        """Check all archives, publish them in the order of their dependencies, and end the token
        of the job; raise `PublishFailed` at the first failure."""
        archives = self._archives = read_archives(self._options.files)
        self._bundles = read_bundles(self._options.provenance)
        self._require_bundles(archives)
        org = self._organization(archives)
        if flaw := flaw_of_address(self._address, has_token=True):
            raise PublishFailed(flaw)
        self._http = Http(self._address, self._job)
        stored = token_for(self._address, self._job.environment)
        if stored:
            if not is_token(stored):
                message = "BALLROOM_TOKEN is no access token. Copy it from the page that showed it."
                raise PublishFailed(message)
            self._job.mask(stored)
            self._publish_all(archives, stored)
            return
        token = self._exchange(org, archives)
        try:
            self._publish_all(archives, token)
        finally:
            self._revoke(token)

    def _require_bundles(self, archives: Sequence[Archive]) -> None:
        """Raise if bundles are named and one of the archives has none."""
        for each in archives if self._options.provenance else ():
            if each.digest not in self._bundles:
                message = (
                    f"No Sigstore bundle of --provenance is about {each.path}. Attest this file, "
                    "and name the bundle."
                )
                raise PublishFailed(message)

    def _organization(self, archives: Sequence[Archive]) -> str:
        orgs = list(dict.fromkeys(each.org for each in archives))
        wanted = self._options.organization or orgs[0]
        for org in orgs:
            if org != wanted:
                message = (
                    f"The packages are of {wanted} and of {org}. Publish those of one at once."
                )
                raise PublishFailed(message)
        return wanted

    # The token of the job.

    def _exchange(self, org: str, archives: Sequence[Archive]) -> str:
        audience = self._options.audience or self._audience()

        def exchange() -> tuple[Mapping[str, str], bytes]:
            # An id token is good for one exchange, which may have happened when no answer came.
            sent = {"org": org, "token": self._job.id_token(audience)}
            return {"Content-Type": "application/json"}, json.dumps(sent).encode()

        url = f"{self._address}/api/v1/trusted-publishing/token"
        answer = self._http.send_made("POST", url, exchange)
        require_good(answer, "The job got no token", url)
        said = answer.fields
        token = str(said.get("token") or "")
        if not token:
            message = f"{self._address} gave an answer that cannot be read."
            raise PublishFailed(message)
        self._job.mask(token)
        try:
            self._require_taken(said, archives)
        except PublishFailed:
            self._revoke(token)
            raise
        return token

    def _require_taken(self, said: Json, archives: Sequence[Archive]) -> None:
        """Raise if the registry says that this run may not publish one of the packages."""
        if self._options.is_dry_run:
            return
        refused = objects_in(said.get("refused"))
        why = {str(each.get("package")): printable(each.get("why")) for each in refused}
        for each in archives:
            if reason := why.get(each.package) or why.get(each.name):
                message = f"This run may not publish {each.package}: {reason}"
                raise PublishFailed(message)

    def _audience(self) -> str:
        url = f"{self._address}/api/v1/trusted-publishing/audience"
        answer = self._http.send("GET", url)
        require_good(answer, "The registry did not say its audience", url)
        return str(answer.fields.get("audience") or self._address)

    def _revoke(self, token: str) -> None:
        url = f"{self._address}/api/v1/trusted-publishing/token"
        try:
            answer = self._http.send("DELETE", url, {"Authorization": f"Bearer {token}"})
            why = "" if answer.is_good or answer.status == 401 else why_not(answer, url)  # noqa: PLR2004 - it ended.
        except PublishFailed as reason:
            why = str(reason)
        if why:
            self._job.say(f"The token was not ended, and ends within 15 minutes: {why}")

    # The packages.

    def _publish_all(self, archives: Sequence[Archive], token: str) -> None:
        deferred = [
            each
            for number, each in enumerate(archives)
            if not self._check(each, token, archives[:number])
        ]
        if self._options.is_dry_run:
            self._job.write_summary()
            return
        for each in archives:
            if each in deferred:
                self._check(each, token, ())
            self._push(each, token)
            if self._options.waits:
                self._wait(each, token)
        self._job.write_summary()

    def what_is_published(self) -> str:
        """Return which of several archives are published, and which are not; empty for one."""
        if len(self._archives) <= 1 or self._options.is_dry_run:
            return ""
        names = ", ".join(str(each) for each in self._archives if each in self._published)
        others = ", ".join(str(each) for each in self._archives if each not in self._published)
        left = f" Not published: {others}." if others else ""
        return f" Published: {names or 'nothing'}.{left}"

    def _check(self, archive: Archive, token: str, earlier: Sequence[Archive]) -> bool:
        """Print the findings on an archive. Return False if it lacks only packages that are
        published before it, and is to be checked again; raise `PublishFailed` for other errors."""
        headers, body = form_of(archive, token, self._bundle_of(archive))
        url = f"{self._address}/api/v1/dry-run"
        answer = self._http.send("POST", url, headers, body)
        require_good(answer, f"{archive} was not checked", url)
        said = answer.fields
        findings = objects_in(said.get("findings"))
        published = set(map(str, earlier))
        errors: list[str] = []
        waits = False
        for each in findings:
            severity = printable(each.get("severity"))
            rule = printable(each.get("rule"))
            message = printable(each.get("message"))
            lacks = _missing_releases(message) if rule == MISSING_DEPENDENCIES else set[str]()
            if severity == "error" and lacks and lacks <= published:
                waits = True
                severity = "later"
            elif severity == "error":
                errors.append(message)
            self._job.say(f"{archive}: {severity}: {message} ({rule})")
            self._job.summarize(f"- {as_markdown(f'{archive}: {severity}: {message}')}")
        if errors or (said.get("mayPublish", said.get("may_publish")) is not True and not waits):
            why = " ".join(errors) or "The registry does not say why."
            message = f"{archive} may not be published. {why}"
            raise PublishFailed(message)
        if not findings:
            self._job.say(f"{archive}: checked, nothing was found.")
        return not waits

    def _bundle_of(self, archive: Archive) -> bytes:
        return self._bundles.get(archive.digest, b"") if self._bundles else b""

    def _push(self, archive: Archive, token: str) -> None:
        headers, body = form_of(archive, token, self._bundle_of(archive))
        url = f"{self._address}/2.0/registry/packages"
        answer = self._http.send("POST", url, headers, body)
        require_good(answer, f"{archive} was not published", url)
        self._published.append(archive)
        page = f"{self._address}/packages/{archive.package}/{archive.version}"
        self._job.say(f"Published {archive}: {page}")
        self._job.summarize(f"Published [{as_markdown(str(archive))}]({page})")

    def _wait(self, archive: Archive, token: str) -> None:
        """Wait until clients find the release."""
        url = f"{self._address}/2.0/registry/packages/{archive.package}"
        headers = {"Authorization": f"Bearer {token}"}
        for number in range(LISTED_WITHIN):
            if number:
                self._job.sleep(LISTED_PAUSE_S)
            answer = self._http.send("GET", url, headers)
            try:
                versions: object = json.loads(answer.content)
            except (ValueError, RecursionError):
                versions = None
            if answer.is_good and isinstance(versions, list) and archive.version in versions:
                return
            is_unseen = answer.status == 404  # noqa: PLR2004 - as HTTP has it.
            if is_unseen and number + 1 >= UNSEEN_WITHIN:
                message = "The token may not read it, so nothing says here whether it is listed."
                self._job.say(f"{archive} is published. {message}")
                return
        seconds = LISTED_WITHIN * LISTED_PAUSE_S
        message = (
            f"{archive} is published, and was not listed within {seconds:.0f} seconds. It will be; "
            "run the job again to publish what depends on it."
        )
        raise PublishFailed(message)


MISSING_DEPENDENCIES = "missing-dependencies"


def _missing_releases(message: str) -> set[str]:
    """Return the releases that the registry lacks, by its sentence; empty if it names none."""
    _, _, listed = message.partition("not in this registry: ")
    listed, _, _ = listed.partition(". ")
    return {each for each in listed.rstrip(".").split(", ") if each}


def form_of(archive: Archive, token: str, bundle: bytes = b"") -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a form with the archive, and its Sigstore bundle."""
    content = archive.content
    boundary = uuid.uuid4().hex
    file_name = f"{archive.org}-{archive.name}-any-{archive.version}.bala"
    begin = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="bala-file"; filename="{file_name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "digest": f"sha-256={hashlib.sha256(content).hexdigest()}",
    }
    beside = b""
    if bundle:
        beside = (
            f"\r\n--{boundary}\r\n"
            'Content-Disposition: form-data; name="provenance"; filename="bundle.json"\r\n'
            "Content-Type: application/json\r\n\r\n"
        ).encode() + bundle
    return headers, begin.encode() + content + beside + f"\r\n--{boundary}--\r\n".encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ADDRESS))
