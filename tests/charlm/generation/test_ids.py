from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from charlm import BigramLanguageModel, LanguageModel, NGramLanguageModel, generate, score
from charlm.generation.ids import stream_ids
from charlm.generation.loop import continuations
from charlm.generation.sampling import Logits, apply_settings
from charlm.generation.settings import SamplingSettings
from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.table import NGramTable
from charlm.models.predictor import CountModel
from chartok import TokenIdError
from families import Family, families
from lively_gpt import lively
from strategies import costly

SIZE = 6


class Windowed(LanguageModel):
    """Depends on a block of ids and on the mode that it is in; counts its steps and leaves every default in place."""

    family = "windowed"

    def __init__(self, block_size: int = 3) -> None:
        super().__init__(SIZE, block_size)
        generator = torch.Generator().manual_seed(0)
        self.tables = nn.Parameter(torch.randn(block_size, SIZE, SIZE, generator=generator))
        self.dropout = nn.Dropout(0.9)
        self.steps = 0

    def logits(self, inputs: Tensor) -> Tensor:
        assert self.block_size is not None
        assert inputs.shape[1] <= self.block_size
        ages = range(min(inputs.shape[1], self.block_size))
        shifted = [nn.functional.pad(self.tables[age][inputs], (0, 0, age, 0))[:, : inputs.shape[1]] for age in ages]
        logits: Tensor = self.dropout(torch.stack(shifted).sum(0))
        return logits

    def step(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        self.steps += 1
        return super().step(ids, state)

    def settings(self) -> dict[str, Any]:
        return {"block_size": self.block_size}


def make_models() -> list[LanguageModel | CountModel]:
    text = torch.randint(0, SIZE, (400,), generator=torch.Generator().manual_seed(6))
    return [
        BigramLanguageModel(SIZE, seed=3),
        BigramLanguageModel(SIZE, seed=3).bfloat16(),
        NGramLanguageModel(SIZE, order=4).fit(text),
        NGramLanguageModel(SIZE, order=3).fit(text).float(),
        Windowed(),
        BigramTable(vocab_size=SIZE, table=np.random.default_rng(3).standard_normal((SIZE, SIZE)).astype(np.float32)),
        BigramTable.fit(text, vocab_size=SIZE, context_only=[2]),
        NGramTable.fit(text, vocab_size=SIZE, order=4, context_only=[2, 3]),
    ]


every_model = pytest.mark.parametrize("model", make_models(), ids=lambda model: type(model).__name__)
settings_of_all_kinds = st.fixed_dictionaries(
    {"temperature": st.sampled_from([0.0, 0.7, 1.0, 2.0])},
    optional={
        "top_k": st.integers(1, SIZE + 1),
        "top_p": st.floats(0.05, 1),
        "min_p": st.floats(0, 1),
        "repetition_penalty": st.floats(0.5, 2),
        "allowed": st.lists(st.integers(0, SIZE - 1)).filter(any),  # 0 alone is a start token, which never comes
    },
)


def deterministic_bigram() -> BigramLanguageModel:
    """After i comes i + 1, and after the last the first."""
    model = BigramLanguageModel(5)
    with torch.no_grad():
        model.table.copy_(100 * torch.eye(5).roll(1, dims=1))
    return model


def last_logits(model: LanguageModel | CountModel, ids: list[int]) -> Logits:
    """Returns what a model says of the id after some others, when it is run on all of them."""
    if not isinstance(model, LanguageModel):
        rows = list(model.distributions(np.array(ids)))
        return np.array(rows[-1][-1])
    while model.block_size is not None and len(ids) > model.block_size:
        ids = ids[model.block_size - model.block_size // 2 :]
    with torch.no_grad():
        logits = model.eval().logits(torch.tensor([ids]))[0, -1]
    found: Logits = (logits if logits.dtype == torch.float64 else logits.float()).numpy()
    return found


def plainly_generated(
    model: LanguageModel | CountModel,
    prompt: list[int],
    length: int,
    seed: int,
    allowed: list[int] | None = None,
    **chosen: Any,
) -> list[int]:
    """Returns a sample by running the model on the whole history for each id."""
    ids, generator = list(prompt), np.random.default_rng(seed)
    for _ in range(length):
        logits = last_logits(model, ids)
        if allowed is not None:
            logits = np.array([x if i in allowed else -np.inf for i, x in enumerate(logits)], dtype=logits.dtype)
        seen = np.array([token_id in ids for token_id in range(SIZE)])
        chances = apply_settings(SamplingSettings(**chosen), logits, seen).astype(np.float64)
        sums = np.exp(chances - chances.max()).cumsum()
        point = (1 - generator.random()) * sums[-1]
        ids.append(next(i for i in range(SIZE) if sums[i] >= point))
    return ids


@every_model
@costly(20)
@given(prompt=st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=6), chosen=settings_of_all_kinds)
def test_a_sample_is_what_a_plain_loop_over_the_whole_history_gives(
    model: LanguageModel | CountModel, prompt: list[int], chosen: dict[str, Any]
) -> None:
    assume(not set(chosen.get("allowed", range(SIZE))) <= set(model.context_only))
    expected = plainly_generated(model, prompt, 8, 5, **chosen)
    assert generate(model, prompt, max_new_tokens=8, seed=5, **chosen).tolist() == expected
    assert prompt + list(stream_ids(model, prompt, max_new_tokens=8, seed=5, **chosen)) == expected


@every_model
@costly(20)
@given(chosen=settings_of_all_kinds, n_samples=st.integers(1, 5), stop=st.lists(st.integers(0, SIZE - 1), min_size=1))
def test_a_sample_does_not_depend_on_how_many_are_drawn_beside_it(
    model: LanguageModel | CountModel, chosen: dict[str, Any], n_samples: int, stop: list[int]
) -> None:
    assume(not set(chosen.get("allowed", range(SIZE))) <= set(model.context_only))
    several = generate(model, [1, 2], max_new_tokens=8, n_samples=6, stop=[stop[:2]], seed=9, **chosen)
    fewer = generate(model, [1, 2], max_new_tokens=8, n_samples=n_samples, stop=[stop[:2]], seed=9, **chosen)
    alone = generate(model, [1, 2], max_new_tokens=8, stop=[stop[:2]], seed=9, **chosen)
    assert [ids.tolist() for ids in fewer] == [ids.tolist() for ids in several[:n_samples]]
    assert alone.tolist() == several[0].tolist()


prompts_of_all_lengths = st.lists(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=9), min_size=1, max_size=5)


