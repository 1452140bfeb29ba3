"""What a Transformer computes on the way to its logits."""

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from charlm import GPT, BigramLanguageModel, CharLM, ClassicGPT, LanguageModel, MixtureLanguageModel
from charlm.data.framing import Framing
from charlm.models.gpt.layers import normalized
from charlm.models.gpt.model import LOGIT_LIMIT
from charlm.models.registry import FAMILIES
from charlm.models.transformer import TransformerLanguageModel
from chartok import UnknownCharacterError, Vocabulary
from chartok.arguments import SpecialToken
from families import Family, families
from lively_classic_gpt import lively_classic
from lively_gpt import TINY, lively
from strategies import costly

PAGE = Path(__file__).parents[3] / "docs" / "gpt.md"
VOCABULARIES = [Vocabulary("abcdefg"), Vocabulary("abcdef", special_tokens=["bos"])]


def transformers() -> list[TransformerLanguageModel]:
    return [lively(), lively_classic(), lively(replace(TINY, dropout=0.5)).train()]


every_transformer = pytest.mark.parametrize("model", transformers(), ids=lambda model: type(model).__name__)


def head(model: TransformerLanguageModel, x: Tensor) -> Tensor:
    """Returns the logits that follow from the positions after the last layer."""
    if isinstance(model, GPT):
        return LOGIT_LIMIT * torch.tanh(model.head(normalized(x)) / LOGIT_LIMIT)
    assert isinstance(model, ClassicGPT)
    weight = model.embedding.weight if model.head is None else model.head.weight
    return functional.linear(model.norm(x), weight)


@every_transformer
@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=["text", "with bos"])
@costly(10)
@given(text=st.text("abcdef", min_size=1, max_size=5))
def test_the_head_gives_the_logits_from_the_last_hidden_states(
    model: TransformerLanguageModel, vocabulary: Vocabulary, text: str
) -> None:
    lm = CharLM(as_context_only(model, vocabulary), vocabulary)
    states = lm.hidden_states(text)
    ids = Framing(vocabulary).prompt(text)
    assert states.shape == (model.config.n_layers + 1, len(ids), model.config.width)
    assert states.dtype == np.float32
    with torch.no_grad():
        found = model.without_context_only(head(model, torch.from_numpy(states[-1:])))
        expected = model.eval().logits(torch.tensor([ids]))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def as_context_only(model: TransformerLanguageModel, vocabulary: Vocabulary) -> TransformerLanguageModel:
    """Returns a model that never predicts what the vocabulary has as a start."""
    never = tuple(vocabulary.special_tokens.values())
    model.context_only = never
    return model


@every_transformer
@costly(10)
@given(text=st.text("abcdefg", min_size=1, max_size=6))
def test_attention_is_causal_and_sums_to_one(model: TransformerLanguageModel, text: str) -> None:
    lm = CharLM(as_context_only(model, VOCABULARIES[0]), VOCABULARIES[0])
    weights = lm.attention(text)
    config = model.config
    assert weights.shape == (config.n_layers, config.n_heads, len(text), len(text))
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    assert not np.triu(weights, 1).any()
    assert (weights >= 0).all()
    for part in range(1, len(text)):
        np.testing.assert_allclose(lm.attention(text[:part]), weights[:, :, :part, :part], atol=1e-5)
        np.testing.assert_allclose(lm.hidden_states(text[:part]), lm.hidden_states(text)[:, :part], atol=1e-4)


@every_transformer
def test_attention_is_what_the_sums_of_the_values_are_made_with(model: TransformerLanguageModel) -> None:
    inputs = torch.tensor([[1, 4, 2, 6], [0, 3, 3, 5]])
    seen: list[tuple[Tensor, Tensor]] = []
    plain = functional.scaled_dot_product_attention

    def spying(query: Tensor, key: Tensor, value: Tensor, **keywords: Any) -> Tensor:
        seen.append((value, plain(query, key, value, **keywords)))
        return seen[-1][1]

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        model.eval()
        weights = model.activations(inputs).attention
        patch.setattr(functional, "scaled_dot_product_attention", spying)
        model.logits(inputs)
    for layer, (value, gathered) in zip(weights, seen, strict=True):
        torch.testing.assert_close(layer @ value, gathered, atol=1e-5, rtol=1e-4)


