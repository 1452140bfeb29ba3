from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from charlm import BatchSampler, BigramLanguageModel, RecordDataset, Trainer, TrainerConfig, evaluate
from charlm.data.limits import TooLong
from charlm.recipes.corpus import Corpus
from chartok import UnknownCharacterError, Vocabulary, encode_texts
from strategies import any_text, costly

BOS_EOS = Vocabulary("a", special_tokens=["bos", "eos"])

records_of_text = st.lists(any_text.filter(bool), min_size=1, max_size=8)


@costly()
@given(records_of_text, st.integers(0, 3))
def test_a_record_is_its_start_its_characters_and_its_end(texts: list[str], room: int) -> None:
    block_size = max(map(len, texts)) + 1 + room
    dataset = RecordDataset(texts, block_size=block_size)
    special = dataset.vocabulary.special_tokens
    for text, (inputs, targets) in zip(texts, (dataset[i] for i in range(len(dataset))), strict=True):
        ids = dataset.vocabulary.encode(text).tolist()
        assert inputs.tolist() == [special["bos"], *ids]
        assert targets.tolist() == [*ids, special["eos"]]
    assert dataset.block_size == block_size
    assert dataset[-1][1].tolist() == dataset[len(texts) - 1][1].tolist()


@costly()
@given(records_of_text, st.data())
def test_a_batch_is_its_records_padded_to_the_longest_of_them(texts: list[str], data: st.DataObject) -> None:
    dataset = RecordDataset(texts)
    indices = data.draw(st.lists(st.sampled_from(range(len(texts))), min_size=1))
    inputs, targets = dataset.batch(torch.tensor(indices), torch.device("cpu"))
    eos = dataset.vocabulary.special_tokens["eos"]
    expected = [dataset[i] for i in indices]
    assert torch.equal(inputs, pad_sequence([record for record, _ in expected], batch_first=True, padding_value=eos))
    assert torch.equal(targets, pad_sequence([ids for _, ids in expected], batch_first=True, padding_value=-100))
    assert dataset.widths(np.array(indices)).tolist() == [len(record) for record, _ in expected]
    assert inputs.dtype == targets.dtype == torch.int64


@costly()
@given(records_of_text, st.integers(1, 6))
def test_a_long_record_is_windows_in_which_each_character_is_a_target_once(texts: list[str], block_size: int) -> None:
    dataset = RecordDataset(texts, block_size=block_size)
    special = dataset.vocabulary.special_tokens
    expected = []
    for text in texts:
        ids = [special["bos"], *dataset.vocabulary.encode(text).tolist(), special["eos"]]
        starts = range(0, len(ids) - 1, block_size)
        expected += [(ids[start:-1][:block_size], ids[start + 1 :][:block_size]) for start in starts]
    examples = [dataset[i] for i in range(len(dataset))]
    assert [(inputs.tolist(), targets.tolist()) for inputs, targets in examples] == expected
    everything = torch.arange(len(dataset))
    assert dataset.batch(everything, torch.device("cpu"))[0].shape[1] <= block_size
    whole = RecordDataset(texts)
    assert evaluate(BigramLanguageModel(whole.vocabulary.size), dataset) == evaluate(
        BigramLanguageModel(whole.vocabulary.size), whole
    )


