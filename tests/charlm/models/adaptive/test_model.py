import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm import AdaptiveLanguageModel, NGramCounts
from chartok import TokenIdError

SMALL = 1 << 12
VERSE = b"When forty winters shall besiege thy brow,\nAnd dig deep trenches in thy beauty's field,\n" * 3
CODED = """
import sys
from charlm import AdaptiveLanguageModel

ids = sys.stdin.buffer.read()
letters = [chr(i).isascii() and chr(i).isalpha() for i in range(256)]
model = AdaptiveLanguageModel(256, letters=[int(each) for each in letters], line_end=10, table_bytes=1 << 16)
print(model.encode(list(ids)).hex())
"""


@st.composite
def shaped(draw: st.DrawFn) -> tuple[dict[str, Any], list[int]]:
    """Draws the settings of a model and ids for it."""
    vocab_size = draw(st.integers(1, 40))
    of_each = st.lists(st.integers(1, 1000), min_size=vocab_size, max_size=vocab_size)
    given = {
        "vocab_size": vocab_size,
        "weights": draw(st.none() | of_each),
        "letters": draw(st.none() | of_each),
        "line_end": draw(st.none() | st.integers(0, vocab_size - 1)),
        "table_bytes": SMALL,
    }
    return given, draw(st.lists(st.integers(0, vocab_size - 1), max_size=300))


@given(shaped())
def test_what_was_encoded_is_decoded(drawn: tuple[dict[str, Any], list[int]]) -> None:
    given, ids = drawn
    code = AdaptiveLanguageModel(**given).encode(ids)
    assert AdaptiveLanguageModel(**given).decode(code, len(ids)).tolist() == ids


@given(shaped())
def test_a_code_is_as_long_as_the_ids_are_unlikely(drawn: tuple[dict[str, Any], list[int]]) -> None:
    given, ids = drawn
    nats = AdaptiveLanguageModel(**given).score(ids)
    assert len(nats) == len(ids)
    assert (nats >= 0).all()
    bits = nats.sum() / np.log(2)
    assert bits / 8 - 3 <= len(AdaptiveLanguageModel(**given).encode(ids)) <= bits / 8 * 1.01 + 2


@given(shaped())
def test_a_distribution_sums_to_1(drawn: tuple[dict[str, Any], list[int]]) -> None:
    given, ids = drawn
    model = AdaptiveLanguageModel(**given)
    model.learn(ids)
    distribution = model.distribution()
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    assert (distribution > 0).all()


@given(shaped())
def test_what_ids_are_charged_sums_to_1_too(drawn: tuple[dict[str, Any], list[int]]) -> None:
    given, ids = drawn
    model = AdaptiveLanguageModel(**given)
    model.learn(ids)
    charged = [np.exp(-model.copy().score([token_id])[0]) for token_id in range(given["vocab_size"])]
    assert sum(charged) == pytest.approx(1, abs=1e-9)


