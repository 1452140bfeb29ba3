"""``python -m charlm`` is the command line."""

import os
import sys
from typing import TextIO

from charlm.cli.app import main

code: int = main()
if "TORCHELASTIC_RUN_ID" in os.environ:
    # A thread of torch may outlive its process group, and aborts a process that exits in the usual way.
    stream: TextIO
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(code)
sys.exit(code)
