"""A model of any family is packed whole, and as small as can be; any other is refused."""

import numpy as np
import pytest
import torch

import browser_models
from charlm import BigramLanguageModel, NGramTable
from charlm.files.browser.packing import packed_model
from charlm.files.browser.summary import summary_of
from charlm.models.ngram.packing import compact_size
from lively_gpt import lively

KNOWN = list(browser_models.models())


@pytest.mark.parametrize("name", KNOWN)
def test_every_family_is_packed_and_left_as_it_is(name: str) -> None:
    model, vocabulary = browser_models.models()[name]
    before = [array.copy() for array in packed_model(model).arrays.values()]
    found = packed_model(model)
    assert all(np.array_equal(one, other) for one, other in zip(before, found.arrays.values(), strict=True))
    assert found.description["family"] == model.family
    assert found.description["vocab_size"] == vocabulary.size
    assert {array.dtype.name for array in found.arrays.values()} <= {
        "uint8", "int8", "int16", "float32", "float64"
    }  # fmt: skip


def test_an_n_gram_takes_about_what_its_compact_file_says() -> None:
    table = browser_models.models()["ngram, tuned"][0]
    assert isinstance(table, NGramTable)
    size = sum(array.nbytes for array in packed_model(table).arrays.values())
    assert size < 1.2 * compact_size(table, len(table), len(table.log_backoffs))


def test_a_weight_of_a_transformer_takes_a_byte() -> None:
    model, _ = browser_models.models()["gpt, hashed"]
    assert isinstance(model, torch.nn.Module)
    arrays = packed_model(model).arrays
    assert arrays["blocks.1.mlp.expand.weight"].dtype == np.int8
    assert arrays["embedding.weight"].dtype == np.int16
    names = {name for name in arrays if not name.endswith(".scales")}
    assert names == {name for name in model.state_dict() if not name.startswith("prior.")}


def test_a_model_that_was_not_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="not fitted"):
        packed_model(NGramTable(vocab_size=3, order=2))


def test_a_model_of_a_family_of_ones_own_is_refused() -> None:
    class Own(BigramLanguageModel):
        family = "own"

    with pytest.raises(ValueError, match="a Own, of family 'own', cannot be exported to JavaScript"):
        packed_model(Own(3))


def test_weights_that_are_not_finite_are_refused() -> None:
    model = lively(browser_models.gpt_shape(browser_models.BARE))
    with torch.no_grad():
        model.head.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="a weight is infinite or NaN"):
        packed_model(model)


@pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_quantized_models_are_refused() -> None:
    model = lively(browser_models.gpt_shape(browser_models.BARE))
    quantized = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    with pytest.raises(ValueError, match="quantized weights"):
        packed_model(quantized)


@pytest.mark.parametrize(
    ("name", "order", "layers", "has_ngrams"),
    [
        ("bigram, counted", None, None, False),
        ("ngram, tuned", 5, None, True),
        ("gpt with a prior", 6, 2, True),
        ("classic gpt", None, 2, False),
        ("mixture", 5, 2, True),
    ],
)
def test_a_summary_says_how_large_a_model_is(
    name: str, order: int | None, layers: int | None, has_ngrams: bool
) -> None:
    model = browser_models.models()[name][0]
    found = summary_of(packed_model(model))
    assert (found["order"], found["layers"]) == (order, layers)
    assert (found["ngrams"] is not None) == has_ngrams
    assert (found["heads"] is None) == (layers is None)
    if isinstance(model, torch.nn.Module) and not has_ngrams:
        assert found["parameters"] == sum(weights.numel() for weights in model.parameters())
