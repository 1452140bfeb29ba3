"""Token files of given ids."""

from pathlib import Path
from typing import Any

import numpy as np

from chartok import Vocabulary
from chartok.token_file import write_token_file


def write(path: Path, ids: Any, vocabulary: Vocabulary) -> Path:
    with write_token_file(path, vocabulary) as writer:
        writer.append(np.asarray(ids, dtype=vocabulary.dtype))
    return path
