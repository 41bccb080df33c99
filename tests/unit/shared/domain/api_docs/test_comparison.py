"""Changes of the API between two versions, and which of them break callers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.change_rules import ChangeLevel
from shared.domain.api_docs.comparison import (
    ApiChange,
    ApiChangeKind,
    ApiComparison,
    WordChange,
    changed_words,
    compare,
    verdict_of,
)
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.records import earlier_release
from shared.domain.coordinates import Coordinate
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.versions import Version
from tests.support.documented import documented, module_of, package_docs
from tests.support.surveys import entry

F = "public function f() {}"
PATCH = ChangeLevel.PATCH
MINOR = ChangeLevel.MINOR
MAJOR = ChangeLevel.MAJOR


def changes(before: str, after: str) -> tuple[ApiChange, ...]:
    return comparison(before, after).changes


def comparison(
    before: str, after: str, versions: tuple[str, str] = ("1.0.0", "1.1.0")
) -> ApiComparison:
    old, new = map(Version.parse, versions)
    return compare((old, [documented(before)]), (new, [documented(after)]))


def test_the_same_api_in_another_order_has_no_changes() -> None:
    before = "public function f(int a) {} public function g() {}"
    after = "# Says more.\npublic function g() {} public function f(int a) { return; }"

    assert changes(before, after) == ()


FUNCTIONS = [
    ("(int a)", "(int b)", MAJOR, "The parameter a was renamed to b."),
    ("(int a)", "(string b)", MAJOR, "The parameter a was removed or renamed."),
    ("(int... a)", "(int... b)", PATCH, "The parameter a was renamed to b."),
    ("(*Options a)", "(Options a = {})", MAJOR, "Fields of the parameter a can no longer be given"),
    ("(int a, int b)", "(int b, int a)", MAJOR, "The order of the parameters changed."),
    ("(int a)", "(int a, int b)", MAJOR, "The new parameter b is required."),
    ("(int a)", "(int a, int b = 1)", MINOR, "The parameter b was added."),
    ("(int a = 1)", "(int b = 1, int a = 1)", MAJOR, "`b` was inserted before `a`."),
    ("(int a = 1)", "(int a)", MAJOR, "The parameter a is required now."),
    ("(int a)", "(int a = 1)", MINOR, "The parameter a is no longer required."),
    ("(int a = 1)", "(int a = 2)", PATCH, "The parameter a has another default."),
    ("(int a)", "(int|string a)", MINOR, "The parameter a accepts more types."),
    ("(int? a)", "(int a)", MAJOR, "The parameter a accepts fewer types."),
    ("(int a)", "(string a)", MAJOR, "The parameter a changed its type."),
    ("() returns int?", "() returns int", MINOR, "It returns fewer kinds of values."),
    ("() returns int", "() returns int|error", MAJOR, "It returns more kinds of values."),
]


DECLARATIONS = [
    ("function f() {}", "isolated function f() {}", MINOR, "It is isolated now."),
    ("type T object {};", "type T client object {};", MAJOR, "It is a client now."),
    ("type T client object {};", "type T object {};", MAJOR, "It is no longer a client."),
    ("isolated function f() {}", "function f() {}", MAJOR, "It is no longer isolated, so isolated"),
    ("type T record {};", "type T record {| |};", MAJOR, "The record is closed now."),
    ("type T record {| |};", "type T record {};", MAJOR, "The record is open now."),
    ("type T record {| int...; |};", "type T record {| string...; |};", MAJOR, "Type changed."),
    ("type T record {};", "type T readonly & record {};", MAJOR, "It is read-only now."),
    ("type T readonly & record {};", "type T record {};", MAJOR, "It is no longer read-only."),
    ("type T record {};", "class T {}", MAJOR, "It was a record, and is a class."),
    ("class T {}", "isolated class T {}", MINOR, "It is isolated now."),
    ("class T {}", "service class T {}", MAJOR, "It is a service class now."),
    ("service class T {}", "class T {}", MAJOR, "It is no service class."),
    ("class T {}", "distinct class T {}", MAJOR, "It is distinct now."),
    ("type T distinct error;", "type T error;", MAJOR, "It is no longer distinct."),
    ("const int T = 1;", "const byte T = 1;", MINOR, "It has values of fewer types."),
    ("const T = 1;", "const T = 2;", MINOR, "It has another value."),
    ("const int T = 1;", 'const string T = "1";', MAJOR, "Type changed."),
    ("type T int;", "type T int|string;", MINOR, "The type has more values."),
    ("type T int|string;", "type T int;", MAJOR, "The type has fewer values."),
    (
        "annotation T on type, class;",
        "annotation T on type;",
        MAJOR,
        "It can no longer be attached",
    ),
    ("annotation T on type;", "annotation T on type, class;", MINOR, "It can be attached in more"),
    ("int T = 1;", 'string T = "1";', MAJOR, "Type changed."),
]


FRAME = "type Options record {}; public function f%s {}"
CHANGED = [*((FRAME % one, FRAME % two, *more) for one, two, *more in FUNCTIONS), *DECLARATIONS]


@pytest.mark.parametrize(("before", "after", "level", "reason"), CHANGED)
def test_a_changed_declaration_says_why(
    before: str, after: str, level: ChangeLevel, reason: str
) -> None:
    (change,) = changes(f"public {before}", f"public {after}")

    assert (change.level, change.kind) == (level, ApiChangeKind.CHANGED)
    assert any(each.startswith(reason) for each in change.reasons)


# Of two sources, the changes as `level symbol: reason`.
ROW = "public type Row record {| readonly int a; readonly int b; |};"
BASE = "public type A distinct error; public type O object {}; public type D record {| int a; |};"
CLIENT = "public client class C { resource function get a/%s() {} }"
MESSAGES = "type M record {| byte[] a; |}; public type N record {| anydata a; |};"
CASES = [
    # Members of types.
    ("type T record { int a; };", "type T record { };"),
    ("type T record { };", "type T record { int a; };"),
    ("type T record { };", "type T record { int a?; };"),
    ("type T record { int a?; };", "type T record { int a; };"),
    ("type T record { int a; };", "type T record { int a?; };"),
    ("type T record { int a; };", "type T record { int|string a; };"),
    ("type T record { int a = 1; };", "type T record { int a; };"),
    ("type T record { int a = 1; };", "type T record { int a = 2; };"),
    ("type T record { int a; };", "type T record { readonly int a; };"),
    ("type T object { };", "type T object { public function a(); };"),
    ("type T object { public function a(); };", "type T object { };"),
    ("type T service object { };", "type T service object { remote function a(); };"),
    # Members of classes.
    ("class T { }", "class T { public function a() {} }"),
    ("client class T { public function a() {} }", "client class T { remote function a() {} }"),
    ("class T { }", "class T { public function init() {} }"),
    ("class T { }", "class T { public function init(int a) {} }"),
    ("class T { public int a = 1; }", "class T { public final int a = 1; }"),
    ('enum E { A, B, C = "c" }', 'enum E { A, C = "x", D }'),
    ("type Old record { int a; };", "class New { public function f() {} }"),
    ("", "configurable int a = ?;"),
    ("", "configurable int a = 80;"),
    ("configurable int a = 1;", "configurable int a = ?;"),
    ("configurable int a = ?;", "configurable int a = 1;"),
    ("function f() {}", "deprecated function f() {}"),
    ("type Tag record {}; public annotation Tag Tag on type;", "type Tag record {};"),
    (
        "type A record { int a; }; public type T record { int a; };",
        "type A record { int a; }; public type T record { *A; };",
    ),
    (
        "type A record {| int a = 1; |}; public type T record {| *A; |};",
        "type A record {| int a; |}; public type T record {| *A; |};",
    ),
    ('const A = "a"; public const B = "b"; public type L A|B;', 'enum L { A = "a", B = "b" }'),
    ('enum L { A = "a", B = "b" }', 'const A = "a"; public const B = "b"; public type L A|B;'),
    ('const A = "a";', "enum L { A }"),
    (
        'type L "a"; public function f() returns L {}',
        'type L "a"|"b"; public function f() returns L {}',
    ),
    (f"{BASE} public type T A;", f"{BASE} public type T distinct A;"),
    (f"{BASE} public type T A & error<D>;", f"{BASE} public type T distinct (A & error<D>);"),
    (f"{BASE} public type T A & error<D>;", f"{BASE} public type T A & error<O>;"),
    (f"{BASE} public type T distinct A;", f"{BASE} public type T distinct error;"),
    (f"{ROW} public type T table<Row> key(a);", f"{ROW} public type T table<Row> key(b);"),
    (
        f"{ROW} public function f(table<Row> key(a) a) {{}}",
        f"{ROW} public function f(table<Row> key(b) a) {{}}",
    ),
    (CLIENT % "[int id]", CLIENT % "[int number]"),
    (CLIENT % "[int id]", CLIENT % "[string id]"),
    (
        "class C { public function f(int 'key) {} public int 'a = 1; }",
        "class C { public function f(int key) {} public int a = 1; }",
    ),
    (
        "type S service object { remote function f(int a); };",
        "type S service object { remote function f(int b); };",
    ),
    (
        "type S service object { remote function f(); };",
        "type S service object { remote function f(int b = 1); };",
    ),
    ("type S service object { remote function f(); };", "type S service object { };"),
    (
        "type Z object { }; public function f() returns Z {}",
        "type Z object { public function g(); }; public function f() returns Z {}",
    ),
    ('class C { public final string a = ""; }', "class C { public final string a; }"),
    ("client class C { remote function f() {} }", "class C { public function f() {} }"),
    ("class C { public function init() {} }", "class C { }"),
    ("class C { public function init(int a = 1) {} }", "class C { }"),
    ("class C { public function init() {} }", "class C { function init() {} }"),
    ("function f(record {| int a = 1; |}? p) {}", "function f(record {| int a; |}? p) {}"),
    ("function f(record {| int a; |} p) {}", "function f(record {| int a; int b = 1; |} p) {}"),
    ("function f(int:Signed32 a) {}", "function f(int a) {}"),
    ("function f() returns int:Signed32 {}", "function f() returns int {}"),
    (f"{MESSAGES} public function f(M m) {{}}", f"{MESSAGES} public function f(N m) {{}}"),
    (
        "function f() returns string[]|error {}",
        "function f(typedesc<string[]|map<string>> t = <>) returns t|error {}",
    ),
]


def test_symbols_that_changed_say_why(snapshot: SnapshotAssertion) -> None:
    mark = "# # Deprecated\n@deprecated public "
    said = dict[str, list[str]]()
    for case in CASES:
        old, new = (
            f"public {each}".replace("public deprecated ", mark).removesuffix("public ")
            for each in case
        )
        said[" => ".join(case)] = [
            f"{each.level.name} {each.symbol}: {' '.join(each.reasons)}"
            for each in changes(old, new)
        ]
    assert {case: "; ".join(each) for case, each in said.items()} == snapshot


def test_a_whole_module_is_one_change() -> None:
    one = documented("public function f() {}", "a")
    two = documented("", "a.b")
    old = Version.parse("1.0.0")
    new = Version.parse("1.1.0")

    (removed,) = compare((old, [one, two]), (new, [one])).changes
    (added,) = compare((old, [one]), (new, [one, two])).changes

    assert (removed.symbol, removed.declares, removed.level) == ("a.b", "module", MAJOR)
    assert (added.symbol, added.kind, added.level) == ("a.b", ApiChangeKind.ADDED, MINOR)


@pytest.mark.parametrize(
    ("old", "new", "required", "version", "is_too_low"),
    [
        (F, "", MAJOR, "1.3.0", True),
        (F, "", MAJOR, "2.0.0", False),
        (F, "", MAJOR, "1.2.4-rc.1", False),
        ("", F, MINOR, "1.2.4", True),
        ("", F, MINOR, "1.3.0", False),
        (F, F, PATCH, "1.2.4", False),
    ],
)
def test_a_change_requires_another_version(
    *, old: str, new: str, required: ChangeLevel, version: str, is_too_low: bool
) -> None:
    found = comparison(old, new, ("1.2.3", version))
    assert (found.required, found.is_version_too_low) == (required, is_too_low)
    assert [each.symbol for each in found.breaking] == (["f"] if required is MAJOR else [])


def test_before_version_1_a_breaking_change_requires_another_minor_version() -> None:
    assert comparison(F, "", ("0.2.3", "0.2.4")).is_version_too_low
    assert not comparison(F, "", ("0.2.3", "0.3.0")).is_version_too_low
    assert not comparison("", F, ("0.2.3", "0.2.4")).is_version_too_low


# --- What a change means depends on where the values go -------------------------------------------

CONFIG = "public type Config record {| %s |}; public function connect(Config config) {}"
RESULT = "public type Config record {| %s |}; public function read() returns Config {}"
UNUSED = "public type Config record {| %s |};"


@pytest.mark.parametrize(
    ("before", "after", "given", "got", "unused"),
    [
        ("int a;", "int|string a;", MINOR, MAJOR, MAJOR),
        ("int|string a;", "int a;", MAJOR, MINOR, MAJOR),
        ("int a;", "string a;", MAJOR, MAJOR, MAJOR),
        ("int a;", "int a?;", MINOR, MAJOR, MAJOR),
        ("int a?;", "int a;", MAJOR, MINOR, MAJOR),
        ("int a?;", "int a = 1;", MINOR, MINOR, MINOR),
        ("int a = 1;", "int a?;", MINOR, MAJOR, MAJOR),
        ("int a = 1;", "int a;", MAJOR, PATCH, MAJOR),
        ("", "int a;", MAJOR, MINOR, MAJOR),
        ("", "int a?;", MINOR, MINOR, MINOR),
        ("int a;", "", MAJOR, MAJOR, MAJOR),
        ("int...;", "int|string...;", MINOR, MAJOR, MAJOR),
    ],
)
def test_a_field_of_a_record_may_change_by_where_its_values_go(
    *, before: str, after: str, given: ChangeLevel, got: ChangeLevel, unused: ChangeLevel
) -> None:
    levels = [
        comparison(frame % before, frame % after).required for frame in (CONFIG, RESULT, UNUSED)
    ]

    assert levels == [given, got, unused]


SERVICE = "public type S service object { remote function f(T a) returns A; };"
OBJECT = "public type S object { public function f(T a) returns A; };"


@pytest.mark.parametrize(
    ("use", "given", "got"),
    [
        ("public function f(T[] a) {}", True, False),
        ("public function f(function (T) a) {}", False, True),
        ("public function f(function () returns T a) {}", True, False),
        ("public function f() returns stream<T, error?> {}", False, True),
        ("public function f(typedesc<T> a = <>) returns a {}", True, True),
        ("public type U A|T; public function f(U a) {}", True, False),
        ("public class C { public function a(T b) {} } public function f(C c) {}", True, False),
        ("public type S object { public T a; }; public function open() returns S {}", False, True),
        ("public type S object { public T a; }; public function take(S s) {}", True, False),
        ("public type U record {| *T; |}; public function f() returns U {}", False, True),
        ("public type U error<T>; public function f() returns U? {}", False, True),
        ("public client class C { resource function get a(T b) {} }", True, False),
        ("public class C { public final T a; }", False, True),
        ("public class C { public T a; }", True, True),
        (f"{SERVICE} public function attach(S s) {{}}", False, True),
        (f"{OBJECT} public function open() returns S {{}}", True, False),
        ("public annotation T tag on type;", True, False),
        ("configurable T a = {};", True, False),
        ("public configurable T a = {};", True, True),
        ("public final T a = {};", False, True),
        ("", True, True),
    ],
)
def test_where_values_go_is_followed_through_declarations(
    *, use: str, given: bool, got: bool
) -> None:
    frame = "public type A record {}; public type T record {| %s a; |}; "
    both, one = (frame % each + use for each in ("int|string", "int"))

    def is_breaking(before: str, after: str) -> bool:
        return any(each.symbol == "T.a" for each in comparison(before, after).breaking)

    assert (is_breaking(both, one), is_breaking(one, both)) == (given, got)


# --- Records of other packages --------------------------------------------------------------------


def with_graph(source: str, http: str) -> ModuleDocs:
    """Return the documentation of a source that was built with a version of ballerina/http."""
    nodes = (GraphNode(org="ballerina", name="http", version=http),)
    release = Coordinate.parse("acme", "shop", "1.0.0")
    text = f"import ballerina/http; {source}"
    return package_docs(module_of(text), graph=Graph(nodes=nodes), release=release).modules[0]


def comparison_with(before: tuple[str, str], after: tuple[str, str]) -> ApiComparison:
    """Compare two sources with the versions of ballerina/http that they were built with."""
    old = Version.parse("1.0.0")
    new = Version.parse("1.0.1")
    return compare((old, [with_graph(*before)]), (new, [with_graph(*after)]))


INCLUDING = "public type T record {| *http:Settings; int a; |};"
ALONE = "public type T record {| int a; |};"
GIVEN = "public type T record {| int a; %s |}; public function f(T t) {}"
INCLUDES = ("T", MINOR, "It includes http:Settings now.")
OTHER = "It includes http:Settings of version %s instead of %s, and a build cannot have both."


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((INCLUDING, "2.1.0"), (INCLUDING, "2.3.0"), []),
        *(
            ((INCLUDING, old), (INCLUDING, new), [("T", MAJOR, OTHER % (new, old))])
            for old, new in (("1.9.0", "2.0.0"), ("0.1.4", "0.2.0"))
        ),
        (
            (GIVEN % "int b;", "2.1.0"),
            (GIVEN % "*http:Settings;", "2.1.0"),
            [INCLUDES, ("T.b", MAJOR, "The field was removed.")],
        ),
        (
            (INCLUDING, "2.1.0"),
            (ALONE, "2.1.0"),
            [("T", MAJOR, "It no longer includes http:Settings.")],
        ),
        ((ALONE, "2.1.0"), (INCLUDING, "2.1.0"), [INCLUDES]),
    ],
)
def test_a_record_of_another_package_is_included_in_a_version(
    before: tuple[str, str], after: tuple[str, str], expected: list[tuple[str, ChangeLevel, str]]
) -> None:
    found = comparison_with(before, after).changes
    assert [(each.symbol, each.level, *each.reasons) for each in found] == expected


KEPT = WordChange.KEPT
DELETED = WordChange.DELETED
INSERTED = WordChange.INSERTED


def words(before: str, after: str) -> list[tuple[WordChange, str]]:
    return [(each.change, each.text) for each in changed_words(before, after)]


def test_only_the_changed_words_are_marked() -> None:
    found = words("f(int a)", "f(string a)")
    assert found == [(KEPT, "f("), (DELETED, "int"), (INSERTED, "string"), (KEPT, " a)")]


@given(st.text("ab ,(|)", max_size=12), st.text("ab ,(|)", max_size=12))
def test_the_marked_words_are_those_of_both_texts(before: str, after: str) -> None:
    found = words(before, after)
    assert "".join(text for change, text in found if change is not INSERTED) == before
    assert "".join(text for change, text in found if change is not DELETED) == after


def test_a_verdict_says_how_far_the_api_changed() -> None:
    before = documented("public function kept() {} public type R record { int a; };")
    after = documented("public function kept() {}")
    compared = compare((Version.parse("1.0.0"), [before]), (Version.parse("1.0.1"), [after]))
    found = verdict_of(Coordinate.parse("acme", "shop", "1.0.1"), compared)
    assert (found.compared_with, found.required, found.published) == ("1.0.0", "major", "patch")
    assert (found.changes, found.breaking, found.is_version_too_low) == (1, 1, True)
    assert found.place == ("acme:shop", "1.0.1")


def test_a_release_is_compared_with_the_highest_lower_one_preferably_stable() -> None:
    entries = [entry(each) for each in ("2.0.0", "1.2.0-rc.1", "1.1.0", "1.0.0")]
    for number, found in (("2.0.0", 2), ("1.2.0", 2), ("1.1.0", 3)):
        assert earlier_release(entries, Version.parse(number)) == entries[found]
    assert earlier_release(entries, Version.parse("1.0.0")) is None
    assert earlier_release(entries[1:2], Version.parse("1.2.0-rc.2")) == entries[1]
