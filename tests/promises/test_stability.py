"""Files of earlier releases are read for good; ``python tests/promises/test_stability.py`` adds those of this one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm import (
    GPT,
    BatchSampler,
    BigramLanguageModel,
    CharLM,
    ClassicGPT,
    ClassicGPTConfig,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextClassifier,
    TextDataset,
    Trainer,
    TrainerConfig,
    load_model,
    read_log,
    save_model,
)
from charlm.files.run_description import RunDescription
from charlm.files.run_folder import RunFolder
from chartok import TokenFile, Vocabulary, __version__, encode_file

FILES = Path(__file__).parents[1] / "files"
RELEASES = sorted(path.name for path in FILES.iterdir())
VOCABULARY = Vocabulary("ab \ud800\U0001f600", special_tokens=["unk", "bos"])
TEXT = "ab ba\U0001f600 abba " * 6
LINES = [f"{hour:02}:{minute:02} done" for hour in range(24) for minute in range(0, 60, 7)]
TEXTS = {"digits": ["07:14", "11:59", "23:23"] * 5, "words": ["done", "undone", "to do"] * 5}
JUDGED = ["07:14 done", "08:15 done", "07:14 dome", "", "a text of another kind"]
INPUTS = torch.tensor([[0, 1, 2, 0]])
CONFIG = TrainerConfig(max_steps=4, learning_rate=0.05, log_interval=1, checkpoint_interval=2, evaluation_interval=2)


def models() -> list[LanguageModel]:
    ids, size, never = VOCABULARY.encode(TEXT), VOCABULARY.size, (VOCABULARY.special_tokens["bos"],)
    ngram = NGramLanguageModel(size, order=3, context_only=never).fit(ids)
    config = GPTConfig(vocab_size=size, block_size=4, n_layers=1, n_heads=1, width=4, hash_rows=8, context_only=never)
    gpt = GPT(config, seed=1)
    torch.nn.init.normal_(gpt.head.weight, generator=torch.Generator().manual_seed(1))
    shape = ClassicGPTConfig(vocab_size=size, block_size=4, n_layers=1, n_heads=1, width=4, context_only=never)
    return [
        BigramLanguageModel(size, seed=1),
        ngram,
        gpt,
        ClassicGPT(shape, seed=1),
        MixtureLanguageModel([gpt, ngram]),
    ]


def batches() -> tuple[BatchSampler, TextDataset]:
    train, validation = TextDataset(VOCABULARY.encode(TEXT), block_size=4).split(0.8)
    return BatchSampler(train, batch_size=4, seed=1, order="shuffled"), validation


def write(folder: Path) -> None:
    """Writes one file of each format, and what the models predict."""
    folder.mkdir(parents=True)
    VOCABULARY.save(folder / "vocabulary.json")
    (folder / "input.txt").write_text(TEXT, encoding="utf-8", newline="")
    encode_file(folder / "input.txt", folder / "input.tokens", VOCABULARY).close()
    expected = {}
    for model in models():
        save_model(folder / f"{model.family}.safetensors", model, VOCABULARY)
        expected[model.family] = model.eval()(INPUTS)[0].detach().double().tolist()
    (folder / "logits.json").write_text(json.dumps(expected))
    lm = CharLM.fit(LINES[::2], order=3).calibrate(LINES[1::2])
    lm.save(folder / "calibrated.safetensors")
    (folder / "p-values.json").write_text(json.dumps(lm.p_values(JUDGED).tolist()))
    classifier = TextClassifier.fit(TEXTS, order=2)
    classifier.save(folder / "classifier")
    (folder / "classes.json").write_text(json.dumps(classifier.probabilities(JUDGED).tolist()))
    train, validation = batches()
    trainer = Trainer(
        BigramLanguageModel(VOCABULARY.size),
        train,
        validation=validation,
        config=CONFIG,
        folder=folder / "run",
        vocabulary=VOCABULARY,
    )
    trainer.fit()
    RunFolder(folder / "run").write_description(
        RunDescription(text="input.txt", characters=len(TEXT), symbols=5, excerpt="ab", settings={"seed": 1})
    )


@pytest.fixture(params=RELEASES)
def folder(request: pytest.FixtureRequest) -> Path:
    return FILES / str(request.param)


def test_vocabularies_and_token_files_are_read(folder: Path) -> None:
    assert Vocabulary.load(folder / "vocabulary.json") == VOCABULARY
    with TokenFile(folder / "input.tokens") as tokens:
        tokens.verify()
        assert tokens.vocabulary == VOCABULARY
        assert VOCABULARY.decode(tokens.read(0, len(tokens))) == TEXT


def test_models_predict_what_they_did(folder: Path) -> None:
    for kind, expected in json.loads((folder / "logits.json").read_text()).items():
        model, vocabulary = load_model(folder / f"{kind}.safetensors")
        assert (model.family, vocabulary) == (kind, VOCABULARY)
        torch.testing.assert_close(model(INPUTS)[0].double(), torch.tensor(expected).double())


def test_calibrated_models_judge_as_they_did(folder: Path) -> None:
    lm = CharLM.load(folder / "calibrated.safetensors")
    assert lm.p_values(JUDGED).tolist() == pytest.approx(json.loads((folder / "p-values.json").read_text()))


def test_classifiers_tell_classes_apart_as_they_did(folder: Path) -> None:
    classifier = TextClassifier.load(folder / "classifier")
    expected = json.loads((folder / "classes.json").read_text())
    np.testing.assert_allclose(classifier.probabilities(JUDGED), expected, rtol=1e-6)


def test_runs_go_on(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "run", tmp_path / "run")
    train, validation = batches()
    trainer = Trainer.resume(tmp_path / "run", train, validation=validation)
    assert trainer.step == 4
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    shutil.rmtree(newest)
    train, validation = batches()
    trainer = Trainer.resume(tmp_path / "run", train, validation=validation)
    assert trainer.step == 2
    losses = [entry.train_loss for entry in read_log(folder / "run")]
    assert [entry.train_loss for entry in trainer.fit().log] == pytest.approx(losses)
    description = RunFolder(tmp_path / "run").read_description()
    assert description is not None
    assert description.text == "input.txt"


if __name__ == "__main__":
    write(FILES / __version__)
