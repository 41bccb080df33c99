"""A registry comes into somebody's Settings.toml, and nothing else of it changes."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.login.settings_file import (
    Repository,
    SettingsUnmergeable,
    SettingsUnwritable,
    merge_settings,
    read,
    replace,
    repository_ids,
    settings_file,
)
from tests.paths import ROOT

OURS = Repository("ballroom", "https://registry.test/2.0/maven", "ann", "blr_new")
PROXY = Repository(
    "ballroom-central", "https://registry.test/2.0/maven", "ann", "blr_new", proxy_central=True
)
ENTRY = {
    "id": "ballroom",
    "url": "https://registry.test/2.0/maven",
    "username": "ann",
    "accesstoken": "blr_new",
    "proxyCentral": False,
}

SOMEBODYS = """\
# The settings of kim, who keeps them tidy.
title = 'mine'  # A key at the top.

[proxy]
host = "proxy.example.com" # Behind it, a comment: [not a table] = "x"
port = 3128

[[repository.maven]]
  id = "nexus"          # The one at work.
  url = "https://nexus.example.com"
  username = '''kim'''
  accesstoken = "their secret"
  proxyCentral = true

[[repository.maven]]
\tid = 'ballroom'
\turl = "http://old.test/2.0/maven"
\taccesstoken = "blr_old" # Ends in May.
\tproxyCentral = false
\tnote = "keep me"

