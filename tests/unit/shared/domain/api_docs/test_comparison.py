"""Changes of the API between two versions, and which of them break callers."""

import pytest

from shared.domain.api_docs.change_rules import ChangeLevel
from shared.domain.api_docs.comparison import ApiChange, ApiChangeKind, ApiComparison, compare
from shared.domain.versions import Version
from tests.support.documented import documented

PATCH, MINOR, MAJOR = ChangeLevel.PATCH, ChangeLevel.MINOR, ChangeLevel.MAJOR


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


def test_added_and_removed_symbols_are_listed_with_their_signatures() -> None:
    added, removed = changes("public function old() {}", "public function new1(int a) {}")

    assert (added.kind, added.symbol, added.level) == (ApiChangeKind.ADDED, "new1", MINOR)
    assert (added.before, added.declares) == ("", "function")
    assert "function new1(int a)" in added.after
    assert (removed.kind, removed.symbol, removed.level) == (ApiChangeKind.REMOVED, "old", MAJOR)
    assert removed.after == ""
    assert "function old()" in removed.before


FUNCTIONS = [
    ("(int a)", "(int b)", MAJOR, "The parameter a was removed or renamed."),
    ("(int a, int b)", "(int b, int a)", MAJOR, "The order of the parameters changed."),
    ("(int a)", "(int a, int b)", MAJOR, "The new parameter b is required."),
    ("(int a)", "(int a, int b = 1)", MINOR, "The parameter b was added."),
    ("(int a)", "(int a, int... b)", MINOR, "The parameter b was added."),
    ("(int a)", "(int a, *Options b)", MINOR, "The parameter b was added."),
    ("(int a = 1)", "(int b = 1, int a = 1)", MAJOR, "`b` was inserted before `a`."),
    ("(int a = 1)", "(int a)", MAJOR, "The parameter a is required now."),
    ("(int a)", "(int a = 1)", MINOR, "The parameter a is no longer required."),
    ("(int a = 1)", "(int a = 2)", PATCH, "The parameter a has another default."),
    ("(int a)", "(int|string a)", MINOR, "The parameter a accepts more types."),
    ("(int? a)", "(int a)", MAJOR, "The parameter a accepts fewer types."),
    ("(int a)", "(string a)", MAJOR, "The parameter a changed its type."),
    ("() returns int?", "() returns int", MINOR, "It returns fewer kinds of values."),
    ("() returns int", "() returns int|error", MAJOR, "It returns more kinds of values."),
    ("()", "() returns error?", MAJOR, "It returns more kinds of values."),
    ("() returns int", "() returns string", MAJOR, "It returns values of another type."),
]


@pytest.mark.parametrize(("before", "after", "level", "reason"), FUNCTIONS)
def test_a_changed_function_says_why(
    before: str, after: str, level: ChangeLevel, reason: str
) -> None:
    frame = "public type Options record {}; public function f"

    (change,) = changes(f"{frame}{before} {{}}", f"{frame}{after} {{}}")

    assert (change.level, change.kind, change.symbol) == (level, ApiChangeKind.CHANGED, "f")
    assert reason in change.reasons


