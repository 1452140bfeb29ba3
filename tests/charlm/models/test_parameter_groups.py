import pytest
from torch import nn

from charlm import (
    GPT,
    BigramLanguageModel,
    GPTConfig,
    MixtureLanguageModel,
    NGramLanguageModel,
    ParameterGroups,
)
from charlm.models.parameter_groups import groups_by_shape
from two_layers import TwoLayers


def gpt(vocab_size: int = 7, hash_rows: int = 11) -> GPT:
    return GPT(GPTConfig(vocab_size=vocab_size, block_size=4, n_layers=2, n_heads=1, width=8, hash_rows=hash_rows))


def test_only_the_matrices_inside_a_model_of_ones_own_are_for_muon_and_the_head_decays() -> None:
    assert TwoLayers().parameter_groups() == ParameterGroups(
        hidden_matrices=frozenset({"hidden.weight"}), decayed=frozenset({"head.weight"})
    )


def test_tables_of_counts_and_of_pairs_are_in_no_group() -> None:
    for model in (BigramLanguageModel(3), NGramLanguageModel(3, order=2).fit([0, 1, 2])):
        assert model.parameter_groups() == ParameterGroups()


@pytest.mark.parametrize("vocab_size", [7, 8, 16, 32])
def test_no_size_of_the_vocabulary_takes_a_matrix_away_from_muon(vocab_size: int) -> None:
    groups = gpt(vocab_size).parameter_groups()
    assert len(groups.hidden_matrices) == 2 * 6
    assert groups.decayed == {"head.weight"}
    assert groups.hashed_tables == {f"ngram_embeddings.{place}.weight" for place in range(3)}


def test_what_the_transformer_says_of_itself_is_what_its_shape_tells() -> None:
    model = gpt(hash_rows=0)
    assert model.parameter_groups() == groups_by_shape(model, model.vocab_size)


def test_a_mixture_has_the_groups_of_its_models() -> None:
    groups = MixtureLanguageModel([gpt(), BigramLanguageModel(7), gpt(hash_rows=0)]).parameter_groups()
    assert groups.decayed == {"models.0.head.weight", "models.2.head.weight"}
    assert len(groups.hidden_matrices) == 2 * 2 * 6
    assert groups.hashed_tables == {f"models.0.ngram_embeddings.{place}.weight" for place in range(3)}


def test_a_last_layer_that_gives_no_logits_is_a_hidden_matrix() -> None:
    assert groups_by_shape(nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 4)), 9).hidden_matrices == {
        "0.weight",
        "1.weight",
    }


def test_a_head_that_shares_the_table_of_the_embedding_is_no_matrix() -> None:
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 9, bias=False))
    model[2].weight = model[0].weight
    assert groups_by_shape(model, 9) == ParameterGroups(hidden_matrices=frozenset({"1.weight"}))


def test_a_parameter_in_two_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' is in two groups"):
        ParameterGroups(hidden_matrices=frozenset({"a"}), decayed=frozenset({"a"}))