@every_model
@costly(20)
@given(prompts=prompts_of_all_lengths, chosen=settings_of_all_kinds, n_samples=st.none() | st.integers(1, 3))
def test_each_of_several_prompts_is_continued_as_alone(
    model: LanguageModel | CountModel, prompts: list[list[int]], chosen: dict[str, Any], n_samples: int | None
) -> None:
    assume(not set(chosen.get("allowed", range(SIZE))) <= set(model.context_only))
    more: Any = {"max_new_tokens": 6, "stop": [[1, 1], [4]], "seed": 3, "n_samples": n_samples, **chosen}
    together, scores = generate(model, prompts, return_scores=True, **more)
    alone: list[Any] = [generate(model, prompt, return_scores=True, **more) for prompt in prompts]
    np.testing.assert_equal(as_lists(together), as_lists([samples for samples, _ in alone]))
    np.testing.assert_equal(as_lists(scores), as_lists([own for _, own in alone]))


def as_lists(nested: Any) -> Any:
    """Returns tensors and arrays as lists, with numbers to six places."""
    if isinstance(nested, list):
        return [as_lists(part) for part in nested]
    return np.asarray(nested).round(6).tolist()


@pytest.mark.parametrize("seen", [None, [], [2, 5]])
@pytest.mark.parametrize("end", [None, 4])
def test_prompts_of_different_lengths_share_neither_what_is_seen_nor_how_early_they_may_end(
    seen: list[int] | None, end: int | None
) -> None:
    model, settings = BigramLanguageModel(SIZE, seed=8), SamplingSettings(repetition_penalty=3.0)
    prompts = [[1], [3, 2, 1, 0], [5, 5]]

    def found(several: list[list[int]]) -> list[list[list[int]]]:
        seen_before = None if seen is None else [seen] * len(several)
        chosen: Any = {"max_new_tokens": 7, "end": end, "min_new_tokens": 3, "seen": seen_before}
        return [[ids for ids, _ in samples] for samples in continuations(model, several, range(9), settings, **chosen)]

    assert found(prompts) == [*found(prompts[:1]), *found(prompts[1:2]), *found(prompts[2:])]


