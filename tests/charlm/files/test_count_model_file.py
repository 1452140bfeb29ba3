"""Promises of the files of count models, which are read with PyTorch and without."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from charlm import (
    BigramLanguageModel,
    CheckpointCorruptError,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    load_model,
    save_model,
)
from charlm.files.model_arrays import hashed_parts
from charlm.files.model_file import load_stored_model, read_model_file
from charlm.models.bigram.table import BigramTable
from charlm.models.counting.counts import node_levels
from charlm.models.ngram.table import NGramTable
from charlm.models.predictor import CountModel
from charlm.models.smoothing.kneser_ney import BackoffTable
from chartok import Vocabulary
from chartok.files.envelope import sealed
from lively_gpt import lively

VOCABULARY = Vocabulary("abc", special_tokens=["bos"])
CONFIG = GPTConfig(vocab_size=VOCABULARY.size, block_size=5, n_layers=1, n_heads=1, width=4, hash_rows=2)


def ngram() -> NGramLanguageModel:
    return NGramLanguageModel(VOCABULARY.size, order=2).fit([0, 1, 2, 0])


def content_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        content: dict[str, Any] = json.loads(file.metadata()["charlm"])
    return content


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def ngram_of_records() -> NGramLanguageModel:
    return NGramLanguageModel(VOCABULARY.size, order=3, context_only=[3]).fit([[3, 0, 1, 0], [3, 2, 1, 3, 0]])


def bigram_of_records() -> BigramLanguageModel:
    return BigramLanguageModel(VOCABULARY.size, context_only=[3]).fit([[3, 0, 1, 0], [3, 2, 1, 3, 0]], smoothing=0)


COUNTED = [
    ngram(), ngram_of_records(), ngram_of_records().prune(2), ngram().float(),
    BigramLanguageModel(4, seed=1), bigram_of_records(),
]  # fmt: skip


def table_of(model: LanguageModel) -> CountModel:
    if isinstance(model, NGramLanguageModel):
        return model.table
    return BigramTable(**model.settings(), table=model.state_dict()["table"].numpy())


@pytest.mark.parametrize("model", COUNTED)
def test_a_count_model_is_the_same_file_whichever_face_wrote_it_and_read_the_same(
    path: Path, tmp_path: Path, model: LanguageModel
) -> None:
    table = table_of(model)
    save_model(path, model, VOCABULARY)
    save_model(tmp_path / "table.safetensors", table, VOCABULARY)
    hashes, ids = [], torch.tensor([[3, 0, 1, 2, 3, 3, 0]])
    for file in (path, tmp_path / "table.safetensors"):
        counted, vocabulary = load_stored_model(file)
        assert not isinstance(counted, LanguageModel)
        assert (type(counted), vocabulary) == (type(table), VOCABULARY)
        assert counted.settings() == table.settings() == content_of(file)["settings"]
        for name, array in table.arrays().items():
            assert counted.arrays()[name].dtype == array.dtype
            assert np.array_equal(counted.arrays()[name], array)
        loaded, _ = load_model(file)
        assert loaded.settings() == model.settings()
        (rows,) = counted.distributions(ids[0].numpy())
        torch.testing.assert_close(
            loaded.logits(ids)[0].log_softmax(-1), torch.from_numpy(rows.copy()), check_dtype=False, rtol=0, atol=1e-5
        )
        hashes.append(content_of(file)["sha256"])
    assert hashes[0] == hashes[1]


def test_a_family_that_does_not_count_is_left_to_pytorch(path: Path) -> None:
    for model in (lively(CONFIG), MixtureLanguageModel([lively(CONFIG), ngram()])):
        save_model(path, model, VOCABULARY)
        assert isinstance(load_stored_model(path)[0], LanguageModel)
    for narrow in (ngram().bfloat16(), BigramLanguageModel(VOCABULARY.size).bfloat16()):
        save_model(path, narrow, VOCABULARY)
        found = load_stored_model(path)[0]
        assert isinstance(found, LanguageModel) == (narrow.family == "bigram")  # an n-gram table stays in float32
        assert load_model(path)[0].family == narrow.family


@pytest.mark.parametrize("model", [ngram_of_records(), bigram_of_records()], ids=["ngram", "bigram"])
def test_a_count_model_is_loaded_and_asked_without_pytorch(path: Path, model: LanguageModel) -> None:
    save_model(path, model, VOCABULARY)
    program = (
        "import sys\nimport numpy as np\nfrom charlm.files.model_file import load_stored_model, save_model\n"
        "model, vocabulary = load_stored_model(sys.argv[1])\n"
        "print(model.scores(np.array([3, 0, 1]), np.array([3])).sum())\n"
        "save_model(sys.argv[1], model, vocabulary)\n"
        "assert 'torch' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=False, env=environment
    )
    assert done.stderr == ""
    ids = torch.tensor([[3, 0, 1]])
    expected = model.log_probabilities(ids[:, :-1], ids[:, 1:]).sum().item()
    assert float(done.stdout) == pytest.approx(expected, abs=1e-6)
    assert read_model_file(path).tensors.keys() == safetensors.torch.load(before).keys()
    assert content_of(path)["settings"] == model.settings()


def of_ngram(*, compact: bool = False, **changes: Any) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    table = ngram_of_records().table
    tensors = {name: torch.from_numpy(array.copy()) for name, array in table.arrays(compact=compact).items()}
    changed = {f"table.{name}": change(tensors[f"table.{name}"]) for name, change in changes.items()}
    return table.settings(), tensors | changed


def of_other_ngrams(keys: list[int]) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A model of n-grams of order 3 among 4 ids that may lack some of those that it needs."""
    table = NGramTable(vocab_size=4, order=3, context_only=(3,))
    levels = node_levels(np.array(keys), 4, 3)
    log_probabilities = np.where(np.array(keys) % 4 == 3, -np.inf, -1.0)
    wrong = table.holding(
        np.array(keys), np.zeros(0, dtype=np.int64), BackoffTable(log_probabilities, np.zeros(levels[-2] + 1))
    )
    return wrong.settings(), {name: torch.from_numpy(array) for name, array in wrong.arrays().items()}


