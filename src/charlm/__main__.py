"""``python -m charlm`` is the command line."""

import sys

from charlm.cli import main

sys.exit(main())
