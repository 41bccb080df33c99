"""The forms of a page that are posted, filled in and sent as by a browser."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

# What somebody enters, by the names of fields. An empty list unchecks all checkboxes of a name.
Typed = Mapping[str, str | list[str]]

_CHECKED = ("checkbox", "radio")


@dataclass
class Field:
    """A field of a form."""

    name: str
    kind: str  # The type of an input, or `select` or `textarea`.
    value: str = ""
    is_sent: bool = True  # If nobody changes it.
    options: list[str] = field(default_factory=list[str])
    takes_link_code: bool = False  # The script of the site fills it in from a link.


@dataclass
class Button:
    """A button that sends a form; `action` is its own, if it has one."""

    name: str
    value: str
    action: str | None
    text: str = ""


@dataclass(frozen=True)
class SentForm:
    """The address that a form is sent to, and what is sent."""

    action: str
    fields: Mapping[str, list[str]]


@dataclass
class Form:
    """A form of a page."""

    action: str
    fields: list[Field] = field(default_factory=list[Field])
    buttons: list[Button] = field(default_factory=list[Button])

    @property
    def link_code(self) -> str | None:
        """Return the name of the field that takes the code of a link, if there is one."""
        return next((each.name for each in self.fields if each.takes_link_code), None)

    def address(self, button: Button) -> str:
        """Return where the button sends the form."""
        return urldefrag(button.action or self.action).url

    def sent_by(self, button: Button, typed: Typed) -> SentForm:
        """Return what the button sends: what was typed, and else what the page has."""
        sent = dict[str, list[str]]()
        for each in self.fields:
            if each.is_sent:
                sent.setdefault(each.name, []).append(each.value)
        for name, value in typed.items():
            sent[name] = [value] if isinstance(value, str) else value
        if button.name:
            sent[button.name] = [button.value]
        return SentForm(self.address(button), sent)

    def misfits(self, button: Button, typed: Typed) -> Iterator[str]:
        """Yield what of the typed values nobody can send with this button."""
        for name, value in typed.items():
            values = [value] if isinstance(value, str) else value
            fields = [each for each in self.fields if each.name == name]
            if name == button.name and values == [button.value]:
                continue
            if not fields:
                yield f"{name} is no field"
            elif fields[0].kind == "hidden" and values != [each.value for each in fields]:
                yield f"{name} is hidden, and not {value!r}"
            elif fields[0].kind in (*_CHECKED, "select"):
                options = [option for each in fields for option in each.options]
                yield from (
                    f"{name} has no option {each!r}" for each in values if each not in options
                )


def forms_of(page: str, url: str) -> list[Form]:
    """Return the forms of a page that are posted. One without an action is sent to the address of
    the page."""
    reader = _Reader(url)
    reader.feed(page)
    return reader.forms


def form_to_send(forms: Sequence[Form], address: str, text: str, typed: Typed) -> SentForm:
    """Return the form that is sent to the address by a button whose text begins so, filled in; fail
    if there is none, or several that send different fields."""
    target = urldefrag(address).url
    pairs = [
        (form, button)
        for form in forms
        for button in form.buttons
        if form.address(button) == target and button.text.startswith(text)
    ]
    problems = dict.fromkeys(
        problem for form, button in pairs for problem in form.misfits(button, typed)
    )
    fitting = list[SentForm]()
    for form, button in pairs:
        sent = form.sent_by(button, typed)
        if not list(form.misfits(button, typed)) and sent not in fitting:
            fitting.append(sent)
    offered = sorted({form.address(button) for form in forms for button in form.buttons})
    assert pairs, f"the page has no button {text!r} for {target}; its forms are for {offered}"
    assert fitting, f"no form for {target} fits: {'; '.join(problems)}"
    assert len(fitting) == 1, f"{len(fitting)} forms for {target} fit: {fitting}"
    return fitting[0]


class _Reader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._url = url
        self._form: Form | None = None
        self._open: Field | Button | None = None  # A textarea, a select or a button.

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and found.get("method") == "post":
            self._form = Form(urljoin(self._url, found.get("action", "")))
            self.forms.append(self._form)
        elif self._form is None or "disabled" in found:
            return
        elif tag == "input":
            self._form.fields += self._inputs(found)
        elif tag in ("select", "textarea"):
            self._open = Field(found["name"], tag)
            self._form.fields.append(self._open)
        elif tag == "option" and isinstance(self._open, Field):  # Others are of a `datalist`.
            if not self._open.options or "selected" in found:
                self._open.value = found["value"]
            self._open.options.append(found["value"])
        elif tag == "button" and found.get("type", "submit") == "submit":
            own = urljoin(self._url, found["formaction"]) if "formaction" in found else None
            self._open = Button(found.get("name", ""), found.get("value", ""), own)
            self._form.buttons.append(self._open)

    def _inputs(self, found: Mapping[str, str]) -> Iterator[Field]:
        kind = found.get("type", "text")
        if "name" not in found:
            return
        if kind in _CHECKED:
            value = found.get("value", "on")
            yield Field(found["name"], kind, value, "checked" in found, [value])
        else:
            takes_link_code = "data-link-code" in found
            value = found.get("value", "")
            yield Field(found["name"], kind, value, takes_link_code=takes_link_code)

    def handle_data(self, data: str) -> None:
        if isinstance(self._open, Button):
            self._open.text += data
        elif self._open is not None and self._open.kind == "textarea":
            self._open.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag in ("textarea", "select", "button"):
            self._open = None
