import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from charlm import (
    GPT,
    BigramLanguageModel,
    CheckpointCorruptError,
    CheckpointMismatchError,
    CheckpointVersionError,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    load_model,
    save_model,
)
from charlm.files.model_arrays import hashed_parts
from charlm.files.model_file import parse_model_file, read_model_file, rebuilt_model
from charlm.models.ngram.table import NGramTable
from chartok import Vocabulary, __version__
from chartok.files.envelope import sealed
from lively_gpt import lively
from torture import TORTURE

VOCABULARY = Vocabulary("\ud83d\ude00a", special_tokens=["unk"])


def ngram() -> NGramLanguageModel:
    return NGramLanguageModel(VOCABULARY.size, order=2).fit([0, 1, 2, 0])


CONFIG = GPTConfig(vocab_size=VOCABULARY.size, block_size=5, n_layers=1, n_heads=1, width=4, dropout=0.5, hash_rows=2)


def with_prior() -> GPT:
    return lively(CONFIG, prior=NGramTable.fit([0, 1, 2, 0, 0, 3], vocab_size=VOCABULARY.size, order=4))


def mixture() -> MixtureLanguageModel:
    model = MixtureLanguageModel([lively(CONFIG), ngram(), BigramLanguageModel(VOCABULARY.size, seed=4)])
    model.weights.copy_(torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]))
    return model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_model(tmp_path / "model.safetensors", BigramLanguageModel(VOCABULARY.size, seed=4), VOCABULARY)
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_model_comes_back_from_its_file_and_from_its_folder(path: Path, what: str, device: torch.device) -> None:
    model, vocabulary = load_model(path if what == "file" else path.parent, device=device)
    assert isinstance(model, BigramLanguageModel)
    assert vocabulary == VOCABULARY
    assert model.device == device
    assert not model.training  # several threads may use it
    assert torch.equal(model.table.cpu(), BigramLanguageModel(VOCABULARY.size, seed=4).table)


@pytest.mark.parametrize("model", [BigramLanguageModel(4, seed=1), ngram(), lively(CONFIG), with_prior(), mixture()])
def test_a_model_of_any_family_predicts_the_same_when_it_comes_back(path: Path, model: LanguageModel) -> None:
    save_model(path, model, VOCABULARY)
    loaded, _ = load_model(path)
    assert type(loaded) is type(model)
    assert loaded.settings() == model.settings()
    ids = torch.tensor([[0, 1, 2, 3, 0], [3, 3, 1, 0, 2]])
    assert torch.equal(loaded.eval().logits(ids), model.eval().logits(ids))
    assert [name for name, _ in loaded.named_parameters()] == [name for name, _ in model.named_parameters()]


def test_a_model_is_put_on_the_device_that_is_asked_for(path: Path) -> None:
    assert load_model(path, device="meta")[0].device == torch.device("meta")
    assert load_model(path)[0].device == torch.device("cpu")


def test_what_a_file_holds_can_be_read_without_making_the_model(path: Path) -> None:
    file = read_model_file(str(path))
    settings = {"vocab_size": VOCABULARY.size, "context_only": []}
    assert (file.family, file.settings, file.vocabulary) == ("bigram", settings, VOCABULARY)
    assert file.tensors.keys() == {"table"}
    assert torch.equal(file.tensors["table"], BigramLanguageModel(VOCABULARY.size, seed=4).table)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointCorruptError, match=r"model\.safetensors' is not a valid model file"):
        read_model_file(path)


def content_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        content: dict[str, Any] = json.loads(file.metadata()["charlm"])
    return content


def test_the_metadata_are_those_that_are_described(path: Path) -> None:
    content = content_of(path)
    signature = content.pop("sha256")
    assert signature == sealed(content, more=hashed_parts(safetensors.torch.load_file(path)))["sha256"]
    assert content == {
        "version": 2,
        "family": "bigram",
        "settings": {"vocab_size": VOCABULARY.size, "context_only": []},
        "vocabulary": VOCABULARY.to_dict(),
        "library": __version__,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"family": "ngram"},
        {"settings": {}},
        {"vocabulary": Vocabulary("abcd").to_dict()},
        {"library": "0"},
        {"more": 1},
    ],
    ids=str,
)
def test_metadata_that_were_changed_do_not_match_their_signature(path: Path, changes: dict[str, Any]) -> None:
    metadata = {"charlm": json.dumps(content_of(path) | changes)}
    path.write_bytes(safetensors.torch.save(safetensors.torch.load_file(path), metadata))
    with pytest.raises(CheckpointCorruptError, match="a model file does not match its SHA-256"):
        load_model(path)


def test_the_order_of_what_the_metadata_hold_means_nothing(path: Path) -> None:
    reordered = dict(reversed(content_of(path).items()))
    path.write_bytes(safetensors.torch.save(safetensors.torch.load_file(path), {"charlm": json.dumps(reordered)}))
    assert load_model(path)[1] == VOCABULARY


