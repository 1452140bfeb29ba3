"""Promises of counting: a limit of its memory and an executor change what it takes, never what it finds."""

import errno
import resource
import tempfile
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm import CharLM, NGramCounts, NGramLanguageModel, TextDataset
from charlm.cli.app import main
from charlm.data.dataset import JoinedTexts
from charlm.models.counting import by_sorting as counting
from charlm.models.counting.building import TreeBuilder
from charlm.models.counting.runs import Packing, Run, counted, merged
from charlm.models.counting.texts import stretches
from chartok import encode_file
from kneserney_reference import ngram_counts
from open_files import open_below, tells_open_files
from strategies import costly

VOCAB_SIZE = 4
LONG = np.random.default_rng(0).integers(0, 9, 200_000).cumsum() % 50

token_ids = st.integers(0, VOCAB_SIZE - 1)
texts = st.lists(st.lists(token_ids, max_size=60), max_size=4)
weighted = st.lists(st.tuples(st.lists(token_ids, max_size=12), st.integers(0, 300)), min_size=1, max_size=6)
orders = st.integers(1, 5)
vocab_sizes = st.sampled_from([VOCAB_SIZE, 300, 2**20, 2**31])
"""With these the windows take one word, or several."""
few = st.integers(1, 7)


def in_memory(tokens: Any, **shape: Any) -> NGramCounts:
    return NGramCounts.from_tokens(tokens, **shape)


