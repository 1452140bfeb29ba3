"""Character-level language models on PyTorch: data, models, training, sampling, scoring.

PyTorch is loaded only when a name that needs it is first used. Type checkers and editors read the same names in
``__init__.pyi``, which a test compares with the table below.
"""

from chartok import __version__
from chartok.lazy import lazy_names

_MODULE_OF = {
    "AdaptiveCharLM": "evaluation.adaptive_text",
    "AdaptiveLanguageModel": "models.adaptive.model",
    "ArpaFileError": "errors",
    "BatchSampler": "data.batch_sampler",
    "BigramLanguageModel": "models.bigram.model",
    "BigramTable": "models.bigram.table",
    "Calibration": "decisions.calibration",
    "CTCHypothesis": "decoding.ctc",
    "Channel": "decoding.channel",
    "CharLM": "lm",
    "CheckpointCorruptError": "errors",
    "CheckpointMismatchError": "errors",
    "CheckpointVersionError": "errors",
    "ClassicGPT": "models.classic_gpt.model",
    "ClassicGPTConfig": "models.classic_gpt.config",
    "Dataset": "data.dataset",
    "ErrorSpotter": "decoding.both_sides",
    "Evaluation": "evaluation.scoring",
    "ForeignFileError": "errors",
    "GPT": "models.gpt.model",
    "GPTConfig": "models.gpt.config",
    "IGNORE_INDEX": "data.dataset",
    "LabeledSpan": "decisions.segmentation",
    "LanguageModel": "models.base",
    "LogEntry": "training.log",
    "MixtureLanguageModel": "models.mixture",
    "NGramCounts": "models.counting.counts",
    "NGramLanguageModel": "models.ngram.model",
    "NGramTable": "models.ngram.table",
    "NonFiniteLossError": "errors",
    "ParameterGroups": "models.parameter_groups",
    "Progress": "training.observers",
    "RecordDataset": "data.record_dataset",
    "SamplingSettings": "generation.settings",
    "ScoredText": "evaluation.scored_text",
    "Temperature": "decisions.temperature",
    "TensorBoardLog": "training.observers",
    "TextClassifier": "classification.classifier",
    "TextDataset": "data.text_dataset",
    "TextState": "decoding.text_state",
    "Trainer": "training.trainer",
    "TrainerConfig": "training.config",
    "UnusualSpan": "decisions.text_judge",
    "classify": "decisions.classification",
    "compress": "files.compressed_file",
    "ctc_decode": "decoding.ctc",
    "ctc_decode_batch": "decoding.ctc",
    "decompress": "files.compressed_file",
    "evaluate": "evaluation.scoring",
    "generate": "generation.ids",
    "load_arpa": "files.arpa.writer",
    "load_classic_gpt": "files.foreign.reader",
    "load_model": "files.model_file",
    "python_docs": "data.corpora",
    "read_log": "training.log",
    "save_arpa": "files.arpa.writer",
    "save_classic_gpt": "files.foreign.writer",
    "save_javascript": "recipes.browser",
    "save_model": "files.model_file",
    "save_onnx": "files.onnx.writer",
    "score": "evaluation.scoring",
    "stream_ids": "generation.ids",
    "tiny_shakespeare": "data.corpora",
    "write_play": "report.play",
    "write_report": "report.page",
}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604 - strings, all of them

_load, __dir__ = lazy_names(__name__, _MODULE_OF)


def __getattr__(name: str) -> object:
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        if error.name == "torch":
            from charlm.runtime.pytorch import require_pytorch  # noqa: PLC0415 - seldom needed

            require_pytorch()
        raise