@pytest.mark.parametrize("lengths", [(1, 6, 3), (2, 30, 9), (13, 12, 7)])
def test_a_transformer_continues_prompts_on_both_sides_of_its_block_as_alone(lengths: tuple[int, ...]) -> None:
    model = lively()
    prompts = [np.random.default_rng(length).integers(0, SIZE, length) for length in lengths]
    together = generate(model, prompts, max_new_tokens=40, seed=4)
    alone = [generate(model, prompt, max_new_tokens=40, seed=4) for prompt in prompts]
    assert [ids.tolist() for ids in together] == [ids.tolist() for ids in alone]


@pytest.mark.parametrize("family", families(), ids=repr)
@costly(10)
@given(prompt=st.lists(st.integers(1, 5), min_size=1, max_size=5), chosen=settings_of_all_kinds)
def test_the_scores_of_what_is_drawn_are_those_of_the_model_itself(
    family: Family, prompt: list[int], chosen: dict[str, Any]
) -> None:
    more: Any = {"max_new_tokens": 20, "stop": [[1, 2]], "seed": 1, "return_scores": True, **chosen}
    ids, nats = generate(family.model, prompt, **more)
    assert len(nats) == len(ids) - len(prompt)
    assert nats.dtype == np.float64
    np.testing.assert_allclose(nats, score(family.model, [ids])[0][len(prompt) - 1 :], atol=family.tolerance)


def test_nothing_is_drawn_for_one_prompt_among_several_and_that_one_is_named() -> None:
    model = BigramLanguageModel(3).fit([0, 1, 0, 1], smoothing=0)
    with torch.no_grad():
        model.table[2] = -torch.inf  # nothing can follow 2
    with pytest.raises(ValueError, match=r"no id to draw for sample 0 of prompt\[1\]"):
        generate(model, [[0, 0, 1], [0, 1, 2], [0]], max_new_tokens=2, n_samples=2)
    together = generate(model, [[2, 1], [0]], max_new_tokens=2)  # what follows 2 is given
    assert [len(ids) for ids in together] == [4, 3]


@pytest.mark.parametrize(
    ("prompts", "error", "message", "note"),
    [
        ([[0], []], ValueError, r"prompt\[1\] must be a non-empty", None),
        ([[0], np.zeros((1, 1), dtype=int)], ValueError, r"prompt\[1\] must be a non-empty one-dimensional", None),
        ([[0], [1, 9]], TokenIdError, r"ids\[1\] is 9", "in prompt[1]"),
        ([[0], 1], TypeError, r"prompt\[1\] must be integers in an array or an iterable, got int", "in prompt[1]"),
        ([[0], "ab"], TypeError, r"prompt\[1\] must be integers", "in prompt[1]"),
        (((0,), (0.5,)), TypeError, r"prompt\[1\]\[0\] must be an integer", "in prompt[1]"),
    ],
)
def test_a_bad_prompt_among_several_is_named(
    prompts: Any, error: type[Exception], message: str, note: str | None
) -> None:
    with pytest.raises(error, match=message) as caught:
        generate(BigramLanguageModel(5), prompts, max_new_tokens=3)
    assert getattr(caught.value, "__notes__", [None]) == [note]


@pytest.mark.parametrize("return_scores", [1, None, "yes"])
def test_whether_to_return_scores_is_true_or_false(return_scores: Any) -> None:
    with pytest.raises(TypeError, match="return_scores must be True or False"):
        generate(BigramLanguageModel(5), [0], max_new_tokens=3, return_scores=return_scores)


def test_samples_differ_and_so_do_those_of_neighbouring_seeds() -> None:
    model = BigramLanguageModel(50, seed=0)
    samples = [ids for seed in (0, 1) for ids in generate(model, [0], max_new_tokens=20, n_samples=20, seed=seed)]
    assert len({tuple(ids.tolist()) for ids in samples}) == 40
    first = torch.stack([ids[1] for ids in generate(model, [0], max_new_tokens=1, n_samples=5_000)])
    frequencies = torch.bincount(first, minlength=50) / 5_000
    torch.testing.assert_close(frequencies, model.table[0].softmax(0), atol=0.02, rtol=0)


