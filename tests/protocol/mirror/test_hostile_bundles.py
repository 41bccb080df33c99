"""A bundle that is not what a registry wrote gets one sentence, and nothing of it is visible."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from shared.adapters.bundle_files import BundleFileSource, BundleKey, KeysOfFile, public_file
from shared.domain.bundles import CATALOGUE, RELEASES, BundleManifest, file_of, tar_header
from shared.domain.errors.base import Refusal
from shared.domain.outside_values import MAX_NUMBER
from shared.domain.times import LATEST_MS
from tests.protocol.mirror.test_extreme_upstream_values import EXTREMES, FACES, leaves
from tests.protocol.mirror.test_extreme_upstream_values import replaced as line_changed
from tests.support.archives import bala, zipped
from tests.support.bundles import Carrier, Files, bundled, bundled_lines, line_of, packed
from tests.support.refusals import raises_refusal
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

IO = "ballerina/io:1.0.0"
GOOD = {IO: bala(IO), "ballerina/log:1.0.0": bala("ballerina/log:1.0.0")}
BOMB = bala(IO, entries={"resources/bomb": bytes(20_000_000)})

Attack = Callable[[Carrier], object]


def replaced(carrier: Carrier, old: bytes, new: bytes) -> None:
    """Change the bytes of the file."""
    content = carrier.file.read_bytes()
    assert old in content
    carrier.file.write_bytes(content.replace(old, new))


def changed(change: Callable[[bytes], bytes]) -> Attack:
    """Change the whole file."""
    return lambda carrier: carrier.file.write_bytes(change(carrier.file.read_bytes()))


def signed(archives: Mapping[str, bytes], **line: object) -> Attack:
    """Sign a bundle of other archives, or one of IO with other fields in its line."""
    return lambda carrier: carrier.write(*bundled(archives, **line))


def listing(change: Callable[[BundleManifest], dict[str, object]]) -> Attack:
    """Sign a manifest with other fields."""
    files, manifest = bundled(GOOD)
    return lambda carrier: carrier.write(files, manifest.model_copy(update=change(manifest)))


def last_file(**fields: object) -> Attack:
    """Sign a manifest with other fields of its last file."""
    return listing(
        lambda manifest: {
            "files": (*manifest.files[:-1], manifest.files[-1].model_copy(update=fields))
        }
    )


def with_files(change: Callable[[Files], Files]) -> Attack:
    """Write other files than those that the manifest lists."""
    files, manifest = bundled(GOOD)
    return lambda carrier: carrier.write(change(files), manifest)


def header_of_last_file(change: Callable[[str, int], bytes]) -> Attack:
    files, manifest = bundled(GOOD)
    name, content = files[-1]
    headers = {name: change(name, len(content))}
    return lambda carrier: carrier.write(files, manifest, headers=headers)


def link(name: str, size: int) -> bytes:
    header = tar_header(name, size)
    return header[:156] + b"2" + header[157:]


def another_key(carrier: Carrier) -> None:
    key = BundleKey.create(carrier.folder / "another")
    Carrier(carrier.folder, key, carrier.trusted).write(*bundled(GOOD))


def after_key(content: bytes, old: bytes, new: bytes) -> bytes:
    """Change bytes of the signature, which begins with the name of the kind of key."""
    at = content.index(old, content.index(b"ballroom-bundle-ed25519"))
    return content[: at - len(new)] + new + content[at:]


def named_twice(carrier: Carrier) -> None:
    other = bala(IO, summary="another")
    lines = [line_of(IO, GOOD[IO]), line_of(IO, other)]
    carrier.write(*bundled_lines(lines, [GOOD[IO], other]))


def listed_twice(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    twice = (*manifest.files, manifest.files[-1])
    carrier.write([*files, files[-1]], manifest.model_copy(update={"files": twice}))


def large_signature(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    every = [("manifest.json", manifest.content()), ("manifest.sig", bytes(5000)), *files]
    carrier.file.write_bytes(packed(every))


def unreadable_lines(carrier: Carrier) -> None:
    files = [(RELEASES, b"{}\n"), (CATALOGUE, b"")]
    _, manifest = bundled({})
    listed = tuple(file_of(*each) for each in files)
    carrier.write(files, manifest.model_copy(update={"files": listed}))


def other_lists(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    carrier.write(files[:-1], manifest.model_copy(update={"files": manifest.files[:-1]}))


BAD, HTTP, BIG = (f"ballerina/{name}:1.0.0" for name in ("bad", "http", "big"))
ATTACKS: dict[str, tuple[Attack, str]] = {
    "no bundle": (changed(lambda _: b"hello" * 500), "manifest.json is not where a bundle has it"),
    "empty": (changed(lambda _: b""), "manifest.json is not where a bundle has it"),
    "another key": (another_key, "signed with a key that .* does not list"),
    "changed manifest": (
        lambda carrier: replaced(carrier, b"elsewhere.test", b"evilwhere.test"),
        "its signature is wrong",
    ),
    "no signature": (
        lambda carrier: replaced(carrier, b"ballroom-bundle-ed25519", b"x" * 23),
        "signed with a key that .* does not list",
    ),
    "damaged signature": (
        changed(lambda content: after_key(content, b"\n", b"!" * 8)),
        "its signature is wrong",
    ),
    "cut": (changed(lambda content: content[:-2000]), "bytes are missing at its end"),
    "cut in the manifest": (changed(lambda content: content[:700]), "it ends within manifest.json"),
    "longer": (
        changed(lambda content: content + bytes(512)),
        "it has 512 bytes that its manifest does not list",
    ),
    "additional file": (
        with_files(lambda files: [*files, ("archives/more.bala", b"more")]),
        "bytes that its manifest does not list",
    ),
    "missing file": (with_files(lambda files: files[:-1]), "bytes are missing at its end"),
    "other name": (
        header_of_last_file(lambda _, size: tar_header("../../etc/passwd", size)),
        "the entry at the place of archives/.* is another one",
    ),
    "link": (header_of_last_file(link), "the entry at the place of archives/.* is another one"),
    "path in the manifest": (
        last_file(name="archives/../../passwd"),
        "which is no name of an archive",
    ),
    "listed twice": (listed_twice, "its manifest lists archives/.* twice"),
    "named twice": (named_twice, "names ballerina/io:1.0.0 twice"),
    "wrong size": (last_file(size_bytes=1 << 40), "has a size that is not read"),
    "large signature": (large_signature, "its manifest.sig has 5,000 bytes"),
    "changed archive": (
        lambda carrier: replaced(carrier, GOOD[IO][100:140], bytes(40)),
        "has another digest than its manifest says",
    ),
    "padding with content": (
        changed(lambda content: content[:-1025] + b"\1" + content[-1024:]),
        "has another digest than its manifest says",
    ),
    "wrong end": (
        lambda carrier: carrier.write(*bundled(GOOD), end=b"x" * 1024),
        "it does not end where a bundle ends",
    ),
    "other format": (
        listing(lambda _: {"format": 4}),
        "it has the format 4, and this version reads 3",
    ),
    "manifest of nothing": (
        lambda carrier: carrier.write([], b"[]"),
        "its manifest cannot be read",
    ),
    "other order": (
        listing(lambda manifest: {"files": manifest.files[1:]}),
        "its manifest does not begin with releases.jsonl and catalogue.jsonl",
    ),
    "other lists": (other_lists, "releases.jsonl and the archives of its manifest differ"),
    "unreadable lines": (unreadable_lines, "releases.jsonl cannot be read"),
    "no name": (signed({IO: GOOD[IO]}, name="../io"), "names something that is no release"),
    "no owner": (signed({IO: GOOD[IO]}, upstream=""), "does not say whose ballerina/io:1.0.0 is"),
    "long message": (
        signed({IO: GOOD[IO]}, deprecation="x" * 3000),
        "has a text of ballerina/io:1.0.0 that is no line",
    ),
    "unsafe archive": (
        signed({**GOOD, BAD: zipped({"../evil": b"x"})}),
        "the archive of ballerina/bad:1.0.0 is not safe",
    ),
    "bomb": (signed({**GOOD, IO: BOMB}), "the archive of ballerina/io:1.0.0 is not safe"),
    "unknown platform": (
        signed({**GOOD, IO: bala(IO, platform="linux")}),
        "the archive of ballerina/io:1.0.0 is not safe .*says platform linux,",
    ),
    "other release": (
        signed({**GOOD, HTTP: bala("ballerina/http:2.0.0")}),
        "the archive of ballerina/http:1.0.0 is not safe",
    ),
    "too large": (
        signed({**GOOD, BIG: bala(BIG, padding=1_500_000)}),
        r"the archive of ballerina/big:1.0.0 has .* bytes; 1,048,576 fit",
    ),
}


@pytest.fixture
async def target(worlds: OpenWorld) -> World:
    return await worlds(max_archive_bytes=1024 * 1024)


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_hostile_bundle_gets_a_sentence_and_leaves_nothing(
    target: World, tmp_path: Path, name: str
) -> None:
    attack, sentence = ATTACKS[name]
    carrier = Carrier.new(tmp_path)
    carrier.write(*bundled(GOOD))
    attack(carrier)
    with raises_refusal("bundle-unusable", match=sentence) as refused:
        await carrier.deliver(target)
    assert "\n" not in str(refused.value)
    assert await target.stores.metadata.packages("", 10) == []
    assert [each async for each in target.stores.archives.list(1 << 60)] == []
    for each in GOOD:
        assert await target.java().versions(each.partition(":")[0]) == []


OUT_OF_BOUNDS = (-1, LATEST_MS + 1, 2**63, 10**30)


@pytest.mark.parametrize("value", OUT_OF_BOUNDS)
@pytest.mark.parametrize("where", ["created_ms", "removed_ms", "size_bytes", "cursor", "after"])
async def test_a_number_out_of_bounds_refuses_the_bundle(
    target: World, tmp_path: Path, where: str, value: int
) -> None:
    if value == LATEST_MS + 1 and not where.endswith("_ms"):
        value = MAX_NUMBER + 1
    carrier = Carrier.new(tmp_path)
    files, manifest = bundled({IO: GOOD[IO]})
    if where.endswith("_ms"):
        files, manifest = bundled({IO: GOOD[IO]}, **{where: value})
        sentence = "releases.jsonl cannot be read"
    else:
        document = json.loads(manifest.content())
        (document["files"][-1] if where == "size_bytes" else document)[where] = value
        sentence = "its manifest cannot be read"
        manifest = json.dumps(document).encode()
    carrier.write(files, manifest)
    with raises_refusal("bundle-unusable", match=sentence) as refused:
        await carrier.deliver(target)
    assert "\n" not in str(refused.value)
    assert await target.stores.metadata.packages("", 10) == []


@pytest.mark.slow
@pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES)
async def test_no_field_of_a_bundle_disturbs_a_face(
    worlds: OpenWorld, tmp_path: Path, extreme: object
) -> None:
    files, manifest = bundled({IO: GOOD[IO]}, deprecation="Use another.")
    line = json.loads(files[0][1])
    carrier = Carrier.new(tmp_path)
    target = await worlds()
    await target.push(bala("acme/greet:1.0.0"))
    for path in (*leaves(line), ("org",), ("name",), ("version",)):
        said = json.dumps(line_changed(line, path, extreme)).encode() + b"\n"
        every = [(RELEASES, said), *files[1:]]
        listed = (file_of(RELEASES, said), *manifest.files[1:])
        carrier.write(every, manifest.model_copy(update={"files": listed}))
        with suppress(Refusal):
            await carrier.deliver(target)
        for face in FACES:
            answer = await target.get(face)
            assert answer.status_code in (200, 404), (path, face, answer.text[:300])
    found = (await target.get("/packages?q=greet")).json()
    assert "greet" in [each["name"] for each in found["packages"]]


async def test_a_bundle_that_changes_after_it_was_verified_is_refused(
    target: World, tmp_path: Path
) -> None:
    carrier = Carrier.new(tmp_path)
    carrier.write(*bundled(GOOD))
    importing = target.registry.bundles.importing
    steps: list[object] = []

    def change(step: object, _coordinate: object) -> None:
        steps.append(step)
        if len(steps) == 2:  # Both archives were checked.
            replaced(carrier, GOOD[IO][100:140], bytes(40))

    source = BundleFileSource(carrier.file)
    with raises_refusal("bundle-unusable", match="it changed while it was read"):
        await importing.run(source, carrier.trusted, progress=change)
    source.close()
    assert await target.java().versions("ballerina/io") == []


async def test_a_file_that_is_not_there_is_no_bundle(target: World, tmp_path: Path) -> None:
    with raises_refusal("bundle-unusable", match="No such file"):
        await Carrier.new(tmp_path).deliver(target)


def test_keys_are_read_or_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    line = BundleKey.create(key).line
    trusted = tmp_path / "trusted"
    trusted.write_text(f"# ours\n{line}  # since 2026\n\n{line}\n", "ascii")
    content = b"content"
    KeysOfFile.read(trusted).require(content, BundleKey.read(key).sign(content))
    for text in ("", "# none\n", "ssh-ed25519 AAAA\n", f"{line[:-5]}\n", "one\n", "ä"):
        trusted.write_text(text, "utf-8")
        with raises_refusal("bundle-key-unusable", match="lists no public keys"):
            KeysOfFile.read(trusted)
    for file in (public_file(key), tmp_path / "missing"):
        with raises_refusal("bundle-key-unusable", match="holds no key"):
            BundleKey.read(file)
    with raises_refusal("bundle-key-unusable", match="cannot be written: File exists"):
        BundleKey.create(key)
    assert key.stat().st_mode & 0o077 == 0


def test_a_key_whose_files_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    key = tmp_path / "key"
    public_file(key).mkdir()
    with raises_refusal("bundle-key-unusable", match="cannot be written: Is a directory"):
        BundleKey.create(key)
    assert list(tmp_path.iterdir()) == [public_file(key)]
    public_file(key).rmdir()
    assert BundleKey.create(key).line == public_file(key).read_text("ascii").strip()
