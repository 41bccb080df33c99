"""Attacks on whoever reads a text: written by hand in `attacks/`, and generated.

What an attack runs, if it runs, is `pwn(…)`; what it loads lies on evil.example.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

HERE = Path(__file__).with_name("attacks")
BETWEEN = "\n%%\n"

EVENTS = (
    "onerror onload onclick onmouseover onfocus onblur ontoggle onanimationstart onbegin onend"
    " onpointerenter onpointerrawupdate onscroll onwheel oncopy onauxclick onbeforematch"
    " onbeforetoggle oncontentvisibilityautostatechange onfocusin onformdata ontransitionend"
    " onsecuritypolicyviolation"
)
HOLDERS = ("img src=x", "p", "details open", "a href=x", "table", "td", "div", "kbd", "br", "h1")
SCHEMES = (
    "javascript:pwn(1)",
    "JaVaScRiPt:pwn(1)",
    " javascript:pwn(1)",
    "\x01javascript:pwn(1)",
    "java\tscript:pwn(1)",
    "java&#9;script:pwn(1)",
    "java&Tab;script:pwn(1)",
    "java&NewLine;script:pwn(1)",
    "javascript&colon;pwn(1)",
    "javascript&#58;pwn(1)",
    "&#x6A;avascript:pwn(1)",
    "&#0000106avascript:pwn(1)",
    "javascript://evil.example/%0apwn(1)",
    "javascript:/*--></title></style></textarea></script></xmp><svg/onload='pwn(1)'>",
    "vbscript:pwn(1)",
    "livescript:pwn(1)",
    "data:text/html,<script>pwn(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5wd24oMSk8L3NjcmlwdD4=",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='pwn(1)'/>",
    "view-source:javascript:pwn(1)",
    "feed:javascript:pwn(1)",
    "blob:https://evil.example/1",
    "file:///etc/passwd",
    "intent://evil.example#Intent;end",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "/\\evil.example/x",
    "https:evil.example",
    "https:///evil.example",
    "https://me@evil.example",
)
CARRIERS = (
    "[a]({})",
    "[a](<{}>)",
    "![a]({})",
    "[a][b]\n\n[b]: {}",
    "<{}>",
    '<a href="{}">a</a>',
    "<a href={}>a</a>",
    '<img src="{}">',
    '<img src=x srcset="{} 2x">',
    '<form action="{}"><button>a</button></form>',
    '<iframe src="{}"></iframe>',
    '<object data="{}"></object>',
    '<base href="{}"><a href="x">a</a>',
    '<meta http-equiv="refresh" content="0;url={}">',
    '<svg><a xlink:href="{}"><text y=20>a</text></a></svg>',
    '<math href="{}">a</math>',
    '<p background="{}" cite="{}" formaction="{}">a</p>',
)
CLOBBERED = (
    "content q search location document body head forms cookie attributes children firstChild"
    " getElementById querySelector defaultView constructor __proto__ toString name self top"
)
# What is too long, too deep or too invisible to be written by hand: `{name}` in the files.
FILLED = {
    "wide": "w" * 3_000,
    "deep quotes": "> " * 60 + "a",
    "deep lists": "\n".join("  " * depth + "- a" for depth in range(40)),
    "zalgo": "a" + "\u0300\u0316\u0489" * 200,
    "override": "\u202e",
    "isolate": "\u2067",
}


def attacks() -> dict[str, str]:
    found = dict(_written())
    found |= {f"event {at}": text for at, text in enumerate(_events())}
    found |= {f"address {at}": text for at, text in enumerate(_addresses())}
    found |= {f"name {at}": text for at, text in enumerate(_names())}
    return found


def _written() -> Iterator[tuple[str, str]]:
    for file in sorted(HERE.glob("*.txt")):
        for at, text in enumerate(file.read_text("utf-8").removesuffix("\n").split(BETWEEN)):
            for name, filling in FILLED.items():
                text = text.replace(f"{{{name}}}", filling)  # noqa: PLW2901 - filled step by step.
            yield f"{file.stem} {at}", text


def _events() -> Iterator[str]:
    for event, holder in product(EVENTS.split(), HOLDERS):
        yield f'<{holder} {event}="pwn(1)" tabindex=1 autofocus>a</{holder.split()[0]}>'


def _addresses() -> Iterator[str]:
    for scheme, carrier in product(SCHEMES, CARRIERS):
        yield carrier.replace("{}", scheme)


def _names() -> Iterator[str]:
    for name in CLOBBERED.split():
        yield f'<a id="{name}" name="{name}" href="https://evil.example">a</a><img name={name}>'
        yield f'<form id="{name}"><input name="{name}"><output id="{name}"></form>'
        yield f"# {name}\n\n[^{name}]\n\n[^{name}]: a"
