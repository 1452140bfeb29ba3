import dataclasses
import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charlm import CharLM, TrainerConfig, evaluate, read_log
from charlm.cli.app import main
from charlm.files.run_folder import RunFolder
from charlm.models.registry import as_language_model
from charlm.recipes import events
from charlm.recipes.corpus import Corpus
from charlm.recipes.dataset import dataset_of
from charlm.recipes.description import Source, excerpt
from charlm.recipes.presets import TAKES, Recipe
from charlm.recipes.sources import ROLES_OF_TEXT
from charlm.recipes.train import train

TEXT = "the quick brown fox jumps over the lazy dog. " * 40
NAMES = [
    first + middle + last
    for first in ("anna", "hanna", "joanna", "susanna", "johanna")
    for middle in ("", "h", "jo", "nas", "sus", "u")
    for last in ("", "an", "no", "uh", "sas", "ho")
]
QUICK = TrainerConfig(max_steps=15, optimizer="muon", learning_rate=0.01)
FEW = {"max_steps": 4, "log_interval": 1, "evaluation_interval": 4}


def shared(family: Any, **config: Any) -> dict[str, Any]:
    """Returns settings with which a model of any family is made in no time."""
    settings = {"order": 4, "n_layers": 1, "n_heads": 2, "width": 16, "block_size": 64, "device": "cpu"}
    own: dict[str, Any] = {name: value for name, value in settings.items() if name in TAKES[family]}
    if config and "config" in TAKES[family]:
        own["config"] = dataclasses.replace(Recipe(family=family).config or TrainerConfig(), **config)
    return own


def corpus_of(source: Any) -> Corpus:
    return Corpus.of_text(source, ROLES_OF_TEXT) if isinstance(source, str) else Corpus.of_records(source)


@pytest.mark.parametrize("family", TAKES)
@pytest.mark.parametrize("source", [TEXT, NAMES], ids=["text", "records"])
def test_a_model_scores_generates_saves_and_loads(tmp_path: Path, family: Any, source: Any) -> None:
    settings = shared(family)
    if family in ("gpt", "classic-gpt", "mixture"):
        settings["config"] = QUICK
    if family == "trained-bigram":
        settings["config"] = TrainerConfig(max_steps=60, learning_rate=0.1)
    lm = CharLM.fit(source, family, **settings)
    assert lm.family == lm.model.family == ("bigram" if family == "trained-bigram" else family)
    assert lm.is_of_records == (source is NAMES)
    likely, unlikely = ("the lazy dog", "zzzz xqkv jj") if source is TEXT else ("joanna", "nnjjaa")
    assert lm.bits_per_character(likely) < lm.bits_per_character(unlikely)
    lm.save(tmp_path / "model.safetensors")
    loaded = CharLM.load(tmp_path / "model.safetensors")
    assert loaded.log_probabilities(likely) == pytest.approx(lm.log_probabilities(likely), abs=1e-5)
    assert loaded.generate(likely[:3], max_new_tokens=20, seed=1) == lm.generate(likely[:3], max_new_tokens=20, seed=1)
    if source is NAMES:
        assert len(lm.sample(3, max_length=12, unique=False, seed=1)) == 3


@pytest.mark.parametrize("family", TAKES)
def test_the_same_seed_gives_the_same_model(family: Any) -> None:
    first, second = (CharLM.fit(TEXT, family, **shared(family, max_steps=15)) for _ in range(2))
    assert first.log_probabilities("the fox").tolist() == second.log_probabilities("the fox").tolist()


