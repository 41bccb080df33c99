"""The outline of an API: how much of it has a doc comment."""

from shared.domain.api_docs.outline import count_documented, undocumented
from tests.support.documented import documented

SOURCE = """
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
    assert count_documented(documented(SOURCE)) == (3, 7)


def test_what_lacks_a_comment_is_listed() -> None:
    assert sorted(undocumented(documented(SOURCE))) == [
        "Client.get users/[string id]",
        "Client.put",
        "Service.onEvent",
        "plain",
    ]
