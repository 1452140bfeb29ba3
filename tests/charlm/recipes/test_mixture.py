import torch

from charlm import MixtureLanguageModel, NGramLanguageModel, RecordDataset, TextDataset
from charlm.models.gpt.config import GPTConfig
from charlm.models.gpt.model import GPT
from charlm.recipes.mixture import MixtureData, fitted_mixture
from chartok import Vocabulary

TEXT = "the quick brown fox jumps over the lazy dog. " * 40


def test_the_models_of_a_mixture_have_not_seen_what_its_weights_are_fitted_to() -> None:
    dataset = TextDataset(range(1000), block_size=8)
    learned, tuning, whole = MixtureData.split(dataset, seed=0)
    assert isinstance(learned, TextDataset)
    assert isinstance(tuning, TextDataset)
    assert torch.cat([tuning.ids, learned.ids]).tolist() == list(range(1000))
    assert len(tuning.ids) == 50
    assert whole is dataset
    records = RecordDataset([chr(97 + i % 26) * (1 + i // 26) for i in range(100)])
    parts = MixtureData.split(records, seed=0)
    assert [len(part) for part in parts] == [95, 5, 100]
    others = MixtureData.split(records, seed=1)
    assert parts.tuning.fingerprint() != others.tuning.fingerprint()


def test_a_mixture_counts_all_and_is_weighted_by_what_was_held_out() -> None:
    vocabulary = Vocabulary.from_text(TEXT)
    dataset = TextDataset(vocabulary.encode(TEXT), block_size=64)
    gpt = GPT(GPTConfig.nano(vocabulary.size), seed=0)
    mixture = fitted_mixture(gpt, 3, MixtureData.split(dataset, seed=0))
    whole = NGramLanguageModel(vocabulary.size, order=3).fit(dataset)
    counted = mixture.models[1].state_dict()
    assert all(torch.equal(tensor, counted[name]) for name, tensor in whole.state_dict().items())
    assert mixture.weights[-1, 1] > 0.99  # the Transformer has learned nothing
    assert isinstance(mixture, MixtureLanguageModel)


def test_both_parts_of_the_least_length_have_a_window() -> None:
    for block_size in (1, 7, 64, 256):
        least = MixtureData.least_length(block_size)
        parts = MixtureData.split(TextDataset(range(least), block_size), seed=0)
        assert min(len(part) for part in parts) >= 1
