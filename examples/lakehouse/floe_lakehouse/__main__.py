"""``python -m floe_lakehouse``."""

from __future__ import annotations

import sys

from floe_lakehouse.cli import main

if __name__ == "__main__":
    sys.exit(main())
