"""Fine-tunes language models to write WebAssembly text: the Python half of `cargo zero tune`.

Modules that `plan` needs use the standard library only, so that a dry run installs nothing. torch and its friends are
imported where they are used, never at the top of a module that `plan` reaches.
"""

__version__ = "0.1.0"
