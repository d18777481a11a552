"""``python -m dendrion``: the command ``dendrion``."""

import sys

from .cli import main

sys.exit(main())
