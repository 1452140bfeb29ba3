"""What a prompt masks, it masks wherever a loss or a score is: in examples, windows, packed windows, and pieces."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import (
    IGNORE_INDEX,
    BatchSampler,
    BigramLanguageModel,
    MixtureLanguageModel,
    RecordDataset,
    Trainer,
    TrainerConfig,
    evaluate,
)
from charlm.data.packed_records import PackedRecords
from chartok import UnknownCharacterError, Vocabulary, encode_texts
from strategies import costly

VOCABULARY = Vocabulary("ab=", special_tokens=["bos", "eos"])
BOS, EOS = 3, 4
CPU = torch.device("cpu")
questions = st.lists(
    st.tuples(st.text("ab", max_size=5), st.text("ab=", min_size=1, max_size=5)), min_size=1, max_size=8
)


def whole(pair: tuple[str, str]) -> str:
    return "=".join(pair)


def reference(text: str, separator: str = "=") -> list[tuple[int, int]]:
    """Returns each id of a record but the last with its target, masked up to the separator."""
    ids = [BOS, *VOCABULARY.encode(text).tolist(), EOS]
    hidden = text.index(separator) + len(separator)
    return [(ids[place], ids[place + 1] if place >= hidden else IGNORE_INDEX) for place in range(len(ids) - 1)]


def examples(dataset: Any) -> list[list[tuple[int, int]]]:
    """Returns the examples of a dataset without their padding."""
    inputs, targets = dataset.batch(torch.arange(len(dataset)), CPU)
    widths = dataset.widths(np.arange(len(dataset))).tolist()
    rows = zip(inputs.tolist(), targets.tolist(), widths, strict=True)
    assert (targets[np.arange(targets.shape[1]) >= np.array(widths)[:, None]] == IGNORE_INDEX).all()
    return [list(zip(row[:width], answer[:width], strict=True)) for row, answer, width in rows]


def counted(dataset: Any, targets: int | None = None) -> list[int]:
    """Returns the targets that count in the pieces of a dataset."""
    found = []
    for ids, lengths, counts, _ in dataset.pieces(targets, 0):
        is_target = np.ones(len(ids), dtype=bool)
        is_target[np.cumsum(lengths) - lengths] = False
        found += ids[is_target][counts].tolist()
    return found


@costly()
@given(questions, st.integers(1, 12))
def test_a_prompt_is_masked_in_every_window_of_its_record(pairs: list[tuple[str, str]], block_size: int) -> None:
    texts = list(map(whole, pairs))
    expected = []
    for record in map(reference, texts):
        windows = [record[start : start + block_size] for start in range(0, len(record), block_size)]
        expected += [window for window in windows if any(target != IGNORE_INDEX for _, target in window)]
    dataset = RecordDataset(texts, VOCABULARY, block_size=block_size, prompt_end="=")
    assert examples(dataset) == expected
    assert [list(zip(*(part.tolist() for part in dataset[i]), strict=True)) for i in range(len(dataset))] == expected


@costly()
@given(questions, st.integers(1, 40), st.integers(0, 3))
def test_pieces_count_the_answers_alone_whatever_is_chosen(
    pairs: list[tuple[str, str]], targets: int, seed: int
) -> None:
    texts = list(map(whole, pairs))
    dataset = RecordDataset(texts, VOCABULARY, prompt_end="=")

    def answers(some: list[str]) -> list[int]:
        return [target for text in some for _, target in reference(text) if target != IGNORE_INDEX]

    assert counted(dataset, targets) == answers(texts)
    if len(set(texts)) > 1:
        for part in dataset.split(0.5, seed=seed):
            ids, lengths = part.joined()
            records = np.split(ids, np.cumsum(lengths)[:-1])
            assert counted(part) == answers([VOCABULARY.decode(record[1:-1]) for record in records])
            assert [pair for example in examples(part) for pair in example] == [
                pair for record in records for pair in reference(VOCABULARY.decode(record[1:-1]))
            ]


@costly()
@given(questions)
def test_given_prompts_mask_as_those_that_are_found(pairs: list[tuple[str, str]]) -> None:
    found = RecordDataset(list(map(whole, pairs)), VOCABULARY, prompt_end="=")
    given_ = RecordDataset([answer for _, answer in pairs], VOCABULARY, prompts=[f"{prompt}=" for prompt, _ in pairs])
    assert examples(given_) == examples(found)
    assert given_.fingerprint() == found.fingerprint()
    assert found.fingerprint() != RecordDataset(list(map(whole, pairs)), VOCABULARY).fingerprint()


@costly()
@given(questions, st.integers(0, 3), st.integers(0, 3))
def test_packed_windows_mask_the_same_and_none_is_in_a_prompt_alone(
    pairs: list[tuple[str, str]], room: int, seed: int
) -> None:
    texts = list(map(whole, pairs))
    dataset = RecordDataset(texts, VOCABULARY, prompt_end="=")
    least = max(len(prompt) + 1 for prompt, _ in pairs) + 2
    with pytest.raises(ValueError, match=f"block_size must be at least {least}, .* got {least - 1}"):
        dataset.packed(least - 1)
    stream = [pair for text in texts for pair in [*reference(text), (EOS, BOS)]][:-1]
    block_size = least + room
    if len(stream) < block_size:
        return
    packed = dataset.packed(block_size)
    expected = [stream[start : start + block_size] for start in range(len(stream) - block_size + 1)]
    assert examples(packed) == expected
    assert all(any(target not in (BOS, IGNORE_INDEX) for _, target in window) for window in expected)
    assert [list(zip(*(part.tolist() for part in packed[i]), strict=True)) for i in range(len(packed))] == expected
    assert counted(packed, 7) == [target for _, target in stream if target != IGNORE_INDEX]
    if len(stream) > 3 * block_size:
        first, rest = packed.split(0.5, seed=seed)
        assert isinstance(first, PackedRecords)
        assert [*examples(first), *examples(rest)] == [
            *expected[: len(first)],
            *expected[len(expected) - len(rest) :],
        ]
        assert len({part.fingerprint() for part in (first, rest, packed)}) == 3


@costly()
@given(questions, st.integers(1, 8))
def test_a_limit_keeps_the_mask_or_names_the_record_of_which_it_leaves_the_prompt(
    pairs: list[tuple[str, str]], max_length: int
) -> None:
    texts = list(map(whole, pairs))
    bad = [
        len(text) > max_length and len(prompt) + 1 >= max_length for text, (prompt, _) in zip(texts, pairs, strict=True)
    ]

    def make() -> RecordDataset:
        return RecordDataset(texts, VOCABULARY, max_length=max_length, too_long="truncate", prompt_end="=")

    if any(bad):
        with pytest.raises(ValueError, match=f"nothing follows the prompt of record {bad.index(True) + 1}, "):
            make()
        return
    expected = [reference(text)[: max_length + (len(text) <= max_length)] for text in texts]
    assert examples(make()) == expected
    assert counted(make()) == [target for record in expected for _, target in record if target != IGNORE_INDEX]


def test_records_on_disk_have_the_prompts_of_those_in_memory(tmp_path: Path) -> None:
    texts = ["ab=a", "=b", "a=ab=b"] * 20
    with encode_texts(texts, tmp_path / "a.tokens", VOCABULARY, records=True) as tokens:
        on_disk, in_memory = (RecordDataset(held, VOCABULARY, prompt_end="=") for held in (tokens, texts))
        assert examples(on_disk) == examples(in_memory)
        assert examples(on_disk.packed(6)) == examples(in_memory.packed(6))
        assert [examples(part) for part in on_disk.split(0.5)] == [examples(part) for part in in_memory.split(0.5)]
        assert RecordDataset(tokens).fingerprint() != on_disk.fingerprint()
        with pytest.raises(ValueError, match=r"a\.tokens' have their prompts in them: give prompt_end, not prompts"):
            RecordDataset(tokens, prompts=[""] * 60)
    (tmp_path / "a.txt").write_text("\n".join(texts), encoding="utf-8")
    assert examples(RecordDataset.from_file(tmp_path / "a.txt", VOCABULARY, prompt_end="=")) == examples(in_memory)


def test_by_length_and_the_order_hold_for_what_is_masked() -> None:
    dataset = RecordDataset(["a" * n + "=" + "b" * m for n in range(1, 40, 3) for m in (1, 50)], prompt_end="=")
    batches = BatchSampler(dataset, 2, order="shuffled", by_length=True)
    drawn = [next(batches) for _ in range(len(dataset) // 2)]
    found = [row for _, targets in drawn for row in targets.tolist()]
    assert sorted(sum(target != IGNORE_INDEX for target in row) for row in found) == [2] * 13 + [51] * 13


def test_a_model_learns_and_is_measured_by_the_answer_alone() -> None:
    """The prompts are noise; what follows is known from the last character."""
    dataset = RecordDataset(["ab=b", "bba=b", "a=b", "aabab=b"] * 5, VOCABULARY, prompt_end="=")
    batches = BatchSampler(dataset, 4, seed=0)
    model = BigramLanguageModel(VOCABULARY.size, context_only=[BOS])
    config = TrainerConfig(max_steps=200, learning_rate=0.3, evaluation_interval=50)
    trainer = Trainer(model, batches, validation=dataset, config=config).fit()
    assert trainer.log[-1].train_loss < 0.05
    assert trainer.evaluate().nats_per_character < 0.05
    assert trainer.evaluate().characters == 2 * len(dataset)
    assert evaluate(model, RecordDataset(["ab=b"], VOCABULARY)).nats_per_character > 0.5


@pytest.mark.parametrize("accumulation_steps", [1, 3])
def test_the_loss_of_a_batch_is_the_mean_over_what_counts(accumulation_steps: int) -> None:
    dataset = RecordDataset(["ab=b", "a=bbbbba", "aaaa=ab"], VOCABULARY, prompt_end="=")
    model = BigramLanguageModel(VOCABULARY.size, seed=3, context_only=[BOS])
    expected = evaluate(model, dataset)
    config = TrainerConfig(max_steps=1, accumulation_steps=accumulation_steps)
    trainer = Trainer(model, BatchSampler(dataset, 3, order="sequential"), config=config).fit()
    assert trainer.log[0].train_loss == pytest.approx(expected.nats_per_character, rel=1e-5)


def test_a_mixture_weighs_its_models_by_the_answers() -> None:
    """One model is right about the prompts, the other about the answers."""
    dataset = RecordDataset(["aaaa=b"] * 9, VOCABULARY, prompt_end="=")
    knows = [BigramLanguageModel(VOCABULARY.size, context_only=[BOS]) for _ in range(2)]
    with torch.no_grad():
        knows[0].table[0, 0] = knows[0].table[BOS, 0] = 9
        knows[1].table[2, 1] = knows[1].table[1, EOS] = 9
    weights = MixtureLanguageModel(knows).fit(dataset).weights
    assert weights[0, 1] > 0.99
    assert MixtureLanguageModel(knows).fit(dataset.packed(7)).weights[0, 1] > 0.99


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RecordDataset(["a=b", "ab"], prompt_end="="), ValueError, "record 2 does not contain '='"),
        (
            lambda: RecordDataset(["a=b", "a="], prompt_end="="),
            ValueError,
            "nothing follows the prompt of record 2, in",
        ),
        (lambda: RecordDataset(["a="], prompt_end="="), ValueError, "nothing follows the prompt of record 1, in its 2"),
        (lambda: RecordDataset(["a=b"], prompt_end=""), ValueError, "prompt_end is empty: give what ends the prompt"),
        (lambda: RecordDataset(["a=b"], prompt_end=5), TypeError, "prompt_end must be a str, got int"),  # type: ignore[arg-type]  # bad input
        (lambda: RecordDataset(["a=b"], prompt_end=":"), ValueError, "prompt_end cannot be ':': .*U\\+003A"),
        (lambda: RecordDataset(["a=b"], prompt_end="=", prompts=["x"]), ValueError, "leave one of them out"),
        (lambda: RecordDataset(["a", "b"], prompts=["x"]), ValueError, "one for each of 2 records, got 1"),
        (lambda: RecordDataset(["a"], prompts="x"), TypeError, "prompts must be an iterable of str, got a single str"),
        (lambda: RecordDataset(["a"], prompts=[b"x"]), TypeError, r"prompts\[0\] must be a str, got bytes"),  # type: ignore[list-item]  # bad input
        (lambda: RecordDataset(["a", ""], prompts=["x", "y"]), ValueError, r"records\[1\] is empty"),
        (lambda: RecordDataset(["a", "a!"], VOCABULARY, prompts=["", "b="]), UnknownCharacterError, r"\[1\]\[3\]"),
        (lambda: RecordDataset(["a", "a"], VOCABULARY, prompts=["", "b!"]), UnknownCharacterError, r"\[1\]\[1\]"),
    ],
)
def test_prompts_that_cannot_be_are_refused(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_the_file_and_the_line_of_a_record_without_a_prompt_are_named(tmp_path: Path) -> None:
    for name, lines in (("a.txt", "a=b\nb=a\n"), ("b.txt", "a=a\nab\n")):
        (tmp_path / name).write_text(lines, encoding="utf-8")
    with pytest.raises(ValueError, match=r"record 2 of '.*b\.txt' does not contain '='"):
        RecordDataset.from_file(tmp_path / "[ab].txt", prompt_end="=")


def test_a_prompt_may_end_in_several_symbols_and_in_symbols_of_several_characters() -> None:
    dataset = RecordDataset(["a-b->c->"], prompt_end="->")
    assert (dataset[0][1] == IGNORE_INDEX).tolist() == [True] * 5 + [False] * 4
    vocabulary = Vocabulary(["a", "->", "b"], special_tokens=["bos", "eos"])
    assert RecordDataset(["a->b"], vocabulary, prompt_end="->")[0][1].tolist() == [IGNORE_INDEX, IGNORE_INDEX, 2, 4]
    assert RecordDataset(
        [">b", "b"], Vocabulary(["-", "->", ">", "b"], special_tokens=["bos", "eos"]), prompts=["-", ""]
    )[0][1].tolist() == [IGNORE_INDEX, 2, 3, 5]
