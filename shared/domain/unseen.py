"""Characters that nobody sees and that change what everybody reads, made visible.

A text may say one thing to a compiler and another one to its reader: letters that turn the
direction of what follows do that. Where they mean no harm, a text is read without them as well.
"""

# Embeddings, overrides and isolates, with the ends of both. The marks that stand for a single
# letter of either direction (U+200E, U+200F, U+061C) are left alone: prose needs them.
_TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]

_NAMES = {code: f"[U+{code:04X}]" for code in _TURNING}


def visible(text: str) -> str:
    """Return the text with a name for each character that turns its direction."""
    return text if text.isascii() else text.translate(_NAMES)
