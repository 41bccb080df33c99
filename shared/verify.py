"""Verify releases and the transparency log of the registry https://ballroom.example.org.

    python3 verify.py https://ballroom.example.org target/bala Dependencies.toml
    python3 verify.py --help

Nothing that the registry says is believed without a proof: signatures of its checkpoint, inclusion
of each release, and consistency with the checkpoint that was kept. It needs Python 3.9 or later and
`cryptography`: the registry serves this module, with its own address, and has no other part in what
it verifies. It shares no code with what writes the log.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.script_client import (
    UNREACHABLE,
    flaw_of_address,
    objects_in,
    opener_of,
    print_all_characters,
    print_line,
    printable,
    read_object,
    send,
    token_for,
    unreachable,
)
from shared.verification.following_logs import EndedLog, find_log, root_of_events, with_keys
from shared.verification.leaves import (
    WITHDRAWN,
    Leaf,
    LoggedRelease,
    LoggedReleases,
    NewerFormat,
    opened,
)
from shared.verification.registry_client import NotAsked, RegistryClient
from shared.verification.release_signatures import ReleaseKeys
from shared.verification.signed_notes import (
    LARGEST_NOTE_BYTES,
    LARGEST_POLICY_BYTES,
    Checkpoint,
    Differs,
    LogPolicy,
    Malformed,
    SignedNote,
    VerifierKey,
    verified_checkpoint,
)
from shared.verification.tiles import (
    EMPTY_ROOT,
    LARGEST_PROOF_BYTES,
    TILE_WIDTH,
    LogProof,
    LogTree,
    leaf_hash,
)
from shared.verification.trust_store import TrustStore, default_file, write_file
from shared.verification.wanted_releases import WantedRelease, read_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    Say = Callable[[str], None]

ADDRESS = "https://ballroom.example.org"  # A registry serves this file with its own.

# Exit codes.
DIFFERENT = 1
NOT_ASKED = 2

LARGEST_INDEX_BYTES = 50_000_000  # The index file of one package.
CACHED_S = 5.0  # How much older a checkpoint of a cache may be, with some time to spare.
MOST_OPENINGS = 1_000  # Entries of private packages that one run of `watch` opens.
WEBHOOK_TIMEOUT_S = 30.0


@dataclass
class VerifyOptions:
    """What was asked for; `argparse` sets what is given."""

    address: str
    files: Sequence[str] = ()
    keys: Sequence[str] = ()
    policy: str = ""
    token: str = ""
    state: str = ""
    only: Sequence[str] = ()
    watch: str = ""
    webhook: str = ""


def main(arguments: list[str], address: str) -> int:
    """Verify a log, or what is in it; return the exit code."""
    print_all_characters()
    parser = argparse.ArgumentParser(
        prog="verify.py", description=f"Verify releases and the transparency log of {address}."
    )
    add = parser.add_argument
    add(
        "files",
        nargs="*",
        metavar="URL or FILE",
        help="the registry, and folders, .bala files or a Dependencies.toml; the whole log without",
    )
    add("--key", action="append", default=[], dest="keys", metavar="VKEY", help="key of the log")
    add("--policy", default="", metavar="FILE", help="policy with keys, witnesses and a quorum")
    add("--token", default="", help="access token, where only signed-in people read")
    add("--state", default="", metavar="FILE", help="file that keeps the key and the checkpoint")
    add("--only", action="append", default=[], metavar="ORG", help="only of this organization")
    add("--watch", default="", metavar="ORG", help="print what is new in an organization")
    add("--webhook", default="", metavar="URL", help="also send what is new there")
    options = parser.parse_intermixed_args(arguments, VerifyOptions(address, keys=[], only=[]))
    return run(with_address(options), os.environ, print_line)


def with_address(options: VerifyOptions) -> VerifyOptions:
    """Take the first argument as the registry if it is an address."""
    first, *others = options.files or [""]
    if not first.startswith(("http://", "https://")):
        return options
    return replace(options, address=first, files=others)


def run(options: VerifyOptions, environment: Mapping[str, str], say: Say) -> int:
    """Verify, or watch; print what differs first, and return the exit code."""
    client = None

    def say_safely(text: str) -> None:
        """Say a sentence, which may have words of the registry, without control characters."""
        say(printable(text))

    try:
        address = options.address.rstrip("/")
        client = RegistryClient(address, token_for(address, environment, options.token))
        file = Path(options.state) if options.state else default_file(environment)
        verification = Verification(options, client, TrustStore(file, address), say_safely)
        if options.watch:
            return verification.watch(options.watch, options.webhook)
        return verification.verify()
    except Differs as reason:
        say_safely(str(reason))
        return DIFFERENT
    except (NotAsked, NewerFormat) as reason:
        sys.stderr.write(f"{printable(reason)}\n")
        return NOT_ASKED
    finally:
        if client is not None:
            client.close()


class Verification:
    """A run of the program over the log of one registry."""

    def __init__(
        self, options: VerifyOptions, client: RegistryClient, trust_store: TrustStore, say: Say
    ) -> None:
        self._options = options
        self._client = client
        self._trust_store = trust_store
        self._say = say

    def verify(self) -> int:
        wanted = read_wanted(self._options.files, self._options.only)
        if self._options.files and not wanted:
            message = "No release is named there. Name .bala files, folders or a Dependencies.toml."
            raise NotAsked(message)
        self._open_log()
        return self._verify_releases(wanted) if wanted else self._verify_log()

    # The log.

    def _open_log(self) -> None:
        """Read the checkpoint and what proves it, and keep it; raise `Differs`."""
        trusted = self._trusted()
        # What the registry says about its current log. Once a policy is trusted, this is not
        # trusted by itself.
        answer = self._client.read("log/policy", LARGEST_POLICY_BYTES)
        stored: dict[str, object] = {}
        if trusted is None:
            trusted = self._first_policy(answer)
            stored["policy"] = (answer or b"").decode("utf-8", "surrogateescape")
        self._log = find_log(trusted, _policy_of(answer))
        self._policy = self._log.policy
        content = self._read_checkpoint()
        before = self._stored_checkpoint(trusted)
        if before.origin != self._checkpoint.origin:
            self._tree = LogTree(self._checkpoint, self._read_files)
            stored |= self._follow(before, trusted, content)
            self._trust_store.save(checkpoint=content.decode(), **stored)
            return
        if self._checkpoint.size < before.size:
            self._client.wait(CACHED_S)
            content = self._read_checkpoint()
        self._require_continued(before, content)
        self._tree = LogTree(self._checkpoint, self._read_files)
        if self._tree.root_at(before.size) != before.root:
            why = (
                f"its first {before.size} entries are other ones than those of the checkpoint that "
                "was kept"
            )
            raise self._difference(why, content)
        self._trust_store.save(checkpoint=content.decode(), **stored)

    def _follow(self, before: Checkpoint, trusted: LogPolicy, content: bytes) -> dict[str, object]:
        """Require that the log follows the one of the stored checkpoint, and say so; return what is
        to be stored. Raise `Differs`."""
        new = self._checkpoint.origin
        ended = EndedLog.of_first_entry(self._tree)
        if ended is None or ended.last.origin != before.origin:
            why = f"its origin is {new}, and was {before.origin}"
            raise self._difference(why, content)
        known = self._stored_policy()
        stored_keys = known.logs if known else ()
        ended.require_signed([*trusted.logs, *self._policy.logs, *stored_keys])
        last = ended.last
        if last.size < before.size or (last.size == before.size and last.root != before.root):
            why = f"{new} follows another {before.origin} than the one that was kept"
            raise self._difference(why, content)
        has_all = before.size == 0 or root_of_events(self._tree, before.size) == before.root
        is_named = bool(self._options.keys or self._options.policy) and not self._log.is_followed
        if not has_all and not is_named:
            key = " or ".join(map(str, self._policy.logs))
            why = (
                f"{new} follows {before.origin}, and has other entries than its first "
                f"{before.size}. If the operator said why, name the new key with --key {key}"
            )
            raise self._difference(why, content)
        has = "has all" if has_all else "does not have all"
        compared = f"It {has} of the {before.size:,} entries of the checkpoint that was kept. "
        self._say(
            f"The log {before.origin} ended with {last.size:,} entries, and {new} follows it. "
            f"{compared if before.size else ''}The operator of the registry has to say why."
        )
        stored: dict[str, object] = {}
        if policy := self._trust_store.text("policy"):
            stored["policy"] = with_keys(policy, self._policy.logs)
        if not has_all:  # The positions of the watches in the new log are not known.
            stored["watched"] = dict.fromkeys(self._trust_store.numbers("watched"), 0)
        return stored

    def _stored_policy(self) -> LogPolicy | None:
        """Return the stored policy; None before there is one."""
        if not (text := self._trust_store.text("policy")):
            return None
        try:
            return LogPolicy.parse(text.encode("utf-8", "surrogateescape"))
        except (Malformed, ValueError):
            raise self._trust_store.unreadable from None

    def _read_checkpoint(self) -> bytes:
        path = f"{self._log.path}/checkpoint"
        content = self._required(path, self._client.read(path, LARGEST_NOTE_BYTES))
        try:
            self._checkpoint = verified_checkpoint(content, self._policy)
        except (Differs, Malformed) as reason:
            message = f"checkpoint: {reason}"
            raise Differs(message) from None
        return content

    def _trusted(self) -> LogPolicy | None:
        """Return the policy that was named or stored; None at first."""
        try:
            keys = [VerifierKey.parse(each) for each in self._options.keys]
        except Malformed as reason:
            message = f"--key is not valid. {reason}"
            raise NotAsked(message) from None
        if self._options.policy:
            policy = _policy_of_file(Path(self._options.policy))
            return replace(policy, logs=[*policy.logs, *keys])
        if keys:
            return LogPolicy(keys, {}, {}, "none")
        return self._stored_policy()

    def _first_policy(self, answer: bytes | None) -> LogPolicy:
        """Return the policy of the registry, which is trusted from now on."""
        try:
            policy = LogPolicy.parse(self._required("log/policy", answer))
        except Malformed as reason:
            message = f"log/policy: {reason}"
            raise Differs(message) from None
        for key in policy.logs:
            self._say(f"The key {key} is of the registry itself, and is trusted from now on.")
        return policy

    def _required(self, path: str, answer: bytes | None) -> bytes:
        """Return the answer; raise `NotAsked` if the registry has nothing at the path."""
        if answer is None:
            message = (
                f"{self._client.address}/{path} has nothing. The registry has no log yet, or the "
                "address is another one."
            )
            raise NotAsked(message)
        return answer

    def _read_files(self, paths: Iterable[str], limit: int) -> Iterator[bytes | None]:
        return self._client.read_all((f"{self._log.path}/{each}" for each in paths), limit)

    def _stored_checkpoint(self, trusted: LogPolicy) -> Checkpoint:
        """Return the stored checkpoint; that of the empty log before there is one."""
        before = self._trust_store.text("checkpoint")
        if not before:
            is_followed = self._log.is_followed
            origin = trusted.logs[-1].name if is_followed else self._checkpoint.origin
            return Checkpoint(origin, 0, EMPTY_ROOT)
        try:
            return Checkpoint.parse(SignedNote.parse(before.encode()).text)
        except Malformed:
            raise self._trust_store.unreadable from None

    def _require_continued(self, stored: Checkpoint, content: bytes) -> None:
        new = self._checkpoint
        if new.origin != stored.origin:
            why = f"its origin is {new.origin}, and was {stored.origin}"
        elif new.size < stored.size:
            why = f"its size went back from {stored.size} to {new.size}"
        elif new.size == stored.size and new.root != stored.root:
            why = f"there are two logs of {new.size} entries with different roots"
        else:
            return
        raise self._difference(why, content)

    def _difference(self, why: str, content: bytes) -> Differs:
        """Keep the checkpoint beside the other one: both together prove that the log changed."""
        evidence = self._trust_store.file.with_name(f"{self._trust_store.file.name}.differs")
        write_file(evidence, content)
        return Differs(
            f"checkpoint: {why}. {evidence} has it, and {self._trust_store.file} the other."
        )

    def _summary_of_log(self) -> str:
        witnesses = len(self._policy.witnesses)
        quorum = f", and cosigned as {self._policy.quorum} of {witnesses} witnesses asks"
        return (
            f"{self._checkpoint.origin}: the checkpoint of {self._checkpoint.size:,} entries is "
            f"signed{quorum if witnesses else ''}."
        )

    def _leaves(self, since: int = 0) -> Iterator[Leaf]:
        """Yield the leaves from an index on; raise `Differs`, also where an event is missing."""
        before: Leaf | None = None
        for index, entry in self._tree.entries(since, self._tree.size):
            leaf = Leaf.parse(entry, index)
            if before is not None:
                leaf.require_after(before)
            before = leaf
            yield leaf

    # The whole log.

    def _verify_log(self) -> int:
        tiles = self._tree.check_tiles()
        releases = LoggedReleases()
        private = 0
        for leaf in self._leaves():
            private += not leaf.kind
            releases.add(leaf)
        self._say(self._summary_of_log())
        self._say(
            f"All of it verifies: {self._tree.size:,} entries in {tiles:,} tiles, with "
            f"{len(releases.releases):,} releases; {private:,} entries are not public."
        )
        return 0

    # Releases.

    def _verify_releases(self, wanted: Sequence[WantedRelease]) -> int:
        logged = LoggedReleases()
        names = {each.release for each in wanted if each.release}
        bundles = -(-self._tree.size // TILE_WIDTH)
        is_few = len(names) * 2 <= bundles  # A proof takes two files.
        if is_few:
            self._ask_proofs(names, logged)
        if any(each not in logged.releases for each in names):
            for leaf in self._leaves():
                logged.add(leaf)
            if not is_few:  # Packages that are not public, if the caller may see them.
                self._ask_proofs(names - logged.releases.keys(), logged)
        found = logged.releases
        problems = [text for each in wanted if (text := _difference_of(each, found))]
        signed, unsigned, wrong = self._verify_signatures(wanted, found)
        for text in (*problems, *wrong):
            self._say(text)
        for release in sorted(names & found.keys()):
            if withdrawal := found[release].withdrawal:
                self._say(_note_of_withdrawal(release, withdrawal))
        self._say(self._summary_of_log())
        different = len(problems) + len(wrong)
        self._say(
            f"{len(wanted):,} releases: {len(wanted) - len(problems):,} are in the log as they "
            f"are here, {signed:,} are signed, {unsigned:,} have no signature to verify."
        )
        return DIFFERENT if different else 0

    def _ask_proofs(self, names: Iterable[str], logged: LoggedReleases) -> None:
        """Ask where releases are in the log, and verify the proofs; leave out those without."""
        ordered = sorted(names)
        paths = [f"api/v1/log/proof/{_in_path(each)}" for each in ordered]
        answers = self._client.read_all(paths, LARGEST_PROOF_BYTES)
        for release, answer in zip(ordered, answers):  # noqa: B905 - Python 3.9 has no `strict`.
            if answer is not None:
                leaf = self._proven_leaf(release, answer)
                if leaf.release != release:
                    message = (
                        f"{release}: its proof is of the entry of {leaf.release or 'another'}."
                    )
                    raise Differs(message)
                logged.add(leaf)

    def _proven_leaf(self, release: str, answer: bytes) -> Leaf:
        """Return the leaf that a proof proves; raise `Differs`."""
        try:
            return self._leaf_of_proof(LogProof.parse(answer))
        except (Differs, Malformed) as reason:
            message = f"{release}: the proof does not verify: {reason}"
            raise Differs(message) from None

    def _leaf_of_proof(self, proof: LogProof) -> Leaf:
        """Return the leaf that is proven in the checkpoint of the proof, and in the log of today;
        raise `Differs`, or `Malformed`."""
        note = SignedNote.parse(proof.checkpoint)
        then = Checkpoint.parse(note.text)
        if then.origin != self._checkpoint.origin:
            message = f"it is of the log {then.origin}."
            raise Differs(message)
        if then.size > self._tree.size:  # The log became longer meanwhile.
            self._client.wait(CACHED_S)
            self._open_log()
        # It may be signed by a key that was replaced, which the log of today makes up for. A wrong
        # signature of a known key raises `Differs`.
        for key in self._policy.logs:
            note.is_signed_by(key)
        if then.size > self._tree.size or self._tree.root_at(then.size) != then.root:
            message = f"its checkpoint of {then.size} entries is of no earlier state of the log."
            raise Differs(message)
        if proof.index >= then.size:
            message = f"its checkpoint of {then.size} entries has no entry {proof.index}."
            raise Differs(message)
        [(index, entry)] = self._tree.entries(proof.index, proof.index + 1)
        if proof.root(leaf_hash(entry), then.size) != then.root:
            message = f"its hashes do not lead from the entry {index} to the root."
            raise Differs(message)
        leaf = Leaf.parse(entry, index)
        return leaf if leaf.kind else self._opened(leaf) or leaf

    def _opened(self, commitment: Leaf) -> Leaf | None:
        """Return what an entry says that is not public; None if the caller may not see it."""
        answer = self._client.read(f"api/v1/log/openings/{commitment.index}")
        return None if answer is None else opened(commitment, read_object(answer))

    # Signatures.

    def _verify_signatures(
        self, wanted: Sequence[WantedRelease], found: Mapping[str, LoggedRelease]
    ) -> tuple[int, int, list[str]]:
        """Return how many releases are signed, how many have no signature, and what differs."""
        names = {each.release for each in wanted} & found.keys()
        by_package: dict[str, list[str]] = {}
        for release in sorted(names):
            by_package.setdefault(release.partition(":")[0], []).append(release)
        keys = self._release_keys()
        paths = [f"index/{quote(each)}/index.json" for each in by_package]
        answers = self._client.read_all(paths, LARGEST_INDEX_BYTES)
        signed = 0
        wrong: list[str] = []
        for releases, answer in zip(by_package.values(), answers):  # noqa: B905
            lines = _lines_of_index(answer or b"", names)
            for release in releases:
                line = lines.get(release, {})
                try:
                    signed += _is_signed(release, found[release], line, keys)
                except Differs as reason:
                    wrong.append(str(reason))
        return signed, len(names) - signed - len(wrong), wrong

    def _release_keys(self) -> ReleaseKeys:
        stored = read_object(self._trust_store.text("keys").encode())
        keys = ReleaseKeys(self._client.read("api/v1/keys") or b"", stored)
        self._trust_store.save(keys=json.dumps({**stored, **keys.texts}))
        return keys

    # What is new.

    def watch(self, org: str, webhook: str) -> int:
        """Print what the log has of an organization since the last time."""
        if webhook and (flaw := flaw_of_address(webhook, has_token=False)):
            raise NotAsked(flaw)
        self._open_log()
        watched = self._trust_store.numbers("watched")
        since = min(watched.get(org, self._tree.size), self._tree.size)
        if org not in watched:
            self._say(f"What is new in {org} is printed from the entry {since} on.")
        found, seen = self._news(org, since)
        for each in found:
            self._say(news_sentence(each))
        if seen < self._tree.size:
            self._say(f"The next run looks at the entries from {seen} on.")
        if found and webhook:
            self._send(webhook, org, found)
        # Stored last, so that what was not sent is sent again.
        self._trust_store.save(watched={org: seen})
        return DIFFERENT if found else 0

    def _news(self, org: str, since: int) -> tuple[list[Leaf], int]:
        """Return what the log has of an organization, and up to which entry."""
        found: list[Leaf] = []
        left = MOST_OPENINGS if self._client.has_token else 0
        for leaf in self._leaves(since):
            if not leaf.kind and self._client.has_token:
                if not left:
                    return found, leaf.index
                left -= 1
                leaf = self._opened(leaf) or leaf  # noqa: PLW2901 - what it says.
            if leaf.organization == org:
                found.append(leaf)
        return found, self._tree.size

    def _send(self, webhook: str, org: str, found: Sequence[Leaf]) -> None:
        """Send what is new, and no token."""
        text = "\n".join(map(news_sentence, found))
        body = {
            "text": text,
            "registry": self._client.address,
            "organization": org,
            "entries": [each.fields for each in found],
        }
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked.
            webhook,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "ballroom-verify"},
        )
        try:
            answer = send(opener_of(webhook), request, timeout_s=WEBHOOK_TIMEOUT_S, limit=0)
        except UNREACHABLE as error:
            message = f"{unreachable('The webhook', error)} What is new is told again."
            raise NotAsked(message) from None
        if not answer.is_good:
            message = f"The webhook answered {answer.status}. What is new is told again."
            raise NotAsked(message)


def _policy_of(answer: bytes | None) -> LogPolicy | None:
    """Return the policy of an answer; None if it cannot be read."""
    try:
        return None if answer is None else LogPolicy.parse(answer)
    except Malformed:
        return None


def _policy_of_file(file: Path) -> LogPolicy:
    try:
        return LogPolicy.parse(file.read_bytes())
    except OSError:
        message = f"{file} cannot be read. Name the file of a policy."
        raise NotAsked(message) from None
    except Malformed as reason:
        message = f"{file}: {reason}"
        raise NotAsked(message) from None


def _in_path(release: str) -> str:
    package, _, version = release.partition(":")
    return "/".join(quote(each, safe="") for each in (*package.split("/"), version))


def _difference_of(wanted: WantedRelease, found: Mapping[str, LoggedRelease]) -> str:
    """Return how a release differs from the log; empty if it does not."""
    if not wanted.release:
        return f"{wanted.where}: it is no archive of a package, or was changed."
    logged = found.get(wanted.release)
    named = f"{wanted.release} ({wanted.where})"
    if logged is None:
        return f"{named}: it is not in the log."
    if wanted.digest and wanted.digest != logged.digest:
        return (
            f"{named}: the archive has sha256:{wanted.digest}, and the log has "
            f"sha256:{logged.digest} in the entry {logged.index}."
        )
    return ""


def _lines_of_index(content: bytes, names: Collection[str]) -> dict[str, Mapping[str, object]]:
    """Return the lines of some releases in the index of a package."""
    rows = (read_object(line) for line in content.splitlines())
    lines = ((f"{row.get('org')}/{row.get('name')}:{row.get('version')}", row) for row in rows)
    return {release: row for release, row in lines if release in names}


def _is_signed(
    release: str, logged: LoggedRelease, line: Mapping[str, object], keys: ReleaseKeys
) -> bool:
    """Check the line of a release in the index; raise `Differs` for another digest than the log
    has, and for a signature that does not verify."""
    checksum = printable(line.get("checksum"))
    if checksum and checksum != f"sha-256={logged.digest}":
        message = (
            f"{release}: the index has {checksum}, and the log has sha256:{logged.digest} in the "
            f"entry {logged.index}."
        )
        raise Differs(message)
    signatures = objects_in(line.get("signatures"))
    if signatures:
        keys.require_signed(release, logged, signatures)
    return bool(signatures)


def _note_of_withdrawal(release: str, withdrawal: Leaf) -> str:
    reason = withdrawal.text("reason")
    return (
        f"{release}: withdrawn by the entry {withdrawal.index}{f' ({reason})' if reason else ''}."
    )


def news_sentence(leaf: Leaf) -> str:
    """Return what an entry of the log says, in a line."""
    about = leaf.release or leaf.text("package") or leaf.organization
    digest = f", sha256:{leaf.digest}" if leaf.digest else ""
    reason = f" ({leaf.text('reason')})" if leaf.kind == WITHDRAWN and leaf.text("reason") else ""
    later = ", logged later" if leaf.fields.get("later") is True else ""
    return (
        f"{leaf.text('time')} {leaf.kind} {about}{reason}, by {leaf.who}{digest}{later} "
        f"(entry {leaf.index})"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ADDRESS))
