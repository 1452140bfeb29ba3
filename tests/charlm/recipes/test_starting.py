"""Training that starts from a model that is there."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm import BigramLanguageModel, CharLM, MixtureLanguageModel, NGramLanguageModel, TrainerConfig
from charlm.cli.app import main
from charlm.errors import CheckpointMismatchError
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT
from charlm.recipes.presets import CONFIGS
from charlm.recipes.starting import Start, family_of_start
from charlm.training.checkpoint import newest_checkpoint
from chartok import Vocabulary
from lively_gpt import lively

BEFORE = Vocabulary("abcd", special_tokens=["bos", "unk"])
HELD = TrainerConfig(max_steps=1, learning_rate=1e-30)
"""One step that moves no weight."""
RUN = ["--model", "gpt", "--size", "nano", "--block-size", "8", "--device", "cpu", "--optimizer", "adamw"]


def transformer(vocabulary: Vocabulary = BEFORE, **shape: Any) -> CharLM:
    config: dict[str, Any] = {"block_size": 6, "n_layers": 1, "n_heads": 2, "width": 8, "hash_rows": 11}
    config |= {"context_only": (vocabulary.special_tokens["bos"],)}
    return CharLM(lively(GPTConfig(vocab_size=vocabulary.size, **(config | shape))), vocabulary)


def mixture(vocabulary: Vocabulary = BEFORE, order: int = 3) -> CharLM:
    gpt = transformer(vocabulary).model
    ngram = NGramLanguageModel(gpt.vocab_size, order=order, context_only=gpt.context_only)
    ngram.fit(vocabulary.encode("abcdabca" * 4))
    return CharLM(MixtureLanguageModel([gpt, ngram]), vocabulary)


def gpt_of(lm: CharLM) -> GPT:
    assert isinstance(lm.model, GPT)
    return lm.model


@settings(max_examples=10, deadline=None)
@given(new=st.text("xyzé", min_size=1, max_size=3))
def test_training_starts_from_the_weights_and_the_ids_of_a_model(new: str) -> None:
    before = transformer()
    lm = CharLM.fit(f"abca{new}" * 9, init_from=before, config=HELD, device="cpu")
    assert lm.vocabulary == BEFORE.extend(new)
    old = np.arange(BEFORE.size)
    assert np.array_equal(lm.vocabulary.remap(BEFORE), old)
    inputs = torch.tensor([[0, 1, 2, 3]])
    expected = before.model(inputs)[0].detach()
    assert torch.allclose(lm.model(inputs)[0][..., old].detach(), expected, atol=1e-6)


def test_the_model_that_training_starts_from_is_not_changed() -> None:
    before = transformer()
    weights = {name: tensor.clone() for name, tensor in before.model.state_dict().items()}
    CharLM.fit("abcd" * 9, init_from=before, config=TrainerConfig(max_steps=2), device="cpu")
    assert all(torch.equal(weights[name], tensor) for name, tensor in before.model.state_dict().items())
    assert before.vocabulary == BEFORE


def test_a_start_gives_the_family_and_the_shape() -> None:
    lm = CharLM.fit("abcd" * 9, init_from=transformer(), config=HELD, device="cpu")
    assert (lm.family, gpt_of(lm).config.block_size, gpt_of(lm).config.width) == ("gpt", 6, 8)


def test_what_no_weight_depends_on_may_differ() -> None:
    lm = CharLM.fit("abcd" * 9, init_from=transformer(), block_size=4, config=HELD, device="cpu")
    assert gpt_of(lm).config.block_size == 4


def test_a_start_of_another_shape_is_refused_with_every_difference() -> None:
    with pytest.raises(ValueError, match=r"a different shape .*: n_heads: 2 -> 4; n_layers: 1 -> 4; width: 8"):
        CharLM.fit("abcd" * 50, init_from=transformer(), size="nano", config=HELD, device="cpu")


def test_a_transformer_starts_from_that_of_a_mixture() -> None:
    lm = CharLM.fit("abcd" * 60, "gpt", init_from=mixture(), config=HELD, device="cpu")
    assert (lm.family, gpt_of(lm).config.width) == ("gpt", 8)


@pytest.mark.parametrize("family", ["ngram", "trained-bigram", "mixture"])
def test_a_start_of_another_family_is_refused(family: Any) -> None:
    start = CharLM(BigramLanguageModel(BEFORE.size, context_only=[4]), BEFORE) if family == "mixture" else transformer()
    with pytest.raises(ValueError, match=f"init_from is a model of the family .*, from which no {family} can start"):
        CharLM.fit("abcd" * 9, family, init_from=start)


def test_a_counted_model_is_updated_and_not_a_start() -> None:
    with pytest.raises(ValueError, match=r"add texts to it with CharLM\.update"):
        CharLM.fit("abcd" * 9, init_from=CharLM.fit("abcd" * 9), device="cpu")


def test_frozen_parameters_stay_frozen_and_equal() -> None:
    before = transformer(block_size=8)
    before.model.requires_grad_(requires_grad=False)
    gpt_of(before).head.requires_grad_(requires_grad=True)
    for block_size in (8, 4):
        config = TrainerConfig(max_steps=3, learning_rate=0.1)
        lm = CharLM.fit("abcd" * 9, init_from=before, block_size=block_size, config=config, device="cpu")
        trained = {name for name, weight in lm.model.named_parameters() if weight.requires_grad}
        weights = before.model.state_dict()
        moved = {name for name, weight in lm.model.named_parameters() if not torch.equal(weight, weights[name])}
        assert trained == moved == {"head.weight"}


def test_a_model_of_text_goes_on_with_records() -> None:
    lm = CharLM.fit(["abc", "dab", "xa"] * 3, init_from=transformer(Vocabulary("abcd", special_tokens=["bos"])))
    assert lm.is_of_records
    assert lm.vocabulary.special_tokens == {"bos": 4, "eos": 6, "unk": 7}


def test_a_model_of_records_does_not_go_on_with_a_text() -> None:
    records = transformer(Vocabulary("abcd", special_tokens=["bos", "eos"]))
    with pytest.raises(ValueError, match="eos"):
        CharLM.fit("abcd" * 9, init_from=records, config=HELD)


def test_a_bigram_that_was_counted_is_a_start_of_one_that_is_trained() -> None:
    counted = CharLM.fit("abab" * 20, "bigram")
    lm = CharLM.fit("abab" * 20, init_from=counted, config=HELD, device="cpu")
    assert lm.score_samples(["abba"]) == pytest.approx(counted.score_samples(["abba"]), abs=1e-4)


def test_a_mixture_goes_on_with_its_transformer_and_all_counts() -> None:
    before = mixture()
    lm = CharLM.fit("bdxa" * 60, init_from=before, config=HELD, device="cpu")
    assert lm.family == "mixture"
    assert isinstance(lm.model, MixtureLanguageModel)
    ngram = lm.model.models[1]
    assert isinstance(ngram, NGramLanguageModel)
    texts = [lm.vocabulary.encode(text) for text in ("abcdabca" * 4, "bdxa" * 60)]
    both = NGramLanguageModel(lm.vocabulary.size, order=3, context_only=lm.model.context_only).fit(texts)
    assert np.array_equal(ngram.table.keys, both.table.keys)
    assert np.array_equal(ngram.table.counts, both.table.counts)
    assert np.allclose(ngram.table.log_probabilities, both.table.log_probabilities)


def test_a_mixture_starts_from_a_transformer() -> None:
    lm = CharLM.fit("abcd" * 60, "mixture", init_from=transformer(), order=2, config=HELD, device="cpu")
    assert lm.settings["models"][0]["settings"]["width"] == 8


def test_a_mixture_with_an_n_gram_model_of_another_order_is_refused_before_it_is_trained() -> None:
    with pytest.raises(ValueError, match="another order than is asked for: order: 3 -> 5"):
        CharLM.fit("abcd" * 60, init_from=mixture(), order=5, device="cpu")


def test_a_mixture_whose_n_gram_model_has_no_counts_is_refused_before_it_is_trained() -> None:
    pruned = mixture()
    assert isinstance(pruned.model, MixtureLanguageModel)
    ngram = pruned.model.models[1]
    assert isinstance(ngram, NGramLanguageModel)
    ngram.prune(2)
    with pytest.raises(ValueError, match="has no counts"):
        CharLM.fit("abcd" * 60, init_from=pruned, order=3, device="cpu")


@pytest.mark.parametrize("start", [3, b"run", Vocabulary("a")])
def test_a_start_that_is_neither_a_model_nor_a_path_is_refused(start: Any) -> None:
    with pytest.raises(TypeError, match="init_from must be a CharLM or a path"):
        CharLM.fit("abcd", init_from=start)


def test_an_optimizer_needs_the_folder_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give its folder as init_from"):
        CharLM.fit("abcd", init_optimizer=True)
    with pytest.raises(ValueError, match="give its folder as init_from"):
        CharLM.fit("abcd", init_from=transformer(), init_optimizer=True)
    transformer().save(tmp_path / "model.safetensors")
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        CharLM.fit("abcd", init_from=tmp_path, init_optimizer=True)
    with pytest.raises(ValueError, match=r"model.safetensors' is a file, and the folder of a run has its optimizer"):
        CharLM.fit("abcd", init_from=tmp_path / "model.safetensors", init_optimizer=True)


def test_a_size_cannot_be_asked_of_a_vocabulary_that_grows() -> None:
    with pytest.raises(ValueError, match="bound what is new by min_count"):
        CharLM.fit("abcd" * 9, init_from=transformer(), max_size=3)
    lm = CharLM.fit("abcdxyx" * 9 + "z", init_from=transformer(), min_count=2, config=HELD, device="cpu")
    assert lm.vocabulary.symbols == ("a", "b", "c", "d", "x", "y")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps, in its folder beside its text and another one."""
    folder = tmp_path_factory.mktemp("starting")
    (folder / "old.txt").write_text("abcd" * 60, encoding="utf-8")
    (folder / "new.txt").write_text("abxé" * 60, encoding="utf-8")
    assert main(["train", str(folder / "old.txt"), "--out", str(folder / "run"), "--max-steps", "2", *RUN]) == 0
    return folder / "run"