@costly(40)
@given(
    stops=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), min_size=1, max_size=3),
    seed=st.integers(-(2**63), 2**64 - 1),
)
def test_a_sample_ends_before_the_first_stop_sequence(stops: list[list[int]], seed: int) -> None:
    model = BigramLanguageModel(3, seed=1)
    whole = generate(model, [0, 1], max_new_tokens=30, seed=seed).tolist()[2:]
    ends = [(end, -len(stop)) for end in range(31) for stop in stops if whole[:end][-len(stop) :] == stop]
    expected = whole[: sum(min(ends))] if ends else whole
    assert generate(model, [0, 1], max_new_tokens=30, stop=stops, seed=seed).tolist() == [0, 1, *expected]
    assert list(stream_ids(model, [0, 1], max_new_tokens=30, stop=stops, seed=seed)) == expected


def test_a_stop_sequence_begins_after_the_prompt() -> None:
    assert generate(deterministic_bigram(), [0, 1], max_new_tokens=3, stop=[[1, 2]]).tolist() == [0, 1, 2, 3, 4]
    assert generate(deterministic_bigram(), [0, 1], max_new_tokens=3, stop=[[2]]).tolist() == [0, 1]


def test_the_model_steps_no_more_once_every_sample_has_ended() -> None:
    model = Windowed()
    samples = generate(model, [1], max_new_tokens=10_000, n_samples=4, stop=[[2]])
    assert model.steps == max(len(ids) for ids in samples)


def test_what_follows_the_end_of_a_sample_harms_no_other() -> None:
    model = BigramLanguageModel(3).fit([0, 1, 0, 1, 0, 2, 2], smoothing=0)
    chosen: dict[str, Any] = {"max_new_tokens": 30, "stop": [[2]], "allowed": [0, 1, 2], "seed": 2}
    samples = generate(model, [0], n_samples=8, **chosen)
    with torch.no_grad():
        model.table[2] = -torch.inf  # nothing can follow 2
    assert len({len(ids) for ids in samples}) > 1
    assert [ids.tolist() for ids in generate(model, [0], n_samples=8, **chosen)] == [ids.tolist() for ids in samples]


@pytest.mark.parametrize(("table", "allowed"), [(-torch.inf, None), (torch.nan, None), (0.0, [1])])
def test_where_no_id_can_come_that_is_said(table: float, allowed: list[int] | None) -> None:
    model = BigramLanguageModel(2)
    with torch.no_grad():
        model.table[0] = table
        model.table[:, 1] = -torch.inf if allowed else table
    for temperature in (0.0, 0.5, 1.0):
        with pytest.raises(ValueError, match="there is no id to draw"):
            generate(model, [0], max_new_tokens=3, temperature=temperature, allowed=allowed)
        with pytest.raises(ValueError, match="there is no id to draw"):
            list(stream_ids(model, [0], max_new_tokens=3, temperature=temperature, allowed=allowed))


def test_a_sample_that_cannot_go_on_is_named() -> None:
    model = BigramLanguageModel(3).fit([0, 1, 0, 1, 0, 1, 0, 2], smoothing=0)
    with torch.no_grad():
        model.table[2] = -torch.inf  # nothing can follow 2
    assert not any(2 in ids for ids in generate(model, [0], max_new_tokens=6, n_samples=3, seed=15))
    for n_samples in (4, 5):
        with pytest.raises(ValueError, match="there is no id to draw for sample 3"):
            generate(model, [0], max_new_tokens=6, n_samples=n_samples, seed=15)


def test_an_end_may_come_only_after_the_fewest_ids() -> None:
    model = BigramLanguageModel(5, seed=1)
    for allowed in (None, [0, 1, 2]):
        samples = continuations(
            model, [[3]], range(30), SamplingSettings(), max_new_tokens=9, allowed=allowed, end=4, min_new_tokens=3
        )[0]
        assert {len(sample.ids) for sample in samples} >= {3, 4}
        for ids, _ in samples:
            assert len(ids) >= 3
            assert 4 not in ids
            assert allowed is None or set(ids) <= set(allowed)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_what_the_model_is_sure_of_is_what_it_writes(temperature: float) -> None:
    ids = generate(deterministic_bigram(), [1, 2], max_new_tokens=6, temperature=temperature)
    assert ids.tolist() == [1, 2, 3, 4, 0, 1, 2, 3]


