"""The forms that browsers of tests send are those of the page."""

import pytest

from tests.support.page_forms import SentForm, Typed, form_to_send, forms_of

URL = "https://registry.test/rules?tab=all"
TARGET = "https://registry.test/rules"
PAGE = """
<form method="get" action="/search"><input name="q"></form>
<form method="post" action="/rules" class="card">
<input type="hidden" name="csrf" value="a&amp;b">
<input name="owner" value="ann">
<input type="checkbox" name="rule" value="signed" checked>
<input type="checkbox" name="rule" value="old">
<select name="mode">
<option value="warn">Warn</option>
<option value="hold" selected>Hold</option>
</select>
<textarea name="note">1 &lt; 2</textarea>
<button type="submit">Save <b>rules</b></button>
<button type="submit" formaction="/rules/preview">Preview</button>
<button type="button">Help</button>
</form>
<form method="post" action="/remove">
<input type="hidden" name="id" value="1"><button>Remove</button>
</form>
<form method="post" action="/remove">
<input type="hidden" name="id" value="2"><button>Remove</button>
</form>
<form method="post">
<button name="decision" value="yes">Yes</button>
<button name="decision" value="no">No</button>
</form>
"""


def sent(address: str, text: str = "", typed: Typed | None = None) -> SentForm:
    return form_to_send(forms_of(PAGE, URL), f"https://registry.test{address}", text, typed or {})


def test_a_form_is_sent_with_its_hidden_fields_and_what_nobody_changed() -> None:
    fields = {
        "csrf": ["a&b"],
        "owner": ["ann"],
        "rule": ["signed"],
        "mode": ["hold"],
        "note": ["1 < 2"],
    }
    assert sent("/rules") == SentForm(TARGET, fields)
    typed: Typed = {"rule": ["old"], "mode": "warn", "note": ""}
    changed = {"rule": ["old"], "mode": ["warn"], "note": [""]}
    assert sent("/rules", typed=typed) == SentForm(TARGET, fields | changed)


def test_a_button_may_send_its_form_elsewhere() -> None:
    assert sent("/rules/preview").action == f"{TARGET}/preview"
    assert sent("/rules", "Save rules").action == TARGET


def test_hidden_fields_and_buttons_select_among_forms_of_one_address() -> None:
    assert sent("/remove", typed={"id": "2"}).fields == {"id": ["2"]}
    assert sent("/rules?tab=all", typed={"decision": "no"}) == SentForm(URL, {"decision": ["no"]})


@pytest.mark.parametrize(
    ("address", "text", "typed", "reason"),
    [
        ("/none", "", {}, "the page has no button '' for https://registry.test/none"),
        ("/rules", "Delete", {}, "the page has no button 'Delete' for"),
        ("/search", "", {"q": "greet"}, "the page has no button '' for"),
        ("/rules", "", {"other": "x"}, "other is no field"),
        ("/rules", "", {"csrf": "guess"}, "csrf is hidden, and not 'guess'"),
        ("/rules", "", {"mode": "off"}, "mode has no option 'off'"),
        ("/rules", "", {"rule": ["signed", "new"]}, "rule has no option 'new'"),
        ("/remove", "", {}, "2 forms for https://registry.test/remove fit"),
    ],
)
def test_what_the_page_does_not_offer_is_not_sent(
    address: str, text: str, typed: Typed, reason: str
) -> None:
    with pytest.raises(AssertionError) as failure:
        sent(address, text, typed)
    assert reason in str(failure.value)
