"""What the operator of a registry publishes about itself: the pages and the contacts of the
settings, as links.
"""

from collections.abc import Sequence

from shared.settings import Settings

Link = tuple[str, str]  # An address, and the words of its link.

_MAIL = "mailto:"


def operator_links(settings: Settings) -> tuple[Link, ...]:
    """Return the links of the operator that the settings name, in the order of the pages."""
    contact = settings.abuse_contact
    links = (
        (settings.privacy_url, "Privacy"),
        (settings.terms_url, "Terms of use"),
        (settings.imprint_url, "Imprint"),
        (contact_address(contact), "Report abuse"),
    )
    return tuple(each for each in links if each[0])


def contact_address(contact: str) -> str:
    """Return the address that a contact is opened with: of a mail address the `mailto:` one."""
    has_scheme = contact.startswith((_MAIL, "https://"))
    return contact if has_scheme or not contact else f"{_MAIL}{contact}"


def vulnerability_contacts(settings: Settings) -> Sequence[str]:
    """Return where somebody who found a vulnerability writes to, the preferred one first."""
    contacts = (settings.security_contact, contact_address(settings.abuse_contact))
    return tuple(dict.fromkeys(filter(None, contacts)))