def test_bad_input_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(
        ValueError, match="model must be one of ngram, bigram, trained-bigram, gpt, classic-gpt, mixture, got 'lstm'"
    ):
        CharLM.fit(TEXT, "lstm")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match=r"model must be one of .*, got 'ngrams': did you mean ngram\?"):
        CharLM.fit(TEXT, "ngrams")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match="size must be one of nano, small, base, got 'huge'"):
        CharLM.fit(TEXT, "gpt", size="huge")  # type: ignore[arg-type]  # bad input
    with pytest.raises(ValueError, match="cannot be used here"):
        CharLM.fit(TEXT, "gpt", device="nonsense")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_length": 3}, "max_length applies only to records: a text is cut into windows of block_size"),
        ({"packing": True}, "packing applies only to records: the windows of a text have no padding"),
    ],
)
def test_what_is_for_records_is_refused_for_a_text(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CharLM.fit(TEXT, "trained-bigram", **settings)


def tables(path: Path) -> dict[str, np.ndarray]:
    lm = CharLM.load(path)
    stored: Any = lm.stored
    if not hasattr(stored, "arrays"):
        return {name: tensor.numpy() for name, tensor in stored.state_dict().items()}
    arrays: dict[str, np.ndarray] = stored.arrays()
    return arrays


def assert_equal(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    assert first.keys() == second.keys()
    for name, table in first.items():
        assert table.dtype == second[name].dtype
        assert np.array_equal(table, second[name]), name


@pytest.mark.parametrize("family", TAKES)
@pytest.mark.parametrize("kind", ["text", "records"])
def test_the_command_line_and_fit_make_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: Any, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = TEXT if kind == "text" else "\n".join(NAMES)
    Path("input.txt").write_text(text, encoding="utf-8", newline="")
    settings = shared(family, **FEW)
    flags = [f"--{name}={value}" for name, value in settings.items() if name != "config"]
    if "config" in settings:
        flags += [f"--{name.replace('_', '-')}={value}" for name, value in FEW.items()]
    records = ["--records"] if kind == "records" else []
    assert main(["train", "input.txt", "--model", family, "--out", "run", *records, *flags]) == 0
    learned, _ = corpus_of(TEXT if kind == "text" else NAMES).split(0.9, seed=0)
    (joined,) = learned.parts(10**6)
    texts = [learned.vocabulary.decode(part) for part in np.split(joined.ids, np.cumsum(joined.lengths)[:-1])]
    CharLM.fit(texts[0] if kind == "text" else texts, family, **settings).save("fit.safetensors")
    assert_equal(tables(Path("run")), tables(Path("fit.safetensors")))


def happened(corpus: Corpus, recipe: Recipe, **keywords: Any) -> tuple[Any, list[Any]]:
    told: list[events.Event] = []
    return train(corpus, recipe, hook=told.append, **keywords), told


@pytest.mark.parametrize("family", ["ngram", "bigram"])
def test_who_asks_is_told_what_a_model_that_counts_has_come_to(tmp_path: Path, family: Any) -> None:
    learned, held_out = corpus_of(TEXT).split(0.9)
    trained, told = happened(learned, Recipe(family=family), validation=held_out, folder=RunFolder(tmp_path / "run"))
    split, began, counted, evaluated, saved = told
    assert split == events.CorpusSplit(total=1800, unit="characters", symbols=28, training=1620, validation=180)
    assert began == events.CountingBegan(characters=1620)
    assert (counted.family, counted.order, counted.n_grams) == (family, *shape_of(trained.model))
    assert evaluated.evaluation.nats_per_character == trained.validation_nats
    assert trained.validation_nats == evaluate(trained.model, held_out).nats_per_character
    assert saved == events.Saved(folder=tmp_path / "run")
    assert_equal(tables(tmp_path / "run"), trained.model.arrays())


def shape_of(model: Any) -> tuple[int, int]:
    return (model.order, len(model)) if model.family == "ngram" else (2, model.table.size)


@pytest.mark.parametrize("family", ["trained-bigram", "gpt", "classic-gpt", "mixture"])
def test_who_asks_is_told_what_training_comes_to(tmp_path: Path, family: Any) -> None:
    learned, held_out = corpus_of(TEXT).split(0.9)
    recipe = Recipe(family=family, **shared(family, **FEW))
    trained, told = happened(learned, recipe, validation=held_out, folder=RunFolder(tmp_path / "run"))
    mixed = ["CountingBegan", "Mixed", "Evaluated"] if family == "mixture" else []
    kinds = [type(event).__name__ for event in told]
    counted = ["CountingBegan", "Counted"] if family in ("gpt", "mixture") else []
    steps = ["TrainingBegan", *["StepDone", "EntryMade"] * 4, "TrainingEnded"]
    assert kinds == ["CorpusSplit", *counted, *steps, *mixed, "Saved"]
    assert [event.step for event in told if isinstance(event, events.StepDone)] == [1, 2, 3, 4]
    left_out = events.CountingBegan | events.Counted | events.StepDone
    told = [event for event in told if not isinstance(event, left_out)]
    began, last = told[1], told[5].entry
    assert (began.first_step, began.total_steps, began.batch_size, began.device) == (0, 4, 32, "cpu")
    assert told[6].entry == last
    assert last.step == 4
    if family == "mixture":
        assert trained.validation_nats == told[8].evaluation.nats_per_character
    else:
        assert trained.validation_nats == last.validation_loss
    assert trained.validation_nats == pytest.approx(evaluate(trained.model, held_out).nats_per_character, rel=1e-6)
    states = {name: tensor.numpy() for name, tensor in trained.model.state_dict().items()}
    loaded = CharLM.load(tmp_path / "run").model.state_dict()
    assert_equal(states, {name: tensor.numpy() for name, tensor in loaded.items()})


@pytest.mark.parametrize("family", TAKES)
def test_nothing_is_kept_and_nothing_evaluated_where_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    trained, told = happened(corpus_of(TEXT), Recipe(family=family, **shared(family, **FEW)))
    assert trained.validation_nats is None
    assert not any(isinstance(event, events.CorpusSplit | events.Evaluated | events.Saved) for event in told)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("family", TAKES)
def test_a_run_describes_what_its_family_takes(tmp_path: Path, family: Any) -> None:
    folder = RunFolder(tmp_path / "run")
    learned, held_out = corpus_of(NAMES).split(0.75)
    recipe = Recipe(family=family, **shared(family, **FEW))
    train(learned, recipe, validation=held_out, folder=folder, source=Source(text="names.txt"))
    described = folder.read_description()
    assert described is not None
    assert described.family == family
    assert (described.text, described.symbols) == ("names.txt", 7)
    assert described.characters == sum(map(len, NAMES))
    assert described.excerpt == excerpt(held_out)
    known = {"model", *TAKES[family]} | {field.name for field in dataclasses.fields(TrainerConfig)}
    assert set(described.settings) <= known
    for name in set(TAKES[family]) - {"config"}:
        value = getattr(recipe, name)
        if name == "batch_size" and value is None:  # as suits the records
            value = 256
        if (family, name) == ("ngram", "smoothing"):  # the names are too few to tune it on
            value = "learned"
        assert described.settings.get(name) == value
    if recipe.config is not None:
        assert described.settings["max_steps"] == 4


def stop_at_step_5(event: events.Event) -> None:
    if isinstance(event, events.EntryMade) and event.entry.step == 5:
        signal.raise_signal(signal.SIGINT)


def test_a_run_that_is_extended_and_stopped_has_its_best_model_and_not_that_of_the_first_stage(tmp_path: Path) -> None:
    folder, (corpus, held_out) = RunFolder(tmp_path / "run"), corpus_of(TEXT).split(0.9)
    every = FEW | {"evaluation_interval": 1, "schedule": "constant"}
    recipes = [Recipe(family="gpt", **shared("gpt", **(every | {"max_steps": steps}))) for steps in (2, 9)]
    first = train(corpus, recipes[0], validation=held_out, folder=folder)
    with pytest.raises(KeyboardInterrupt):
        train(corpus, recipes[1], validation=held_out, folder=folder, resume=True, hook=stop_at_step_5)
    best = min(entry.validation_loss for entry in read_log(folder) if entry.validation_loss is not None)
    assert first.validation_nats is not None
    found = evaluate(CharLM.load(folder.path).model, dataset_of(held_out, 64)).nats_per_character
    assert found == pytest.approx(best)
    assert best < first.validation_nats


def test_without_a_folder_the_model_is_the_best_too() -> None:
    corpus, unlike = corpus_of("ab" * 200 + "aabb" * 40).split(400 / 560)
    recipe = Recipe(family="trained-bigram", **shared("trained-bigram", max_steps=30, evaluation_interval=3))
    trained, told = happened(corpus, recipe, validation=unlike)
    losses = [event.entry.validation_loss or math.inf for event in told if isinstance(event, events.EntryMade)]
    assert trained.validation_nats == min(losses) < losses[-1]
    assert (
        evaluate(as_language_model(trained.model), dataset_of(unlike, 64)).nats_per_character == trained.validation_nats
    )


def test_the_transformer_of_a_mixture_is_not_taken_for_the_mixture(tmp_path: Path) -> None:
    folder, corpus = RunFolder(tmp_path / "run"), corpus_of(TEXT)
    alone = "is the Transformer of a mixture alone: the run mixes it .* when it ends"

    def recipe(max_steps: int) -> Recipe:
        return Recipe(family="mixture", **shared("mixture", **(FEW | {"max_steps": max_steps})))

    def go_on(max_steps: int, hook: events.Hook = events.say_nothing) -> None:
        train(corpus, recipe(max_steps), folder=folder, resume=True, hook=hook)

    go_on(4)
    assert CharLM.load(folder.path).family == "mixture"
    with pytest.raises(KeyboardInterrupt):
        go_on(9, stop_at_step_5)
    checkpoint = folder.checkpoint_paths()[-1]
    found = []
    for path in (folder.path, checkpoint, checkpoint / "model.safetensors"):
        with pytest.warns(UserWarning, match=alone):
            found.append(tables(path))
    assert_equal(found[0], found[1])
    go_on(9)
    assert CharLM.load(folder.path).family == "mixture"
    folder.description_path.write_text("{", encoding="utf-8")  # the model is sound, whatever that is
    assert CharLM.load(checkpoint).family == "gpt"


def test_a_checkpoint_of_a_run_that_mixes_nothing_is_its_model(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    train(corpus_of(TEXT), Recipe(family="gpt", **shared("gpt", **FEW)), folder=folder)
    (checkpoint,) = folder.checkpoint_paths()
    assert_equal(tables(checkpoint), tables(folder.path))


@pytest.mark.parametrize("family", ["gpt", "mixture"])
def test_a_run_goes_on_with_its_own_family_alone(tmp_path: Path, family: Any) -> None:
    folder, corpus = RunFolder(tmp_path / "run"), corpus_of(TEXT)
    train(corpus, Recipe(family=family, **shared(family, **FEW)), folder=folder)
    longer = shared(family, **(FEW | {"max_steps": 6}))
    _, told = happened(corpus, Recipe(family=family, **longer), folder=folder, resume=True)
    began = next(event for event in told if isinstance(event, events.TrainingBegan))
    entry = next(event.entry for event in told if isinstance(event, events.EntryMade))
    assert (began.first_step, began.next_entry) == (4, entry.step)
    other: Any = "mixture" if family == "gpt" else "gpt"
    before = folder.model_path.read_bytes()
    with pytest.raises(ValueError, match=f"is of the family {family} and cannot be resumed as a {other}"):
        train(corpus, Recipe(family=other, **shared(other, **FEW)), folder=folder, resume=True)
    assert folder.model_path.read_bytes() == before


@pytest.mark.parametrize(("family", "least"), [("gpt", 129), ("mixture", 2580)])
def test_a_text_that_is_too_short_is_told_how_long_it_must_be(family: Any, least: int) -> None:
    quick = TrainerConfig(max_steps=1)
    text = ("short text " * 250)[:least]
    CharLM.fit(text, family, size="nano", config=quick, device="cpu")
    with pytest.raises(
        ValueError,
        match=f"a {family} with a context of 128 characters needs a text of at least {least} to train on, got "
        f"{least - 1}: give more text, a smaller block_size, or take an n-gram model",
    ):
        CharLM.fit(text[:-1], family, size="nano", config=quick, device="cpu")
