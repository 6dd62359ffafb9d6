"""Text of unknown origin as a terminal, a log or a page may show it: nothing in it commands."""

from __future__ import annotations

import re

_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, ends of lines, what turns the direction of writing, and broken characters."""


def visible(text: object) -> str:
    r"""The text in one line, with what would command a terminal written as its escape.

    >>> visible("Ann\x1b[2J\nerror: none")
    'Ann\\x1b[2J\\nerror: none'
    """
    return _COMMANDS.sub(_escape, str(text))


def visible_lines(text: object, indent: str = "  ") -> str:
    r"""As `visible`, but lines stay lines; the second and later ones begin with an indent.

    With one, none of them can be taken for a line of its own, such as one of a log.

    >>> visible_lines("3 rows\nerror: \x07none")
    '3 rows\n  error: \\x07none'
    """
    return f"\n{indent}".join(map(visible, str(text).split("\n")))


def as_code(text: object) -> str:
    r"""The text as Markdown that shows it as it is: no link, no picture, no emphasis, no tag.

    >>> as_code("![x](y)`.csv")
    '`` ![x](y)`.csv ``'
    """
    told = visible(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", told)), default=0))
    return f"{fence} {told} {fence}"


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
