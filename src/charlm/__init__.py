"""Character-level language models on PyTorch: data, models, training, sampling, scoring.

PyTorch is loaded when a name that needs it is first used, not before.
"""

import importlib
from typing import TYPE_CHECKING, Any

from charlm.errors import CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError
from chartok import __version__

if TYPE_CHECKING:
    from charlm.batching import BatchSampler
    from charlm.corpora import python_docs
    from charlm.data import TextDataset
    from charlm.generation import generate
    from charlm.metrics import ProgressBar, TrainingRecord
    from charlm.modelfile import load_model, save_model
    from charlm.models import BigramLanguageModel, LanguageModel, NGramCounts, NGramLanguageModel
    from charlm.records import RecordDataset
    from charlm.scoring import Evaluation, evaluate, score
    from charlm.text import CharLM, classify
    from charlm.trainer import Trainer, TrainerConfig

__all__ = [
    "BatchSampler",
    "BigramLanguageModel",
    "CharLM",
    "CheckpointCorruptError",
    "CheckpointMismatchError",
    "CheckpointVersionError",
    "Evaluation",
    "LanguageModel",
    "NGramCounts",
    "NGramLanguageModel",
    "ProgressBar",
    "RecordDataset",
    "TextDataset",
    "Trainer",
    "TrainerConfig",
    "TrainingRecord",
    "__version__",
    "classify",
    "evaluate",
    "generate",
    "load_model",
    "python_docs",
    "save_model",
    "score",
]

_MODULE_OF = {
    "BatchSampler": "batching",
    "BigramLanguageModel": "models",
    "Evaluation": "scoring",
    "LanguageModel": "models",
    "NGramCounts": "models",
    "NGramLanguageModel": "models",
    "ProgressBar": "metrics",
    "RecordDataset": "records",
    "CharLM": "text",
    "classify": "text",
    "TextDataset": "data",
    "Trainer": "trainer",
    "TrainerConfig": "trainer",
    "TrainingRecord": "metrics",
    "evaluate": "scoring",
    "generate": "generation",
    "load_model": "modelfile",
    "python_docs": "corpora",
    "save_model": "modelfile",
    "score": "scoring",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"charlm.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
