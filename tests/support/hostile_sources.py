"""Sources that were made to be slow or deep, each of about a given number of characters."""

from collections.abc import Callable, Mapping


def _repeated(text: str, start: str = "", end: str = "") -> Callable[[int], str]:
    return lambda size: f"{start}{text * (size // len(text))}{end}"


def _staircase(word: str, step: int) -> Callable[[int], str]:
    """Return lines that are indented further and further, or less and less."""

    def source(size: int) -> str:
        depths = range(int((2 * size) ** 0.5))[::step]
        return "\n".join(f"{' ' * depth}{word}" for depth in depths)

    return source


def _matched(size: int) -> str:
    return f"function f() {{ {'(' * (size // 2)}{')' * (size // 2)} }}"


HOSTILE_SOURCES: Mapping[str, Callable[[int], str]] = {
    "nested brackets": _matched,
    "brackets without an end": _repeated("(", "function f() {"),
    "braces": _repeated("{"),
    "functions without an end": _repeated("function f() {\n"),
    "functions without an end in one line": _repeated("function f() { "),
    "functions that end wrongly": _repeated("function f() {(\n", end="}"),
    "functions without an end, each further left": _staircase("function f() {", -1),
    "definitions without an end, each further right": _staircase("type", 1),
    "lines of #": _repeated("#\n"),
    "comments of one line": _repeated("#\n\n"),
    "lines like parameters": _repeated("# + a - b\n"),
    "a long line like a parameter": _repeated("\\a", "# + "),
    "headings": _repeated("# # a\n"),
    "fences": _repeated("# ```\n"),
    "quotes": _repeated('"'),
    "strings without an end": _repeated('const A = "\n'),
    "a long string without an end": _repeated("a", 'const A = "'),
    "escapes": _repeated("\\", 'const A = "'),
    "backticks": _repeated("`"),
    "templates without an end": _repeated("const A = `;\n"),
    "dollars": _repeated("$", "const A = `"),
    "nested templates": _repeated("${`", "const A = `"),
    "interpolations without an end": _repeated("const A = `${\n"),
    "angles": _repeated("<", "type A map"),
    "streams in an expression": _repeated("stream<", "const A = ", ";"),
    "streams in a default": _repeated("stream<", "function f(int a = ", ") {}"),
    "maps of maps": _repeated("map<", "type A "),
    "maps without an end": _repeated("type A map<\n"),
    "one name": _repeated("a"),
    "one quoted name": _repeated("a", "'"),
    "apostrophes": _repeated("'"),
    "backslashes": _repeated("\\"),
    "digits": _repeated("1"),
    "letters above ASCII": _repeated("名"),
    "invisible characters": _repeated("\u200b"),
    "half characters": _repeated("\ud800"),
    "NUL": _repeated("\0"),
    "blanks": _repeated(" "),
    "line feeds": _repeated("\n"),
    "carriage returns": _repeated("\r"),
    "comments": _repeated("//\n"),
    "slashes": _repeated("/ ", "const A = "),
    "semicolons": _repeated(";"),
    "bars in braces": _repeated("{|"),
    "records in records": _repeated("record {| int a; ", "type A "),
    "records of records": _repeated("record {|", "type A "),
    "records without an end": _repeated("type A record {\n int a;\n"),
    "question marks": _repeated("?", "type A int", ";"),
    "dimensions": _repeated("[]", "type A int", ";"),
    "optional dimensions": _repeated("?[]", "type A int", ";"),
    "distinct": _repeated("distinct ", "type A "),
    "a long union": _repeated("|int", "type A int", ";"),
    "a long intersection": _repeated("&int", "type A int", ";"),
    "tuples in tuples": _repeated("[", "type A "),
    "parentheses": _repeated("(", "type A "),
    "functions of functions": _repeated("function (", "type A "),
    "functions that return functions": _repeated("function () returns ", "type A "),
    "objects in objects": _repeated("object { function f(", "type A "),
    "objects of objects": _repeated("object { public ", "type A "),
    "readonly": _repeated("readonly ", "type A record {"),
    "qualifiers": _repeated("public "),
    "qualifiers of types": _repeated("isolated "),
    "qualifiers in lines": _repeated("isolated\n"),
    "annotations": _repeated("@a "),
    "annotations in lines": _repeated("@a\n"),
    "annotations without an end": _repeated("@a {\n"),
    "a class without an end": _repeated("function f() {} ", "class C {"),
    "a class of statements": _repeated("x;", "class C {", "}"),
    "a class of unread methods": _repeated("function f({}\n", "class C {", "}"),
    "a class of unread types": _repeated("function (\n", "class C {", "}"),
    "a class of blocks": _repeated("x {", "class C {", "}"),
    "classes in classes": _repeated("class C {\n"),
    "commas": _repeated(",", "enum A {"),
    "members of an enum": _repeated("a = 1,", "enum A {"),
    "imports": _repeated("import a/b;\n"),
    "a long import": _repeated("b.", "import a/"),
    "keys of a table": _repeated("a,", "type A table<a> key("),
    "a long path": _repeated("a/", "class C { resource function get "),
    "brackets in a path": _repeated("a/[", "class C { resource function get "),
    "words": _repeated("type\n"),
    "indented words": _repeated("  type\n"),
    "variables": _repeated("int a;\n"),
    "patterns": _repeated("int [a, b] = 1;\n"),
    "parameters": _repeated("int a,", "function f(", ") {}"),
    "defaults": _repeated("int a = 1,", "function f(", ") {}"),
    "services without an end": _repeated("service a\n"),
    "listeners without an end": _repeated("listener a\n"),
    "every second one unread": _repeated("type A record { int a; };\nfunction f( {\n"),
}
