"""``python -m dendrion``: the command ``dendrion``."""

import sys

from .command import main

sys.exit(main())