def test_of_a_prompt_longer_than_the_block_the_model_sees_the_end() -> None:
    model = Windowed(block_size=3)
    long, short = [0, 5, 4, 3, 2, 1], [2, 1]  # after each block the older two of three ids are dropped
    assert generate(model, long, max_new_tokens=9)[6:].equal(generate(model, short, max_new_tokens=9)[2:])
    assert list(stream_ids(model, long, max_new_tokens=9)) == list(stream_ids(model, short, max_new_tokens=9))


def test_a_penalty_counts_the_prompt_and_what_was_added() -> None:
    model = BigramLanguageModel(4)  # every id is as likely as every other
    ids = generate(model, [0], max_new_tokens=3, repetition_penalty=1000.0).tolist()
    assert sorted(ids) == [0, 1, 2, 3]


def test_what_a_penalty_counts_as_there_can_be_said_apart_from_the_prompt() -> None:
    model = BigramLanguageModel(4)  # every id is as likely as every other
    chosen: dict[str, Any] = {"max_new_tokens": 1, "temperature": 0, "repetition_penalty": 2.0}
    for seen, expected in ((None, 1), ([], 0), ([0, 1], 2), ([1], 0)):
        assert generate(model, [0], seen=seen, **chosen).tolist() == [0, expected]
        assert list(stream_ids(model, [0], seen=seen, **chosen)) == [expected]


def test_the_seed_decides_and_the_global_state_stays() -> None:
    model = BigramLanguageModel(50, seed=0)
    before, numpy_before = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002 - it is what must stay
    first = generate(model, [0], max_new_tokens=40, seed=1)
    assert torch.equal(first, generate(model, [0], max_new_tokens=40, seed=1))
    assert not torch.equal(first, generate(model, [0], max_new_tokens=40, seed=2))
    assert torch.equal(torch.get_rng_state(), before)
    assert repr(np.random.get_state()) == numpy_before  # noqa: NPY002 - likewise
    assert torch.equal(first[:21], generate(model, [0], max_new_tokens=20, seed=1))


def test_the_model_is_left_in_the_mode_it_was_in() -> None:
    model = Windowed()
    expected = generate(model.eval(), [0], max_new_tokens=9)
    for mode in (True, False):
        assert generate(model.train(mode), [0], max_new_tokens=9).equal(expected)
        assert model.training is model.dropout.training is mode


def test_while_a_stream_waits_the_model_is_in_the_mode_it_was_in() -> None:
    model = Windowed().train()
    expected = list(stream_ids(model, [0], max_new_tokens=9))
    streams = [stream_ids(model, [0], max_new_tokens=9) for _ in range(2)]
    for token_id in expected[:5]:
        for stream in streams:
            assert next(stream) == token_id
            assert model.training
            assert model.dropout.training
    assert not torch.is_inference_mode_enabled()
    del streams
    assert model.training


def test_a_stream_gives_each_id_as_soon_as_it_is_drawn() -> None:
    model = Windowed()
    stream = stream_ids(model, [0, 1], max_new_tokens=10**12)
    assert model.steps == 0
    assert len(list(islice(stream, 5))) == 5
    assert model.steps == 6


def test_ids_are_made_on_the_device_of_the_model(device: torch.device) -> None:
    model = BigramLanguageModel(5, seed=0).to(device)
    ids = generate(model, np.array([1], dtype=np.uint8), max_new_tokens=3)
    assert (ids.device, ids.dtype, len(ids)) == (device, torch.int64, 4)
    chosen: dict[str, Any] = {"top_k": 3, "top_p": 0.9, "min_p": 0.1, "repetition_penalty": 1.5, "allowed": [0, 1, 4]}
    samples = generate(model, ids, max_new_tokens=3, n_samples=3, temperature=0.9, stop=[[4, 4]], **chosen)
    assert {sample.device for sample in samples} == {device}


def test_a_count_model_gives_arrays() -> None:
    model = NGramTable.fit([0, 1, 2, 0, 1, 2, 2], vocab_size=3, order=2)
    one, several = (
        generate(model, [0], max_new_tokens=4),
        generate(model, torch.tensor([0]), max_new_tokens=4, n_samples=2),
    )
    for ids in (one, *several):
        assert isinstance(ids, np.ndarray)
        assert ids.dtype == np.int64
        assert (len(ids), ids[0]) == (5, 0)


