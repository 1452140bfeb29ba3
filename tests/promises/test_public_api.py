import subprocess
import sys

import pytest

import charlm
import chartok

CHARTOK = {
    "FileDecodeError",
    "TokenFile",
    "TokenFileError",
    "TokenIdError",
    "UnknownCharacterError",
    "Vocabulary",
    "VocabularyError",
    "__version__",
    "count_characters",
    "encode_file",
    "encode_files",
    "read_text",
}
CHARLM = {
    "ArpaFileError",
    "BatchSampler",
    "BigramLanguageModel",
    "CharLM",
    "CheckpointCorruptError",
    "CheckpointMismatchError",
    "CheckpointVersionError",
    "Evaluation",
    "GPT",
    "GPTConfig",
    "IGNORE_INDEX",
    "LanguageModel",
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
    "LogEntry",
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
}


def test_the_public_names_are_these() -> None:
    assert set(chartok.__all__) == CHARTOK
    assert set(charlm.__all__) == CHARLM
    assert set(charlm.__all__) <= set(dir(charlm))


@pytest.mark.parametrize("name", sorted(CHARLM))
def test_every_public_name_of_charlm_is_there_and_documented(name: str) -> None:
    value = getattr(charlm, name)
    assert isinstance(value, str | int) or value.__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        charlm.Nothing  # noqa: B018 - the promise under test


@pytest.mark.parametrize(
    ("code", "unloaded"),
    [
        ("import chartok; chartok.Vocabulary.from_text('abc').encode('cab')", {"torch", "safetensors", "charlm"}),
        ("import charlm; charlm.CheckpointCorruptError; dir(charlm)", {"torch", "safetensors"}),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, unloaded: set[str]) -> None:
    report = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not unloaded & set(report.stdout.split())
