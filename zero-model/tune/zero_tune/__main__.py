"""`python -m zero_tune COMMAND …`."""

import sys

from zero_tune.cli import main

sys.exit(main(sys.argv[1:]))