def test_once_it_has_learned_a_distribution_is_about_what_is_charged() -> None:
    model = AdaptiveLanguageModel(256, table_bytes=1 << 20)
    differences = []
    for token_id in VERSE:
        expected = np.log(model.distribution()[token_id])
        differences.append(float(-model.score([token_id])[0] - expected))
    assert np.abs(differences[len(VERSE) // 2 :]).mean() < 0.01


@given(shaped())
def test_asking_for_a_distribution_teaches_nothing(drawn: tuple[dict[str, Any], list[int]]) -> None:
    given, ids = drawn
    asked, other = AdaptiveLanguageModel(**given), AdaptiveLanguageModel(**given)
    for token_id in ids[:20]:
        asked.distribution()
        assert asked.score([token_id]) == other.score([token_id])


def test_reading_in_pieces_is_reading_at_once() -> None:
    ids = list(VERSE)
    at_once, in_pieces = (AdaptiveLanguageModel(256, table_bytes=1 << 16) for _ in range(2))
    scores = np.concatenate([in_pieces.score(ids[start : start + 7]) for start in range(0, len(ids), 7)])
    assert np.array_equal(scores, at_once.score(ids))


def test_a_copy_has_read_the_same_and_learns_on_its_own() -> None:
    model = AdaptiveLanguageModel(256, table_bytes=1 << 16)
    model.learn(list(VERSE))
    twin = model.copy()
    before = model.distribution()
    twin.learn(list(b"something else"))
    assert np.array_equal(model.distribution(), before)
    assert twin.vocab_size == 256


def test_what_is_only_context_is_never_predicted_and_costs_nothing() -> None:
    model = AdaptiveLanguageModel(3, context_only=[1], table_bytes=SMALL)
    assert model.distribution()[1] == 0
    assert model.score([1, 0, 1])[[0, 2]].tolist() == [0, 0]
    assert model.distribution().sum() == pytest.approx(1)


def test_a_single_id_is_certain() -> None:
    model = AdaptiveLanguageModel(3, context_only=[0, 2], table_bytes=SMALL)
    assert model.distribution().tolist() == [0, 1, 0]
    assert model.decode(model.copy().encode([1, 1]), 2).tolist() == [1, 1]


def test_the_code_is_that_of_every_other_machine() -> None:
    code = AdaptiveLanguageModel(256, line_end=10, table_bytes=1 << 16).encode(list(VERSE))
    assert hashlib.sha256(code).hexdigest() == "8478e1038016d73ccd3ccb9b9f088301cc67e87911295c251cdc56ebfa3c08c8"


def test_the_compiled_functions_do_what_their_python_does() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", CODED],
            input=VERSE[:150],
            env=os.environ | {"NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            check=True,
        ).stdout
        for disabled in ("0", "1")
    ]
    assert found[0] == found[1] != b""


def test_a_text_read_twice_is_cheap_the_second_time() -> None:
    model = AdaptiveLanguageModel(256, table_bytes=1 << 20)
    first, second = (model.score(list(VERSE[: len(VERSE) // 3])).mean() for _ in range(2))
    assert second < first / 10


def test_a_word_is_known_with_a_capital_too() -> None:
    letters = [ord(chr(i).lower()) if chr(i).isascii() and chr(i).isalpha() else 0 for i in range(256)]
    with_words, without = (AdaptiveLanguageModel(256, letters=given, table_bytes=1 << 20) for given in (letters, None))
    for model in (with_words, without):
        model.learn(list(b"the house, a house, no house; " * 10))
    capital = list(b"House")
    assert with_words.score(capital)[1:].sum() < without.score(capital)[1:].sum()


def counted(ids: bytes, order: int = 9) -> NGramCounts:
    return NGramCounts.from_tokens(list(ids), vocab_size=256, order=order)


def test_a_model_that_starts_from_counts_expects_what_was_counted() -> None:
    model = AdaptiveLanguageModel(256, table_bytes=1 << 20)
    model.learn_counts(counted(VERSE))
    assert (
        model.score(list(VERSE)).mean() < AdaptiveLanguageModel(256, table_bytes=1 << 20).score(list(VERSE)).mean() / 2
    )


@pytest.mark.parametrize("order", range(1, 10))
def test_each_context_that_was_counted_is_the_one_that_is_read(order: int) -> None:
    """What came once after a context is expected after it, as far as the counts reach."""
    model = AdaptiveLanguageModel(256, table_bytes=1 << 20)
    model.learn_counts(counted(b"abcdefghijklmnopqrstuvwxyz" * 40, order))
    model.learn(list(b"opqrst"))
    if order > 1:
        assert model.distribution().argmax() == ord("u")
        assert model.distribution()[ord("u")] > 0.9


def test_equal_counts_make_equal_models() -> None:
    parts = counted(VERSE[:100]).merge(counted(VERSE[100:]))
    models = [AdaptiveLanguageModel(256, table_bytes=1 << 16) for _ in range(2)]
    for model in models:
        model.learn_counts(parts)
    assert models[0].encode(list(VERSE)) == models[1].encode(list(VERSE))


def test_only_a_model_that_has_read_nothing_starts_from_counts() -> None:
    model = AdaptiveLanguageModel(256, table_bytes=SMALL)
    model.learn([0])
    with pytest.raises(ValueError, match="this one has read something"):
        model.learn_counts(counted(VERSE))


def test_counts_of_more_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="counts must be of at most 3 ids, got 256"):
        AdaptiveLanguageModel(3, table_bytes=SMALL).learn_counts(counted(VERSE))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"vocab_size": 0}, ValueError, "vocab_size"),
        ({"vocab_size": 2.5}, TypeError, "vocab_size"),
        ({"table_bytes": 1000}, ValueError, "table_bytes must be a power of two from 4096"),
        ({"table_bytes": 1 << 11}, ValueError, "table_bytes must be a power of two from 4096"),
        ({"table_bytes": 1 << 40}, ValueError, "table_bytes must be a power of two from 4096"),
        ({"table_bytes": "4096"}, TypeError, "table_bytes"),
        ({"weights": [1, 2]}, ValueError, r"weights must be one for each of 3 ids, got shape \(2,\)"),
        ({"weights": [1, 0, 2]}, ValueError, "weights must be from 1 to .*, got 0 to 2"),
        ({"weights": [1.0, 2.0, 3.0]}, TypeError, "weights must be integers, got float64"),
        ({"letters": [0, -1, 0]}, ValueError, "letters must be from 0"),
        ({"line_end": 3}, ValueError, "line_end must be an id from 0 to 2, got 3"),
        ({"line_end": -1}, ValueError, "line_end must be an id from 0 to 2, got -1"),
        ({"context_only": [0, 1, 2]}, ValueError, "context_only contains every id"),
        ({"context_only": [3]}, ValueError, "context_only must be ids 0 to 2, got 3"),
    ],
)
def test_an_argument_that_is_wrong_is_named(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        AdaptiveLanguageModel(**({"vocab_size": 3, "table_bytes": SMALL} | given))


def test_ids_are_checked_before_any_is_learned() -> None:
    model = AdaptiveLanguageModel(3, table_bytes=SMALL)
    before = model.distribution()
    with pytest.raises(TokenIdError):
        model.score([0, 1, 3])
    with pytest.raises(TypeError):
        model.learn([0.5])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="one-dimensional"):
        model.encode(np.zeros((2, 2), np.int64))
    assert np.array_equal(model.distribution(), before)


