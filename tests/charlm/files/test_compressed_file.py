import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm import (
    CharLM,
    CheckpointCorruptError,
    CheckpointMismatchError,
    CheckpointVersionError,
    compress,
    decompress,
)
from charlm.files.compressed_file import CHECK, HEADER

VERSE = "Rough winds do shake the darling buds of May,\nAnd summer's lease hath all too short a date.\n"
LM = CharLM.fit(VERSE * 5, order=5)
REFUSALS = (CheckpointCorruptError, CheckpointMismatchError, CheckpointVersionError)


@cache
def small() -> bytes:
    """Made when it is first needed: collecting the tests must not wait for the compiler."""
    return compress(b"to be or not to be")


def resealed(changed: bytes) -> bytes:
    """Returns a file whose checksum is right again."""
    return changed[: -CHECK.size] + CHECK.pack(zlib.crc32(changed[: -CHECK.size]))


@given(st.binary(max_size=300))
def test_any_bytes_come_back(content: bytes) -> None:
    assert decompress(compress(content)) == content


@given(st.text(max_size=300), st.sampled_from([None, LM]))
def test_any_text_comes_back_with_a_model_and_without(text: str, lm: CharLM | None) -> None:
    content = text.encode("utf-8", "surrogatepass")
    assert decompress(compress(content, lm), lm) == content


@pytest.mark.parametrize(
    "content",
    [b"", b"a", b"\0", b"\xff", b"aa", b"\xef\xbb\xbfa\r\n", bytes(range(256)) * 2, b"a" * 100_000, "字" * 3],
    ids=lambda content: ascii(content[:8]),
)
def test_the_edges_come_back(content: bytes | str) -> None:
    content = content.encode() if isinstance(content, str) else content
    assert decompress(compress(content)) == content


def test_text_is_read_as_characters_not_as_bytes() -> None:
    greek = ("Ἄνδρα μοι ἔννεπε, Μοῦσα, πολύτροπον, ὃς μάλα πολλὰ πλάγχθη· " * 30).encode()
    assert len(compress(greek)) < len(compress(greek + b"\xff")) - 10


def test_a_model_of_such_texts_is_worth_a_lot() -> None:
    assert len(compress(VERSE.encode(), LM)) < len(compress(VERSE.encode())) / 1.3


def test_a_model_with_symbols_of_several_characters_is_one_to_start_from() -> None:
    lm = CharLM.fit(VERSE * 5, order=3, symbols=["th", "the"])
    assert decompress(compress(VERSE.encode(), lm), lm) == VERSE.encode()


def test_a_loaded_model_is_the_one_that_was_saved(tmp_path: object) -> None:
    path = f"{tmp_path}/model.safetensors"
    LM.save(path)
    assert decompress(compress(VERSE.encode(), LM), CharLM.load(path)) == VERSE.encode()


def test_a_file_that_is_cut_short_is_refused() -> None:
    for length in range(len(small())):
        with pytest.raises(CheckpointCorruptError, match=r"is cut short|this is not a file of charlm compress"):
            decompress(small()[:length])


def test_every_flipped_bit_is_noticed() -> None:
    for place in range(len(small())):
        for bit in range(8):
            with pytest.raises(REFUSALS):
                decompress(small()[:place] + bytes([small()[place] ^ 1 << bit]) + small()[place + 1 :])


@settings(max_examples=300)
@given(st.data(), st.integers(1, 255))
def test_a_changed_byte_is_refused_even_under_a_right_checksum(data: st.DataObject, change: int) -> None:
    place = data.draw(st.integers(0, len(small()) - CHECK.size - 1))
    changed = small()[:place] + bytes([small()[place] ^ change]) + small()[place + 1 :]
    try:
        content = decompress(resealed(changed))
    except REFUSALS:
        return
    assert content == b"to be or not to be"  # such as a larger table, or other weights of the alphabet


@given(st.binary(max_size=100), st.integers(0, 1 << 62), st.integers(0, 200))
def test_a_hostile_file_is_refused(rest: bytes, n_ids: int, n_alphabet: int) -> None:
    fields = (*HEADER.unpack(small()[: HEADER.size])[:3], 16, n_ids, n_alphabet, bytes(32), bytes(32))
    with pytest.raises(REFUSALS):
        decompress(resealed(HEADER.pack(*fields) + rest + bytes(CHECK.size)))


def hostile(n_ids: int, alphabet: bytes) -> bytes:
    fields = (*HEADER.unpack(small()[: HEADER.size])[:3], 16, n_ids, len(alphabet), bytes(32), bytes(32))
    return resealed(HEADER.pack(*fields) + alphabet + b"code" + bytes(CHECK.size))


