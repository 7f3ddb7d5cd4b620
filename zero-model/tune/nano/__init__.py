"""Tasks for `zero-nano`: a generator of small functions, their descriptions in words, and answers in WebAssembly text.

Each function is a tree (`expr.py`) or one of a few loops over trees (`loops.py`). One walk prints it as WebAssembly,
another computes it in Python, a third says it in words; the sandbox then runs the first against the second.
"""
