"""Whatever is no model, or a damaged or hostile one, is refused by the runtime with a sentence."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import browser_models
from charlm.files.browser.container import MAGIC, browser_bytes
from charlm.files.browser.packing import packed_model
from charlm.models.ngram.tree import NGramTree
from charlm.models.ngram.tree_packing import packed_shape
from runtime_page import packed, runtime_page


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with runtime_page() as page:
        yield page


Arrays = dict[str, NDArray[Any]]
Change = Callable[[dict[str, Any], Arrays], object]


def sealed(body: bytes, magic: bytes = MAGIC) -> str:
    return base64.b64encode(magic + hashlib.sha256(body).digest() + body).decode()


def changed(name: str, change: Change) -> str:
    """Returns a model that has been changed on purpose and sealed again."""
    case = browser_models.case(name)
    found = packed_model(case.model)
    content = {"model": found.description, "vocabulary": case.vocabulary.to_dict()}
    arrays = {key: array.copy() for key, array in found.arrays.items()}
    change(content, arrays)
    return base64.b64encode(browser_bytes(arrays, content)).decode()


def settings_of(**settings: Any) -> Change:
    return lambda content, _: content["model"].update(settings)


def array_of(name: str, make: Callable[[NDArray[Any]], NDArray[Any]]) -> Change:
    def change(_: dict[str, Any], arrays: Arrays) -> None:
        arrays[name] = make(arrays[name])

    return change


def with_value(name: str, place: int, value: Any) -> Change:
    def put(array: NDArray[Any]) -> NDArray[Any]:
        array.flat[place] = value
        return array

    return array_of(name, put)


def of_prior(**settings: Any) -> Change:
    return lambda content, _: content["model"]["prior"].update(settings)


def ngram_of_two(content: dict[str, Any], arrays: Arrays, keys: list[int]) -> None:
    """Replaces a model of four ids by one of two n-grams of one id and one of two."""
    tree = NGramTree.of_keys(np.array(keys), vocab_size=4, order=2)
    zeros = {"probability_codes": len(tree), "backoff_codes": tree.levels[1] + 1}
    arrays.clear()
    arrays |= {"ids": tree.ids, "shape": packed_shape(tree), "scales": np.zeros((2, 2, 2), np.float32)}
    arrays |= {name: np.zeros(size, np.uint8) for name, size in zeros.items()}
    content["model"] |= {"family": "ngram", "order": 2}


def without_suffix(content: dict[str, Any], arrays: Arrays) -> None:
    ngram_of_two(content, arrays, [0, 1, 7])  # after 0 comes 3, which is not stored alone


HOSTILE: dict[str, tuple[str, Change, str]] = {
    "version": ("bigram, counted", lambda content, _: content.update(version=2), "reads up to 1: export it again"),
    "no version": ("bigram, counted", lambda content, _: content.update(version=0), "it has no version"),
    "family": ("bigram, counted", settings_of(family="__proto__"), "family unknown"),
    "family in a list": ("bigram, counted", settings_of(family=["bigram"]), "family unknown"),
    "no model": ("bigram, counted", lambda content, _: content.update(model=[]), "vocabulary is of another size"),
    "size": ("bigram, counted", settings_of(vocab_size=2**40), "vocabulary is of another size"),
    "never": ("bigram, counted", settings_of(context_only=[9]), "never predicts"),
    "all never": ("bigram, counted", settings_of(context_only=[0, 1, 2, 3]), "never predicts"),
    "no vocabulary": ("bigram, counted", lambda content, _: content.update(vocabulary=None), "it has no vocabulary"),
    "no symbols": ("bigram, counted", lambda content, _: content["vocabulary"].update(tokens=[]), "no vocabulary"),
    "a symbol twice": (
        "bigram, counted",
        lambda content, _: content["vocabulary"].update(tokens=[97, 97, 98, 99]),
        "occurs twice",
    ),
    "no symbol": (
        "bigram, counted",
        lambda content, _: content["vocabulary"].update(tokens=[-1, 97, 98, 99]),
        "a symbol is no text",
    ),
    "a lacking array": ("bigram, counted", lambda _, arrays: arrays.pop("table"), "it lacks the array table"),
    "shape": ("bigram, counted", array_of("table", lambda table: table[:2]), "must have the shape 4,4"),
    "type": ("bigram, counted", array_of("table", lambda table: np.zeros_like(table, np.uint8)), "wrong type"),
    "logit": ("bigram, counted", with_value("table", 3, np.nan), "not a number"),
    "order": ("ngram, tuned", settings_of(order=0), "its order is out of range"),
    "high order": ("ngram, tuned", settings_of(order=1 << 20), "its order is out of range"),
    "wrong order": ("ngram, tuned", settings_of(order=4), "no tree of its order"),
    "tree": ("ngram, tuned", with_value("shape", 5, 0), "shape of its n-grams"),
    "id": ("ngram, tuned", with_value("ids", 9, 255), "do not ascend"),
    "order of ids": ("ngram, tuned", array_of("ids", lambda ids: ids[::-1].copy()), "do not ascend"),
    "suffix": ("bigram, counted", without_suffix, "suffix of an n-gram is missing"),
    "scale": ("ngram, tuned", with_value("scales", 2, np.nan), "scale of its logarithms"),
    "large scale": ("ngram, tuned", with_value("scales", 0, 1e9), "scale of its logarithms"),
    "layers": ("gpt, hashed", settings_of(n_layers=10**9), "shape of its Transformer"),
    "width": ("gpt, hashed", settings_of(width=2**40), "shape of its Transformer"),
    "heads": ("gpt, hashed", settings_of(n_heads=5), "shape of its Transformer"),
    "no block": ("gpt, hashed", settings_of(block_size=None), "shape of its Transformer"),
    "hashes": ("gpt, hashed", settings_of(hashed_as=[1]), "hashes are out of range"),
    "hash rows": ("gpt, hashed", settings_of(hash_rows=2**50), "hashes are out of range"),
    "a weight": ("gpt, hashed", with_value("head.weight.scales", 0, np.inf), "not finite"),
    "a prior of another size": ("gpt with a prior", of_prior(vocab_size=3), "its prior is of another shape"),
    "a prior of one character": ("gpt with a prior", of_prior(order=1), "its prior is of another shape"),
    "a count": ("gpt with a prior", with_value("prior.counts", 0, 0), "a count is below 1"),
    "too few counts": ("gpt with a prior", with_value("prior.counts", 0, 255), "a count is below 1"),
    "weights": ("mixture", with_value("weights", 0, 0.9), "no shares of 1"),
    "negative weights": ("mixture", with_value("weights", 4, -0.5), "no shares of 1"),
    "no models": ("mixture", settings_of(models=[]), "such as can be mixed"),
    "a mixture in a mixture": (
        "mixture",
        lambda content, _: content["model"]["models"][0].update(family="mixture"),
        "such as can be mixed",
    ),
    "an activation": ("classic gpt", settings_of(gelu="relu"), "its activation"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_is_refused_with_a_sentence(page: Any, name: str) -> None:
    model, change, reason = HOSTILE[name]
    is_of_charlm, message = page.evaluate("refusal", changed(model, change))
    assert is_of_charlm
    assert reason in message
    assert message.endswith(".")


def entry(**settings: Any) -> bytes:
    """Returns the bytes of a safetensors file of four bytes, with a header that says something else."""
    header = {"__metadata__": {"charlm": "{}"}, "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]} | settings}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"abcd"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ((2**63).to_bytes(8, "little") + b"{}", "truncated"),
        ((2).to_bytes(8, "little") + b"[]", "not a JSON object"),
        ((2).to_bytes(8, "little") + b"{]", "not JSON"),
        ((2).to_bytes(8, "little") + b"{}", "no description"),
        (entry(dtype="F16"), "no type that models have"),
        (entry(dtype="__proto__"), "no type that models have"),
        (entry(shape=[-4]), "no valid shape"),
        (entry(shape=[2.5]), "no valid shape"),
        (entry(shape=[1] * 9), "no valid shape"),
        (entry(shape=None), "no valid shape"),
        (entry(data_offsets=[0, 2**60]), "no valid shape"),
        (entry(data_offsets=[0, 3]), "not as long as its shape says"),
        (entry(data_offsets=[4, 0]), "not as long as its shape says"),
        (entry(data_offsets=[0, 4, 4]), "not as long as its shape says"),
        (entry(data_offsets=[1, 5]), "does not begin where"),
        (entry(shape=[5], data_offsets=[0, 5]), "truncated"),
        (entry(shape=[3], data_offsets=[0, 3]), "more in it than its arrays"),
        (entry(), "no version"),
    ],
)
def test_a_hostile_header_is_refused_with_a_sentence(page: Any, body: bytes, reason: str) -> None:
    is_of_charlm, message = page.evaluate("refusal", sealed(body))
    assert is_of_charlm
    assert reason in message


def test_every_flipped_byte_and_every_truncation_is_noticed(page: Any) -> None:
    whole = gzip.decompress(base64.b64decode(packed("bigram, counted")))
    damaged = [whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :] for place in range(len(whole))]
    damaged += [whole[:size] for size in range(0, len(whole), 7)]
    texts = [base64.b64encode(data).decode() for data in damaged]
    found = page.evaluate("(texts) => Promise.all(texts.map(refusal))", texts)
    assert all(each is not None and each[0] for each in found)
    assert page.evaluate("refusal", base64.b64encode(whole).decode()) is None


def test_damaged_gzip_and_base64_are_refused_with_a_sentence(page: Any) -> None:
    data = packed("ngram of records")
    packed_bytes = base64.b64decode(data)
    for damaged in (
        data[:-4],
        "\u4e00",
        "A",
        "",
        base64.b64encode(packed_bytes[:50] + b"x" + packed_bytes[51:]).decode(),
    ):
        is_of_charlm, message = page.evaluate("refusal", damaged)
        assert is_of_charlm
        assert message.startswith("This is not a model that can be read: ")
    for other in ("null", "undefined", "7", "[1, 2]", "new ArrayBuffer(9)", "new Uint16Array(99)"):
        assert page.evaluate(f"() => refusal({other})") == [
            True, "This is not a model that can be read: it is neither a Uint8Array nor a base64 string.",
        ]  # fmt: skip


def test_a_browser_that_cannot_open_gzip_gets_a_sentence(page: Any) -> None:
    found = page.evaluate(
        """async (data) => {
            const own = window.DecompressionStream;
            delete window.DecompressionStream;
            try {
                return await refusal(data);
            } finally {
                window.DecompressionStream = own;
            }
        }""",
        packed("bigram, counted"),
    )
    assert found == [
        True,
        "This browser cannot open the model, as it lacks DecompressionStream: use a newer one.",
    ]


def test_a_hostile_summary_says_nothing(page: Any) -> None:
    def change(content: dict[str, Any], _: Arrays) -> None:
        content["summary"] = {"name": ["<b>"], "order": "<b>", "layers": {}, "heads": 10, "more": 1}

    found = page.evaluate("async (data) => (await charlm.load(data)).summary", changed("bigram, counted", change))
    nothing = ("name", "parameters", "ngrams", "order", "layers", "validationLoss")
    assert found == {**dict.fromkeys(nothing), "heads": 10}
