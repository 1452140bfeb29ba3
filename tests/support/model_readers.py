"""How charlm reads models: those of each family and kind, alone, in folders, and of other programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from charlm import (
    GPT,
    ArpaFileError,
    BigramLanguageModel,
    CharLM,
    ClassicGPT,
    ClassicGPTConfig,
    ForeignFileError,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    TextClassifier,
    compress,
    decompress,
    load_arpa,
    load_classic_gpt,
    load_model,
    save_arpa,
    save_classic_gpt,
    save_model,
)
from charlm.files.model_file import load_stored_model
from charlm.sklearn import CharLMClassifier, CharLMDensity, CharLMFeatures, CharLMOutlierDetector
from chartok import Vocabulary
from foreign_checkpoints import N_HEADS, tensors_of_gpt2, write_gpt2, write_mingpt
from fuzzing import CORRUPT, SIGNED, Read, Reader, of_bytes, under_its_name
from signing import resealed, saved_again, signed_compressed_file, signed_model_file
from text_readers import VOCABULARY

IDS = [0, 1, 2, 0, 1, 3, 4, 2, 5, 0]
VERSE = "ab ba abba ab " * 4
RECORDS = ["ab", "ba", "abba", "b", "aab"] * 12
BEGUN = CharLM.fit(VERSE, order=3)
"""The model from which coding starts."""
OF_LABELS = "abcdefg"
"""As many symbols as the checkpoints of other programs have."""


def a_prediction_of_a_model_file(path: Path) -> object:
    """Returns the logits of the model; what is loaded without PyTorch predicts the same, or is refused as well."""
    try:
        counted = load_stored_model(path)
    except CORRUPT as refused:
        with pytest.raises(type(refused)):
            load_model(path)
        raise
    model, vocabulary = load_model(path)
    assert model.vocab_size == vocabulary.size
    logits = model.eval().logits(torch.tensor([[0]])).detach()
    if not isinstance(counted[0], LanguageModel):
        (row,) = counted[0].distributions(np.array([0]))
        shares = np.exp(row) / np.exp(row).sum()  # a hostile table need not sum to 1
        np.testing.assert_allclose(shares, logits[0].softmax(dim=-1), rtol=0, atol=1e-2)  # half precision
        assert counted[1] == vocabulary
    return logits


def judgements_of_a_calibrated_model(path: Path) -> object:
    """Returns p-values, and what stands out."""
    lm = CharLM.load(path)
    if lm.calibration is not None:
        p_values = lm.p_values(["ab", "bbbb", ""])
        assert ((p_values >= 0) & (p_values <= 1)).all()
    return lm.score_samples(["ab"])


def decompressed(path: Path) -> object:
    return decompress(path.read_bytes())


def decompressed_with_a_model(path: Path) -> object:
    return decompress(path.read_bytes(), BEGUN)


def classified(folder: Path) -> object:
    return TextClassifier.load(folder).classify(["ab", ""])


def imported(path: Path, **settings: Any) -> object:
    model, _ = load_classic_gpt(path, Vocabulary(OF_LABELS), **settings)
    return model.logits(torch.tensor([[0]]))


def readers_of_models(folder: Path) -> dict[str, Reader]:
    return {
        **readers_of_model_files(folder),
        **readers_of_compressed_files(folder),
        **readers_of_model_folders(folder),
        **readers_of_other_programs(folder),
    }


def gpt(**settings: Any) -> GPTConfig:
    size, never = VOCABULARY.size, (VOCABULARY.special_tokens["bos"],)
    return GPTConfig(vocab_size=size, block_size=8, n_layers=1, n_heads=1, width=4, context_only=never, **settings)


def models() -> Iterator[tuple[str, LanguageModel]]:
    size, never = VOCABULARY.size, (VOCABULARY.special_tokens["bos"],)
    classic = ClassicGPTConfig(vocab_size=size, block_size=4, n_layers=1, n_heads=1, width=4, context_only=never)

    def ngram() -> NGramLanguageModel:
        return NGramLanguageModel(size, order=3, context_only=never)

    counted, transformer = ngram().fit(IDS), GPT(gpt(hash_rows=2))
    yield "bigram", BigramLanguageModel(size, seed=1, context_only=never)
    yield "ngram", counted
    yield "kneser-ney", ngram().fit(IDS * 3, smoothing="kneser-ney")
    yield "pruned", ngram().fit(IDS * 2).prune(3)
    yield "gpt", transformer
    yield (
        "gpt with a prior",
        GPT(gpt(hash_rows=0), prior=NGramLanguageModel(size, order=3, context_only=never).fit(IDS)),
    )
    yield "classic-gpt", ClassicGPT(classic)
    yield "mixture", MixtureLanguageModel([transformer, counted])


def readers_of_model_files(folder: Path) -> dict[str, Reader]:
    found: dict[str, Reader] = {}
    for name, model in models():
        path = folder / f"{model.family if name == model.family else name}.safetensors"
        save_model(path, model, VOCABULARY)
        found |= of_model_file(f"{name} file", path, a_prediction_of_a_model_file)
    half = NGramLanguageModel(VOCABULARY.size, order=2, context_only=(VOCABULARY.special_tokens["bos"],)).fit(IDS)
    save_model(folder / "compact.safetensors", half, VOCABULARY, compact=True)
    found |= of_model_file("compact file", folder / "compact.safetensors", a_prediction_of_a_model_file)
    together = CharLM.fit("ab ab ba" * 9, order=2).interpolate(
        CharLM.fit("ba cc " * 9, order=2), held_out="ab cc ba" * 20
    )
    together.save(folder / "interpolated.safetensors")
    found |= of_model_file("interpolated file", folder / "interpolated.safetensors", a_prediction_of_a_model_file)
    CharLM.fit(RECORDS, order=2).calibrate(RECORDS[::2]).save(folder / "calibrated.safetensors")
    found |= of_model_file("calibrated file", folder / "calibrated.safetensors", judgements_of_a_calibrated_model)
    save_arpa(
        folder / "model.arpa",
        NGramLanguageModel(4, order=3, context_only=[3]).fit([3, 0, 1, 2, 0, 1, 3, 1, 2]),
        Vocabulary("ab\n", special_tokens=["bos"]),
    )
    found["ARPA file"] = of_bytes((folder / "model.arpa").read_bytes(), load_arpa, ArpaFileError)
    return found


def of_model_file(name: str, path: Path, read: Read) -> dict[str, Reader]:
    """Returns the readers of a file, and of one with a right checksum."""
    return {
        name: of_bytes(path.read_bytes(), read, *CORRUPT, has_checksum=True),
        f"{name}{SIGNED}": Reader(read, CORRUPT, signed_model_file(path), share=0.2),
    }


def readers_of_compressed_files(folder: Path) -> dict[str, Reader]:
    found = {}
    pairs: list[tuple[str, CharLM | None, Read]] = [
        ("compressed file with a model", BEGUN, decompressed_with_a_model),
        ("compressed file", None, decompressed),
    ]
    for name, lm, read in pairs:
        sound = compress("ab ba \u00e9 ab ba".encode(), lm)
        (folder / "compressed.ctk").write_bytes(sound)
        found[name] = of_bytes(sound, read, *CORRUPT, has_checksum=True)
        found[f"{name}{SIGNED}"] = Reader(read, CORRUPT, signed_compressed_file(sound), share=0.3)
    return found


def readers_of_model_folders(folder: Path) -> dict[str, Reader]:
    """Those of classifiers, and of the estimators for scikit-learn."""
    labels = [*"xyxyy"] * 12
    TextClassifier({"x": BEGUN, "y": CharLM.fit("cab " * 9, order=2)}).save(folder / "classifier")
    found = of_description("classifier.json", folder / "classifier", "classifier.json", classified)
    estimators = {
        "classifier": CharLMClassifier(order=2).fit(RECORDS, labels),
        "density": CharLMDensity(order=2).fit(RECORDS),
        "features": CharLMFeatures(order=2).fit(RECORDS),
        "outliers": CharLMOutlierDetector(order=2, false_alarm_rate=0.1, held_out=0.4).fit(RECORDS),
    }
    for name, estimator in estimators.items():
        estimator.save(folder / f"fitted-{name}")
        read = restored(type(estimator))
        found |= of_description(f"estimator.json of {name}", folder / f"fitted-{name}", "estimator.json", read)
    return found


def restored(kind: Any) -> Read:
    """Returns what loads an estimator and asks it something."""

    def read(folder: Path) -> object:
        estimator = kind.load(folder)
        ask = "transform" if hasattr(estimator, "transform") else "score_samples"
        return getattr(estimator, ask if hasattr(estimator, ask) else "predict_proba")(["ab"])

    return read


def of_description(name: str, folder: Path, file: str, read: Read) -> dict[str, Reader]:
    """Returns the readers of the description of models in a folder, and of one with a right checksum."""
    sound = (folder / file).read_bytes()
    read_there = under_its_name(read, file, *folder.glob("*.safetensors"))
    refusals = (*CORRUPT, OSError, TypeError)
    return {
        name: of_bytes(sound, read_there, *CORRUPT),
        f"{name}{SIGNED}": Reader(read_there, refusals, resealed(sound), share=0.1),
    }


def readers_of_other_programs(folder: Path) -> dict[str, Reader]:
    tensors = tensors_of_gpt2()
    shape = ClassicGPTConfig(vocab_size=len(OF_LABELS), block_size=6, n_layers=1, n_heads=2, width=8)
    save_classic_gpt(folder / "ckpt.pt", ClassicGPT(shape), Vocabulary(OF_LABELS), "nanogpt")
    write_mingpt(folder / "model.pt", tensors, tensors["wte.weight"])
    Vocabulary(OF_LABELS).save(folder / "labels.json")
    write_gpt2(folder / "gpt2", tensors_of_gpt2(as_conv1d=True))
    refusals = (*CORRUPT, ForeignFileError, ValueError)
    nanogpt = torch.load(folder / "ckpt.pt", weights_only=True)
    config, weights = folder / "gpt2" / "config.json", folder / "gpt2" / "model.safetensors"
    of_config = under_its_name(imported, "config.json", weights)
    of_weights = under_its_name(imported, "model.safetensors", config)

    def of_mingpt(path: Path) -> object:
        return imported(path, n_heads=N_HEADS)

    return {
        "nanoGPT checkpoint": of_bytes((folder / "ckpt.pt").read_bytes(), imported, *refusals, share=0.1),
        "nanoGPT checkpoint, values": Reader(imported, refusals, saved_again(nanogpt), share=0.1),
        "minGPT checkpoint": of_bytes((folder / "model.pt").read_bytes(), of_mingpt, *refusals, share=0.1),
        "GPT-2 config.json": of_bytes(config.read_bytes(), of_config, *refusals, share=0.3),
        "GPT-2 weights": of_bytes(weights.read_bytes(), of_weights, *refusals, share=0.1),
    }