@contextmanager
def few_at_once(windows: int, *, fan_in: int = 2) -> Iterator[None]:
    """Sorts, merges and adds a few windows at a time, however much memory there is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "WINDOWS_AT_ONCE", windows)
        patch.setattr(counting, "MERGED_AT_ONCE", windows)
        patch.setattr(counting, "FAN_IN", fan_in)
        yield


def assert_same(actual: NGramCounts, expected: NGramCounts) -> None:
    assert [str(array.dtype) for array in (actual.keys, actual.counts)] == ["int64", "int64"]
    assert np.array_equal(actual.keys, expected.keys)
    assert np.array_equal(actual.counts, expected.counts)


def spread(some_texts: list[list[int]], vocab_size: int) -> list[list[int]]:
    factor = (vocab_size - 1) // (VOCAB_SIZE - 1)
    return [[token_id * factor for token_id in text] for text in some_texts]


@given(texts, orders, vocab_sizes, few, st.integers(2, 4))
def test_what_is_merged_on_disk_is_what_is_counted_in_memory(
    some_texts: list[list[int]], order: int, vocab_size: int, windows: int, fan_in: int
) -> None:
    tokens = spread(some_texts, vocab_size)
    expected = in_memory(tokens, vocab_size=vocab_size, order=order)
    with few_at_once(windows, fan_in=fan_in):
        assert_same(NGramCounts.from_tokens(tokens, vocab_size=vocab_size, order=order, memory="1 GB"), expected)
        assert_same(in_memory(tokens, vocab_size=vocab_size, order=order), expected)


@given(weighted, orders, vocab_sizes, few)
def test_weights_count_on_disk_as_in_memory(
    some_texts: list[tuple[list[int], int]], order: int, vocab_size: int, windows: int
) -> None:
    tokens = spread([text for text, _ in some_texts], vocab_size)
    joined = JoinedTexts(
        np.array(sum(tokens, list[int]()), dtype=np.int64),
        np.array([*map(len, tokens)]),
        np.array([weight for _, weight in some_texts]),
    )
    repeated = [text for text, (_, weight) in zip(tokens, some_texts, strict=True) for _ in range(weight)]
    expected = in_memory(repeated, vocab_size=vocab_size, order=order)
    assert_same(in_memory(joined, vocab_size=vocab_size, order=order), expected)
    with few_at_once(windows):
        assert_same(NGramCounts.from_tokens(joined, vocab_size=vocab_size, order=order, memory=10**9), expected)


@given(texts, orders, vocab_sizes, few, st.sampled_from([None, "1GB"]))
def test_parts_counted_on_an_executor_lose_nothing_at_their_seams(
    some_texts: list[list[int]], order: int, vocab_size: int, windows: int, memory: str | None
) -> None:
    tokens = spread(some_texts, vocab_size)
    expected = in_memory(tokens, vocab_size=vocab_size, order=order)
    with few_at_once(windows), ThreadPoolExecutor(2) as executor:
        found = NGramCounts.from_tokens(tokens, vocab_size=vocab_size, order=order, memory=memory, executor=executor)
    assert_same(found, expected)


@costly()
@given(st.text("abc", min_size=20, max_size=60), orders, st.integers(1, 9))
def test_a_token_file_is_counted_a_part_at_a_time(text: str, order: int, at_once: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text.txt")
        path.write_text(text, encoding="utf-8")
        with encode_file(path, Path(folder, "text.tokens")) as tokens:
            passages = TextDataset(tokens, block_size=2).split(0.6, how="random-blocks", seed=1)
            for data in (TextDataset(tokens, block_size=2), *passages):
                ids, lengths = data.joined()
                separate = np.split(ids, np.cumsum(lengths)[:-1])
                expected = ngram_counts([part.tolist() for part in separate], order)
                parts = [*data.parts(at_once)]
                assert max(len(part.ids) for part in parts) <= at_once
                with few_at_once(at_once):
                    counts = NGramCounts.from_tokens(data, vocab_size=3, order=order, memory=10**8)
                assert counts.counts.sum() == sum(expected.values())
                assert len(counts.keys) == len(expected)
                assert_same(counts, in_memory(separate, vocab_size=3, order=order))


def runs_of(order: int = 3, windows: int = 50) -> list[Run]:
    packing = Packing.of(vocab_size=50, order=order)
    return [counted(stretch, packing) for stretch in stretches(LONG[:5000], 50, width=order, at_once=windows)]


@pytest.mark.parametrize("at_once", [1, 7, 10**6])
def test_runs_are_merged_in_order_a_few_windows_of_each_at_a_time(at_once: int) -> None:
    runs = runs_of()
    blocks = [*merged(runs, at_once)]
    assert max(block.size for block in blocks) <= at_once * len(runs)
    words = np.concatenate([block.words[0] for block in blocks]).astype(np.int64)
    assert (np.diff(words) > 0).all()
    expected = np.unique(np.concatenate([run.words[0] for run in runs]))
    assert np.array_equal(words, expected)
    assert sum(int(block.counts.sum()) for block in blocks) == 5000


def test_a_window_is_merged_a_few_times_however_many_parts_a_text_has(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, parts = list[int](), 64

    def noted(runs: list[Run], at_once: int) -> Iterator[Run]:
        sizes.append(sum(run.size for run in runs))
        return merged(runs, at_once)

    monkeypatch.setattr(counting, "merged", noted)
    ids = LONG[: 50 * parts]
    with few_at_once(50, fan_in=4):
        found = in_memory(ids, vocab_size=50, order=3)
    assert sum(sizes) <= 50 * parts * 4  # 4 runs to one, 16, 64, and these to the tree
    assert_same(found, in_memory(ids, vocab_size=50, order=3))


@pytest.mark.parametrize(
    ("order", "vocab_size", "is_weighted"), [(6, 50, False), (6, 50, True), (12, 50, False), (3, 2**20, False)]
)
def test_counting_keeps_to_its_memory(
    monkeypatch: pytest.MonkeyPatch, order: int, vocab_size: int, *, is_weighted: bool
) -> None:
    """The result, which is put together at the end, does not count, nor does what is on disk."""
    monkeypatch.setattr(counting, "SMALLEST_RUN", 1 << 12)
    tokens: Any = np.random.default_rng(0).integers(0, vocab_size, 60_000, dtype=np.uint32)
    if is_weighted:
        tokens = JoinedTexts(tokens, np.full(6000, 10), np.full(6000, 2))
    memory, peaks = 3_000_000, list[int]()
    put_together = TreeBuilder.keys_and_counts

    def noted(tree: TreeBuilder) -> Any:
        peaks.append(tracemalloc.get_traced_memory()[1])
        return put_together(tree)

    monkeypatch.setattr(TreeBuilder, "keys_and_counts", noted)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        NGramCounts.from_tokens(tokens, vocab_size=vocab_size, order=order, memory=memory)
    finally:
        tracemalloc.stop()
    assert memory / 4 < peaks[0] - before < memory


@pytest.mark.parametrize(
    ("memory", "error", "message"),
    [
        (1000, ValueError, r"memory must be at least 9,437,184 bytes, .* 65,536 n-grams of order 3 takes, got 1,000"),
        ("1 MB", ValueError, r"memory must be at least 9,437,184 bytes, .* got 1,000,000"),
        ("1.5", ValueError, "memory must be whole bytes, or have a unit such as 1.5MB, got '1.5'"),
        ("much", ValueError, "memory must be a number of bytes or a size such as 500MB or 2GiB, got 'much'"),
        (0, ValueError, "memory must be at least 1, got 0"),
        ("0.1B", ValueError, "memory must be whole bytes, or have a unit such as 0.1MB, got '0.1B'"),
        (f"{'9' * 400}GB", ValueError, r"memory must be below 2\*\*63 bytes, got more"),
        (1 << 63, ValueError, r"memory must be below 2\*\*63 bytes, got more"),
        (1.5, TypeError, "memory must be a number of bytes or a str such as '2GB', got float"),
        (True, TypeError, "memory must be a number of bytes or a str such as '2GB', got bool"),
    ],
    ids=str,
)
def test_a_limit_that_is_none_is_refused_with_what_would_do(memory: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NGramCounts.from_tokens(LONG, vocab_size=50, order=3, memory=memory)
    NGramCounts.from_tokens(LONG[:10], vocab_size=50, order=3, memory=9_437_184)


@tells_open_files
def test_a_full_disk_is_an_error_of_the_system_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with few_at_once(10_000), pytest.raises(OSError, match="File too large") as caught:
            NGramCounts.from_tokens(LONG, vocab_size=50, order=6, memory="1GB")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path))
    assert not [*tmp_path.iterdir()]
    assert open_below(tmp_path) == []


@tells_open_files
def test_whatever_fails_meanwhile_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def failing() -> Iterator[list[int]]:
        yield LONG[:3000].tolist()
        raise KeyboardInterrupt

    with few_at_once(100), pytest.raises(KeyboardInterrupt):
        NGramCounts.from_tokens(failing(), vocab_size=50, order=3, memory="1GB")
    assert not [*tmp_path.iterdir()]
    assert open_below(tmp_path) == []


def test_a_folder_for_temporary_files_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError) as caught:
        NGramCounts.from_tokens(LONG, vocab_size=50, order=3, memory="1GB")
    assert str(tmp_path / "missing") in str(caught.value.filename)


def test_a_failure_on_an_executor_is_raised_once_what_runs_has_ended() -> None:
    with few_at_once(1000), ThreadPoolExecutor(2) as executor:
        submitted = list[Future[Any]]()

        class Noting:
            def submit(self, *arguments: Any) -> Future[Any]:
                future = executor.submit(*arguments) if len(submitted) < 2 else executor.submit(int, "none")
                submitted.append(future)
                return future

        with pytest.raises(ValueError, match="invalid literal"):
            NGramCounts.from_tokens(LONG, vocab_size=50, order=3, executor=Noting())  # type: ignore[arg-type]  # enough
        assert all(future.done() for future in submitted)


def test_a_text_is_fitted_within_a_limit_from_python_and_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "the quick brown fox jumps over the lazy dog. " * 40
    Path("input.txt").write_text(text, encoding="utf-8", newline="")
    encode_file("input.txt", "input.tokens").close()
    whole = CharLM.fit(text[: int(0.9 * len(text))], order=4)
    with few_at_once(300):
        limited = CharLM.fit(text[: int(0.9 * len(text))], order=4, memory="1GB")
        for source in ("input.txt", "input.tokens"):
            assert main(["train", source, "--order", "4", "--memory", "1GB", "--out", f"runs/{source}"]) == 0
    for lm in (limited, CharLM.load("runs/input.txt"), CharLM.load("runs/input.tokens")):
        assert lm.score_samples([text]).tolist() == whole.score_samples([text]).tolist()
    capsys.readouterr()
    assert main(["train", "input.txt", "--order", "4", "--memory", "1MB", "--out", "run"]) == 2
    said = capsys.readouterr().err
    assert "charlm: --memory must be at least 9,437,184 bytes, which sorting 65,536 n-grams of order 4 takes" in said
    assert main(["train", "input.txt", "--memory", "1MBB", "--out", "run"]) == 2
    assert "--memory must be a number of bytes or a size such as 500MB or 2GiB, got '1MBB'" in capsys.readouterr().err
    assert not Path("run", "model.safetensors").exists()
    with pytest.raises(ValueError, match="memory is not a setting of bigram"):
        CharLM.fit(text, "bigram", memory="1GB")


def test_a_limit_is_for_texts_and_not_for_counts() -> None:
    counts = NGramCounts.from_tokens([0, 1, 0], vocab_size=2, order=2)
    with pytest.raises(ValueError, match="memory is a limit for counting, and these are counts: leave it out"):
        NGramLanguageModel(2, order=2).fit(counts, memory="1GB")


def test_a_model_fitted_within_a_limit_is_the_same() -> None:
    whole = NGramLanguageModel(50, order=4).fit(LONG[:5000])
    with few_at_once(700):
        limited = NGramLanguageModel(50, order=4).fit(LONG[:5000], memory="1GB")
    for name, array in whole.table.arrays().items():
        assert np.array_equal(limited.table.arrays()[name], array)


@pytest.mark.parametrize("size", [255, 256, 257, 65_535, 65_536, 65_537])
def test_the_largest_id_of_a_narrow_dtype_is_counted(size: int) -> None:
    ids = np.array([0, size - 1, size - 1], dtype=np.min_scalar_type(size - 1))
    counts = NGramCounts.from_tokens(ids, vocab_size=size, order=1)
    assert counts.keys.tolist() == [0, size - 1]
    assert counts.counts.tolist() == [1, 2]