def test_tensors_come_back_however_they_lie_in_memory(path: Path) -> None:
    model = BigramLanguageModel(VOCABULARY.size, seed=4)
    model.table.data = model.table.data.T
    save_model(path, model, VOCABULARY)
    assert torch.equal(read_model_file(path).tensors["table"], model.table)


def test_bytes_that_were_checked_are_what_the_file_holds(path: Path) -> None:
    from_bytes, from_file = parse_model_file(path.read_bytes(), path), read_model_file(path)
    assert from_bytes == from_file
    assert from_bytes.tensors.keys() == from_file.tensors.keys()
    assert all(torch.equal(tensor, from_file.tensors[name]) for name, tensor in from_bytes.tensors.items())
    model = rebuilt_model(from_bytes, path)
    assert not model.training
    assert torch.equal(model.state_dict()["table"], from_file.tensors["table"])


def test_a_run_gives_its_model_and_before_that_its_newest_checkpoint(tmp_path: Path) -> None:
    folders = [tmp_path / "checkpoints" / "step-0000000009", tmp_path / "checkpoints" / "step-0000000010", tmp_path]
    (tmp_path / "checkpoints" / "step-0000000011").mkdir(parents=True)  # a process was killed while it was made
    for seed, folder in enumerate(folders):
        folder.mkdir(exist_ok=True)
        save_model(folder / "model.safetensors", BigramLanguageModel(VOCABULARY.size, seed=seed), VOCABULARY)
        expected = BigramLanguageModel(VOCABULARY.size, seed=seed).state_dict()["table"]
        assert torch.equal(load_model(tmp_path)[0].state_dict()["table"], expected)


def test_a_pruned_model_that_was_loaded_can_be_saved_again(path: Path) -> None:
    save_model(path, ngram().prune(2), VOCABULARY)
    before = path.read_bytes()
    save_model(path, *load_model(path))
    assert path.read_bytes() == before


def test_loading_draws_nothing_from_the_global_generator(path: Path) -> None:
    save_model(path, mixture(), VOCABULARY)
    before = torch.get_rng_state()
    load_model(path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("model", [BigramLanguageModel(4, seed=1), ngram()], ids=["bigram", "ngram"])
def test_every_flipped_bit_is_noticed(path: Path, model: LanguageModel) -> None:
    save_model(path, model, VOCABULARY)
    sound = path.read_bytes()
    for position in range(0, 8 * len(sound), 1 if TORTURE else 5):
        damaged = bytearray(sound)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises((CheckpointCorruptError, CheckpointVersionError), match=r"model\.safetensors"):
            load_model(path)


def test_a_file_cut_anywhere_is_refused(path: Path) -> None:
    sound = path.read_bytes()
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        with pytest.raises(CheckpointCorruptError, match=r"model\.safetensors"):
            load_model(path)


def test_a_newer_version_is_refused_by_number(path: Path) -> None:
    content = json.dumps({"version": 3})
    path.write_bytes(safetensors.torch.save({"x": torch.zeros(1)}, {"charlm": content}))
    with pytest.raises(CheckpointVersionError, match="version 3 is newer than version 2"):
        load_model(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"charlm": "{}"}, "a model file has no version"),
        ({"charlm": "[1]"}, "a model file must be a JSON object, got list"),
        ({"charlm": '{"version": true}'}, "the version of a model file must be a positive integer, got True"),
        ({"charlm": '{"version": 1, "version": 1}'}, ".*repeats the key 'version'"),
        ({"charlm": '{"version": 1, "sha256": ""}'}, "a model file does not match its SHA-256"),
    ],
)
def test_other_safetensors_files_are_refused(path: Path, metadata: dict[str, str], message: str) -> None:
    path.write_bytes(safetensors.torch.save({"x": torch.zeros(1)}, metadata))
    with pytest.raises(CheckpointCorruptError, match=f"not a valid model file: {message}"):
        load_model(path)


def test_settings_that_need_more_values_than_there_are_take_no_memory(path: Path) -> None:
    size = 2**20
    tensors = {"table": torch.zeros(1)}
    content = content_of(path) | {"settings": {"vocab_size": size}}
    content["vocabulary"] = Vocabulary(map(chr, range(size))).to_dict()
    content = sealed(content, more=hashed_parts(tensors))
    path.write_bytes(safetensors.torch.save(tensors, {"charlm": json.dumps(content)}))
    with pytest.raises(
        CheckpointCorruptError,
        match=r"table must be floating point of shape \(1048576, 1048576\), got float32 of shape \(1,\)",
    ):
        load_model(path)


@pytest.mark.parametrize("kind", ["mine", "../../etc/passwd"])
def test_a_sound_file_of_a_family_of_ones_own_is_called_that(path: Path, kind: str) -> None:
    class Mine(BigramLanguageModel):
        pass

    Mine.family = kind
    save_model(path, Mine(4, seed=1), VOCABULARY)
    with pytest.raises(CheckpointMismatchError, match=rf"its model is of family '{kind}', which charlm does not know"):
        load_model(path)
    again = Mine(4)
    again.load_state_dict(safetensors.torch.load_file(path))  # as the message says
    assert torch.equal(again.table, Mine(4, seed=1).table)