def test_what_is_no_code_and_what_are_no_counts_are_refused() -> None:
    model = AdaptiveLanguageModel(3, table_bytes=SMALL)
    with pytest.raises(TypeError, match="code must be bytes, got str"):
        model.decode("abcd", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="counts must be NGramCounts, got list"):
        model.learn_counts([1, 2])  # type: ignore[arg-type]


def test_a_code_that_goes_on_behind_its_ids_is_refused_even_if_there_are_none() -> None:
    with pytest.raises(ValueError, match="code of 4 bytes is not that of 0 ids"):
        AdaptiveLanguageModel(3, table_bytes=SMALL).decode(b"abcd", 0)


def test_more_ids_than_any_code_of_its_length_has_are_refused_before_any_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = AdaptiveLanguageModel(2, table_bytes=SMALL).encode([0] * 100_000)
    assert AdaptiveLanguageModel(2, table_bytes=SMALL).decode(code, 100_000).sum() == 0
    monkeypatch.delattr("charlm.models.adaptive.model.decode")
    for n_ids in (1 << 20, 1 << 64):
        with pytest.raises(ValueError, match=f"code of {len(code)} bytes is not that of {n_ids:,} ids"):
            AdaptiveLanguageModel(2, table_bytes=SMALL).decode(code, n_ids)


@pytest.mark.parametrize("change", [-200, 1000, 1 << 40])
def test_a_code_of_another_length_is_refused(change: int) -> None:
    code = AdaptiveLanguageModel(256, table_bytes=SMALL).encode(list(VERSE))
    with pytest.raises(ValueError, match="is not that of"):
        AdaptiveLanguageModel(256, table_bytes=SMALL).decode(code, len(VERSE) + change)


@settings(max_examples=20)
@given(st.binary(max_size=40), st.integers(0, 1 << 62))
def test_any_bytes_are_decoded_or_refused(code: bytes, n_ids: int) -> None:
    try:
        found = len(AdaptiveLanguageModel(5, table_bytes=SMALL).decode(code, n_ids))
    except ValueError:
        return
    assert found == n_ids
