"""The score of a character is the probability that is predicted there, whoever asks, however long the text."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, MixtureLanguageModel, NGramLanguageModel, RecordDataset, evaluate
from chartok import Vocabulary
from chartok.arguments import SpecialToken
from chartok.codepoints import CODE_POINTS
from lively_gpt import TINY, lively
from strategies import costly

LETTERS = "abcd"


def lm_of(block_size: int, roles: list[SpecialToken], *, mixed: bool = False) -> CharLM:
    """Returns a Transformer, or a mixture with one, and its vocabulary."""
    vocabulary = Vocabulary(LETTERS, special_tokens=roles)
    never = [vocabulary.special_tokens["bos"]]
    gpt = lively(replace(TINY, vocab_size=vocabulary.size, block_size=block_size, context_only=tuple(never)))
    if not mixed:
        return CharLM(gpt, vocabulary)
    ids = np.random.default_rng(0).integers(0, len(LETTERS), 200)
    ngram = NGramLanguageModel(vocabulary.size, order=3, context_only=never).fit(ids)
    return CharLM(MixtureLanguageModel([gpt, ngram]), vocabulary)


def predicted(lm: CharLM, text: str) -> list[float]:
    """Returns the probability of each symbol, and of the end of a record, as it is predicted after those before it.

    ``next_symbols`` gives it as that of a known symbol; scores leave ``unk`` its share.
    """
    outcomes = [*text, *([""] if lm.is_of_records else [])]
    of_known = [dict(lm.next_symbols(text[:place], k=99))[symbol] for place, symbol in enumerate(outcomes)]
    if "unk" not in lm.vocabulary.special_tokens:
        return of_known
    places = range(len(outcomes))
    return [share * (1 - share_of_unknown(lm, text[:place])) for place, share in zip(places, of_known, strict=True)]


def share_of_unknown(lm: CharLM, context: str) -> float:
    """Returns the probability that an unknown character comes next: that of one of them, times their number."""
    one = np.exp(lm.log_probabilities(context + "Z")[len(context)])
    return float(one) * (CODE_POINTS - len(lm.vocabulary.symbols))


@costly(20)
@given(
    text=st.text(LETTERS, min_size=1, max_size=40),
    block_size=st.integers(1, 9),
    roles=st.sampled_from([["bos"], ["bos", "eos"], ["bos", "unk"], ["bos", "eos", "unk"]]),
    mixed=st.booleans(),
)
def test_the_score_of_each_character_is_what_next_symbols_says_before_it_given_that_it_is_known(
    text: str, block_size: int, roles: list[SpecialToken], mixed: bool
) -> None:
    lm = lm_of(block_size, roles, mixed=mixed)
    expected = np.log(predicted(lm, text))
    np.testing.assert_allclose(lm.log_probabilities(text), expected, atol=1e-4)
    np.testing.assert_allclose(lm.score_samples([text, text])[1], expected.sum(), rtol=1e-4)
    assert lm.evaluate(text).nats_per_character == pytest.approx(-expected.mean(), rel=1e-4)
    inspected = lm.inspect(text, k=99)
    np.testing.assert_allclose(inspected.log_probabilities, expected, atol=1e-4)
    outcomes = [*text, *([""] if lm.is_of_records else [])]
    shown = [dict(alternatives)[symbol] for alternatives, symbol in zip(inspected.alternatives, outcomes, strict=True)]
    np.testing.assert_allclose(shown, [dict(lm.next_symbols(text[:i], k=99))[o] for i, o in enumerate(outcomes)], 1e-4)


def test_of_a_block_of_64_and_a_text_of_200_the_score_of_character_65_is_what_is_predicted_there() -> None:
    lm, text = lm_of(64, ["bos"]), "".join(np.random.default_rng(1).choice([*LETTERS], 200))
    scores, apart = lm.log_probabilities(text), lm.log_probabilities(text, stride=64)
    for place in (0, 1, 62, 63, 64, 65, 95, 96, 97, 199):
        assert scores[place] == pytest.approx(np.log(dict(lm.next_symbols(text[:place]))[text[place]]), abs=1e-4)
    assert np.array_equal(scores[:64], apart[:64])  # with the start, a block
    assert abs(scores[64] - apart[64]) > 0.1  # there, blocks that do not overlap know one character


def test_records_beyond_the_block_are_evaluated_as_they_are_predicted() -> None:
    lm, records = lm_of(6, ["bos", "eos"]), ["abcd" * 5, "a", "dcba" * 3 + "d"]
    nats = -np.log(np.concatenate([predicted(lm, record) for record in records]))
    dataset = RecordDataset(records, lm.vocabulary, block_size=6)
    assert evaluate(lm.model, dataset).nats_per_character == pytest.approx(nats.mean(), rel=1e-4)


def test_every_way_to_score_takes_a_stride_and_refuses_one_that_is_not_in_the_block() -> None:
    lm, text = lm_of(6, ["bos"]), "abcdabdcabbcaddc"
    scores = {stride: lm.log_probabilities(text, stride=stride) for stride in (None, 1, 3, 6)}
    assert np.array_equal(scores[None], scores[3])
    assert len({values.sum() for values in scores.values()}) == 3
    for stride, values in scores.items():
        assert lm.score_samples([text], stride=stride)[0] == pytest.approx(values.sum())
        assert lm.evaluate(text, stride=stride).nats_per_character == pytest.approx(-values.mean())
        assert np.array_equal(lm.inspect(text, stride=stride).log_probabilities, values)
    for stride in (0, 7, -3):
        for ask in (lm.log_probabilities, lm.evaluate, lm.inspect):
            with pytest.raises(
                ValueError, match=f"stride must be from 1 to the block size of the model, 6, got {stride}"
            ):
                ask(text, stride=stride)
        with pytest.raises(ValueError, match=f"stride must be from 1 to the block size of the model, 6, got {stride}"):
            lm.score_samples([text], stride=stride)
    refusal = (
        "stride applies only to a model with a block size, .* in a mixture always gets blocks that overlap by half"
    )
    with pytest.raises(ValueError, match=refusal):
        lm_of(6, ["bos"], mixed=True).log_probabilities(text, stride=3)