def test_the_optimizer_goes_on_and_knows_nothing_of_new_rows(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    assert main(["train", "new.txt", "--init-from", "run", "--init-optimizer", "--max-steps", "1", *RUN[-2:]]) == 0
    before, after = (newest_checkpoint(folder).tensors for folder in ("run", "runs/new-gpt"))
    name = "optimizer.blocks.0.mlp.expand.weight"
    assert [int(state[f"{name}.step"]) for state in (before, after)] == [2, 3]
    assert not torch.equal(before[f"{name}.exp_avg"], after[f"{name}.exp_avg"])
    size = newest_checkpoint("run").model.vocabulary.size
    head = "optimizer.head.weight.exp_avg_sq"
    assert after[head].shape[0] == size + 2
    decayed = after[head][:size] - before[head] * CONFIGS["gpt"].beta2  # of the mean of before, what is left
    assert (decayed >= -1e-12).all()


def test_another_optimizer_is_refused(run: Path) -> None:
    with pytest.raises(CheckpointMismatchError, match="the state of another optimizer"):
        CharLM.fit("abcd" * 60, init_from=run, init_optimizer=True, device="cpu")  # muon by default


def test_an_optimizer_whose_ids_mean_something_else_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("dcab" * 60, encoding="utf-8")
    Vocabulary("dcab").save(tmp_path / "v.json")
    arguments = ["--vocabulary", str(tmp_path / "v.json"), "--out", str(tmp_path / "x.tokens")]
    assert main(["prepare", str(tmp_path / "x.txt"), *arguments]) == 0
    with pytest.raises(CheckpointMismatchError, match="the vocabulary must extend its"):
        CharLM.fit(tmp_path / "x.tokens", init_from=run, init_optimizer=True, device="cpu")
    lm = CharLM.fit(tmp_path / "x.tokens", init_from=run, config=HELD, device="cpu")
    assert lm.score_samples(["abcd"]) == pytest.approx(CharLM.load(run).score_samples(["abcd"]), abs=1e-4)


def test_a_run_that_started_from_a_model_is_resumed_like_any_other(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run.parent, "there")
    monkeypatch.chdir("there")
    command = ["train", "new.txt", "--out", "next", *RUN[-4:]]
    assert main([*command, "--init-from", "run", "--init-optimizer", "--max-steps", "1"]) == 0
    assert "starting from 'run', new symbols: 2 ('x' '\\xe9')" in capsys.readouterr().out
    assert main([*command, "--init-from", "old.txt", "--max-steps", "2", "--resume", "--model", "gpt"]) == 1
    assert "--init-from: 'run' -> 'old.txt'" in capsys.readouterr().err
    again = str(Path("run").absolute())
    assert main([*command, "--init-from", again, "--max-steps", "2", "--resume"]) == 1
    assert "--init-optimizer: True -> by default" in capsys.readouterr().err
    assert main([*command, "--init-from", again, "--init-optimizer", "--max-steps", "2", "--resume"]) == 0
    shutil.rmtree("run")
    capsys.readouterr()
    assert main([*command, "--max-steps", "3", "--resume"]) == 0
    told = capsys.readouterr().out
    assert "resuming after step 2" in told
    assert "starting from" not in told


def test_a_resume_with_other_settings_names_the_way_out(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = str(run.parent / "old.txt")
    for setting in (["--learning-rate", "0.5"], ["--batch-size", "3"]):
        assert main(["train", text, "--out", str(run), *RUN, "--max-steps", "3", "--resume", *setting]) == 1
        assert "start a new run with --init-from" in capsys.readouterr().err


def test_the_family_of_a_start_is_that_of_its_run(run: Path, tmp_path: Path) -> None:
    assert family_of_start(run) == family_of_start(run / "model.safetensors") == "gpt"
    CharLM.fit("abab", "bigram").save(tmp_path / "bigram")
    assert family_of_start(tmp_path / "bigram") == "trained-bigram"


@pytest.mark.parametrize("name", ["nothing", os.devnull])
def test_a_start_that_is_no_model_file_is_an_error_in_one_line(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["train", __file__, "--init-from", name]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_flags_of_a_start_are_refused_for_what_counts(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", __file__, "--model", "ngram", "--init-from", str(run)]) == 2
    assert "charlm update" in capsys.readouterr().err


def test_a_file_with_an_optimizer_has_the_weights_of_the_same_checkpoint(run: Path) -> None:
    start = Start.of_file(run, with_optimizer=True)
    checkpoint = newest_checkpoint(run)
    model = start.model_for(start.vocabulary, {})
    assert all(torch.equal(tensor, checkpoint.model.tensors[name]) for name, tensor in model.state_dict().items())
