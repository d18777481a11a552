"""Entry point of ``python -m dendrion``, which is equivalent to the command ``dendrion``."""

import sys

from .cli import main

sys.exit(main())
