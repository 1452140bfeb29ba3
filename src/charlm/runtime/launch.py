"""What torchrun tells the processes that it starts, read without PyTorch."""

from __future__ import annotations

import os


def launched_rank() -> int:
    """Returns the number of this process among those that torchrun started; 0 if it did not start this one."""
    return int(os.environ.get("RANK", "0")) if "TORCHELASTIC_RUN_ID" in os.environ else 0


def launched_processes() -> int:
    """Returns how many processes torchrun started, this one among them; 1 if it did not start this one."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1
