"""An argument of the wrong type is a ``TypeError`` that names it, whichever function it was given to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import charlm
from charlm import BigramLanguageModel, CharLM, TextClassifier, TextDataset
from chartok import TokenFile, Vocabulary, encode_file, encode_files, encode_texts, read_counts, read_records, read_text

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ["anna", "hanna", "joanna", "johanna"]
LM = CharLM.fit(NAMES, order=2)
TEXT = CharLM.fit("the cat sat on the mat. " * 20, order=2)
PAIR = {"model": LM.stored, "vocabulary": LM.vocabulary}
IDS = {"model": LM.stored, "prompt": [3], "max_new_tokens": 1}
CALLS: list[tuple[Callable[..., object], dict[str, Any], tuple[str, ...]]] = [
    (TEXT.generate, {}, ("stop", "allowed", "settings")),
    (TEXT.stream, {}, ("stop", "allowed", "settings")),
    (LM.sample, {"n_samples": 1}, ("allowed", "settings", "unique", "return_scores")),
    (LM.save, {}, ("path",)),
    (CharLM.load, {}, ("path",)),
    (CharLM.load, {"path": "nothing"}, ("device",)),
    (CharLM, PAIR, ("model", "vocabulary")),
    (CharLM.fit_file, {"sources": __file__}, ("sources", "validation", "records")),
    (LM.update_file, {}, ("sources",)),
    (TextClassifier.load, {}, ("path",)),
    (charlm.generate, IDS, ("prompt", "stop", "allowed", "seen", "settings")),
    (charlm.stream_ids, IDS, ("prompt", "stop", "allowed", "seen", "settings")),
    (charlm.score, {"model": LM.stored, "texts": []}, ("model", "texts")),
    (LM.guess_number, {"text": "anna"}, ("seed",)),
    (
        charlm.evaluate,
        {"model": BigramLanguageModel(4), "dataset": TextDataset([0, 1, 2], block_size=2)},
        ("model", "dataset", "vocabulary"),
    ),
    (charlm.save_model, {"path": "nothing", **PAIR}, ("path", "model", "vocabulary", "calibration")),
    (charlm.save_arpa, {"path": "nothing", **PAIR}, ("path", "model", "vocabulary")),
    (charlm.save_onnx, {"path": "nothing", **PAIR}, ("model", "vocabulary", "cache", "int8")),
    (charlm.save_javascript, {"path": "nothing", **PAIR}, ("path", "model", "vocabulary", "validation_nats")),
    (charlm.load_model, {}, ("path",)),
    (charlm.load_arpa, {}, ("path",)),
    (charlm.read_log, {}, ("path",)),
    (charlm.write_play, {"source": LM}, ("path",)),
    (read_text, {"sources": "nothing"}, ("sources", "settings")),
    (read_records, {"sources": "nothing"}, ("sources", "settings")),
    (read_counts, {"sources": "nothing"}, ("sources", "settings")),
    (encode_texts, {"texts": NAMES, "vocabulary": LM.vocabulary}, ("destination",)),
    (encode_texts, {"texts": NAMES, "destination": "nothing"}, ("records",)),
    (encode_file, {"source": __file__, "destination": "nothing"}, ("records",)),
    (encode_files, {"sources": __file__, "folder": "nothing"}, ("records",)),
    (LM.vocabulary.encode_batch, {"texts": NAMES}, ("bos", "eos")),
    (TokenFile, {}, ("path",)),
    (LM.vocabulary.save, {}, ("path",)),
    (Vocabulary.load, {}, ("path",)),
]


@pytest.mark.parametrize("given", [b"x", 3.5j, object()], ids=["bytes", "complex", "object"])
@pytest.mark.parametrize(
    ("call", "others", "name"),
    [
        pytest.param(call, others, name, id=f"{call.__qualname__}-{name}")
        for call, others, names in CALLS
        for name in names
    ],
)
def test_a_wrong_type_names_its_argument(
    call: Callable[..., object], others: dict[str, Any], name: str, given: object
) -> None:
    """Not what failed inside, as in "'int' object is not iterable"."""
    with pytest.raises(TypeError, match=rf"^{name}(\[0\])? must be "):
        call(**{**others, name: given})


def test_a_charlm_given_as_a_model_is_told_of_its_own() -> None:
    """The mistake that is made first."""
    with pytest.raises(TypeError, match=r"^model must be a LanguageModel .* got CharLM: give its model or stored$"):
        charlm.save_arpa("nothing", LM, LM.vocabulary)  # type: ignore[arg-type]  # the mistake
