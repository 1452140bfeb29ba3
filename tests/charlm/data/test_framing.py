"""What each special token does to what is counted, scored, gone on from, and made up."""

import math
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.framing import Framing
from chartok import UnknownCharacterError, Vocabulary
from chartok.codepoints import CODE_POINTS
from strategies import any_text, special_tokens, vocabularies

ALL_ROLES: Any = ["pad", "bos", "eos", "unk"]
texts = st.lists(st.text("abc", max_size=5), max_size=4)
of_abc = st.builds(Vocabulary, st.just("abc"), special_tokens=special_tokens)


@given(vocabulary=vocabularies)
def test_what_is_never_predicted_is_the_start_and_the_padding(vocabulary: Vocabulary) -> None:
    framing, special = Framing(vocabulary), vocabulary.special_tokens
    assert set(framing.context_only) == {token_id for role, token_id in special.items() if role in ("bos", "pad")}
    assert list(framing.context_only) == sorted(framing.context_only)
    assert (framing.bos, framing.eos, framing.unk) == (special.get("bos"), special.get("eos"), special.get("unk"))
    assert framing.is_of_records == ("eos" in special)


@given(vocabulary=vocabularies.filter(lambda vocabulary: vocabulary.symbols != ()))
def test_what_may_come_are_the_characters_and_the_end_of_a_record(vocabulary: Vocabulary) -> None:
    framing = Framing(vocabulary)
    outcomes = framing.outcomes()
    end = {} if framing.eos is None else {framing.eos: ""}
    assert outcomes == {int(vocabulary.encode(character)[0]): character for character in vocabulary.symbols} | end
    assert framing.symbol_ids() == sorted(set(outcomes) - set(end))
    others = set(range(vocabulary.size)) - set(outcomes)
    assert others == {token_id for role, token_id in vocabulary.special_tokens.items() if role != "eos"}


@given(vocabulary=of_abc, allowed=st.text("abcxyz", max_size=4))
def test_of_the_characters_that_are_allowed_the_vocabulary_has_those_that_may_come(
    vocabulary: Vocabulary, allowed: str
) -> None:
    framing = Framing(vocabulary)
    if not set(allowed) & set("abc"):
        with pytest.raises(ValueError, match="allowed has no symbol"):
            framing.outcomes(allowed)
    else:
        characters = set(allowed) & set("abc")
        assert set(framing.outcomes(allowed).values()) == characters | ({""} if framing.is_of_records else set())


def test_what_is_allowed_is_not_searched_for_each_character() -> None:
    class Allowed(str):
        __slots__ = ()

        def __contains__(self, _: object) -> bool:
            raise AssertionError

    assert Framing(Vocabulary("abc")).outcomes(Allowed("ac")) == {0: "a", 2: "c"}


@given(vocabulary=of_abc, several=texts)
def test_texts_are_scored_after_a_start_and_up_to_an_end_where_there_is_one(
    vocabulary: Vocabulary, several: list[str]
) -> None:
    framing = Framing(vocabulary)
    before, after = ([token_id] if token_id is not None else [] for token_id in (framing.bos, framing.eos))
    expected = [[*before, *vocabulary.encode(text).tolist(), *after] for text in several]
    ids, lengths = framing.to_score(several)
    assert ids.tolist() == [token_id for ids in expected for token_id in ids]
    assert lengths.tolist() == list(map(len, expected))


@given(vocabulary=of_abc, several=texts)
def test_records_are_counted_between_a_start_and_an_end_and_a_text_without_either(
    vocabulary: Vocabulary, several: list[str]
) -> None:
    framing = Framing(vocabulary)
    ids, lengths = framing.to_count(several)
    if framing.is_of_records:
        scored_ids, scored_lengths = framing.to_score(several)
        assert (ids.tolist(), lengths.tolist()) == (scored_ids.tolist(), scored_lengths.tolist())
    else:
        assert ids.tolist() == vocabulary.encode("".join(several)).tolist()
        assert lengths.tolist() == list(map(len, several))


@given(vocabulary=of_abc, text=any_text)
def test_a_prompt_stands_after_the_start_and_an_empty_one_without_it_is_the_first_character(
    vocabulary: Vocabulary, text: str
) -> None:
    framing = Framing(vocabulary)
    before = [] if framing.bos is None else [framing.bos]
    assert framing.prompt("") == (before or [vocabulary.encode("a").item()])
    assert framing.prompt("cab") == [*before, *vocabulary.encode("cab").tolist()]
    if set(text) <= set("abc"):
        return
    with pytest.raises(UnknownCharacterError):
        framing.prompt(text)
    if framing.unk is None:
        assert framing.errors == "strict"
        with pytest.raises(UnknownCharacterError):
            framing.to_score([text])
    else:
        assert framing.errors == "replace"
        ids = [vocabulary.encode(c).item() if c in "abc" else framing.unk for c in text]
        assert framing.prompt(text, "replace") == [*before, *ids]
        end = [] if framing.eos is None else [framing.eos]
        assert framing.to_score([text])[0].tolist() == [*before, *ids, *end]


@given(vocabulary=vocabularies)
def test_unknown_characters_have_equal_shares_that_sum_to_one(vocabulary: Vocabulary) -> None:
    unknown = CODE_POINTS - len(vocabulary.symbols)
    assert math.exp(Framing(vocabulary).log_share_of_unknown) * unknown == pytest.approx(1, rel=1e-9)


def test_there_are_as_many_code_points_as_python_has() -> None:
    assert chr(CODE_POINTS - 1)
    with pytest.raises(ValueError, match="chr"):
        chr(CODE_POINTS)


@given(vocabulary=of_abc, stop=st.lists(st.text("abc", min_size=1, max_size=3), max_size=4))
def test_a_text_stops_at_strings(vocabulary: Vocabulary, stop: list[str]) -> None:
    framing = Framing(vocabulary)
    expected = [[ord(character) for character in string] for string in stop]
    assert framing.stops(stop, framing.outcomes()) == framing.stops(iter(stop), framing.outcomes()) == expected
    assert framing.stops(None, framing.outcomes()) == []


@given(vocabulary=of_abc, allowed=st.none() | st.text("abc", min_size=1), stop=st.text("abcx", min_size=1, max_size=3))
def test_a_stop_string_that_can_never_be_generated_gets_a_warning(
    vocabulary: Vocabulary, allowed: str | None, stop: str
) -> None:
    framing = Framing(vocabulary)
    is_possible = set(stop) <= set(allowed or "abc")
    with nullcontext() if is_possible else pytest.warns(UserWarning, match=r"the stop string '\w+' never occurs: U\+"):
        assert framing.stops([stop], framing.outcomes(allowed)) == [[*map(ord, stop)]]


def test_ids_have_the_dtype_of_the_vocabulary() -> None:
    for characters in ("abc", "".join(map(chr, range(0x4E00, 0x4E00 + 300)))):
        vocabulary = Vocabulary(characters, special_tokens=ALL_ROLES)
        for ids, lengths in (Framing(vocabulary).to_score([characters]), Framing(vocabulary).to_count([characters])):
            assert ids.dtype == vocabulary.dtype
            assert lengths.dtype == np.int64
