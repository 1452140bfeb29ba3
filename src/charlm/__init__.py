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
    from charlm.data.batch_sampler import BatchSampler
    from charlm.data.corpora import python_docs, tiny_shakespeare
    from charlm.data.dataset import IGNORE_INDEX
    from charlm.data.record_dataset import RecordDataset
    from charlm.data.text_dataset import TextDataset
    from charlm.evaluation.scored_text import ScoredText
    from charlm.evaluation.scoring import Evaluation, evaluate, score
    from charlm.files.arpa.writer import load_arpa, save_arpa
    from charlm.files.model_file import load_model, save_model
    from charlm.files.onnx import save_onnx
    from charlm.generation.ids import generate, stream_ids
    from charlm.lm import CharLM, classify
    from charlm.models.base import LanguageModel
    from charlm.models.bigram import BigramLanguageModel
    from charlm.models.gpt.model import GPT, GPTConfig
    from charlm.models.mixture import MixtureLanguageModel
    from charlm.models.ngram.counts import NGramCounts
    from charlm.models.ngram.model import NGramLanguageModel
    from charlm.models.parameter_groups import ParameterGroups
    from charlm.report.page import write_report
    from charlm.training.config import TrainerConfig
    from charlm.training.log import LogEntry, read_log
    from charlm.training.observers import Progress, TensorBoardLog
    from charlm.training.trainer import Trainer

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
    "ParameterGroups",
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
    "BatchSampler": "data.batch_sampler",
    "BigramLanguageModel": "models.bigram",
    "Evaluation": "evaluation.scoring",
    "GPT": "models.gpt.model",
    "GPTConfig": "models.gpt.model",
    "IGNORE_INDEX": "data.dataset",
    "LanguageModel": "models.base",
    "MixtureLanguageModel": "models.mixture",
    "NGramCounts": "models.ngram.counts",
    "NGramLanguageModel": "models.ngram.model",
    "ParameterGroups": "models.parameter_groups",
    "Progress": "training.observers",
    "RecordDataset": "data.record_dataset",
    "CharLM": "lm",
    "classify": "lm",
    "TextDataset": "data.text_dataset",
    "Trainer": "training.trainer",
    "TensorBoardLog": "training.observers",
    "TrainerConfig": "training.config",
    "LogEntry": "training.log",
    "evaluate": "evaluation.scoring",
    "generate": "generation.ids",
    "load_arpa": "files.arpa.writer",
    "load_model": "files.model_file",
    "python_docs": "data.corpora",
    "read_log": "training.log",
    "save_arpa": "files.arpa.writer",
    "save_model": "files.model_file",
    "save_onnx": "files.onnx",
    "score": "evaluation.scoring",
    "stream_ids": "generation.ids",
    "ScoredText": "evaluation.scored_text",
    "tiny_shakespeare": "data.corpora",
    "write_report": "report.page",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"charlm.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
