"""A bundle that is not what a registry wrote gets one sentence, and nothing of it is visible."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from shared.adapters.bundle_files import BundleFileSource, BundleKey, KeysOfFile, public_file
from shared.domain.bundles import CATALOGUE, RELEASES, file_of, tar_header
from shared.domain.errors.base import Refusal
from shared.domain.outside_values import LATEST_MS, MAX_NUMBER
from tests.protocol.mirror.test_extremes import EXTREMES, FACES, leaves
from tests.protocol.mirror.test_extremes import replaced as line_changed
from tests.support.archives import bala, zipped
from tests.support.bundles import Carrier, bundled, bundled_lines, line_of, packed
from tests.support.refusals import raises_refusal
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

IO = "ballerina/io:1.0.0"
GOOD = {IO: bala(IO), "ballerina/log:1.0.0": bala("ballerina/log:1.0.0")}
BOMB = bala(IO, entries={"resources/bomb": bytes(20_000_000)})


def replaced(carrier: Carrier, old: bytes, new: bytes) -> None:
    content = carrier.file.read_bytes()
    assert old in content
    carrier.file.write_bytes(content.replace(old, new))


def no_bundle(carrier: Carrier) -> None:
    carrier.file.write_bytes(b"hello" * 500)


def empty(carrier: Carrier) -> None:
    carrier.file.write_bytes(b"")


def another_key(carrier: Carrier) -> None:
    key = BundleKey.create(carrier.folder / "another")
    Carrier(carrier.folder, key, carrier.trusted).write(*bundled(GOOD))


def changed_manifest(carrier: Carrier) -> None:
    replaced(carrier, b"elsewhere.test", b"evilwhere.test")


def no_signature(carrier: Carrier) -> None:
    content = carrier.file.read_bytes()
    at = content.index(b"ballroom-bundle-ed25519")
    carrier.file.write_bytes(content[:at] + b"x" * 10 + content[at + 10 :])


def damaged_signature(carrier: Carrier) -> None:
    content = carrier.file.read_bytes()
    at = content.index(b"\n", content.index(b"ballroom-bundle-ed25519"))
    carrier.file.write_bytes(content[: at - 8] + b"!" * 8 + content[at:])


def cut(carrier: Carrier) -> None:
    carrier.file.write_bytes(carrier.file.read_bytes()[:-2000])


def cut_in_the_manifest(carrier: Carrier) -> None:
    carrier.file.write_bytes(carrier.file.read_bytes()[:700])


def longer(carrier: Carrier) -> None:
    carrier.file.write_bytes(carrier.file.read_bytes() + bytes(512))


def additional_file(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    carrier.write([*files, ("archives/more.bala", b"more")], manifest)


def missing_file(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    carrier.write(files[:-1], manifest)


def other_name(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    name, content = files[-1]
    carrier.write(files, manifest, headers={name: tar_header("../../etc/passwd", len(content))})


def link(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    name, content = files[-1]
    header = bytearray(tar_header(name, len(content)))
    header[156:157] = b"2"
    carrier.write(files, manifest, headers={name: bytes(header)})


def path_in_the_manifest(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    last = manifest.files[-1].model_copy(update={"name": "archives/../../passwd"})
    carrier.write(files, manifest.model_copy(update={"files": (*manifest.files[:-1], last)}))


def listed_twice(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    twice = (*manifest.files, manifest.files[-1])
    carrier.write([*files, files[-1]], manifest.model_copy(update={"files": twice}))


def named_twice(carrier: Carrier) -> None:
    other = bala(IO, summary="another")
    lines = [line_of(IO, GOOD[IO]), line_of(IO, other)]
    carrier.write(*bundled_lines(lines, [GOOD[IO], other]))


def wrong_size(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    last = manifest.files[-1].model_copy(update={"size_bytes": 1 << 40})
    carrier.write(files, manifest.model_copy(update={"files": (*manifest.files[:-1], last)}))


def large_signature(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    every = [("manifest.json", manifest.content()), ("manifest.sig", bytes(5000)), *files]
    carrier.file.write_bytes(packed(every))


def changed_archive(carrier: Carrier) -> None:
    replaced(carrier, GOOD[IO][100:140], bytes(40))


def padding_with_content(carrier: Carrier) -> None:
    content = bytearray(carrier.file.read_bytes())
    content[-1025] = 1
    carrier.file.write_bytes(bytes(content))


def wrong_end(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    carrier.write(files, manifest, end=b"x" * 1024)


def other_format(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    carrier.write(files, manifest.model_copy(update={"format": 3}))


def manifest_of_nothing(carrier: Carrier) -> None:
    carrier.write([], b"[]")


def other_order(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    carrier.write(files, manifest.model_copy(update={"files": manifest.files[1:]}))


def other_lists(carrier: Carrier) -> None:
    files, manifest = bundled(GOOD)
    carrier.write(files[:-1], manifest.model_copy(update={"files": manifest.files[:-1]}))


def unreadable_lines(carrier: Carrier) -> None:
    files = [(RELEASES, b"{}\n"), (CATALOGUE, b"")]
    _, manifest = bundled({})
    listed = tuple(file_of(*each) for each in files)
    carrier.write(files, manifest.model_copy(update={"files": listed}))


def line_with(carrier: Carrier, **changes: object) -> None:
    carrier.write(*bundled({IO: GOOD[IO]}, **changes))


def no_name(carrier: Carrier) -> None:
    line_with(carrier, name="../io")


def no_owner(carrier: Carrier) -> None:
    line_with(carrier, upstream="")


def long_message(carrier: Carrier) -> None:
    line_with(carrier, deprecation="x" * 3000)


def unsafe_archive(carrier: Carrier) -> None:
    carrier.write(*bundled({**GOOD, "ballerina/bad:1.0.0": zipped({"../evil": b"x"})}))


def bomb(carrier: Carrier) -> None:
    carrier.write(*bundled({**GOOD, IO: BOMB}))


def unknown_platform(carrier: Carrier) -> None:
    carrier.write(*bundled({**GOOD, IO: bala(IO, platform="linux")}))


def other_release(carrier: Carrier) -> None:
    carrier.write(*bundled({**GOOD, "ballerina/http:1.0.0": bala("ballerina/http:2.0.0")}))


def too_large(carrier: Carrier) -> None:
    content = bala("ballerina/big:1.0.0", padding=1_500_000)
    carrier.write(*bundled({**GOOD, "ballerina/big:1.0.0": content}))


ATTACKS: dict[Callable[[Carrier], None], str] = {
    no_bundle: "manifest.json is not where a bundle has it",
    empty: "manifest.json is not where a bundle has it",
    another_key: "signed with a key that .* does not list",
    changed_manifest: "its signature is wrong",
    no_signature: "signed with a key that .* does not list",
    damaged_signature: "its signature is wrong",
    cut: "bytes are missing at its end",
    cut_in_the_manifest: "it ends within manifest.json",
    longer: "it has 512 bytes that its manifest does not list",
    additional_file: "bytes that its manifest does not list",
    missing_file: "bytes are missing at its end",
    other_name: "the entry at the place of archives/.* is another one",
    link: "the entry at the place of archives/.* is another one",
    path_in_the_manifest: "which is no name of an archive",
    listed_twice: "its manifest lists archives/.* twice",
    named_twice: "names ballerina/io:1.0.0 twice",
    wrong_size: "has a size that is not read",
    large_signature: "its manifest.sig has 5,000 bytes",
    changed_archive: "has another digest than its manifest says",
    padding_with_content: "has another digest than its manifest says",
    wrong_end: "it does not end where a bundle ends",
    other_format: "it has the format 3, and this version reads 2",
    manifest_of_nothing: "its manifest cannot be read",
    other_order: "its manifest does not begin with releases.jsonl and catalogue.jsonl",
    other_lists: "releases.jsonl and the archives of its manifest differ",
    unreadable_lines: "releases.jsonl cannot be read",
    no_name: "names something that is no release",
    no_owner: "does not say whose ballerina/io:1.0.0 is",
    long_message: "has a text of ballerina/io:1.0.0 that is no line",
    unsafe_archive: "the archive of ballerina/bad:1.0.0 is not safe",
    bomb: "the archive of ballerina/io:1.0.0 is not safe",
    unknown_platform: "the archive of ballerina/io:1.0.0 is not safe .*says platform linux,",
    other_release: "the archive of ballerina/http:1.0.0 is not safe",
    too_large: r"the archive of ballerina/big:1.0.0 has .* bytes; 1,048,576 fit",
}


@pytest.fixture
async def target(worlds: OpenWorld) -> World:
    return await worlds(max_archive_bytes=1024 * 1024)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.__name__)
async def test_a_hostile_bundle_gets_a_sentence_and_leaves_nothing(
    target: World, tmp_path: Path, attack: Callable[[Carrier], None]
) -> None:
    carrier = Carrier.new(tmp_path)
    carrier.write(*bundled(GOOD))
    attack(carrier)
    with raises_refusal("bundle-unusable", match=ATTACKS[attack]) as refused:
        await carrier.deliver(target)
    assert "\n" not in str(refused.value)
    assert await target.stores.metadata.packages("", 10) == []
    assert [each async for each in target.stores.archives.list(1 << 60)] == []
    for name in GOOD:
        assert await target.java().versions(name.partition(":")[0]) == []


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
