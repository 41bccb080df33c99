"""The task `release`: what it writes of a release, part by part, and again after an end."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.confined import release_docs, shown_pieces
from shared.confined.job_files import BEFORE, SINCE
from shared.confined.release_files import OtherModule
from shared.confined.shown_pieces import TOO_LARGE_TO_SHOW
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.api_docs.records import DocsState
from shared.domain.packages import ModuleText, Texts
from tests.support.documented import documented
from tests.support.release_jobs import Ended, Jobs, ReleaseJob, a_request, write_documents

SOURCE = """
# Sells things.
public client class Client {
    # Buys something.
    remote function buy(Item item) returns error? {}
}
public type Item record {| string name; int price; |};
public function open() {}
"""
SYMBOLS = ["Client", "Client.buy", "Item", "Item.name", "Item.price", "open"]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Return what makes a job with these sources and facts, or other files of the archive."""

    def job(source: str = SOURCE, files: dict[str, Any] | None = None, **facts: Any) -> ReleaseJob:
        content = {"modules/shop/main.bal": source, **(files or {})}
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return ReleaseJob(folder, content, a_request(**facts))

    return job


def run(job: ReleaseJob) -> ReleaseJob:
    """Run a job of which no part is refused."""
    job.run()
    assert job.refused == {}
    return job


# --- What is written


def test_a_release_has_pieces_of_its_modules_and_of_each_symbol(jobs: Jobs) -> None:
    job = run(jobs())
    for kind in (PieceKind.SYMBOL_PAGE, PieceKind.SYMBOL_TEXT, PieceKind.SYMBOL_MARKDOWN):
        assert sorted(job.names(kind)) == [f"shop|{each}" for each in SYMBOLS]
    for kind in (PieceKind.DOCUMENT, PieceKind.MODULE_PAGE, PieceKind.MODULE_MARKDOWN):
        assert job.names(kind) == ["shop"]
    assert job.names(PieceKind.FUNCTION) == ["shop|open"]
    assert job.names(PieceKind.CLIENT) == ["shop|Client"]
    assert job.names(PieceKind.CONNECTOR) == ["shop|client|own"]
    assert job.names(PieceKind.TRIGGER) == []


def test_pieces_say_what_the_document_says(jobs: Jobs) -> None:
    job = run(jobs())
    whole = job.json(PieceKind.DOCUMENT, "shop")["docsData"]["modules"][0]
    assert job.json(PieceKind.LIST, "shop", "functions") == whole["functions"]
    assert job.json(PieceKind.LIST, "shop", "")["id"] == "shop"
    assert job.json(PieceKind.FUNCTION, "shop", "open") == whole["functions"][0]
    method = job.json(PieceKind.SYMBOL_TEXT, "shop", "Client.buy")
    assert (method["path"], method["kind"]) == ("Client.buy", "method")
    assert "# Client.buy (method of acme/shop 1.2.0)" in (
        job.text(PieceKind.SYMBOL_MARKDOWN, "shop", "Client.buy")
    )
    assert "<p>Sells things.</p>" in job.text(PieceKind.SYMBOL_PAGE, "shop", "Client")


def test_a_release_without_sources_has_modules_without_declarations(jobs: Jobs) -> None:
    job = run(jobs(modules=("shop", "shop.other")))
    assert job.record.modules == ("shop", "shop.other")
    assert "shop.other" in job.text(PieceKind.MODULE_PAGE, "shop.other")


def test_lines_of_modules_that_are_not_exported_are_told_once(jobs: Jobs) -> None:
    broken = "public function f( {\n"
    files = {"modules/shop.inner/a.bal": b"\xff", "modules/shop.sub/b.bal": broken}
    job = run(jobs(files=files, modules=("shop", "shop.sub")))
    unread = [(each.module, each.file) for each in job.record.unread]
    assert unread == [("shop.inner", "a.bal"), ("shop.sub", "b.bal")]
    assert job.record.state is DocsState.PARTIAL


# --- Texts


def test_the_default_module_has_its_own_readme_if_it_is_another_one(jobs: Jobs) -> None:
    for readme, names in (("*Module*", ["", "shop"]), ("# Shop", [""]), ("", [""])):
        texts = Texts(readme="# Shop", modules=(ModuleText(name="shop", readme=readme),))
        assert sorted(run(jobs(texts=texts)).names(PieceKind.README)) == names


# --- Sizes


def test_a_page_that_is_too_large_says_where_to_read_it(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_pieces, "MAX_SHOWN_BYTES", 100)
    job = run(jobs(texts=Texts(readme="word " * 100)))
    assert job.text(PieceKind.README, "") == TOO_LARGE_TO_SHOW
    assert job.text(PieceKind.MODULE_PAGE, "shop") == TOO_LARGE_TO_SHOW
    assert job.text(PieceKind.SYMBOL_PAGE, "shop", "open") == TOO_LARGE_TO_SHOW
    assert job.text(PieceKind.SYMBOL_TEXT, "shop", "open")


def test_the_text_of_a_symbol_that_is_too_large_is_left_out(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_pieces, "MAX_SENT_BYTES", 100)
    job = run(jobs())
    assert "shop|Client" not in job.names(PieceKind.SYMBOL_TEXT)
    assert "shop|Client" in job.names(PieceKind.SYMBOL_PAGE)


