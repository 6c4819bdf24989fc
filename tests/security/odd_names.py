"""Names that a person, a camera or an attacker may give a file."""

from __future__ import annotations

import os

# Each a stem, as bytes where it is no UTF-8.
ODD_STEMS = [
    os.fsdecode(stem) if isinstance(stem, bytes) else stem
    for stem in (
        "two  words ",
        'it\'s "quoted"',
        "$(touch pwned)",
        "`touch pwned`",
        "; touch pwned #",
        "two\nlines",
        "tab\tand \x1b[31mred\x07\x7f",
        "-o",
        "--help",
        b"caf\xe9",
        b"\xff\xfe",
        "\u202eltr gnp\u202c \U0001f600",
        "شلل الوجه",
        "a..b",
        "..hidden..",
        "..",
        ".",
        "<script>document.title='ran'<&script>",
        "<img src=x onerror=\"document.title='ran'\">",
        '"><b onmouseover=alert(1)>',
        "=cmd|' &C calc'!A0",
        "+1+1",
        "@SUM(1)",
        "%d%03d%s%n",
        "{{7*7}}{% raise %}",
        "pipe:0",
        "http:&&example.org&x",
        "a;b|c&d>e<f*?[x]",
        "\\back\\slash",
        "[bold]x[red]",
        "e\u0301 e\u0301",
        "n" * 236,
        "\xe4" * 118,
    )
]
TOO_LONG = "n" * 251
