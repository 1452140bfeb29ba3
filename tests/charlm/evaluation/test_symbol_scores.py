"""The likelihood of a text after a context, and without the end of a record."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM
from chartok import UnknownCharacterError, Vocabulary
from lively_gpt import TINY, lively
from strategies import costly

RECORDS = CharLM.fit(["anna", "hanna", "hannah", "bab", "banana"], order=3)
TEXT = CharLM.fit("a banana, an ananas, a band, and a hand. " * 3, order=4)
STRINGS = st.text("abhndx", max_size=9)


def gpt(*roles: str) -> CharLM:
    """Returns a Transformer with blocks of six, and its vocabulary."""
    vocabulary = Vocabulary("abhn", special_tokens=list(roles))
    never = (vocabulary.special_tokens["bos"],)
    return CharLM(lively(replace(TINY, vocab_size=vocabulary.size, block_size=6, context_only=never)), vocabulary)


TRANSFORMERS = {"records": gpt("bos", "eos", "unk"), "text": gpt("bos", "unk")}
LMS = [RECORDS, TEXT, *TRANSFORMERS.values()]


@costly(40)
@given(lm=st.sampled_from(LMS), context=STRINGS, texts=st.lists(STRINGS, max_size=4))
def test_a_text_after_a_context_is_as_likely_as_both_together_given_the_context(
    lm: CharLM, context: str, texts: list[str]
) -> None:
    together = lm.score_samples([context + text for text in texts])
    before = lm.score_samples([context], eos=False)
    np.testing.assert_allclose(lm.score_samples(texts, context=context), together - before, atol=2e-5)


@costly(20)
@given(lm=st.sampled_from(LMS), pairs=st.lists(st.tuples(STRINGS, STRINGS), max_size=5), ends=st.booleans())
def test_each_text_may_have_a_context_of_its_own(lm: CharLM, pairs: list[tuple[str, str]], ends: bool) -> None:
    contexts, texts = [before for before, _ in pairs], [text for _, text in pairs]
    alone = [lm.score_samples([text], context=before, eos=ends)[0] for before, text in pairs]
    np.testing.assert_allclose(lm.score_samples(texts, context=contexts, eos=ends), alone, atol=2e-5)


@given(text=st.text("abhn", max_size=6))
def test_without_its_end_a_record_is_as_likely_as_all_that_begin_so(text: str) -> None:
    begin = np.exp(RECORDS.score_samples([text], eos=False)[0])
    longer = np.exp(RECORDS.score_samples([text + symbol for symbol in RECORDS.vocabulary.symbols], eos=False)).sum()
    unknown = np.exp(RECORDS.log_probabilities(text + "?")[len(text)]) * (0x110000 - len(RECORDS.vocabulary.symbols))
    whole = np.exp(RECORDS.score_samples([text])[0])
    assert begin == pytest.approx(longer + whole + begin * unknown)


@given(lm=st.sampled_from(LMS[:2]), text=STRINGS)
def test_a_text_without_its_end_has_a_symbol_less_where_there_is_one(lm: CharLM, text: str) -> None:
    with_end, without = lm.counts_of_symbols([text])[0], lm.counts_of_symbols([text], eos=False)[0]
    assert with_end - without == lm.is_of_records
    if not lm.is_of_records:
        assert lm.score_samples([text]) == lm.score_samples([text], eos=False)


def test_no_symbol_goes_from_the_context_into_the_text() -> None:
    lm = CharLM.fit(["CClC", "CCC", "ClCl"], order=2, symbols=["Cl"])
    assert lm.vocabulary.encode("Cl").tolist() != lm.vocabulary.encode("l", "replace").tolist()
    apart = lm.score_samples(["l"], context="C", eos=False)
    assert apart < lm.score_samples(["Cl"], eos=False)


def test_a_vocabulary_without_bos_knows_nothing_before_the_first_symbol_of_the_context() -> None:
    lm = CharLM(TEXT.stored, TEXT.vocabulary)
    plain = CharLM.fit("abab" * 20, order=3)
    assert plain.score_samples(["b"], context="a")[0] > plain.score_samples(["b"])[0]
    assert lm.score_samples([]).shape == lm.score_samples([], context="a").shape == (0,)


@pytest.mark.parametrize(
    ("context", "error", "message"),
    [
        (["a"], ValueError, "context must be one str, or one for each of 2 texts: got 1"),
        (["a", 3], TypeError, r"context\[1\] must be a str, got int"),
        (3, TypeError, "context must be a str or an iterable of str, got int"),
    ],
)
def test_a_context_that_is_none_is_refused(context: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RECORDS.score_samples(["a", "b"], context=context)


def test_eos_is_yes_or_no() -> None:
    wrong: Any = "no"
    for lm in LMS[:2]:
        for asked in (lm.score_samples, lm.counts_of_symbols, partial(lm.score_samples, context="b")):
            with pytest.raises(TypeError, match="eos must be True or False, got 'no'"):
                asked(["a"], eos=wrong)


def test_counts_of_texts_are_never_taken_for_texts() -> None:
    for asked in (RECORDS.score_samples, RECORDS.counts_of_symbols):
        with pytest.raises(TypeError, match="texts must be an iterable of str, got a mapping"):
            asked({"a": 3})


@pytest.mark.parametrize(("context", "where"), [("aXb", r"context\[1\]"), (["a", "aX"], r"context\[1\]\[1\]")])
def test_an_unknown_character_of_a_context_is_named_where_nothing_stands_for_it(
    context: str | list[str], where: str
) -> None:
    lm = gpt("bos", "eos")
    with pytest.raises(UnknownCharacterError, match=where):
        lm.score_samples(["a", "b"], context=context)


@given(texts=st.lists(STRINGS, min_size=1, max_size=5))
def test_several_texts_are_evaluated_together_and_measured_each(texts: list[str]) -> None:
    together = RECORDS.evaluate(texts)
    assert together.characters == sum(len(text) + 1 for text in texts) == together.utf8_bytes
    total = -RECORDS.score_samples(texts).sum()
    assert together.nats_per_character == pytest.approx(total / together.characters)
    apart = [RECORDS.bits_per_character(text) for text in texts]
    np.testing.assert_allclose(RECORDS.bits_per_character(texts), apart)
    np.testing.assert_allclose(RECORDS.perplexity(texts), np.exp2(apart))


def test_several_texts_are_inspected_each() -> None:
    first, second = RECORDS.inspect(["anna", "ban"], k=2)
    assert (first.text, second.text) == ("anna", "ban")
    np.testing.assert_array_equal(second.log_probabilities, RECORDS.inspect("ban", k=2).log_probabilities)


def test_a_text_of_several_with_nothing_to_score_is_named() -> None:
    with pytest.raises(ValueError, match=r"text\[1\] is empty: there is nothing to score"):
        TEXT.bits_per_character(["a", ""])
    with pytest.raises(ValueError, match="text is empty: there is nothing to score"):
        TEXT.evaluate([])
    assert TEXT.evaluate(["a", ""]).characters == 1
