"""Token files of given ids."""

from pathlib import Path
from typing import Any

import numpy as np

from chartok import TokenFileWriter, Vocabulary


def write(path: Path, ids: Any, vocabulary: Vocabulary) -> Path:
    with TokenFileWriter(path, vocabulary) as writer:
        writer.write(np.asarray(ids, dtype=vocabulary.dtype))
    return path