def test_recording_leaves_the_model_as_it_was_and_keeps_to_its_thread() -> None:
    model = lively().train()
    inputs, others = torch.tensor([[1, 2, 3]]), torch.tensor([[4, 5]])
    alone = model.activations(inputs)

    class Meanwhile(torch.nn.Module):
        """A layer during which another thread uses the model."""

        def __init__(self, layer: torch.nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, *arguments: Any) -> Any:
            if threading.current_thread() is threading.main_thread():
                other = threading.Thread(target=model.logits, args=[others])
                other.start()
                other.join()
            return self.layer(*arguments)

    model.blocks[0] = Meanwhile(model.blocks[0])
    together = model.activations(inputs)
    torch.testing.assert_close(together.hidden_states, alone.hidden_states)
    torch.testing.assert_close(together.attention, alone.attention)
    assert not any(module._forward_hooks for module in model.modules())
    CharLM(model, VOCABULARIES[0]).attention("ab")
    assert model.training


def test_half_precision_is_returned_as_float32() -> None:
    lm = CharLM(lively().bfloat16(), VOCABULARIES[0])
    assert lm.hidden_states("abc").dtype == lm.attention("abc").dtype == np.float32


@pytest.mark.parametrize("family", families(), ids=repr)
def test_a_family_without_layers_says_which_have_them(family: Family) -> None:
    lm = CharLM(family.model, Vocabulary("abcdefg"))
    has_layers = isinstance(family.model, TransformerLanguageModel)
    for show in (lm.hidden_states, lm.attention):
        if has_layers:
            assert show("ab").shape[0] >= 1
            continue
        with pytest.raises(TypeError, match=r"a model of the family .* has no layers of attention") as caught:
            show("ab")
        if family.model.family in FAMILIES:
            assert "as gpt and classic-gpt have" in str(caught.value)
        assert ("lm.model.models" in str(caught.value)) == isinstance(family.model, MixtureLanguageModel)


def test_the_registry_says_which_families_have_layers() -> None:
    for family in FAMILIES.values():
        assert family.has_layers == (family.language_model().activations is not LanguageModel.activations)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "text is empty: there is no position to look at"),
        ("abcabca", ValueError, "text must have at most 6 symbols, which is what the model sees at once, got 7"),
        ("abx", UnknownCharacterError, r"text\[2\] is U\+0078 'x'"),
        (["a"], TypeError, "text must be a str, got list"),
    ],
)
def test_a_text_that_cannot_be_looked_at_is_refused(text: Any, error: type[Exception], message: str) -> None:
    lm = CharLM(lively(), VOCABULARIES[0])
    for show in (lm.hidden_states, lm.attention):
        with pytest.raises(error, match=message):
            show(text)


def test_a_start_takes_a_place_of_the_block() -> None:
    vocabulary = VOCABULARIES[1]
    lm = CharLM(lively(replace(TINY, context_only=(6,))), vocabulary)
    assert lm.hidden_states("").shape[1] == 1
    assert lm.hidden_states("abcde").shape[1] == 6
    with pytest.raises(ValueError, match=r"text must have at most 5 symbols, .* got 6"):
        lm.hidden_states("abcdea")


def test_ids_and_shapes_are_checked() -> None:
    model = lively()
    with pytest.raises(ValueError, match="ids 0 to 6"):
        model.activations(torch.tensor([[7]]))
    with pytest.raises(ValueError, match="at most block_size 6 long"):
        model.activations(torch.zeros(1, 7, dtype=torch.int64))
    with pytest.raises(TypeError, match="a model of the family bigram has no layers"):
        BigramLanguageModel(3).activations(torch.tensor([[0]]))


@pytest.mark.parametrize("special", [[], ["bos"]], ids=["text", "with bos"])
def test_the_plot_in_the_docs_has_one_label_for_each_position(
    special: list[SpecialToken], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mpl.use("svg")
    vocabulary = Vocabulary.from_text("ROMEO: But soft", special_tokens=special)
    never = tuple(vocabulary.special_tokens.values())
    model = lively(replace(TINY, vocab_size=vocabulary.size, block_size=16, context_only=never))
    [example] = re.findall(r"```python\n(import matplotlib.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    named: dict[str, Any] = {"lm": CharLM(model, vocabulary)}
    exec(example, named)  # noqa: S102 - our own page
    positions = named["lm"].attention("ROMEO: But soft").shape[-1]
    for labels in (named["axes"].get_xticklabels(), named["axes"].get_yticklabels()):
        assert [label.get_text() for label in labels] == [*special, *"ROMEO: But soft"]
        assert len(labels) == positions
    assert Path("attention.svg").exists()
    named["plt"].close()