[central] # Central itself.
connectTimeout = 10
accesstoken = "central's own"
"""


def merge(text: str, *repositories: Repository, central: str | None = None) -> str:
    return merge_settings(text, repositories or (OURS,), central)


def refused(text: str, *repositories: Repository, central: str | None = None) -> str:
    """Return the sentence of a refusal, which is one line."""
    with pytest.raises(SettingsUnmergeable) as refusal:
        merge(text, *repositories, central=central)
    assert str(refusal.value).isprintable()
    return str(refusal.value)


def entries(text: str) -> list[dict[str, Any]]:
    return tomllib.loads(text)["repository"]["maven"]


def others(text: str) -> dict[str, Any]:
    """Return what settings say of everything but our entries and the token of Central."""
    settings = tomllib.loads(text)
    settings.get("central", {}).pop("accesstoken", None)
    if not settings.get("central", True):
        del settings["central"]
    repository = settings.get("repository", {})
    ours = {OURS.id, PROXY.id}
    theirs = [each for each in repository.get("maven", []) if each.get("id") not in ours]
    repository.pop("maven", None)
    if not settings.get("repository", True):
        del settings["repository"]
    return {**settings, "theirs": theirs}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "[central]\n", "[proxy]\nport = 1"])
def test_an_entry_is_appended_to_settings_without_one(text: str) -> None:
    result = merge(text)
    assert result.startswith(text)
    assert entries(result) == [ENTRY]
    assert others(result) == others(text)


def test_an_entry_of_this_registry_is_updated_in_place() -> None:
    before, after = SOMEBODYS.splitlines(), merge(SOMEBODYS).splitlines()
    changed = [(old, new) for old, new in zip(before, after[: len(before)], strict=True)]
    assert [pair for pair in changed[:15] if pair[0] != pair[1]] == []
    assert entries(merge(SOMEBODYS))[1] == {**ENTRY, "note": "keep me"}
    assert '\taccesstoken = "blr_new" # Ends in May.' in after
    assert '\tusername = "ann"' in after
    assert "\tid = 'ballroom'" in after


def test_everything_else_of_the_settings_stays() -> None:
    result = merge(SOMEBODYS, OURS, central="blr_central")
    assert others(result) == others(SOMEBODYS)
    for line in SOMEBODYS.splitlines():
        assert line in result or "old" in line or "central's own" in line


def test_the_token_of_central_changes_only_when_asked_for() -> None:
    assert "central's own" in merge(SOMEBODYS)
    result = merge(SOMEBODYS, OURS, central="blr_central")
    assert tomllib.loads(result)["central"] == {"connectTimeout": 10, "accesstoken": "blr_central"}


def test_settings_without_central_get_its_table() -> None:
    assert tomllib.loads(merge("", central="t"))["central"] == {"accesstoken": "t"}


def test_a_repeat_changes_nothing() -> None:
    for text in ("", SOMEBODYS, SOMEBODYS.replace("\n", "\r\n")):
        once = merge(text, OURS, central="t")
        assert merge(once, OURS, central="t") == once


def test_another_spelling_of_the_same_value_is_the_same() -> None:
    spelt = merge("").replace('"ann"', "'ann'").replace('"blr_new"', '"blr\\u005Fnew"')
    assert merge(spelt) == spelt


def test_lines_end_as_they_did() -> None:
    assert "\n" not in merge(SOMEBODYS.replace("\n", "\r\n")).replace("\r\n", "")


def test_a_proxy_of_central_stays_one() -> None:
    entry = '[[repository.maven]]\nid = "ballroom"\nproxyCentral = true\n'
    assert entries(merge(entry))[0]["proxyCentral"] is True


def test_a_proxy_is_added_when_there_is_no_other() -> None:
    assert [each["proxyCentral"] for each in entries(merge("", OURS, PROXY))] == [False, True]
    assert merge(merge("", OURS, PROXY), OURS, PROXY) == merge("", OURS, PROXY)


def test_a_second_proxy_is_refused_because_bal_stops_with_two() -> None:
    assert "'nexus' is a proxy of Central already" in refused(SOMEBODYS, PROXY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[central", "It is not TOML"),
        ("a = \n", "It is not TOML"),
        ("a = 1 b = 2", "It is not TOML"),
        ('a = "open', "It is not TOML"),
        ("a = [1, 2", "It is not TOML"),
        ("a = }", "It is not TOML"),
        ("= 1", "It is not TOML"),
        ("[a] b = 1", "It is not TOML"),
        ('"""x""" = 1', "It is not TOML"),
        ("a = 1\na = 2", "It is not TOML"),
        ("\ufeffa = 1", "It is not TOML"),
        ("repository = {}", "repository = … on one line"),
        ("repository = {maven = [{id = 'x'}]}", "repository = … on one line"),
        ("repository.maven = [{id = 'x'}]", "repository.maven = … on one line"),
        ("[repository]\nmaven = [{id = 'x'}]", "repository.maven = … on one line"),
        ("[repository]\nmaven.id = 'x'", "repository.maven.id = … on one line"),
        ("[repository.maven]\nid = 'x'", "double brackets"),
        ("[[repository]]\nid = 'x'", "[[repository]]"),
        ("[[repository.maven]]\nid='ballroom'\n" * 2, "have the id 'ballroom'"),
    ],
)
def test_settings_that_cannot_be_merged_safely_are_refused(text: str, reason: str) -> None:
    assert reason in refused(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("central = {accesstoken = 'x'}", "central = … on one line"),
        ("central.accesstoken = 'x'", "central.accesstoken = … on one line"),
        ("[[central]]\naccesstoken = 'x'", "[[central]]"),
    ],
)
def test_a_central_that_is_written_otherwise_is_refused_only_when_it_is_changed(
    text: str, reason: str
) -> None:
    assert reason in refused(text, central="t")
    assert entries(merge(text)) == [ENTRY]


def test_tables_are_known_by_their_names_however_they_are_written() -> None:
    text = '[ "central" ]\n"accesstoken" = "x"\n[["repository" . \'maven\' ]]\n"id" = "ballroom"\n'
    result = merge(text, central="t")
    assert tomllib.loads(result)["central"] == {"accesstoken": "t"}
    assert entries(result) == [ENTRY]
    assert repository_ids(result) == ["ballroom"]


def test_lines_below_an_entry_stay_below_it() -> None:
    text = '[[repository.maven]]\nid = "ballroom"\n[repository.maven.more]\nx = 1\n'
    assert entries(merge(text)) == [{**ENTRY, "more": {"x": 1}}]


def test_an_id_that_is_no_line_of_text_is_another_ones() -> None:
    text = "[[repository.maven]]\nid = 5\n[[repository.maven]]\n"
    assert len(entries(merge(text))) == 3


def test_python_without_a_toml_reader_merges_and_refuses_in_the_same_way() -> None:
    program = (
        "import sys; sys.modules['tomllib'] = None\n"
        "from shared.login.settings_file import Repository, SettingsUnmergeable, merge_settings\n"
        "entry = [Repository('ballroom', 'u', 'ann', 't')]\n"
        "text = merge_settings(sys.stdin.read(), entry, None)\n"
        "try:\n    merge_settings(text + '[open', entry, None)\n"
        "except SettingsUnmergeable as reason:\n    print(text + '# ' + str(reason))\n"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(
        command, cwd=ROOT, input=SOMEBODYS, capture_output=True, text=True, check=True
    )
    assert entries(ran.stdout)[1]["accesstoken"] == "t"
    assert "It is not TOML: line " in ran.stdout


# --- laws ---------------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b-2", "'quo ted'", '"esc\\"aped"', "é".join(('"', '"'))])
SCALARS = st.sampled_from(
    [
        "1", "-2.5e3", "true", "inf", "1979-05-27 07:32:00Z", '"x"', "'y # no comment'", '""', "''",
        '"""\nseveral\n[lines] = 1\n"""', "'''a'b''c\n'''", '"""q""""', '"\\u00e9 \\\\"',
    ]
)  # fmt: skip
ARRAYS = st.lists(SCALARS, max_size=3).map(lambda each: "[" + ", # c\n ".join(each) + "\n]")
INLINE = st.lists(SCALARS, max_size=2).map(
    lambda each: "{" + ", ".join(f"k{n} = {v}" for n, v in enumerate(each)) + "}"
)
VALUES = SCALARS | ARRAYS | INLINE
SPACES = st.sampled_from(["", " ", "\t"])
COMMENTS = st.sampled_from(["", " # c", "# [x]", ' # "\'"""'])


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Draw lines with keys, values and comments."""
    keys = draw(st.lists(KEYS, unique=True, max_size=4))
    return "".join(
        f"{draw(SPACES)}{key}{draw(SPACES)}={draw(SPACES)}{draw(VALUES)}{draw(COMMENTS)}\n"
        + draw(st.sampled_from(["", "\n", "# between\n"]))
        for key in keys
    )


@st.composite
def settings(draw: st.DrawFn) -> str:
    """Draw a Settings.toml as people may have it, ours among other entries or not."""
    parts = ["[proxy]\n", "[central]\n", "[other.'deep er']\n", "[repository.x]\n"]
    tables = draw(st.lists(st.sampled_from(parts), unique=True))
    ids = draw(st.lists(st.sampled_from(["ballroom", "nexus", "é"]), unique=True))
    tables += [f"[[repository.maven]]\nid = {draw(SPACES)}'{each}'\n" for each in ids]
    tables += draw(st.lists(st.just("[[repository.oci]]\n"), max_size=2))
    shuffled = draw(st.permutations(tables))
    text = draw(bodies()) + "".join(f"{table}{draw(bodies())}" for table in shuffled)
    return text if draw(st.booleans()) else text.removesuffix("\n")


@given(settings(), st.none() | st.just("blr_central"))
def test_merging_leaves_everything_else_and_a_repeat_changes_nothing(
    text: str, central: str | None
) -> None:
    result = merge(text, central=central)
    assert others(result) == others(text)
    [ours] = [each for each in entries(result) if each["id"] == "ballroom"]
    assert {key: ours[key] for key in ENTRY} == ENTRY
    assert merge(result, central=central) == result
    if central:
        assert tomllib.loads(result)["central"]["accesstoken"] == central


@given(settings(), st.integers(min_value=0), st.sampled_from("[]{}\"'=#\n.,\\x"))
def test_damaged_settings_are_refused_or_preserved(text: str, place: int, sign: str) -> None:
    at = place % (len(text) + 1)
    damaged = text[:at] + sign + text[at:]
    try:
        result = merge(damaged)
    except SettingsUnmergeable:
        return
    assert others(result) == others(damaged)


STAMP = "20261120T103000Z"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".ballerina" / "Settings.toml"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_folder_is_the_one_that_bal_reads() -> None:
    assert settings_file({}) == Path.home() / ".ballerina" / "Settings.toml"
    assert settings_file({"BALLERINA_HOME_DIR": "/b"}) == Path("/b/Settings.toml")


def test_the_first_settings_come_with_their_folder_and_without_a_copy(file: Path) -> None:
    assert read(file) is None
    assert replace(file, "a = 1\r\n", STAMP) is None
    assert file.read_bytes() == b"a = 1\r\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert names(file.parent) == ["Settings.toml"]


def test_the_previous_file_is_saved_as_a_copy_for_its_owner_only(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"old = true\r\n")
    file.chmod(0o644)
    backup = replace(file, "new = true\n", STAMP)
    assert backup is not None
    assert backup.name == f"Settings.toml.{STAMP}.bak"
    assert backup.read_bytes() == b"old = true\r\n"
    assert [each.stat().st_mode & 0o777 for each in (file, backup)] == [0o600, 0o600]
    assert read(file) == "new = true\n"


def test_a_copy_never_replaces_another_one(file: Path) -> None:
    for number in range(4):
        replace(file, str(number), STAMP)
    backups = [f"Settings.toml.{STAMP}{more}.bak" for more in ("-2", "-3", "")]
    assert names(file.parent) == ["Settings.toml", *backups]
    assert [file.with_name(each).read_text() for each in backups] == ["1", "2", "0"]


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "ballerina.toml"
    kept.parent.mkdir()
    kept.write_text("old")
    file.parent.mkdir(parents=True)
    file.symlink_to(kept)
    backup = replace(file, "new", STAMP)
    assert file.is_symlink()
    assert kept.read_text() == "new"
    assert backup == kept.with_name(f"ballerina.toml.{STAMP}.bak")


def test_a_link_to_nothing_yet_makes_what_it_leads_to(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir(parents=True)
    file.symlink_to(tmp_path / "later.toml")
    assert read(file) is None
    replace(file, "new", STAMP)
    assert (tmp_path / "later.toml").read_text() == "new"


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    file = tmp_path / "plain" / "Settings.toml"
    with pytest.raises(
        SettingsUnwritable, match=r"Settings.toml cannot be written: .* BALLERINA_HOME_DIR"
    ):
        replace(file, "new", STAMP)


def test_settings_that_are_a_folder_are_a_sentence(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(SettingsUnwritable, match=r"cannot be read: is a directory"):
        read(file)
    with pytest.raises(SettingsUnwritable, match=r"cannot be written: is a directory"):
        replace(file, "new", STAMP)


def test_a_text_that_cannot_be_written_leaves_no_litter(file: Path) -> None:
    replace(file, "old", STAMP)
    with pytest.raises(UnicodeEncodeError):
        replace(file, "\ud800", STAMP)
    assert file.read_text() == "old"
    assert names(file.parent) == ["Settings.toml", f"Settings.toml.{STAMP}.bak"]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff\xfe", "not UTF-8"), (b"#" * 1_000_001, "far too large")]
)
def test_a_file_that_is_no_text_is_left_alone(file: Path, content: bytes, reason: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(SettingsUnmergeable, match=reason):
        read(file)