def test_an_empty_file_with_code_is_refused() -> None:
    with pytest.raises(CheckpointCorruptError, match="is damaged: code of 4 bytes is not that of 0 ids"):
        decompress(hostile(0, zlib.compress(b"a\4\1\4")))


@pytest.mark.parametrize(
    ("n_ids", "alphabet"),
    [
        pytest.param((1 << 64) - 1, zlib.compress(b"a\4\1\4"), id="of more ids than there are atoms"),
        pytest.param(9, zlib.compress(b"\1\4" * 1_200_000), id="with more characters than there are"),
        pytest.param(9, zlib.compress(b"a\4\0\4"), id="with a character twice"),
        pytest.param(9, zlib.compress(b"a\4"), id="with one character"),
        pytest.param(9, zlib.compress(b"a\4\1\0"), id="with a character of no weight"),
        pytest.param(9, zlib.compress(b"a\4\1"), id="with half a character"),
        pytest.param(9, zlib.compress(b"a\4\1\4") + b"more", id="with more than an alphabet"),
        pytest.param(9, b"no zlib", id="with an alphabet that is none"),
    ],
)
def test_a_hostile_file_takes_little_memory(n_ids: int, alphabet: bytes) -> None:
    assert memory_to_refuse(hostile(n_ids, alphabet)) < 1 << 27


def test_an_alphabet_of_gigabytes_takes_little_memory() -> None:
    assert memory_to_refuse(hostile(9, zlib.compress(bytes(300_000_000), 1))) < 1 << 27


def memory_to_refuse(file: bytes) -> int:
    decompress(small())
    tracemalloc.start()
    with pytest.raises(CheckpointCorruptError, match="is damaged"):
        decompress(file)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("version", [0, 2, 255])
def test_a_file_of_another_version_is_refused(version: int) -> None:
    with pytest.raises(CheckpointVersionError, match=f"of version {version} .* this one has version 1"):
        decompress(small()[:8] + bytes([version]) + small()[9:])


OTHER = CharLM.fit(VERSE * 5 + "x", order=5)


@pytest.mark.parametrize(
    ("made_with", "given", "message"),
    [
        (LM, None, "needs the model that it was made with"),
        (LM, OTHER, "was made with another model"),
        (None, LM, "was made without a model"),
    ],
)
def test_another_model_is_refused(made_with: CharLM | None, given: CharLM | None, message: str) -> None:
    with pytest.raises(CheckpointMismatchError, match=message):
        decompress(compress(VERSE.encode(), made_with), given)


@pytest.mark.parametrize(
    ("lm", "message"),
    [
        (CharLM.fit(["anna", "hanna"], order=3), "one of text, got one of records"),
        (CharLM.fit(VERSE, "bigram"), "must be an n-gram model with its counts, got a bigram"),
    ],
)
def test_a_model_that_cannot_be_started_from_is_refused(lm: CharLM, message: str) -> None:
    for function in (compress, decompress):
        with pytest.raises(ValueError, match=message):
            function(small(), lm)


def test_a_pruned_model_is_refused() -> None:
    lm = CharLM.fit(VERSE * 5, order=3)
    lm.model.prune(2)  # type: ignore[operator]
    with pytest.raises(ValueError, match="has no counts"):
        compress(b"text", lm)


@pytest.mark.parametrize("function", [compress, decompress])
def test_what_is_no_bytes_is_refused(function: Callable[[bytes], bytes]) -> None:
    with pytest.raises(TypeError, match="must be bytes, got str"):
        function("text")  # type: ignore[arg-type]


@pytest.mark.parametrize("lm", ["x", LM.model], ids=["a str", "a model without its vocabulary"])
def test_what_is_no_model_with_its_vocabulary_is_refused(lm: CharLM) -> None:
    with pytest.raises(TypeError, match=f"lm must be a CharLM, got {type(lm).__name__}"):
        compress(b"a", lm)
    with pytest.raises(TypeError, match=f"lm must be a CharLM, got {type(lm).__name__}"):
        decompress(small(), lm)


def test_a_version_makes_the_same_file_of_a_text_in_every_release() -> None:
    assert compress(VERSE.encode()) == (Path(__file__).parents[2] / "files/1.0.0/verse.ctk").read_bytes()


def test_a_file_of_version_1_is_decompressed_by_every_release_that_has_it() -> None:
    stored = Path(__file__).parents[2] / "files/1.0.0/verse.ctk"
    assert decompress(stored.read_bytes()) == VERSE.encode()


def test_a_text_of_very_many_characters_is_read_as_bytes() -> None:
    content = "".join(map(chr, range(0x10000, 0x10000 + (1 << 16)))).encode()
    assert decompress(compress(content)) == content