def test_a_missing_file_stays_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"neither model\.safetensors nor a checkpoint") as caught:
        load_model(tmp_path)
    assert caught.value.filename == str(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        load_model(tmp_path / "model.safetensors")


def test_a_vocabulary_of_another_size_is_refused_and_the_old_file_stays(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ValueError, match="vocabulary must have as many ids as the model, 5, got 4"):
        save_model(path, BigramLanguageModel(5), VOCABULARY)
    assert path.read_bytes() == before


def test_a_pickle_under_our_name_is_refused_and_never_run(path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (path.with_name("sprung"),)

    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointCorruptError, match="is a pickle, not a model file of charlm"):
        load_model(path)
    assert not path.with_name("sprung").exists()


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 101 * 2**20])
def test_an_impossible_header_allocates_nothing(path: Path, length: int) -> None:
    path.write_bytes(length.to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointCorruptError, match="not a valid model file"):
        load_model(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"family": ["bigram"]},
        {"family": "ngram"},
        {"settings": {"vocab_size": 2**40}},
        {"settings": {"vocab_size": 5}},
        {"settings": {"vocab_size": 4, "seed": "x"}},
        {"settings": []},
        {"vocabulary": Vocabulary("ab").to_dict()},
        {"vocabulary": {}},
    ],
    ids=str,
)
def test_a_signed_file_whose_parts_do_not_fit_is_refused(path: Path, changes: dict[str, Any]) -> None:
    tensors = {"table": torch.zeros(4, 4)}
    content = {
        "version": 1,
        "family": "bigram",
        "settings": {"vocab_size": 4},
        "vocabulary": VOCABULARY.to_dict(),
        "library": "0",
    } | changes
    content = sealed(content, more=hashed_parts(tensors))
    path.write_bytes(safetensors.torch.save(tensors, {"charlm": json.dumps(content)}))
    with pytest.raises(CheckpointCorruptError, match="not a valid model file"):
        load_model(path)


HUGE_GPT = {"vocab_size": 4, "block_size": 2**60, "n_layers": 256, "n_heads": 1, "width": 2**20, "hash_rows": 2**40}
NESTED: dict[str, Any] = {"family": "bigram", "settings": {"vocab_size": 4}}
for _ in range(20):
    NESTED = {"family": "mixture", "settings": {"models": [NESTED]}}


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("gpt", HUGE_GPT),
        ("gpt", HUGE_GPT | {"width": 2**62}),
        ("gpt", HUGE_GPT | {"n_layers": 2**60, "width": 2, "hash_rows": 0}),
        ("gpt", HUGE_GPT | {"vocab_size": 2**60}),
        ("gpt", {"vocab_size": 4}),
        ("gpt", []),
        ("gpt", None),
        ("ngram", {"vocab_size": 4, "order": 2**60}),
        ("mixture", NESTED["settings"]),
        ("mixture", {"models": [{"family": "gpt", "settings": HUGE_GPT}]}),
        ("mixture", {"models": [{"family": "ngram", "settings": {"vocab_size": 4, "order": 2}}] * 10**5}),
        ("mixture", {"models": []}),
        ("mixture", {"models": [None]}),
        ("mixture", {"models": [{"family": "gpt", "settings": []}]}),
        ("mixture", {"models": "bigram"}),
        ("mixture", {"models": {"family": "bigram"}}),
        ("mixture", {"models": [{"family": ["bigram"], "settings": {"vocab_size": 4}}]}),
        ("mixture", {}),
        ("mixture", None),
    ],
    ids=range(19),
)
def test_settings_that_ask_for_too_much_or_make_no_sense_are_refused_at_once(
    path: Path, family: str, settings: Any
) -> None:
    tensors = {"weights": torch.ones(1, 1)}
    content = {
        "version": 1,
        "family": family,
        "settings": settings,
        "vocabulary": VOCABULARY.to_dict(),
        "library": "0",
    }
    content = sealed(content, more=hashed_parts(tensors))
    path.write_bytes(safetensors.torch.save(tensors, {"charlm": json.dumps(content)}))
    with pytest.raises(CheckpointCorruptError, match="not a valid model file"):
        load_model(path)


def test_the_tensors_of_a_transformer_must_fit_its_settings(path: Path) -> None:
    model = GPT(CONFIG)
    tensors = model.state_dict()
    content = {
        "version": 1,
        "family": "gpt",
        "settings": model.settings() | {"n_layers": 2, "hash_rows": 0},
        "vocabulary": VOCABULARY.to_dict(),
        "library": "0",
    }
    content = sealed(content, more=hashed_parts(tensors))
    path.write_bytes(safetensors.torch.save(tensors, {"charlm": json.dumps(content)}))
    with pytest.raises(CheckpointCorruptError, match="not a valid model file"):
        load_model(path)