DECLARATIONS = [
    ("function f() {}", "isolated function f() {}", MINOR, "It is isolated now."),
    (
        "isolated function f() {}",
        "function f() {}",
        MAJOR,
        "It is no longer isolated, so isolated functions cannot use it.",
    ),
    ("type T record {};", "type T record {| |};", MAJOR, "The record is closed now."),
    ("type T record {| |};", "type T record {};", MAJOR, "The record is open now."),
    (
        "type T record {| int...; |};",
        "type T record {| string...; |};",
        MAJOR,
        "Type changed.",
    ),
    ("type T record {};", "type T readonly & record {};", MAJOR, "It is read-only now."),
    ("type T readonly & record {};", "type T record {};", MAJOR, "It is no longer read-only."),
    ("type T record {};", "class T {}", MAJOR, "It was a record, and is a class."),
    ("class T {}", "isolated class T {}", MINOR, "It is isolated now."),
    ("class T {}", "service class T {}", MAJOR, "It is a service class now."),
    ("service class T {}", "class T {}", MAJOR, "It is no service class."),
    ("class T {}", "distinct class T {}", MAJOR, "It is distinct now."),
    ("type T object {};", "type T distinct object {};", MAJOR, "It is distinct now."),
    ("type T distinct error;", "type T error;", MAJOR, "It is no longer distinct."),
    (
        "type T error<record {int a;}>;",
        "type T error<record {string a;}>;",
        MAJOR,
        "Type changed.",
    ),
    ("const int T = 1;", "const byte T = 1;", MAJOR, "Type changed."),
    ("const T = 1;", "const T = 2;", MINOR, "It has another value."),
    ("const int T = 1;", 'const string T = "1";', MAJOR, "Type changed."),
    ("type T int;", "type T int|string;", MINOR, "The type has more values."),
    ("type T int|string;", "type T int;", MAJOR, "The type has fewer values."),
    ("type T int[];", "type T string[];", MAJOR, "Type changed."),
    ("type T map<int>;", "type T map<string>;", MAJOR, "Type changed."),
    (
        "type T table<map<int>>;",
        "type T table<map<int>> key<int>;",
        MAJOR,
        "Type changed.",
    ),
    (
        "annotation int T on type;",
        "annotation string T on type;",
        MAJOR,
        "Type changed.",
    ),
    (
        "annotation T on type, class;",
        "annotation T on type;",
        MAJOR,
        "It can no longer be attached everywhere.",
    ),
    (
        "annotation T on type;",
        "annotation T on type, class;",
        MINOR,
        "It can be attached in more places.",
    ),
    ("int T = 1;", 'string T = "1";', MAJOR, "Type changed."),
]


@pytest.mark.parametrize(("before", "after", "level", "reason"), DECLARATIONS)
def test_a_changed_declaration_says_why(
    before: str, after: str, level: ChangeLevel, reason: str
) -> None:
    before, after = (f"public {each}" for each in (before, after))
    (change,) = changes(before, after)

    assert (change.level, change.kind) == (level, ApiChangeKind.CHANGED)
    assert reason in change.reasons


MEMBERS = [
    ("record {", "int a;", "", "removed", MAJOR, "The field was removed."),
    ("record {", "", "int a;", "added", MAJOR, "The new field is required."),
    ("record {", "", "int a?;", "added", MINOR, "The field was added."),
    ("record {", "", "int a = 1;", "added", MINOR, "The field was added."),
    ("record {", "int a?;", "int a;", "changed", MAJOR, "It is no longer optional."),
    ("record {", "int a;", "int a?;", "changed", MAJOR, "It is optional now."),
    ("record {", "int a;", "int|string a;", "changed", MAJOR, "Type changed."),
    ("record {", "int a = 1;", "int a;", "changed", MAJOR, "It has no default any more."),
    ("record {", "int a = 1;", "int a = 2;", "changed", PATCH, "It has another default."),
    ("record {", "int a;", "readonly int a;", "changed", MAJOR, "It is read-only now."),
    (
        "object {",
        "",
        "public function a();",
        "added",
        MAJOR,
        "Implementations of the object type lack this method.",
    ),
    ("object {", "public function a();", "", "removed", MAJOR, "The method was removed."),
    (
        "service object {",
        "",
        "remote function a();",
        "added",
        MAJOR,
        "Implementations of the service type lack this method.",
    ),
]


@pytest.mark.parametrize(("opening", "before", "after", "kind", "level", "reason"), MEMBERS)
def test_a_changed_member_of_a_type_says_why(
    *, opening: str, before: str, after: str, kind: str, level: ChangeLevel, reason: str
) -> None:
    old, new = (f"public type T {opening} {each} }};" for each in (before, after))
    (change,) = changes(old, new)

    assert (change.symbol, change.kind.value, change.level) == ("T.a", kind, level)
    assert change.reasons == (reason,)


METHODS = [
    ("", "public function a() {}", "T.a", MINOR, "The method was added."),
    ("public function a() {}", "remote function a() {}", "T.a", MAJOR, "It is now remote."),
    ("", "public function init() {}", None, PATCH, ""),
    ("", "public function init(int a) {}", "T.init", MAJOR, "The new parameter a is required."),
    (
        "resource function get b/[int c]() {}",
        "",
        "T.get b/[int c]",
        MAJOR,
        "The method was removed.",
    ),
    ("public int a = 1;", "public final int a = 1;", "T.a", MAJOR, "It is final now."),
]


