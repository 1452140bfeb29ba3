"""Promises of ARPA files, checked against a slow reader and, where it is installed, KenLM."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlm import (
    ArpaFileError,
    BigramLanguageModel,
    NGramLanguageModel,
    RecordDataset,
    load_arpa,
    load_model,
    save_arpa,
    save_model,
)
from charlm.data.framing import Framing
from charlm.files.arpa.words import arpa_token, arpa_word
from chartok import Vocabulary
from strategies import any_character, costly, special_tokens

EXACT = 1e-9
TRICKY = "\t\n\v\f\r \x00\x1c\x85\u00a0\u00ad\u2028\u3000\ufeff\ud800\udfff<>\\#0-\u0301\U0001f600\U0010ffff"
VOCABULARY = Vocabulary("ab <\n", special_tokens=["pad", "eos"])
IDS = (np.random.default_rng(5).integers(0, 3, 80).cumsum() % 5).tolist()

vocabularies = st.builds(
    Vocabulary,
    st.lists(st.one_of(st.sampled_from(TRICKY), any_character), unique=True, min_size=1, max_size=20),
    special_tokens=special_tokens,
)
orders = st.integers(1, 5)


class SlowArpa:
    """An ARPA file in dictionaries: as short as the definition of the format."""

    def __init__(self, path: Path) -> None:
        self.probabilities: dict[tuple[str, ...], float] = {}
        self.weights: dict[tuple[str, ...], float] = {}
        length = 0
        for line in path.read_bytes().decode().split("\n"):
            if line.endswith("-grams:"):
                length += 1
            elif length and "\t" in line:
                number, ngram, *weight = line.split("\t")
                words = tuple(ngram.split(" "))
                assert len(words) == length
                self.probabilities[words] = float(number)
                self.weights[words] = float(weight[0]) if weight else 0.0

    def score(self, words: tuple[str, ...]) -> float:
        if words in self.probabilities:
            return self.probabilities[words]
        return self.weights.get(words[:-1], 0.0) + self.score(words[1:])


@st.composite
def fitted(draw: st.DrawFn) -> tuple[NGramLanguageModel, Vocabulary]:
    """An n-gram model, perhaps pruned, of any order and vocabulary; not every id need be in its texts.

    A start may stand anywhere in them, and is never predicted.
    """
    vocabulary = draw(vocabularies)
    context_only = Framing(vocabulary).context_only
    some_ids = st.integers(0, min(vocabulary.size, 4) - 1)
    some_ids = st.one_of(some_ids, st.sampled_from(context_only)) if context_only else some_ids
    texts = draw(st.lists(st.lists(some_ids, max_size=30), min_size=1, max_size=3).filter(any))
    model = NGramLanguageModel(vocabulary.size, order=draw(orders), context_only=context_only).fit(texts)
    return model.prune(2) if draw(st.booleans()) else model, vocabulary


@pytest.fixture(scope="session")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arpa") / "model.arpa"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_arpa(tmp_path / "model.arpa", NGramLanguageModel(VOCABULARY.size, order=3).fit(IDS), VOCABULARY)
    return tmp_path / "model.arpa"


@costly()
@given(fitted(), st.data())
def test_a_model_comes_back_with_its_vocabulary_and_its_distributions(
    anywhere: Path, fitted: tuple[NGramLanguageModel, Vocabulary], data: st.DataObject
) -> None:
    model, vocabulary = fitted
    save_arpa(anywhere, model, vocabulary)
    loaded, loaded_vocabulary = load_arpa(anywhere)
    assert loaded_vocabulary == vocabulary
    assert loaded.settings() == model.settings()
    ids = torch.tensor([data.draw(st.lists(st.integers(0, vocabulary.size - 1), min_size=1, max_size=12))])
    torch.testing.assert_close(loaded.logits(ids), model.logits(ids), rtol=0, atol=EXACT)
    torch.testing.assert_close(loaded.step(ids[:, 0])[0], model.step(ids[:, 0])[0], rtol=0, atol=EXACT)
    scores = [each.log_probabilities(ids[:, :-1], ids[:, 1:]) for each in (loaded, model)]
    torch.testing.assert_close(*scores, rtol=0, atol=EXACT)


@costly()
@given(fitted())
def test_what_was_read_is_written_as_it_was_to_the_byte(
    anywhere: Path, fitted: tuple[NGramLanguageModel, Vocabulary]
) -> None:
    save_arpa(anywhere, *fitted)
    written = anywhere.read_bytes()
    save_arpa(anywhere, *load_arpa(anywhere))
    assert anywhere.read_bytes() == written


@costly()
@given(fitted(), st.data())
def test_other_readers_find_the_same_probabilities(
    anywhere: Path, fitted: tuple[NGramLanguageModel, Vocabulary], data: st.DataObject
) -> None:
    model, vocabulary = fitted
    save_arpa(anywhere, model, vocabulary)
    slow = SlowArpa(anywhere)
    assert {("<s>",), ("</s>",), ("<unk>",)} <= set(slow.probabilities)
    words = [arpa_word(token) for token in vocabulary.to_dict()["tokens"]]
    ids = data.draw(st.lists(st.integers(0, vocabulary.size - 1), min_size=1, max_size=8))
    logits = model.logits(torch.tensor([ids]))[0] / math.log(10)
    assert (logits[:, list(model.context_only)] == -math.inf).all()
    outcomes = [token_id for token_id in range(vocabulary.size) if token_id not in model.context_only]
    for position in range(len(ids)):
        context = [words[i] for i in ids[: position + 1]][max(position + 2 - model.order, 0) :]
        expected = [slow.score((*context, words[token_id])) for token_id in outcomes]
        assert logits[position, outcomes].tolist() == pytest.approx(expected, abs=EXACT)
        for token_id in model.context_only:
            assert slow.score((*context, words[token_id])) < -98


@pytest.mark.parametrize("order", [2, 3, 6])
@pytest.mark.parametrize("roles", [[], ["pad", "bos", "eos", "unk"]], ids=["plain", "special"])
def test_kenlm_reads_it_and_scores_as_the_model_does(tmp_path: Path, order: int, roles: list[Any]) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is built from source: pip install kenlm")
    vocabulary = Vocabulary(TRICKY, special_tokens=roles)
    ids = np.random.default_rng(7).integers(0, vocabulary.size - 1, 400)
    context_only = Framing(vocabulary).context_only
    ids = ids[~np.isin(ids, context_only)]
    model = NGramLanguageModel(vocabulary.size, order=order, context_only=context_only).fit([ids, ids[::-1]])
    save_arpa(tmp_path / "model.arpa", model, vocabulary)
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    words = [arpa_word(token) for token in vocabulary.to_dict()["tokens"]]
    state, after = kenlm.State(), kenlm.State()
    theirs.NullContextWrite(state)
    found = []
    for token_id in ids:
        found.append(theirs.BaseScore(state, words[token_id], after))
        state, after = after, state
    row = torch.from_numpy(ids)[None]
    expected = model.log_probabilities(row[:, :-1], row[:, 1:])[0] / math.log(10)
    assert found[1:] == pytest.approx(expected.tolist(), abs=1e-5)  # KenLM keeps float32


@costly()
@given(st.one_of(st.sampled_from(TRICKY), any_character))
def test_the_name_of_a_character_is_one_word_of_one_line_that_stands_for_it_alone(character: str) -> None:
    word = arpa_word(ord(character))
    assert arpa_token(word) == ord(character)
    assert f"1 {word} 2".split() == f"1 {word} 2".splitlines()[0].split(" ") == ["1", word, "2"]
    assert word.encode().decode() == word
    assert arpa_token(f"<U+{ord(character):04X}>") == ord(character)


@pytest.mark.parametrize("role", ["pad", "bos", "eos", "unk"])
def test_the_name_of_a_special_token_stands_for_it_alone(role: str) -> None:
    assert arpa_token(arpa_word(role)) == role


@pytest.mark.parametrize(
    "word", ["", "the", "<U+20>", "<U+0061", "<U+00ab>", "<U+00061>", "<U+110000>", "<UNK>", "< >"]
)
def test_no_other_word_stands_for_anything(word: str) -> None:
    assert arpa_token(word) is None


def test_the_file_is_as_documented(tmp_path: Path) -> None:
    vocabulary = Vocabulary("a ", special_tokens=["pad", "unk"])
    model = NGramLanguageModel(4, order=2).fit([0, 1, 0])
    save_arpa(tmp_path / "model.arpa", model, vocabulary)
    one, two = (f"{value / math.log(10):.12g}" for value in model.table.log_probabilities[:2].tolist())
    rare = f"{(model.table.log_backoffs[0].item() - math.log(4)) / math.log(10):.12g}"
    weights = [f"{value / math.log(10):.12g}" for value in model.table.log_backoffs[1:].tolist()]
    longest = [f"{value / math.log(10):.12g}" for value in model.table.log_probabilities[2:].tolist()]
    assert (tmp_path / "model.arpa").read_text("utf-8").split("\n") == [
        "\\data\\",
        "ngram 1=6",
        "ngram 2=2",
        "",
        "\\1-grams:",
        f"{one}\ta\t{weights[0]}",
        f"{two}\t<U+0020>\t{weights[1]}",
        f"{rare}\t<pad>\t0",
        f"{rare}\t<unk>\t0",
        "-99\t<s>",
        "-99\t</s>",
        "",
        "\\2-grams:",
        f"{longest[0]}\ta <U+0020>",
        f"{longest[1]}\t<U+0020> a",
        "",
        "\\end\\",
        "",
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_model_of_a_narrower_dtype_loses_nothing_more(path: Path, dtype: torch.dtype) -> None:
    model = NGramLanguageModel(VOCABULARY.size, order=3).fit(IDS).to(dtype)
    save_arpa(path, model, VOCABULARY)
    loaded, _ = load_arpa(path)
    ids = torch.tensor([IDS])
    torch.testing.assert_close(loaded.logits(ids), model.double().logits(ids), rtol=0, atol=EXACT)


def test_a_model_that_was_read_has_no_counts_and_can_be_saved(path: Path, tmp_path: Path) -> None:
    model, vocabulary = load_arpa(path)
    with pytest.raises(ValueError, match=r"has no counts: it was .*, or comes from a compact or an ARPA file"):
        model.update([0, 1])
    with pytest.raises(ValueError, match=r"has no counts: it was .*, or comes from a compact or an ARPA file"):
        model.prune(2)
    save_model(tmp_path / "model.safetensors", model, vocabulary)
    again, _ = load_model(tmp_path / "model.safetensors")
    assert torch.equal(again.logits(torch.tensor([IDS])), model.logits(torch.tensor([IDS])))


def records_model(order: int = 4, special: Any = ("bos", "eos")) -> tuple[NGramLanguageModel, Vocabulary]:
    records = RecordDataset(["ada", "bob", "abba", "dad"], Vocabulary("abdo", special_tokens=list(special)))
    never = Framing(records.vocabulary).context_only
    model = NGramLanguageModel(records.vocabulary.size, order=order, context_only=never).fit(records)
    return model, records.vocabulary


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("special", [("bos", "eos"), ("pad", "bos", "eos", "unk")], ids=len)
def test_a_model_of_records_comes_back_and_its_start_is_written_as_improbable(
    path: Path, order: int, special: tuple[str, ...]
) -> None:
    model, vocabulary = records_model(order, special)
    save_arpa(path, model, vocabulary)
    assert {line.split("\t")[0] for line in path.read_text().splitlines() if re.search(r"<s>(\t|$)", line)} == {"-99"}
    loaded, loaded_vocabulary = load_arpa(path)
    assert loaded_vocabulary == vocabulary
    assert loaded.settings() == model.settings()
    assert loaded.context_only == Framing(vocabulary).context_only
    ids = torch.arange(vocabulary.size).repeat(3)[None]
    torch.testing.assert_close(loaded.logits(ids), model.logits(ids), rtol=0, atol=EXACT)
    torch.testing.assert_close(
        loaded.logits(ids).exp().sum(-1), torch.ones(1, ids.shape[1], dtype=torch.float64), rtol=0, atol=EXACT
    )


@pytest.mark.parametrize("number", ["0", "-99", "-1.5"])
def test_a_start_is_never_predicted_however_a_program_writes_it(path: Path, number: str) -> None:
    model, vocabulary = records_model()
    save_arpa(path, model, vocabulary)
    expected = load_arpa(path)[0]
    lines = path.read_text().splitlines()
    written = [re.sub(r"^-99(?=\t<s>\t)", number, line) for line in lines]
    assert (written != lines) == (number != "-99")
    path.write_text("\n".join(written))
    found, again = load_arpa(path)
    assert (again, found.settings()) == (vocabulary, expected.settings())
    for name, array in expected.table.arrays().items():
        assert np.array_equal(found.table.arrays()[name], array)


@pytest.mark.parametrize("unigrams", ["-0.5 <s>", "0 <s> -0.1", "-99 <s> 0", "-0.1 <s>\n-99 <pad> 0"])
def test_a_file_in_which_nothing_can_be_predicted_is_refused(path: Path, unigrams: str) -> None:
    count = len(unigrams.splitlines())
    path.write_text(f"\\data\\\nngram 1={count}\n\\1-grams:\n{unigrams}\n\\end\\\n")
    with pytest.raises(ArpaFileError, match=r"model\.arpa', line \d+: no word can be predicted"):
        load_arpa(path)


FOREIGN = """
\\data\\
ngram  1= 5
ngram 2=2