@every_model
def test_ids_that_are_contexts_only_are_never_drawn(model: LanguageModel | CountModel) -> None:
    drawn: list[Any] = generate(model, [2, 3], max_new_tokens=200, n_samples=3, temperature=3.0, seed=1)
    assert not any(set(model.context_only) & set(ids.tolist()[2:]) for ids in drawn)
    assert set().union(*(ids.tolist()[2:] for ids in drawn)) == set(range(SIZE)) - set(model.context_only)
    assert not set(model.context_only) & set(stream_ids(model, [2], max_new_tokens=200, temperature=3.0))


def test_settings_are_those_of_an_object_and_of_keywords_which_count_more() -> None:
    model, settings = BigramLanguageModel(9, seed=0), SamplingSettings(temperature=0.7, top_k=4)
    for more in ({}, {"top_k": 2}, {"temperature": 0.0}, {"min_p": 0.2}):
        both: dict[str, Any] = {"temperature": 0.7, "top_k": 4} | more
        expected = generate(model, [0], max_new_tokens=30, **both).tolist()
        assert generate(model, [0], max_new_tokens=30, settings=settings, **more).tolist() == expected
        assert [0, *stream_ids(model, [0], max_new_tokens=30, settings=settings, **more)] == expected


BAD_SETTINGS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"max_new_tokens": 0}, ValueError, "max_new_tokens must be at least 1"),
    ({"max_new_tokens": 1.5}, TypeError, "max_new_tokens must be an integer"),
    ({"temperature": -1.0}, ValueError, "temperature must not be negative"),
    ({"temperature": float("nan")}, ValueError, "temperature must be finite"),
    ({"temperature": float("inf")}, ValueError, "temperature must be finite"),
    ({"top_k": 0}, ValueError, "top_k must be at least 1"),
    ({"top_p": 0}, ValueError, "top_p must be above 0"),
    ({"top_p": 1.5}, ValueError, "top_p must be above 0 and at most 1"),
    ({"min_p": -0.5}, ValueError, "min_p must be from 0 to 1"),
    ({"min_p": 1.5}, ValueError, "min_p must be from 0 to 1"),
    ({"repetition_penalty": 0}, ValueError, "repetition_penalty must be above 0"),
    ({"repetition_penalty": float("nan")}, ValueError, "repetition_penalty must be finite"),
    ({"allowed": []}, ValueError, "allowed must be a non-empty one-dimensional sequence of ids"),
    ({"allowed": [5]}, TokenIdError, r"ids\[0\] is 5"),
    ({"allowed": ["a"]}, TypeError, "must be an integer"),
    ({"stop": [[]]}, ValueError, "each stop sequence must be a non-empty one-dimensional sequence of ids"),
    ({"stop": [[0], [7]]}, TokenIdError, r"ids\[0\] is 7"),
    ({"stop": [1, 2]}, TypeError, "each stop sequence must be integers in an array or an iterable, got int"),
    ({"stop": np.array([1, 2])}, ValueError, "each stop sequence must be a non-empty one-dimensional sequence of ids"),
    ({"seen": [5]}, TokenIdError, r"ids\[0\] is 5"),
    ({"seen": "a"}, TypeError, "seen must be integers"),
    ({"seed": 0.5}, TypeError, "seed must be an integer"),
]


@pytest.mark.parametrize(
    ("prompt", "settings", "error", "message"),
    [
        ([], {}, ValueError, "prompt must be a non-empty one-dimensional sequence of ids"),
        ([0, [1]], {}, TypeError, "must be integers|must be an integer"),
        (np.zeros((1, 2), dtype=int), {}, ValueError, "one-dimensional"),
        ([5], {}, TokenIdError, r"ids\[0\] is 5"),
        ([-1], {}, TokenIdError, r"ids\[0\] is -1"),
        ([0.5], {}, TypeError, "integer"),
        ("ab", {}, TypeError, "integer"),
        *(([0], *bad) for bad in BAD_SETTINGS),
    ],
)
def test_bad_input_is_refused_at_the_call(
    prompt: Any, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    for function in (generate, stream_ids):
        with pytest.raises(error, match=message):
            function(BigramLanguageModel(5), prompt, **({"max_new_tokens": 3} | settings))


@pytest.mark.parametrize(
    ("n_samples", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_the_number_of_samples_is_a_positive_integer(n_samples: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="n_samples must be"):
        generate(BigramLanguageModel(5), [0], max_new_tokens=3, n_samples=n_samples)
