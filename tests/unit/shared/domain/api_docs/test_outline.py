"""The outline of an API: doc comments, and records with the fields that they include."""

from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.documents import read_document, write_document
from shared.domain.api_docs.model import RecordDocs, Type
from shared.domain.api_docs.outline import all_fields, count_documented, declared, undocumented
from tests.support.documented import documented, module_of, package_docs, shown

COMMENTED = """
# Documented
public client class Client {
    # Documented
    remote function get() {}
    remote function put() {}
    resource function get users/[string id]() {}
}
public function plain() {}
# Documented
public type Service service object {
    remote function onEvent();
};
"""


def test_declarations_and_methods_are_counted() -> None:
    assert count_documented(documented(COMMENTED)) == (3, 7)


def test_what_lacks_a_comment_is_listed() -> None:
    assert sorted(undocumented(documented(COMMENTED))) == [
        "Client.get users/[string id]",
        "Client.put",
        "Service.onEvent",
        "plain",
    ]


SOURCE = """
# Configures a client.
public type ClientConfiguration record {|
    *CommonConfiguration;
    # The retries
    int retries = 3;
    string host;
|};

# Configures anything.
#
# + timeout - How long to wait,
#             in seconds
public type CommonConfiguration record {|
    *Base;
    *Hidden;
    decimal timeout = 30;
    string host = "localhost";
    # Compresses texts.
    # - always
    #   - never
    readonly boolean compressed?;
    # Old.
    # # Deprecated
    # Use `timeout`.
    @deprecated
    int seconds = 0;
    string...;
|};

public type Base record {| int id; |};

type Hidden record {| *Deep; map<string> labels = {}; |};

public type Deep record {| int depth = 1; |};
"""


def record(source: str = SOURCE, name: str = "ClientConfiguration") -> RecordDocs:
    module = documented(source)
    return next(each for each in read_document(write_document(module)).records if each.name == name)


def test_an_included_field_says_where_it_is_declared_and_keeps_what_is_said_there(
    snapshot: SnapshotAssertion,
) -> None:
    """The record writes `host` again, and nobody can name the type that declares `labels`."""
    assert [shown(each) for each in all_fields(record())] == snapshot


def test_the_members_of_an_inclusion_stay_those_of_central_with_one_key_more() -> None:
    entry = record().fields[0]
    assert entry.inclusion_type
    names = [each.name for each in entry.inclusion_type.member_types]
    assert names == ["timeout", "host", "compressed", "seconds", "id", "labels", "depth", None]
    assert [each.field is None for each in entry.inclusion_type.member_types[-4:]] == [
        False,
        False,
        False,
        True,
    ]


def test_classes_and_object_types_have_the_fields_of_what_they_include() -> None:
    source = """
        public type Base object { public int id; };
        public type Wide object { *Base; public int width; };
        public class Box { *Base; public int id = 1; public int height = 2; }
    """
    module = documented(source)
    wide = module.object_types[1]
    box = module.classes[0]
    width, inherited = all_fields(wide)
    assert (width.name, width.inclusion_type, inherited.name) == ("width", None, "id")
    assert inherited.inclusion_type
    assert inherited.inclusion_type.name == "Base"
    assert [each.name for each in all_fields(box)] == ["id", "height"]


def test_a_symbol_tells_its_own_members_from_included_ones() -> None:
    symbols = {each.title: each for _, each in declared(documented(SOURCE))}
    symbol = symbols["ClientConfiguration"]
    assert [each.title for each in symbol.members()] == ["retries", "host"]
    included = [each.path for each in symbol.included_fields()]
    assert included[0] == "ClientConfiguration.timeout"
    assert len(included) == 6


def test_a_record_in_another_module_of_the_package_is_included_with_its_fields() -> None:
    base = module_of("public type Base record {| int id = 7; |};", "shop.base")
    shop = module_of("import acme/shop.base; public type R record {| *base:Base; |};")
    (r,) = package_docs(shop, base).modules[0].records
    (field,) = all_fields(r)
    assert field.default_value == "7"
    assert isinstance(field.inclusion_type, Type)
    assert field.inclusion_type.module_name == "shop.base"