@given(records_of_text, st.integers(1, 6))
def test_what_is_too_long_is_cut_left_out_windowed_or_refused(texts: list[str], max_length: int) -> None:
    vocabulary = Vocabulary.from_text(texts, special_tokens=["bos", "eos"])
    bos, eos = vocabulary.special_tokens["bos"], vocabulary.special_tokens["eos"]

    def made(too_long: TooLong) -> list[list[int]]:
        dataset = RecordDataset(texts, vocabulary, max_length=max_length, too_long=too_long)
        return records_of(*dataset.joined())

    whole = [[bos, *vocabulary.encode(text).tolist(), eos] for text in texts]
    fits = [len(text) <= max_length for text in texts]
    truncated = RecordDataset(texts, vocabulary, max_length=max_length, too_long="truncate")
    assert made("truncate") == [
        record if fit else record[: max_length + 1] for record, fit in zip(whole, fits, strict=True)
    ]
    assert truncated.records.characters == sum(min(len(text), max_length) for text in texts)
    assert made("split") == whole
    assert RecordDataset(texts, vocabulary, max_length=max_length).block_size <= max_length + 1
    if any(fits):
        assert made("skip") == [record for record, fit in zip(whole, fits, strict=True) if fit]
    else:
        with pytest.raises(ValueError, match=f"every record has more than max_length {max_length} symbols"):
            made("skip")
    if all(fits):
        assert made("error") == whole
    else:
        place = fits.index(False)
        message = f"record {place + 1} has {len(texts[place])} symbols, more than max_length {max_length}: "
        with pytest.raises(ValueError, match=message):
            made("error")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"max_length": 0}, ValueError, "max_length must be at least 1, got 0"),
        ({"max_length": 2.0}, TypeError, "max_length must be an integer, got float"),
        (
            {"max_length": 2, "too_long": "cut"},
            ValueError,
            "too_long must be 'truncate', 'split', 'skip' or 'error', got 'cut'",
        ),
    ],
)
def test_limits_that_are_none_are_refused(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RecordDataset(["ab"], **settings)


@costly()
@given(records_of_text, st.integers(1, 4), st.integers(0, 5))
def test_records_on_disk_are_those_in_memory(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], block_size: int, seed: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "records.tokens"
    with encode_texts(texts, path, records=True) as tokens:
        on_disk = RecordDataset(tokens, block_size=block_size)
        in_memory = RecordDataset(texts, tokens.vocabulary, block_size=block_size)
        pairs = [(on_disk, in_memory)]
        if len(set(texts)) > 1:
            pairs += zip(on_disk.split(0.5, seed=seed), in_memory.split(0.5, seed=seed), strict=True)
        for found, expected in pairs:
            everything = torch.arange(len(expected))
            assert len(found) == len(expected)
            for one, other in zip(
                found.batch(everything, torch.device("cpu")),
                expected.batch(everything, torch.device("cpu")),
                strict=True,
            ):
                assert torch.equal(one, other)
            assert records_of(*found.joined()) == records_of(*expected.joined())
            assert found.packed(1).ids.tolist() == expected.packed(1).ids.tolist()


def test_records_on_disk_are_told_apart_by_what_they_are(tmp_path: Path) -> None:
    with encode_texts(["ada", "bob", "eve"], tmp_path / "a.tokens", records=True) as tokens:
        whole = RecordDataset(tokens)
        first, rest = whole.split(0.5, seed=1)
        several = [whole, first, rest, RecordDataset(tokens, block_size=2), RecordDataset(tokens, tokens.vocabulary)]
        assert len({dataset.fingerprint() for dataset in several}) == 4
        with pytest.raises(ValueError, match=r"vocabulary is not that of '.*a\.tokens'"):
            RecordDataset(tokens, Vocabulary("ab", special_tokens=["bos", "eos"]))
    with (
        encode_texts(["ada"], tmp_path / "text.tokens") as text,
        pytest.raises(ValueError, match=r"text\.tokens' holds one text: write the lines of a text as records"),
    ):
        RecordDataset(text)
    with (
        encode_texts([], tmp_path / "none.tokens", tokens.vocabulary, records=True) as none,
        pytest.raises(ValueError, match=r"none\.tokens' holds no records"),
    ):
        RecordDataset(none)


def test_padding_counts_neither_in_the_loss_nor_in_a_score() -> None:
    model = BigramLanguageModel(4, seed=1)
    short, long = RecordDataset(["ab", "b"]), RecordDataset(["ab", "b"], block_size=9)
    assert evaluate(model, short) == evaluate(model, long)
    assert evaluate(model, short).characters == 5
    losses = [model(*dataset.batch(torch.tensor([0, 1]), torch.device("cpu")))[1] for dataset in (short, long)]
    assert losses[0] is not None
    assert losses[1] is not None
    torch.testing.assert_close(losses[0], losses[1])
    assert evaluate(model, short).nats_per_character == pytest.approx(losses[0].item())


@costly()
@given(records_of_text.filter(lambda texts: len(set(texts)) > 1), st.integers(0, 5))
def test_split_puts_each_record_in_one_part_and_the_same_ones_together(texts: list[str], seed: int) -> None:
    dataset = RecordDataset(texts)
    parts = dataset.split(0.5, seed=seed)
    rows = [part[i][1].tolist() for part in parts for i in range(len(part))]
    assert sorted(rows) == sorted(dataset[i][1].tolist() for i in range(len(dataset)))
    assert not {str(parts[0][i]) for i in range(len(parts[0]))} & {str(parts[1][i]) for i in range(len(parts[1]))}
    assert abs(len(parts[0]) - len(texts) // 2) < max(Counter(texts).values())
    again = dataset.split(0.5, seed=seed) if seed else dataset.split(0.5)
    assert [part.fingerprint() for part in parts] == [part.fingerprint() for part in again]


def records_of(ids: NDArray[Any], lengths: NDArray[np.int64]) -> list[list[int]]:
    """Each text of several in one array, as a list."""
    assert lengths.sum() == len(ids)
    return [record.tolist() for record in np.split(ids, lengths.cumsum()[:-1])]


@given(records_of_text, st.integers(1, 40), st.integers(0, 9))
def test_pieces_are_all_records_in_order_and_hold_few_ids_at_a_time(texts: list[str], most: int, overlap: int) -> None:
    dataset = RecordDataset(texts)
    pieces = list(dataset.pieces(most, overlap))
    assert all(len(lengths) == 1 or len(ids) <= most for ids, lengths, *_ in pieces)
    assert all(counts.all() for _, _, counts, _ in pieces)
    records = [record for ids, lengths, *_ in pieces for record in records_of(ids, lengths)]
    whole = (dataset[i] for i in range(len(dataset)))
    for record, (inputs, targets) in zip(records, whole, strict=True):
        assert record[:-1] == inputs.tolist()
        assert record[1:] == targets.tolist()


@given(records_of_text)
def test_what_is_joined_are_the_records_alone(texts: list[str]) -> None:
    dataset = RecordDataset(texts)
    special = dataset.vocabulary.special_tokens
    expected = [[special["bos"], *dataset.vocabulary.encode(text).tolist(), special["eos"]] for text in texts]
    assert records_of(*dataset.joined()) == expected
    is_chosen = np.arange(len(texts)) % 2 == 0
    assert records_of(*dataset.records.chosen(is_chosen).joined()) == expected[::2]


def test_packed_records_are_one_stream_without_padding() -> None:
    dataset = RecordDataset(["ab", "b"])
    packed = dataset.packed(3)
    assert packed.ids.tolist() == [2, 0, 1, 3, 2, 1, 3]
    assert dataset.split(0.5, seed=0)[0].packed(2).ids.tolist() in ([2, 0, 1, 3], [2, 1, 3])


def test_lines_of_a_file_are_records(tmp_path: Path) -> None:
    for content in (b"ada\nbob", b"ada\nbob\n", b"ada\r\nbob\r\n", b"\xef\xbb\xbfada\r\nbob"):
        (tmp_path / "names.txt").write_bytes(content)
        assert (
            RecordDataset.from_file(tmp_path / "names.txt").fingerprint() == RecordDataset(["ada", "bob"]).fingerprint()
        )
    (tmp_path / "names.txt").write_bytes("a\u2028b\x0cc\r\n".encode())
    assert len(RecordDataset.from_file(tmp_path / "names.txt")) == 1


@pytest.mark.parametrize(
    ("content", "settings", "error", "message"),
    [
        (b"", {}, ValueError, r"names\.txt': records is empty"),
        (b"ada\n\nbob\n", {"blank_lines": "error"}, ValueError, r"line 2 of '.*names\.txt' is blank"),
        (
            b"ada\nbob",
            {"max_length": 2, "too_long": "error"},
            ValueError,
            r"names\.txt': record 1 has 3 symbols, more than max_length 2",
        ),
        (
            b"a\naab",
            {"vocabulary": BOS_EOS},
            UnknownCharacterError,
            r"^character 3 of line 2 of '.*names\.txt' is U\+0062 'b'",
        ),
    ],
)
def test_what_is_wrong_in_a_file_of_records_names_it(
    tmp_path: Path, content: bytes, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(error, match=message):
        RecordDataset.from_file(tmp_path / "names.txt", **settings)


def test_torchs_data_loader_takes_records() -> None:
    inputs, targets = next(iter(DataLoader(RecordDataset(["ab", "b"]), batch_size=2)))
    assert inputs.tolist() == [[2, 0, 1], [2, 1, 3]]
    assert targets.tolist() == [[0, 1, 3], [1, 3, -100]]


def test_no_name_is_on_both_sides_of_a_split(names: list[str]) -> None:
    assert len(set(names)) < len(names)
    for parts in (RecordDataset(names).split(0.9, seed=1337), Corpus.of_records(names).split(0.9, seed=1337)):
        sizes, sides = [], []
        for part in parts:
            ids, lengths = part.joined()
            sizes.append(len(lengths))
            sides.append({record.tobytes() for record in np.split(ids, lengths.cumsum()[:-1])})
        assert sizes == [28829, 3204]
        assert len(sides[0] | sides[1]) == len(sides[0]) + len(sides[1]) == len(set(names))


def test_a_model_learns_names(names: list[str]) -> None:
    train, validation = RecordDataset(names).split(0.9, seed=0)
    batches = BatchSampler(train, batch_size=256, seed=0, order="shuffled")
    model = BigramLanguageModel(train.vocabulary.size)
    config = TrainerConfig(max_steps=400, learning_rate=0.05)
    Trainer(model, batches, validation=validation, config=config).fit()
    assert evaluate(model, validation).nats_per_character == pytest.approx(2.46, abs=0.02)


@pytest.mark.parametrize(
    ("texts", "settings", "error", "message"),
    [
        ([], {}, ValueError, "records is empty"),
        (["a", ""], {}, ValueError, r"records\[1\] is empty"),
        (["a"], {"block_size": 0}, ValueError, "block_size"),
        (["a", b"b"], {}, TypeError, r"records\[1\] must be a str, got bytes"),
        ("abc", {}, TypeError, "records must be an iterable of str, got a single str: put it in a list"),
        (5, {}, TypeError, "records must be an iterable of str, got int"),
        (["ab"], {"block_size": "8"}, TypeError, "block_size must be an integer, got str"),
        (["ab"], {"vocabulary": 5}, TypeError, "vocabulary must be a Vocabulary, got int"),
        (["a"], {"vocabulary": Vocabulary("a", special_tokens=["bos"])}, ValueError, "need a eos token"),
        (
            ["a", "b"],
            {"vocabulary": Vocabulary("a", special_tokens=["bos", "eos"])},
            UnknownCharacterError,
            r"\[1\]\[0\]",
        ),
    ],
)
def test_bad_records_are_refused(texts: Any, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RecordDataset(texts, **settings)


def test_a_part_without_records_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves a part empty"):
        RecordDataset(["a", "b"]).split(0.1, seed=0)
    with pytest.raises(IndexError, match="record 1 is out of range: the dataset has length 1"):
        RecordDataset(["a"])[1]
    with pytest.raises(ValueError, match="vocabulary of 3 ids, but the model has only 2"):
        evaluate(BigramLanguageModel(2), RecordDataset(["a"]))