\\1-grams:
0\t<s>\t-0.5
-99 </s>
-0.1\t\u00a0\t-0.25\r
-0.7 <U+0062> 0.5
-1e0\t<unk>

\\2-grams:
-0.2 <U+00A0> b
-0.3 <s>  \u00a0


\\end\\

"""


def test_files_of_other_programs_are_read_as_they_mean(tmp_path: Path) -> None:
    (tmp_path / "model.arpa").write_bytes(FOREIGN.encode())
    model, vocabulary = load_arpa(tmp_path / "model.arpa")
    assert vocabulary.to_dict()["tokens"] == ["bos", 0xA0, ord("b"), "unk"]
    after_start, after_space = model.logits(torch.tensor([[0, 1]]))[0] / math.log(10)
    assert model.context_only == (0,)
    assert after_start.tolist() == pytest.approx([-math.inf, -0.3, -1.2, -1.5])
    assert after_space.tolist() == pytest.approx([-math.inf, -0.35, -0.2, -1.25])


def test_a_file_cut_anywhere_before_its_end_is_refused_with_the_line(path: Path) -> None:
    save_arpa(path, NGramLanguageModel(VOCABULARY.size, order=3).fit(IDS[:10]), VOCABULARY)
    sound = path.read_bytes()
    for length in range(len(sound.rstrip())):
        path.write_bytes(sound[:length])
        with pytest.raises(ArpaFileError, match=rf"model\.arpa', line {len(sound[:length].splitlines())}: "):
            load_arpa(path)


def test_a_file_without_one_of_its_lines_is_refused_unless_the_line_is_blank(path: Path) -> None:
    sound = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(sound):
        path.write_bytes(b"".join([*sound[:number], *sound[number + 1 :]]))
        if line == b"\n":
            load_arpa(path)
            continue
        with pytest.raises(ArpaFileError, match=r"model\.arpa', line \d+: "):
            load_arpa(path)


SMALL = [
    "\\data\\",
    "ngram 1=2",
    "ngram 2=1",
    "",
    "\\1-grams:",
    "-0.3 a -0.1",
    "-0.3 b",
    "",
    "\\2-grams:",
    "-0.1 a b",
    "",
]


@pytest.mark.parametrize(
    ("line", "text", "complaint"),
    [
        (1, "data", r"line 1: expected \\data\\, got b'data'"),
        (2, "ngram 2=2", "line 2: expected the number of n-grams of length 1, got that of 2"),
        (2, "ngram -1=2", r"line 2: expected \\1-grams:, got b'ngram -1=2'"),
        (2, "ngram 1=-2", r"line 2: expected \\1-grams:"),
        (2, "ngram 1=1", r"line 7: expected \\2-grams:, got b'-0.3 b'"),
        (2, "ngram 1=3", "line 8: expected a logarithm, 1 words and optionally a weight, got 0 items"),
        (3, "ngram 2=2", "line 11: expected a logarithm, 2 words, got 0 items"),
        (3, "ngram 2=99999999999999", "line 11: expected a logarithm, 2 words, got 0 items"),
        (3, "ngram 2=1\nngram 4=1", "line 4: expected the number of n-grams of length 3, got that of 4"),
        (5, "\\2-grams:", r"line 5: expected \\1-grams:"),
        (6, "-0.3", "line 6: expected a logarithm, 1 words and optionally a weight, got 1 items"),
        (6, "-0.3 a b -0.1", "line 6: expected a logarithm, 1 words and optionally a weight, got 4 items"),
        (6, "nan a -0.1", "line 6: expected a logarithm in decimal notation, got b'nan'"),
        (6, "-inf a -0.1", "line 6: expected a logarithm"),
        (6, "-0.3 a inf", "line 6: expected a logarithm"),
        (6, "-0.3 a 1e999", "line 6: expected a logarithm"),
        (6, "-1e300 a -0.1", "line 6: expected a logarithm"),
        (6, "-1_0 a -0.1", "line 6: expected a logarithm"),
        (6, "-0.3.1 a -0.1", "line 6: expected a logarithm"),
        (6, "a -0.3 -0.1", "line 6: expected a logarithm|line 6: b'-0.3' is neither"),
        (6, "0.1 a -0.1", "line 6: the logarithm of a probability is above 0"),
        (6, "-0.3 the -0.1", "line 6: b'the' is neither a character in UTF-8 nor the name of a token"),
        (6, "-0.3 \udcff -0.1", r"line 6: b'\\xff' is neither"),
        (7, "-0.3 a", "line 7: this n-gram occurs twice"),
        (7, "-0.3 <U+0061>", "line 7: this n-gram occurs twice"),
        (10, "-0.1 a c", r"line 10: b'c' is not listed in \\1-grams:"),
        (10, "-0.1 a the", "line 10: b'the' is neither"),
        (10, "-0.1 a b -0.1", "line 10: expected a logarithm, 2 words, got 4 items"),
        (10, "0.1 a b", "line 10: the logarithm of a probability is above 0"),
        (10, "-0.1 a b\n-0.1 a b", r"line 11: expected \\end\\"),
        (12, "\\end", r"line 12: expected \\end\\"),
        (12, "\\end\\\nmore", r"line 13: expected nothing after \\end\\"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, line: int, text: str, complaint: str) -> None:
    path = tmp_path / "model.arpa"
    lines = [*SMALL, "\\end\\"]
    path.write_text("\n".join(lines), "utf-8")
    load_arpa(path)
    lines[line - 1] = text
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    with pytest.raises(ArpaFileError, match=complaint):
        load_arpa(path)


TRIGRAM = """\\data\\
ngram 1=2
ngram 2=3
ngram 3=1
\\1-grams:
-0.3 a
-0.3 b
\\2-grams:
-1 {}
-1 {}
-1 {}
\\3-grams:
-0.1 a a b
\\end\\
"""


@pytest.mark.parametrize(
    ("bigrams", "complaint"),
    [
        (["a b", "b a", "b b"], "line 13: the prefix and the suffix of this n-gram"),
        (["a a", "b a", "b b"], "line 13: the prefix and the suffix of this n-gram"),
        (["a b", "a a", "a b"], "line 11: this n-gram occurs twice"),
    ],
    ids=["prefix", "suffix", "twice"],
)
def test_an_ngram_is_there_once_and_with_those_it_is_made_of(
    tmp_path: Path, bigrams: list[str], complaint: str
) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(TRIGRAM.format("a b", "a a", "b b"), "utf-8")
    load_arpa(path)
    path.write_text(TRIGRAM.format(*bigrams), "utf-8")
    with pytest.raises(ArpaFileError, match=complaint):
        load_arpa(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "\\data\\",
        "\\data\\\n\\end\\",
        "\\data\\\nngram 1=0\n\\1-grams:\n\\end\\",
        "\\data\\\nngram 1=1\n\\1-grams:\n-99 <s>\n\\end\\",
        "\\data\\\nngram 1=999999999999999\n\\1-grams:\n-0.1 a\n",
        "\\data\\\n" + "".join(f"ngram {length}=1\n" for length in range(1, 1026)),
        "\\data\\\nngram 1=1\n\\1-grams:\n-0.1 " + "a" * 10**6,
        "\\data\\\nngram 1=1\n\\1-grams:\n" + "1" * 10**6 + " a",
        "ngram 1=" * 10**5,
    ],
    ids=range(11),
)
def test_an_impossible_file_is_refused_at_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.arpa").write_text(text, "utf-8")
    with pytest.raises(ArpaFileError, match=r"model\.arpa', line \d+: .{1,200}$"):
        load_arpa(tmp_path / "model.arpa")


@costly()
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(anywhere: Path, data: st.DataObject) -> None:
    save_arpa(anywhere, NGramLanguageModel(VOCABULARY.size, order=3).fit(IDS[:20]), VOCABULARY)
    content = bytearray(anywhere.read_bytes())
    pieces = st.one_of(st.binary(max_size=3), st.sampled_from([b"\n", b" ", b"\t", b"9", b"-", b"<s>", b"e9", b"\\"]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(pieces)
    anywhere.write_bytes(content)
    try:
        model, vocabulary = load_arpa(anywhere)
    except ArpaFileError:
        return
    logits = model.logits(torch.arange(vocabulary.size)[None])
    is_outcome = torch.tensor([token_id not in model.context_only for token_id in range(vocabulary.size)])
    assert logits[..., is_outcome].isfinite().all()
    assert (logits[..., ~is_outcome] == -math.inf).all()


def test_what_has_no_such_form_is_refused_and_the_old_file_stays(path: Path) -> None:
    before = path.read_bytes()
    refused: list[tuple[Any, Vocabulary, str]] = [
        (
            BigramLanguageModel(VOCABULARY.size),
            VOCABULARY,
            "got one of the family bigram: use save_model or save_onnx",
        ),
        (NGramLanguageModel(VOCABULARY.size, order=2), VOCABULARY, "call fit first"),
        (
            NGramLanguageModel(3, order=2).fit([0, 1]),
            VOCABULARY,
            "vocabulary must have as many ids as the model, 3, got 7",
        ),
    ]
    for model, vocabulary, complaint in refused:
        with pytest.raises(ValueError, match=complaint):
            save_arpa(path, model, vocabulary)
    assert path.read_bytes() == before


def test_what_the_system_refuses_stays_an_os_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.arpa"):
        load_arpa(tmp_path / "missing.arpa")
    with pytest.raises(IsADirectoryError):
        load_arpa(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        save_arpa(tmp_path / "nowhere" / "model.arpa", *load_arpa(path))
