"""The command line in a process that dies at its fourth batch, unless torchrun has started it again."""

import os
import sys
from typing import Any

from charlm.cli.app import main
from charlm.data.batch_sampler import BatchSampler

take = BatchSampler.next_examples


def take_or_die(batches: BatchSampler) -> Any:
    if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and batches.batches_drawn % 5 == 4:
        os._exit(9)
    return take(batches)


if __name__ == "__main__":
    BatchSampler.next_examples = take_or_die  # type: ignore[method-assign, assignment]  # that is the point
    sys.exit(main())
