"""The one spelling that models are held to while they write (spec/wat-subset.md, "Generation")."""

import re

# Strings are kept; white space and comments become one blank. What is unfinished matches nothing and stays.
_PIECE = re.compile(r'("(?:[^"\\]|\\.)*")|(?:\s|;;[^\n]*|\(;(?:[^;]|;(?!\)))*;\))+')


def narrow(text: str) -> str:
    """The same module without comments, its tokens one blank apart.

    A typed mask admits no other spelling, and a server's answer is judged just the same, so this is what is trained.
    """
    return _PIECE.sub(lambda match: match[1] or " ", text).strip()
