"""Models that PyTorch's own tools have quantized, adapted or pruned: their layers are the ones that these look for."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from charlm import GPT, CharLM, GPTConfig, NGramLanguageModel, save_model
from charlm.models.quantization import check_not_quantized
from chartok import Vocabulary
from lively_gpt import TINY, lively

VOCABULARY = Vocabulary("abcdefg")
pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning"),
    pytest.mark.skipif(
        "fbgemm" not in torch.backends.quantized.supported_engines, reason="PyTorch was built without its kernels"
    ),
]


def quantized(model: nn.Module) -> Any:
    return torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)


def linear_layers(model: nn.Module) -> dict[str, nn.Module]:
    return {name: module for name, module in model.named_modules() if type(module) is nn.Linear}


def test_every_matrix_between_positions_is_one_of_pytorchs_own_linear_layers() -> None:
    matrices = {name.removesuffix(".weight") for name, _ in lively().named_parameters() if "embedding" not in name}
    assert set(linear_layers(lively())) == matrices


def test_making_a_model_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    GPT(TINY)
    assert torch.equal(torch.get_rng_state(), before)


def test_dynamic_quantization_converts_every_linear_layer() -> None:
    assert not linear_layers(quantized(lively()))


def test_the_logits_of_a_quantized_model_are_near_those_of_the_model() -> None:
    model = lively(GPTConfig(vocab_size=7, block_size=32, n_layers=2, n_heads=2, width=64))
    ids = torch.randint(7, (4, 32), generator=torch.Generator().manual_seed(0))
    near, exact = quantized(model).logits(ids), model.logits(ids)
    assert 0 < (near - exact).square().mean().sqrt() < 0.1 * exact.std()


def test_a_quantized_model_scores_and_generates() -> None:
    lm = CharLM(quantized(lively()), VOCABULARY)
    near, exact = (model.score_samples(["abc", "gfedcba"]) for model in (lm, CharLM(lively(), VOCABULARY)))
    np.testing.assert_allclose(near, exact, rtol=0.1)
    assert len(lm.generate("ab", max_new_tokens=20, seed=1)) == 22
    exact_facts = CharLM(lively(), VOCABULARY).facts()
    assert exact_facts["bytes"] / 4 < lm.facts()["bytes"] < exact_facts["bytes"]
    assert "gpt" in lm._repr_html_()


@pytest.mark.parametrize(
    ("action", "done"),
    [
        (lambda model, _: model.resize(VOCABULARY, VOCABULARY.extend("h")), "resized"),
        (lambda model, path: save_model(path, model, VOCABULARY), "saved"),
        (lambda model, path: CharLM(model, VOCABULARY).save(path), "saved"),
    ],
)
def test_what_no_file_holds_is_refused_and_the_old_file_stays(
    action: Callable[[GPT, Path], Any], done: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=f"quantized weights, such as 'blocks.0.*', cannot be {done}: keep the one"):
        action(quantized(lively()), path)
    assert path.read_bytes() == b"old"


def test_a_weight_that_a_tool_has_made_a_tensor_of_its_own_kind_is_refused_too(tmp_path: Path) -> None:
    class Int8Tensor(Tensor):
        """As ``torchao`` replaces weights."""

    model = lively()
    model.head.weight = nn.Parameter(model.head.weight.detach().as_subclass(Int8Tensor))
    with pytest.raises(ValueError, match=r"quantized weights, such as 'head.weight', cannot be saved"):
        save_model(tmp_path / "model.safetensors", model, VOCABULARY)
    assert not list(tmp_path.iterdir())


def test_a_count_model_has_nothing_to_quantize_and_stays_as_it_is() -> None:
    model = NGramLanguageModel(3, order=2).fit([0, 1, 2, 0, 1])
    same = quantized(model)
    check_not_quantized(same, "saved")
    ids = torch.tensor([[0, 1, 2, 2]])
    assert torch.equal(same.logits(ids), model.logits(ids))


def test_pruning_finds_the_linear_layers_and_is_kept_in_the_logits() -> None:
    model = lively()
    pruned = copy.deepcopy(model)
    for layer in linear_layers(pruned).values():
        prune.l1_unstructured(layer, "weight", amount=1.0)
    ids = torch.tensor([[0, 1, 2]])
    assert not pruned.logits(ids).any()
    assert model.logits(ids).all()