@pytest.mark.parametrize(("before", "after", "symbol", "level", "reason"), METHODS)
def test_a_changed_member_of_a_client_says_why(
    before: str, after: str, symbol: str | None, level: ChangeLevel, reason: str
) -> None:
    old, new = (f"public client class T {{ {each} }}" for each in (before, after))
    found = [(each.symbol, each.level, each.reasons) for each in changes(old, new)]

    assert found == ([(symbol, level, (reason,))] if symbol else [])


def test_members_of_an_enum_have_rules_of_their_own() -> None:
    found = changes('public enum E { A, B, C = "c" }', 'public enum E { A, C = "x", D }')

    assert [(each.symbol, each.kind.value, each.level) for each in found] == [
        ("E.B", "removed", MAJOR),
        ("E.C", "changed", MAJOR),
        ("E.D", "added", MINOR),
    ]


def test_members_of_a_new_or_removed_type_are_not_listed() -> None:
    before = "public type Old record { int a; };"
    after = "public class New { public function f() {} }"

    assert [each.symbol for each in changes(before, after)] == ["New", "Old"]


def test_a_field_that_moves_into_an_included_record_is_no_change() -> None:
    base = "public type Base record { int a; };"
    before = f"{base} public type T record {{ int a; string b; }};"
    after = f"{base} public type T record {{ *Base; string b; }};"

    assert changes(before, after) == ()


def test_a_required_configurable_breaks_those_who_configure_the_package() -> None:
    (required,) = changes("", "configurable int port = ?;")
    (optional,) = changes("", "configurable int port = 80;")

    assert (required.level, required.reasons) == (MAJOR, ("The new configurable is required.",))
    assert optional.level is MINOR


@pytest.mark.parametrize("declaration", ["function f() {}", "type f int;"])
def test_a_deprecated_symbol_is_a_minor_change(declaration: str) -> None:
    before = f"public {declaration}"
    (change,) = changes(before, f"# # Deprecated\n@deprecated {before}")

    kind = declaration.partition(" ")[0]
    assert (change.level, change.reasons) == (MINOR, (f"The {kind} was deprecated.",))


def test_an_annotation_and_a_type_may_share_a_name() -> None:
    shared = "public type Tag record {}; public annotation Tag Tag on type;"

    assert changes(shared, shared) == ()
    (change,) = changes(shared, "public type Tag record {};")
    assert (change.symbol, change.declares) == ("Tag", "annotation")


def test_a_whole_module_is_one_change() -> None:
    one, two = documented("public function f() {}", "a"), documented("", "a.b")
    versions = Version.parse("1.0.0"), Version.parse("1.1.0")

    (removed,) = compare((versions[0], [one, two]), (versions[1], [one])).changes
    (added,) = compare((versions[0], [one]), (versions[1], [one, two])).changes

    assert (removed.symbol, removed.declares, removed.level) == ("a.b", "module", MAJOR)
    assert (added.symbol, added.kind, added.level) == ("a.b", ApiChangeKind.ADDED, MINOR)


@pytest.mark.parametrize(
    ("before", "after", "is_too_low"),
    [
        ("1.2.3", "1.2.4", True),
        ("1.2.3", "1.3.0", True),
        ("1.2.3", "2.0.0", False),
        ("0.2.3", "0.2.4", True),
        ("0.2.3", "0.3.0", False),
        ("0.2.3", "1.0.0", False),
        ("1.2.3", "1.2.4-rc.1", False),
    ],
)
def test_a_breaking_change_requires_another_major_version(
    before: str, after: str, *, is_too_low: bool
) -> None:
    found = comparison("public function f() {}", "", (before, after))

    assert (found.required, found.is_version_too_low) == (MAJOR, is_too_low)
    assert [each.symbol for each in found.breaking] == ["f"]


def test_an_addition_requires_another_minor_version() -> None:
    source = "public function f() {}"

    assert comparison("", source, ("1.2.3", "1.2.4")).is_version_too_low
    assert not comparison("", source, ("1.2.3", "1.3.0")).is_version_too_low
    assert not comparison("", source, ("0.2.3", "0.2.4")).is_version_too_low
    assert not comparison(source, source, ("1.2.3", "1.2.4")).is_version_too_low