def flipped(bit: int) -> Any:
    """Flips a bit of an array of bytes."""

    def change(tensor: torch.Tensor) -> torch.Tensor:
        changed = tensor.clone()
        changed.view(-1)[bit // 8] ^= 128 >> bit % 8
        return changed

    return change


def of_bigram(change: Any) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    model = bigram_of_records()
    return model.settings(), {"table": change(model.state_dict()["table"])}


def with_settings(found: tuple[dict[str, Any], dict[str, torch.Tensor]], **settings: Any) -> Any:
    return found[0] | settings, found[1]


def without(found: tuple[dict[str, Any], dict[str, torch.Tensor]], name: str) -> Any:
    return found[0], {key: value for key, value in found[1].items() if key != name}


def becomes(tensor: torch.Tensor) -> Any:
    def change(_: torch.Tensor) -> torch.Tensor:
        return tensor

    return change


def put(place: Any, value: float) -> Any:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        changed = tensor.clone()
        changed[place] = value
        return changed

    return change


def as_they_are(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


N_GRAMS = len(ngram_of_records().table)
IS_START = (ngram_of_records().table.ids == 3).nonzero()[0]
SCALES = ngram_of_records().table.arrays(compact=True)["table.scales"]
HOSTILE: dict[str, tuple[dict[str, Any], dict[str, torch.Tensor]]] = {
    "ids of int32": of_ngram(ids=torch.Tensor.int),
    "ids of one dimension": of_ngram(ids=torch.Tensor.ravel),
    "ids beyond the last": of_ngram(ids=flipped(N_GRAMS)),
    "ids of too few bytes": of_ngram(ids=lambda ids: ids[:, :-1]),
    "ids that do not ascend": of_ngram(ids=torch.zeros_like),
    "shape of int32": of_ngram(shape=torch.Tensor.int),
    "shape of too few bytes": of_ngram(shape=lambda shape: shape[:-1]),
    "shape of other bits": of_ngram(shape=flipped(0)),
    "shape of ones": of_ngram(shape=lambda shape: torch.full_like(shape, 255)),
    "shape of zeros": of_ngram(shape=torch.zeros_like),
    "shape with a bit too many": of_ngram(shape=flipped(8 * len(of_ngram()[1]["table.shape"]) - 1)),
    "a suffix missing": of_other_ngrams([0, 1, 4 + 2]),
    "a suffix of three missing": of_other_ngrams([0, 1, 4 + 1, 8 + 0, 12 + 1]),
    "counts of int16": of_ngram(counts=torch.Tensor.short),
    "counts of two dimensions": of_ngram(counts=lambda counts: counts[None]),
    "counts of half": of_ngram(counts=lambda counts: counts[1:]),
    "a count of nothing": of_ngram(counts=put(0, 0)),
    "a large count missing": of_ngram(counts=put(0, 255)),
    "a large count too many": of_ngram(large_counts=becomes(torch.full((1,), 300))),
    "a large count that is small": of_ngram(counts=put(0, 255), large_counts=becomes(torch.full((1,), 3))),
    "a large count that is too large": of_ngram(
        counts=put(0, 255), large_counts=becomes(torch.full((1,), 2**63 - 1))
    ),
    "large counts of int32": of_ngram(large_counts=torch.Tensor.int),
    "no n-grams": of_ngram(log_probabilities=lambda some: some[:0]),
    "no contexts": of_ngram(log_backoffs=lambda some: some[:0]),
    "a context too many": of_ngram(log_backoffs=lambda some: torch.cat([some, some[:1]])),
    "nothing but the constants": of_ngram(
        ids=lambda ids: ids[:, :0], shape=lambda shape: shape[:0], counts=lambda counts: counts[:0],
        log_probabilities=lambda some: some[:0], log_backoffs=lambda some: some[:1],
    ),
    "probabilities of two dimensions": of_ngram(log_probabilities=lambda some: some[None]),
    "weights of int64": of_ngram(log_backoffs=torch.Tensor.long),
    "probabilities of int64": of_ngram(log_probabilities=torch.Tensor.long),
    "probabilities of bool": of_ngram(log_probabilities=torch.Tensor.bool),
    "codes of int16": of_ngram(compact=True, probability_codes=torch.Tensor.short),
    "codes of float": of_ngram(compact=True, backoff_codes=torch.Tensor.float),
    "codes of two dimensions": of_ngram(compact=True, backoff_codes=lambda codes: codes[None]),
    "a code too many": of_ngram(compact=True, probability_codes=lambda codes: torch.cat([codes, codes[:1]])),
    "no codes": of_ngram(compact=True, probability_codes=lambda codes: codes[:0]),
    "compact, ids that do not ascend": of_ngram(compact=True, ids=torch.zeros_like),
    "compact, shape of other bits": of_ngram(compact=True, shape=flipped(0)),
    "scales of float64": of_ngram(compact=True, scales=torch.Tensor.double),
    "scales of one order less": of_ngram(compact=True, scales=lambda scales: scales[:-1]),
    **{
        f"a scale with {value} at {place}": of_ngram(
            compact=True, scales=put(np.unravel_index(place, SCALES.shape), value)
        )
        for value in (torch.nan, torch.inf, -torch.inf, 3e38, 1e30, -1e30, 40.0, -40.0)
        for place in range(SCALES.size)
    },
    "a scale that descends": of_ngram(compact=True, scales=lambda scales: -scales),
    "both forms": (of_ngram()[0], of_ngram()[1] | of_ngram(compact=True)[1]),
    "half compact": without(of_ngram(compact=True), "table.scales"),
    "no shape": without(of_ngram(compact=True), "table.shape"),
    "constants of another order": of_ngram(constants=becomes(torch.zeros(2, 23))),
    "impossible": of_ngram(log_probabilities=put(0, -torch.inf)),
    "certain": of_ngram(log_probabilities=put(0, torch.inf)),
    "no number": of_ngram(log_probabilities=put(0, torch.nan)),
    "a start that is predicted": of_ngram(log_probabilities=put(int(IS_START[0]), -1.0)),
    "a start that is nothing": of_ngram(log_probabilities=put(int(IS_START[-1]), torch.nan)),
    "a weight of nothing": of_ngram(log_backoffs=put(1, -torch.inf)),
    "a table missing": without(of_ngram(), "table.counts"),
    "a table too many": (of_ngram()[0], of_ngram()[1] | {"table.more": torch.zeros(1)}),
    **{
        f"{family}, context_only {context_only}": with_settings(found, context_only=context_only)
        for family, found in {"ngram": of_ngram(), "bigram": of_bigram(as_they_are)}.items()
        for context_only in ([4], [-1], [0, 1, 2, 3], "3", [2.5], [None], {"3": 3}, None, 3, [2**70])
    },
    "ngram, no start": with_settings(of_ngram(), context_only=[]),
    "ngram, another start": with_settings(of_ngram(), context_only=[0]),
    "ngram, order": with_settings(of_ngram(), order=2),
    "ngram, high order": with_settings(of_ngram(), order=2**70),
    "ngram, settings that are tables": with_settings(of_ngram(), log_backoffs=[0.0]),
    "ngram, unknown setting": with_settings(of_ngram(), more=1),
    **{
        f"{family}, vocab_size {size}": with_settings(found, vocab_size=size)
        for family, found in {"ngram": of_ngram(), "bigram": of_bigram(as_they_are)}.items()
        for size in (3, 5, 2**31, 2**31 + 1, 2**63, 2**70, -1, 0, 4.0, None)
    },
    "bigram of int64": of_bigram(torch.Tensor.long),
    "bigram of bool": of_bigram(torch.Tensor.bool),
    "bigram of NaN": of_bigram(put(0, torch.nan)),
    "bigram, certain": of_bigram(lambda table: table.abs()),
    "bigram, impossible": of_bigram(put(1, -torch.inf)),
    "bigram, impossible but for the start": of_bigram(
        lambda table: torch.where(torch.arange(4) == 3, 0.0, -torch.inf).expand_as(table)
    ),
    "bigram, a row missing": of_bigram(lambda table: table[:-1].contiguous()),
    "bigram, unknown setting": with_settings(of_bigram(as_they_are), table=[[0.0]]),
    "bigram, nothing": (of_bigram(as_they_are)[0], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_count_model_that_is_none_is_refused_with_and_without_pytorch(path: Path, name: str) -> None:
    settings, tensors = HOSTILE[name]
    tensors = {key: value.contiguous() for key, value in tensors.items()}
    family = "bigram" if name.startswith("bigram") else "ngram"
    content = {
        "version": 2,
        "family": family,
        "settings": settings,
        "vocabulary": VOCABULARY.to_dict(),
        "library": "0",
    }
    content = sealed(content, more=hashed_parts(tensors))
    path.write_bytes(safetensors.torch.save(tensors, {"charlm": json.dumps(content)}))
    for load in (load_model, load_stored_model):
        with pytest.raises(CheckpointCorruptError, match=r"model\.safetensors' is not a valid model file"):
            load(path)


def test_what_these_are_made_from_is_sound(path: Path) -> None:
    sound = [("ngram", of_ngram()), ("ngram", of_ngram(compact=True)), ("bigram", of_bigram(as_they_are))]
    sound.append(("ngram", of_other_ngrams([0, 1, 4 + 1, 8 + 1])))
    for family, (settings, tensors) in sound:
        content = {"version": 2, "family": family, "settings": settings, "vocabulary": VOCABULARY.to_dict()}
        content = sealed(content | {"library": "0"}, more=hashed_parts(tensors))
        path.write_bytes(safetensors.torch.save(tensors, {"charlm": json.dumps(content)}))
        assert load_model(path)[0].settings() == settings
        assert not isinstance(load_stored_model(path)[0], LanguageModel)
