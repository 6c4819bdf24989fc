"""Words in messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 frame", "2 frames"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """The text on one line that no terminal acts upon: control characters, and bytes that are no text, become question marks."""
    return "".join(character if character.isprintable() else "?" for character in text)
