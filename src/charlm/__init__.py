"""Character-level language models on PyTorch: data, models, training, sampling, scoring.

PyTorch is loaded when a name that needs it is first used, not before.
"""

import importlib
from typing import TYPE_CHECKING, Any

from charlm.errors import (
    ArpaFileError,
    CheckpointCorruptError,
    CheckpointMismatchError,
    CheckpointVersionError,
    NonFiniteLossError,
)
from chartok import __version__

if TYPE_CHECKING:
    from charlm.arpafile import load_arpa, save_arpa
    from charlm.batching import BatchSampler
    from charlm.corpora import python_docs, tiny_shakespeare
    from charlm.data import IGNORE_INDEX, TextDataset
    from charlm.generation import generate, stream_ids
    from charlm.metrics import LogEntry, Progress, TensorBoardLog, read_log
    from charlm.modelfile import load_model, save_model
    from charlm.models import (
        GPT,
        BigramLanguageModel,
        GPTConfig,
        LanguageModel,
        MixtureLanguageModel,
        NGramCounts,
        NGramLanguageModel,
    )
    from charlm.onnxfile import save_onnx
    from charlm.records import RecordDataset
    from charlm.report import write_report
    from charlm.scoredtext import ScoredText
    from charlm.scoring import Evaluation, evaluate, score
    from charlm.text import CharLM, classify
    from charlm.trainer import Trainer
    from charlm.trainerconfig import TrainerConfig

__all__ = [
    "GPT",
    "IGNORE_INDEX",
    "ArpaFileError",
    "BatchSampler",
    "BigramLanguageModel",
    "CharLM",
    "CheckpointCorruptError",
    "CheckpointMismatchError",
    "CheckpointVersionError",
    "Evaluation",
    "GPTConfig",
    "LanguageModel",
    "LogEntry",
    "MixtureLanguageModel",
    "NGramCounts",
    "NGramLanguageModel",
    "NonFiniteLossError",
    "Progress",
    "RecordDataset",
    "ScoredText",
    "TensorBoardLog",
    "TextDataset",
    "Trainer",
    "TrainerConfig",
    "__version__",
    "classify",
    "evaluate",
    "generate",
    "load_arpa",
    "load_model",
    "python_docs",
    "read_log",
    "save_arpa",
    "save_model",
    "save_onnx",
    "score",
    "stream_ids",
    "tiny_shakespeare",
    "write_report",
]

_MODULE_OF = {
    "BatchSampler": "batching",
    "BigramLanguageModel": "models",
    "Evaluation": "scoring",
    "GPT": "models",
    "GPTConfig": "models",
    "IGNORE_INDEX": "data",
    "LanguageModel": "models",
    "MixtureLanguageModel": "models",
    "NGramCounts": "models",
    "NGramLanguageModel": "models",
    "Progress": "metrics",
    "RecordDataset": "records",
    "CharLM": "text",
    "classify": "text",
    "TextDataset": "data",
    "Trainer": "trainer",
    "TensorBoardLog": "metrics",
    "TrainerConfig": "trainerconfig",
    "LogEntry": "metrics",
    "evaluate": "scoring",
    "generate": "generation",
    "load_arpa": "arpafile",
    "load_model": "modelfile",
    "python_docs": "corpora",
    "read_log": "metrics",
    "save_arpa": "arpafile",
    "save_model": "modelfile",
    "save_onnx": "onnxfile",
    "score": "scoring",
    "stream_ids": "generation",
    "ScoredText": "scoredtext",
    "tiny_shakespeare": "corpora",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"charlm.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