def test_symbols_are_made_in_several_parts(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(jobs()).pieces
    monkeypatch.setattr(release_docs, "SYMBOLS_OF_A_PART", 4)
    job = run(jobs())
    assert [each for each in job.begun if each.startswith("symbols")] == [
        "symbols shop 0",
        "symbols shop 4",
    ]
    assert job.pieces == whole


def test_models_that_are_not_kept_are_read_again(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"files": {"modules/shop.sub/a.bal": SOURCE}, "modules": ("shop", "shop.sub")}
    whole = run(jobs(**facts)).pieces
    monkeypatch.setattr(release_docs, "MAX_CACHED_DOCUMENT_BYTES", 0)
    assert run(jobs(**facts)).pieces == whole


# --- Parts that were refused, and a process that ended


def test_the_parts_are_made_in_the_order_of_their_importance(jobs: Jobs) -> None:
    job = run(jobs(modules=("shop", "shop.sub")))
    assert job.begun == [
        "libraries",
        "sbom",
        "author-sbom",
        "secrets",
        "module shop",
        "module shop.sub",
        "readme",
        "readme shop.sub",
        "outline shop",
        "outline shop.sub",
        "symbols shop 0",
        "finish",
    ]


@pytest.mark.parametrize("refused", ["module shop.sub", "symbols shop 0", "readme", "outline shop"])
def test_without_a_refused_part_the_others_are_made(jobs: Jobs, refused: str) -> None:
    facts = {"files": {"modules/shop.sub/a.bal": SOURCE}, "modules": ("shop", "shop.sub")}
    whole = run(jobs(**facts)).pieces
    job = jobs(**facts)
    job.run(skip={refused})
    assert job.pieces.keys() < whole.keys()
    missing = whole.keys() - job.pieces.keys()
    assert missing
    if refused != "module shop.sub":
        assert all(job.pieces[each] == whole[each] for each in job.pieces)
    else:
        assert job.record.modules == ("shop",)
        assert all("shop.sub" in each for each in missing)


def test_the_last_part_reads_no_module(jobs: Jobs) -> None:
    """It must not fail for want of memory where each of the others had enough."""
    whole = run(jobs()).pieces
    job = jobs()
    with pytest.raises(Ended):
        job.run(end_in="finish")
    (job.folder / "output" / "document-0.json.gz").write_bytes(b"no document")
    job.run(skip=set(job.ended))
    assert job.pieces == whole


def test_a_process_that_was_started_again_makes_what_was_left(jobs: Jobs) -> None:
    facts = {"files": {"modules/shop.sub/a.bal": SOURCE}, "modules": ("shop", "shop.sub")}
    whole = run(jobs(**facts))
    assert whole.begun
    for end_in in whole.begun:
        job = jobs(**facts)
        with pytest.raises(Ended):
            job.run(end_in=end_in)
        job.run(skip=set(job.ended))
        assert job.pieces == whole.pieces
        assert job.record == whole.record


def test_a_damaged_archive_is_refused_as_a_whole(jobs: Jobs) -> None:
    job = jobs()
    (job.folder / "archive").write_bytes(b"no archive")
    job.run()
    assert {"module shop", "finish"} <= job.refused.keys()
    assert not (job.folder / "output" / "record.json").exists()


# --- The versions before


def before(job: ReleaseJob, source: str, since: dict[str, dict[str, str]] | None = None) -> None:
    """Write the version before."""
    write_documents(job.folder / BEFORE, documented(source))
    if since is not None:
        (job.folder / BEFORE / SINCE).write_text(json.dumps(since))


OLD = "public function kept() {} public function gone() {}"
NEW = "public function kept() {} public function added() {}"


def test_a_symbol_that_came_back_exists_since_then(jobs: Jobs) -> None:
    job = jobs(OLD, before="1.1.0", before_is_complete=True)
    before(job, NEW, {"shop": {"kept": "1.0.0", "added": "1.1.0"}})
    assert run(job).json(PieceKind.SINCE) == {"shop": {"kept": "1.0.0", "gone": "1.2.0"}}


@pytest.mark.parametrize(
    "facts", [{"before": "1.1.0", "before_is_complete": False}, {"has_unknown_history": True}]
)
def test_what_is_not_known_is_not_said(jobs: Jobs, facts: dict[str, Any]) -> None:
    job = jobs(NEW, **facts)
    before(job, OLD, {"shop": {"kept": "1.0.0"}} if "before" in facts else None)
    known = {"kept": "1.0.0"} if "before" in facts else {"kept": ""}
    assert run(job).json(PieceKind.SINCE) == {"shop": {"kept": "", "added": "", **known}}
    assert "Since" not in job.text(PieceKind.SYMBOL_PAGE, "shop", "added")


# --- Fields of other packages' records

INCLUDING = """
import ballerina/http;
import acme/away;
public type Settings record {| *http:Settings; int retries = 3; |};
public type Wider record {| *Settings; *away:Config; |};
public type Plain record {| int a; |};
"""
OTHERS = (
    OtherModule(
        org="ballerina", name="http", version="2.12.1", module="http", file="other-0.json.gz"
    ),
    OtherModule(org="acme", name="away", version="1.0.0", module="away"),
)


def test_without_the_part_of_inclusions_they_are_only_named(jobs: Jobs) -> None:
    job = jobs(INCLUDING, others=OTHERS)
    job.run(skip={"inclusions shop"})
    assert not [each for each in job.pieces if "+|" in each]
    assert job.record.took == ()
