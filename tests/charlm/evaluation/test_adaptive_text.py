import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import AdaptiveCharLM, CharLM, NGramCounts
from chartok import UnknownCharacterError, Vocabulary

TEXT = "the cat sat on the mat. the dog sat on the cat. " * 9
NAMES = ["anna", "hanna", "johanna", "ann"] * 3


def test_it_starts_from_what_was_counted() -> None:
    counted, nothing = CharLM.fit(TEXT, order=6).adaptive(), AdaptiveCharLM(Vocabulary.from_text(TEXT))
    assert counted.bits_per_character("the dog sat") < nothing.bits_per_character("the dog sat") / 3


def test_it_learns_what_it_reads() -> None:
    reader = CharLM.fit(TEXT, order=4).adaptive()
    first, again = (reader.bits_per_character("once a god ate a gnome. ") for _ in range(2))
    assert again < first / 2


def test_the_counted_model_is_not_changed() -> None:
    lm = CharLM.fit(TEXT, order=4)
    before = lm.log_probabilities("a gnome")
    lm.adaptive().log_probabilities("a gnome" * 9)
    assert np.array_equal(lm.log_probabilities("a gnome"), before)


@given(st.text("catdog. ", max_size=40))
def test_next_symbols_sum_to_1_and_teach_nothing(text: str) -> None:
    reader = CharLM.fit(TEXT, order=3).adaptive()
    reader.log_probabilities(text)
    likely = reader.next_symbols(k=99)
    assert sum(share for _, share in likely) == pytest.approx(1)
    assert {symbol for symbol, _ in likely} == set(reader.vocabulary.symbols)
    assert reader.next_symbols(k=99) == likely


def test_records_have_ends() -> None:
    reader = CharLM.fit(NAMES, order=4).adaptive()
    assert len(reader.log_probabilities("anna")) == 5
    assert "" in dict(reader.next_symbols(k=99))
    assert reader.next_symbols(k=1)[0][0] in "ahj"


def test_an_unknown_character_is_scored_as_one_of_many() -> None:
    reader = CharLM.fit(TEXT, order=3).adaptive()
    if "unk" in reader.vocabulary.special_tokens:
        assert reader.log_probabilities("字")[0] < -14


def test_an_unknown_character_is_refused_before_anything_is_learned() -> None:
    reader = AdaptiveCharLM(Vocabulary("abc"))
    with pytest.raises(UnknownCharacterError):
        reader.log_probabilities("abcabcx")
    assert np.array_equal(reader.log_probabilities("abc"), AdaptiveCharLM(Vocabulary("abc")).log_probabilities("abc"))


def test_a_copy_learns_on_its_own() -> None:
    reader = AdaptiveCharLM(Vocabulary("abc"))
    reader.copy().log_probabilities("abc" * 30)
    assert np.array_equal(reader.log_probabilities("abc"), AdaptiveCharLM(Vocabulary("abc")).log_probabilities("abc"))


def test_models_that_have_no_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="must be an n-gram model with its counts, got a bigram"):
        CharLM.fit(TEXT, "bigram").adaptive()


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(TypeError, match="vocabulary must be a Vocabulary, got str"):
        AdaptiveCharLM("abc")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="counts must be NGramCounts, got int"):
        AdaptiveCharLM(Vocabulary("abc"), 5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="counts must be of the 3 ids of the vocabulary, got 2"):
        AdaptiveCharLM(Vocabulary("abc"), NGramCounts.from_tokens([0, 1], vocab_size=2, order=2))
    reader = AdaptiveCharLM(Vocabulary("abc"))
    with pytest.raises(ValueError, match="text is empty"):
        reader.bits_per_character("")
    with pytest.raises(TypeError, match="text"):
        reader.log_probabilities(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="k must be"):
        reader.next_symbols(k=0)
    assert reader.log_probabilities("").tolist() == []
