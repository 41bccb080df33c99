"""Changes of the API between two versions, and which of them break callers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.api_docs.comparison import (
    ApiChange,
    ApiChangeKind,
    ApiComparison,
    ChangedWords,
    CompareRoom,
    WordChange,
    changed_words,
    compare,
)
from shared.domain.api_docs.directions import ChangeLevel
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.names import Coordinate
from shared.domain.packages import Graph, GraphNode
from shared.domain.versions import Version
from tests.support.documented import documented, module_of, package_docs

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
    ("(int a)", "(int b)", MAJOR, "The parameter a was renamed to b."),
    ("(int a)", "(string b)", MAJOR, "The parameter a was removed or renamed."),
    ("(int... a)", "(int... b)", PATCH, "The parameter a was renamed to b."),
    (
        "(*Options a)",
        "(Options a = {})",
        MAJOR,
        "Fields of the parameter a can no longer be given by their names.",
    ),
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
    ("type T object {};", "type T client object {};", MAJOR, "It is a client now."),
    ("type T client object {};", "type T object {};", MAJOR, "It is no longer a client."),
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
    ("const int T = 1;", "const byte T = 1;", MINOR, "It has values of fewer types."),
    ("const T = 1;", "const T = 2;", MINOR, "It has another value."),
    ("const int T = 1;", 'const string T = "1";', MAJOR, "Type changed."),
    ("type T int;", "type T int|string;", MINOR, "The type has more values."),
    ("type T int|string;", "type T int;", MAJOR, "The type has fewer values."),
    ("type T int[];", "type T string[];", MAJOR, "Type changed."),
    ("type T map<int>;", "type T map<string>;", MAJOR, "Type changed."),
    ("type T map<int>;", "type T map<int>|int;", MINOR, "The type has more values."),
    (
        "type T table<map<int>>;",
        "type T table<map<int>> key<int>;",
        MAJOR,
        "The type has fewer values.",
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
    ("record {", "int a;", "string a;", "changed", MAJOR, "Type changed."),
    (
        "record {",
        "int a;",
        "int|string a;",
        "changed",
        MAJOR,
        "It may have values of more types.",
    ),
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


# --- What a change means depends on where the values go -------------------------------------------

CONFIG = "public type Config record {| %s |}; public function connect(Config config) {}"
RESULT = "public type Config record {| %s |}; public function read() returns Config {}"
UNUSED = "public type Config record {| %s |};"


@pytest.mark.parametrize(
    ("before", "after", "given", "got", "unused"),
    [
        ("int a;", "int|string a;", MINOR, MAJOR, MAJOR),
        ("int|string a;", "int a;", MAJOR, MINOR, MAJOR),
        ("int:Signed32 a;", "int a;", MINOR, MAJOR, MAJOR),
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
)  # fmt: skip
def test_where_values_go_is_followed_through_declarations(
    *, use: str, given: bool, got: bool
) -> None:
    frame = "public type A record {}; public type T record {| %s a; |}; "
    both, one = (frame % each + use for each in ("int|string", "int"))

    def is_breaking(before: str, after: str) -> bool:
        return any(each.symbol == "T.a" for each in comparison(before, after).breaking)

    assert (is_breaking(both, one), is_breaking(one, both)) == (given, got)


def test_callers_get_the_records_of_a_union_that_they_may_ask_for_and_only_give_the_union() -> None:
    frame = (
        "public type T record {| %s a; |}; public type U T|U[]|%s;"
        "public function f(typedesc<U> t = <>) returns t {}"
        "public function g(typedesc<U> t = <>) returns t {}"
    )
    before = frame % ("int", "string")
    field = changes(before, frame % ("int|string", "string"))
    alternative = changes(before, frame % ("int", "string|boolean"))

    assert ("T.a", MAJOR) in [(each.symbol, each.level) for each in field]
    assert [(each.symbol, each.level) for each in alternative if each.declares == "type"] == [
        ("U", MINOR)
    ]


def test_a_parameter_may_accept_a_wider_integer_and_a_result_may_not_be_one() -> None:
    narrow, wide = "int:Signed32", "int"
    (given,) = changes(f"public function f({narrow} a) {{}}", f"public function f({wide} a) {{}}")
    (got,) = changes(
        f"public function f() returns {narrow} {{}}", f"public function f() returns {wide} {{}}"
    )

    assert (given.level, given.reasons) == (MINOR, ("The parameter a accepts more types.",))
    assert (got.level, got.reasons) == (MAJOR, ("It returns more kinds of values.",))


def test_a_record_that_is_accepted_may_be_replaced_by_one_that_includes_its_values() -> None:
    message = "public type Message record {| byte[] content; |};"
    wider = f"{message} public type AnyMessage record {{| anydata content; |}};"
    (added, send) = changes(
        f"{message} public function send(Message m) {{}}",
        f"{wider} public function send(AnyMessage m) {{}}",
    )

    assert added.symbol == "AnyMessage"
    assert (send.level, send.reasons) == (MINOR, ("The parameter m accepts more types.",))


# --- Members of included records ------------------------------------------------------------------


def test_fields_of_an_included_record_have_its_defaults() -> None:
    before = "public type Common record {| int a = 1; |}; public type T record {| *Common; |};"
    after = before.replace("int a = 1;", "int a = 1; boolean lax = false;")

    found = [(each.symbol, each.level) for each in changes(before, after)]

    assert found == [("Common.lax", MINOR), ("T.lax", MINOR)]


def test_a_removed_default_of_an_included_field_breaks_those_who_give_the_record() -> None:
    before = (
        "public type Common record {| int a = 1; |}; public type T record {| *Common; |};"
        "public function f(T t) {}"
    )
    found = [
        (each.symbol, each.level, each.reasons)
        for each in changes(before, before.replace("int a = 1;", "int a;"))
    ]

    assert found == [
        ("Common.a", MAJOR, ("It has no default any more.",)),
        ("T.a", MAJOR, ("It has no default any more.",)),
    ]


def test_a_record_of_another_package_that_is_no_longer_included_is_a_breaking_change() -> None:
    source = "import ballerina/http; public type T record {| *http:Settings; int a; |};"

    (change,) = changes(source, source.replace("*http:Settings;", ""))

    assert (change.symbol, change.level) == ("T", MAJOR)
    assert change.reasons == ("It no longer includes http:Settings.",)


# --- Constants and enums --------------------------------------------------------------------------


def test_a_constant_that_becomes_a_member_of_an_enum_still_resolves() -> None:
    constants = 'public const A = "a"; public const B = "b"; public type Letter A|B;'
    members = 'public enum Letter { A = "a", B = "b" }'

    assert changes(constants, members) == ()
    assert changes(members, constants) == ()


def test_a_constant_that_becomes_a_member_of_an_enum_may_have_another_value() -> None:
    (constant, enum) = changes('public const A = "a";', "public enum Letter { A }")

    assert (constant.symbol, constant.level) == ("Letter.A", MINOR)
    assert constant.reasons == ("It has another value.",)
    assert (enum.symbol, enum.kind) == ("Letter", ApiChangeKind.ADDED)


def test_constants_that_are_not_public_count_by_their_values() -> None:
    before = 'const A = "a"; public type Letter A;'

    assert changes(before, 'public enum Letter { A = "a" }') == ()
    assert changes(before, 'public type Letter "a";') == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [("A", 'A|"b"'), ('readonly & "a"', 'readonly & ("a"|"b")')],
)
def test_more_literals_are_like_more_members_of_an_enum(before: str, after: str) -> None:
    frame = 'public const A = "a"; public type Letter %s; public function f() returns Letter {}'
    (change,) = [each for each in changes(frame % before, frame % after) if each.symbol == "Letter"]

    assert (change.level, change.reasons) == (MINOR, ("The type has more values.",))


# --- Errors, distinct types, tables and configurables ---------------------------------------------

ERRORS = "public type A record {| int a; |}; public type B record {| string b; |};"


@pytest.mark.parametrize(
    "form",
    [
        "error<%s>",
        "distinct error<%s>",
        "General & error<%s>",
        "distinct General & error<%s>",
        "distinct (General & error<%s>)",
    ],
)
def test_another_detail_type_of_an_error_is_a_breaking_change(form: str) -> None:
    frame = f"{ERRORS} public type General distinct error; public type E {form};"

    (change,) = changes(frame % "A", frame % "B")

    assert (change.symbol, change.level) == ("E", MAJOR)


def test_an_error_that_callers_get_may_have_more_details() -> None:
    frame = (
        "public type A record { int a; }; public type B record { *A; int b; };"
        "public type General distinct error; public type E General & error<%s>;"
    )
    (change,) = changes(frame % "A", frame % "B")

    assert (change.level, change.reasons) == (MINOR, ("It is an error of a more specific type.",))


def test_an_error_that_is_of_a_more_general_type_is_a_breaking_change() -> None:
    base = "public type General distinct error; public type Special distinct General;"
    (change,) = changes(
        f"{base} public type E distinct Special;", f"{base} public type E distinct General;"
    )

    assert (change.symbol, change.level) == ("E", MAJOR)
    assert change.reasons == ("It is an error of a more general type.",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A & error<map<int>>", "distinct A & error<map<int>>"),
        ("A & error<map<int>>", "distinct (A & error<map<int>>)"),
        ("A", "distinct A"),
        ("O", "distinct O"),
        ("error<map<int>>", "distinct error<map<int>>"),
    ],
)
def test_distinct_that_was_added_is_a_breaking_change(before: str, after: str) -> None:
    base = "public type A distinct error; public type O object {};"
    (change,) = changes(f"{base} public type T {before};", f"{base} public type T {after};")

    assert (change.symbol, change.level) == ("T", MAJOR)


def test_a_configurable_that_became_required_is_a_breaking_change() -> None:
    (change,) = changes("configurable int port = 80;", "configurable int port = ?;")
    (reverse,) = changes("configurable int port = ?;", "configurable int port = 80;")

    assert (change.level, change.reasons) == (MAJOR, ("It has no default any more.",))
    assert (reverse.level, reverse.reasons) == (MINOR, ("It has a default now.",))


def test_a_configurable_that_stays_required_changes_its_type_alone() -> None:
    before = "configurable int port = ?;"
    (change,) = changes(before, "configurable string port = ?;")

    assert changes(before, before) == ()
    assert (change.level, change.reasons) == (MAJOR, ("Type changed.",))


@pytest.mark.parametrize(
    "frame",
    [
        "public type T %s;",
        "public function f(%s a) {}",
        "public type T record {| %s a; |};",
        "public type T (%s)[];",
    ],
)
def test_another_key_of_a_table_is_a_breaking_change(frame: str) -> None:
    row = "public type Row record {| readonly int a; readonly int b; |}; "
    before, after = (row + frame % f"table<Row> key({key})" for key in "ab")

    (change,) = changes(before, after)

    assert change.level is MAJOR


# --- Parameters -----------------------------------------------------------------------------------


def test_the_name_of_a_path_parameter_may_change_and_its_type_may_be_wider() -> None:
    frame = "public type Id int|string; public client class C { resource function get a/%s() {} }"

    assert changes(frame % "[int id]", frame % "[int number]") == ()
    (wider,) = changes(frame % "[int id]", frame % "[Id id]")
    (narrower,) = changes(frame % "[Id id]", frame % "[int id]")
    assert (wider.symbol, wider.level) == ("C.get a/[Id id]", MINOR)
    assert wider.reasons == ("The path parameter [Id id] accepts more types.",)
    assert narrower.level is MAJOR


def test_quotes_of_names_do_not_count() -> None:
    before = "public class C { public function f(int 'key) {} public int 'version = 1; }"

    assert changes(before, before.replace("'", "")) == ()


def test_whoever_implements_a_method_chooses_the_names_of_its_parameters() -> None:
    frame = "public type S service object { remote function onEvent(int %s); };"

    (change,) = changes(frame % "a", frame % "b")

    assert (change.level, change.reasons) == (PATCH, ("The parameter a was renamed to b.",))


@pytest.mark.parametrize(
    "frame",
    ["service object { remote function a(%s); }", "object { public function a(%s); }"],
)
def test_whoever_implements_a_method_must_accept_its_new_parameters(frame: str) -> None:
    source = f"public type S {frame};"

    (change,) = changes(source % "", source % "int b = 1")

    assert (change.symbol, change.level) == ("S.a", MAJOR)
    assert change.reasons == ("Implementations lack the new parameter b.",)


def test_a_result_that_depends_on_the_caller_is_not_known_to_var() -> None:
    before = "public function read() returns string[]|error {}"
    after = "public function read(typedesc<string[]|map<string>> t = <>) returns t|error {}"
    (change,) = changes(before, after)
    (fewer,) = changes(before, after.replace("string[]|map", "map"))

    sentence = "The result has the type that the caller expects, so `var` cannot have it any more."
    assert (change.level, change.reasons[0]) == (MAJOR, sentence)
    assert (fewer.level, fewer.reasons[0]) == (MAJOR, "It returns values of another type.")


# --- Objects --------------------------------------------------------------------------------------


def test_a_method_may_be_added_to_an_object_type_that_callers_only_get() -> None:
    frame = "public type Zone object { %s }; public function zone() returns Zone {}"
    (change,) = changes(frame % "", frame % "public function name() returns string;")

    assert (change.symbol, change.level) == ("Zone.name", MINOR)


def test_a_field_of_a_class_needs_no_default() -> None:
    before = 'public class C { public final string a = ""; }'

    assert changes(before, before.replace(' = ""', "")) == ()


def test_a_class_that_is_no_longer_a_client_is_listed_with_its_members() -> None:
    before = "public client class C { remote function f() {} public function g() {} }"
    after = "public class C { public function f() {} public function g() {} }"
    found = [(each.symbol, each.level, each.reasons) for each in changes(before, after)]

    assert found == [
        ("C", MINOR, ("It is no longer a client.",)),
        ("C.f", MAJOR, ("It is no longer remote.",)),
    ]


def test_a_method_that_services_need_no_longer_is_a_compatible_change() -> None:
    frame = "public type S service object { %s };"
    (change,) = changes(frame % "remote function onEvent();", frame % "")

    assert (change.level, change.reasons) == (MINOR, ("Implementations may lack this method.",))


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ("public function init() {}", "", []),
        ("", "public function init() {}", []),
        ("public function init(int a = 1) {}", "", ["The method was removed."]),
        ("", "function init() {}", ["Other modules can no longer create objects of it."]),
        (
            "public function init() {}",
            "function init() {}",
            ["Other modules can no longer create objects of it."],
        ),
        ("function init() {}", "function init(int a) {}", []),
    ],
)
def test_a_class_without_init_is_created_without_arguments(
    before: str, after: str, reasons: list[str]
) -> None:
    found = changes(*(f"public class C {{ {each} }}" for each in (before, after)))

    assert [reason for each in found for reason in each.reasons] == reasons


def test_a_default_that_is_a_constant_now_is_the_same() -> None:
    before = 'configurable string format = "text";'
    after = 'public enum Format { TEXT = "text", JSON = "json" } configurable string format = TEXT;'

    assert [each.symbol for each in changes(before, after)] == ["Format"]


def test_a_method_added_to_a_type_that_a_class_includes_breaks_others_that_do() -> None:
    frame = "public type Api client object { %s }; public client class Client { *Api; %s }"
    before = frame % ("", "remote function get() {}")
    found = changes(before, frame % ("remote function get();", "remote function get() {}"))

    assert [(each.symbol, each.level) for each in found] == [("Api.get", MAJOR)]


# --- Defaults of inline records -------------------------------------------------------------------

INLINE = "record {| int a = 1; string b; |}"
NO_DEFAULT, OTHER_DEFAULT = INLINE.replace(" = 1", ""), INLINE.replace("1", "2")


@pytest.mark.parametrize(
    ("frame", "path"),
    [
        ("public function f(%s p) {}", "p.a"),
        ("public function f(%s[] p) {}", "p.a"),
        ("public function f(map<%s|int>? p) {}", "p.a"),
        ("public function f(record {| %s c; |} p) {}", "p.c.a"),
        ("public type T record {| %s p; |}; public function f(T t) {}", "a"),
        ("public type T %s[];", "a"),
        ("public type T map<%s>;", "a"),
        ("public type T table<%s>;", "a"),
        ("public annotation %s T on type;", "a"),
        ("public configurable %s p = ?;", "a"),
    ],
)
def test_the_defaults_of_an_inline_record_that_callers_give_are_compared(
    frame: str, path: str
) -> None:
    (lost,) = changes(frame % INLINE, frame % NO_DEFAULT)
    (other,) = changes(frame % INLINE, frame % OTHER_DEFAULT)
    (gained,) = changes(frame % NO_DEFAULT, frame % INLINE)

    assert (lost.level, lost.reasons) == (MAJOR, (f"The field {path} has no default any more.",))
    assert (other.level, other.reasons) == (PATCH, (f"The field {path} has another default.",))
    assert (gained.level, gained.reasons) == (PATCH, (f"The field {path} has another default.",))


@pytest.mark.parametrize("frame", ["function f() returns %s {}", "type T error<%s>;"])
def test_who_only_gets_an_inline_record_does_not_miss_its_default(frame: str) -> None:
    (lost,) = changes(f"public {frame % INLINE}", f"public {frame % NO_DEFAULT}")

    assert (lost.level, lost.reasons) == (PATCH, ("The field a has no default any more.",))


def test_a_constant_is_its_value_as_the_default_of_an_inline_record() -> None:
    frame = "public const ONE = 1; public function f(%s p) {}"

    assert changes(frame % INLINE, frame % INLINE.replace("= 1", "= ONE")) == ()


def test_a_field_of_an_inline_record_that_is_optional_now_needs_no_default() -> None:
    frame = "public function f(%s p) {}"
    (change,) = changes(frame % INLINE, frame % INLINE.replace("a = 1", "a?"))

    assert (change.level, change.reasons) == (MINOR, ("The parameter p accepts more types.",))


def test_a_field_with_a_default_may_be_added_to_an_inline_record_that_callers_only_give() -> None:
    added = INLINE.replace("string b;", "string b; int c = 1;")
    frames = (
        "public function f(%s p) {}",
        "public function f() returns %s {}",
        "public type T record {| %s p; |};",
        "public function f(function (%s) returns () p) {}",
    )

    levels = [changes(frame % INLINE, frame % added)[0].level for frame in frames]

    assert levels == [MINOR, MAJOR, MAJOR, MAJOR]


def test_the_defaults_of_another_number_of_inline_records_are_not_compared() -> None:
    (change,) = changes(
        f"public function f({INLINE} p) {{}}", f"public function f({NO_DEFAULT}|record {{}} p) {{}}"
    )

    assert change.reasons == ("The parameter p accepts more types.",)


# --- Records of other packages --------------------------------------------------------------------


def with_graph(source: str, http: str) -> ModuleDocs:
    """Return the documentation of a source that was built with a version of ballerina/http."""
    nodes = (GraphNode(org="ballerina", name="http", version=http),)
    release = Coordinate.parse("acme", "shop", "1.0.0")
    text = f"import ballerina/http; {source}"
    return package_docs(module_of(text), graph=Graph(nodes=nodes), release=release).modules[0]


def comparison_with(before: tuple[str, str], after: tuple[str, str]) -> ApiComparison:
    """Compare two sources with the versions of ballerina/http that they were built with."""
    old, new = Version.parse("1.0.0"), Version.parse("1.0.1")
    return compare((old, [with_graph(*before)]), (new, [with_graph(*after)]))


INCLUDING = "public type T record {| *http:Settings; int a; |};"


def test_a_newer_version_of_an_included_record_is_said_and_is_no_change() -> None:
    found = comparison_with((INCLUDING, "2.1.0"), (INCLUDING, "2.3.0"))

    assert found.changes == ()
    assert found.included_elsewhere == ("ballerina/http 2.3.0, which was 2.1.0",)
    assert not found.has_moved_fields


def test_the_same_version_of_an_included_record_is_not_said() -> None:
    found = comparison_with((INCLUDING, "2.1.0"), (INCLUDING, "2.1.0"))

    assert (found.changes, found.included_elsewhere) == ((), ())


@pytest.mark.parametrize(("before", "after"), [("1.9.0", "2.0.0"), ("0.1.4", "0.2.0")])
def test_an_included_record_of_an_incompatible_version_breaks_whoever_uses_the_former_one(
    before: str, after: str
) -> None:
    (change,) = comparison_with((INCLUDING, before), (INCLUDING, after)).changes

    assert (change.symbol, change.level) == ("T", MAJOR)
    (reason,) = change.reasons
    assert reason.startswith(f"It includes http:Settings of version {after} instead of {before}")
    assert reason.endswith("a build cannot have both.")


def test_an_inclusion_without_a_known_version_is_only_named() -> None:
    source = "import elsewhere/far; public type T record {| *far:Settings; |};"

    assert comparison(source, source).included_elsewhere == ()


def test_a_field_may_have_moved_into_a_record_of_another_package() -> None:
    before = "public type T record {| int a; int b; |}; public function f(T t) {}"
    found = comparison_with(
        (before, "2.1.0"), (before.replace("int b;", "*http:Settings;"), "2.1.0")
    )

    assert [(each.symbol, each.level, each.reasons) for each in found.changes] == [
        ("T", PATCH, ("It includes http:Settings now.",)),
        ("T.b", PATCH, ("It was removed, unless http:Settings has it, which T includes now.",)),
    ]
    assert found.included_elsewhere == ("ballerina/http 2.1.0",)
    assert found.has_moved_fields


def test_a_field_may_have_been_one_of_a_record_of_another_package() -> None:
    after = "public type T record {| int a; int b; |}; public function f(T t) {}"
    before = after.replace("int b;", "*http:Settings;")
    found = comparison_with((before, "2.1.0"), (after, "2.1.0"))

    assert [(each.symbol, each.level, each.reasons) for each in found.changes] == [
        ("T", PATCH, ("It no longer includes http:Settings.",)),
        ("T.b", PATCH, ("It was added, unless http:Settings had it, which T included.",)),
    ]
    assert found.has_moved_fields


def test_an_inclusion_that_replaces_no_field_adds_some() -> None:
    before = "public type T record {| int a; |};"
    (change,) = comparison_with((before, "2.1.0"), (INCLUDING, "2.1.0")).changes

    assert (change.level, change.reasons) == (MINOR, ("It includes http:Settings now.",))


KEPT, DELETED, INSERTED = WordChange.KEPT, WordChange.DELETED, WordChange.INSERTED


def words(before: str, after: str, pairs: int = 1_000) -> list[tuple[WordChange, str]]:
    return [(each.change, each.text) for each in changed_words(before, after, CompareRoom(pairs))]


def test_only_the_changed_words_are_marked() -> None:
    assert words("f(int a)", "f(string a)") == [
        (KEPT, "f("),
        (DELETED, "int"),
        (INSERTED, "string"),
        (KEPT, " a)"),
    ]


def test_what_exists_once_is_deleted_or_inserted_as_a_whole() -> None:
    assert words("f()", "") == [(DELETED, "f()")]
    assert words("", "f()") == [(INSERTED, "f()")]
    assert words("", "") == []


def test_texts_without_room_are_replaced_as_a_whole() -> None:
    room = CompareRoom(10)
    assert len(changed_words("a b", "a c", room)) == 3
    assert room.pairs == 1
    assert changed_words("a b", "a c", room) == [
        ChangedWords(DELETED, "a b"),
        ChangedWords(INSERTED, "a c"),
    ]


@given(st.text("ab ,(|)", max_size=12), st.text("ab ,(|)", max_size=12))
def test_the_marked_words_are_those_of_both_texts(before: str, after: str) -> None:
    found = words(before, after)
    assert "".join(text for change, text in found if change is not INSERTED) == before
    assert "".join(text for change, text in found if change is not DELETED) == after
