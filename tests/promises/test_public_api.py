import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import charlm
import chartok

CHARTOK = {
    "FileDecodeError",
    "IncrementalEncoder",
    "ReadingSettings",
    "SourceError",
    "TokenFile",
    "TokenFileError",
    "TokenFileWriter",
    "TokenIdError",
    "UnknownCharacterError",
    "Vocabulary",
    "VocabularyError",
    "__version__",
    "count_characters",
    "encode_file",
    "encode_files",
    "encode_texts",
    "read_counts",
    "read_records",
    "read_text",
}
CHARLM = {
    "AdaptiveCharLM",
    "AdaptiveLanguageModel",
    "ArpaFileError",
    "BatchSampler",
    "BigramLanguageModel",
    "BigramTable",
    "Calibration",
    "CTCHypothesis",
    "Channel",
    "CharLM",
    "CheckpointCorruptError",
    "CheckpointMismatchError",
    "CheckpointVersionError",
    "ClassicGPT",
    "ClassicGPTConfig",
    "Dataset",
    "ErrorSpotter",
    "Evaluation",
    "ForeignFileError",
    "GPT",
    "GPTConfig",
    "IGNORE_INDEX",
    "LabeledSpan",
    "LanguageModel",
    "MixtureLanguageModel",
    "NGramCounts",
    "NGramLanguageModel",
    "NGramTable",
    "NonFiniteLossError",
    "ParameterGroups",
    "Progress",
    "RecordDataset",
    "SamplingSettings",
    "ScoredText",
    "Temperature",
    "TensorBoardLog",
    "TextClassifier",
    "TextDataset",
    "TextState",
    "Trainer",
    "TrainerConfig",
    "UnusualSpan",
    "LogEntry",
    "__version__",
    "classify",
    "compress",
    "ctc_decode",
    "ctc_decode_batch",
    "decompress",
    "evaluate",
    "generate",
    "load_arpa",
    "load_classic_gpt",
    "load_model",
    "python_docs",
    "read_log",
    "save_arpa",
    "save_classic_gpt",
    "save_javascript",
    "save_model",
    "save_onnx",
    "score",
    "stream_ids",
    "tiny_shakespeare",
    "write_play",
    "write_report",
}


def test_the_public_names_are_these() -> None:
    assert set(chartok.__all__) == CHARTOK
    assert set(charlm.__all__) == CHARLM
    assert set(chartok.__all__) <= set(dir(chartok))
    assert set(charlm.__all__) <= set(dir(charlm))


@pytest.mark.parametrize(
    ("package", "name"), [(chartok, name) for name in sorted(CHARTOK)] + [(charlm, name) for name in sorted(CHARLM)]
)
def test_every_public_name_is_there_and_documented(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    assert isinstance(value, str | int) or value.__doc__


@pytest.mark.parametrize("package", [chartok, charlm])
def test_type_checkers_read_the_names_that_are_loaded(package: ModuleType) -> None:
    stub = Path(str(package.__file__)).with_suffix(".pyi").read_text("utf-8")
    imported = re.findall(r"^from ([\w.]+) import (\w+) as (\w+)$", stub, re.MULTILINE)
    declared = re.findall(r"^(\w+): ", stub, re.MULTILINE)
    assert sorted([name for _, _, name in imported] + declared) == sorted([*package.__all__, "__all__"])
    for module, name, shown in imported:
        assert name == shown
        assert getattr(importlib.import_module(module), name) is getattr(package, name)


@pytest.mark.parametrize("package", [chartok, charlm])
def test_a_star_import_brings_every_public_name(package: ModuleType) -> None:
    namespace: dict[str, object] = {}
    exec(f"from {package.__name__} import *", namespace)  # noqa: S102 - the promise under test
    assert namespace.keys() - {"__builtins__"} == set(package.__all__)


@pytest.mark.parametrize("package", [chartok, charlm])
def test_a_name_that_is_not_there_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Nothing'"):
        package.Nothing  # noqa: B018 - the promise under test


@pytest.mark.parametrize(
    ("code", "unloaded"),
    [
        ("import chartok; chartok.Vocabulary.from_text('abc').encode('cab')", {"torch", "safetensors", "charlm"}),
        ("import chartok; chartok.UnknownCharacterError; dir(chartok)", {"numpy"}),
        ("import charlm; charlm.CheckpointCorruptError; dir(charlm)", {"torch", "safetensors", "numpy"}),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, unloaded: set[str]) -> None:
    report = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not unloaded & set(report.stdout.split())
