"""The runtime in a browser says what Python says, of every family, and refuses whatever is no model."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import browser_models
from charlm import CharLM, MixtureLanguageModel, NGramTable, SamplingSettings, save_javascript
from charlm.data.framing import Framing
from charlm.files.browser.packing import packed_model
from charlm.files.browser.source import runtime_source
from charlm.files.browser.summary import summary_of
from charlm.generation.sampling import apply_settings
from charlm.models.context import default_stride, first_needed, ids_kept
from charlm.models.predictor import log_softmax
from charlm.recipes.browser import browser_model
from runtime_page import packed, points, probabilities_in, runtime_page

NAMES = list(browser_models.models())
CLOSE = 1e-6
"""How far probabilities may be apart where all numbers are the same."""
CLOSE_IN_FLOAT32 = 2e-5
"""Likewise where Python computes a Transformer in float32, whose weights here are as large as weights get."""


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with runtime_page() as page:
        yield page


def expected(lm: CharLM, context: str) -> NDArray[np.float64]:
    """Returns the probability of each id after a context, as ``next_symbols`` says."""
    found = dict(lm.next_symbols(context, k=lm.vocabulary.size))
    row = np.zeros(lm.vocabulary.size)
    for token_id, symbol in Framing(lm.vocabulary).outcomes().items():
        row[token_id] = found[symbol]
    return row


def tolerance(name: str) -> float:
    return CLOSE_IN_FLOAT32 if "gpt" in name or name.startswith("mixture") else CLOSE


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_those_of_python(page: Any, name: str) -> None:
    case = browser_models.case(name)
    lm, texts = CharLM(case.rounded, case.vocabulary), browser_models.prefixes(case.vocabulary)
    for text, row in zip(texts, probabilities_in(page, name, texts), strict=True):
        assert np.allclose(row, expected(lm, text), rtol=0, atol=tolerance(name)), ascii(text)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("moderate", "mixture", "ngram"))])
def test_rounding_changes_no_probability_by_more_than_a_hundredth(page: Any, name: str) -> None:
    case = browser_models.case(name)
    lm, texts = CharLM(case.model, case.vocabulary), browser_models.prefixes(case.vocabulary)
    for text, row in zip(texts, probabilities_in(page, name, texts), strict=True):
        assert np.allclose(row, expected(lm, text), rtol=0, atol=0.01), ascii(text)


@pytest.mark.parametrize("name", NAMES)
def test_each_symbol_of_a_text_is_as_likely_as_python_says(page: Any, name: str) -> None:
    case, data = browser_models.case(name), packed(name)
    lm = CharLM(case.rounded, case.vocabulary)
    texts = browser_models.prefixes(case.vocabulary)
    found = page.evaluate(
        """async ([data, texts]) => {
            const model = await charlm.load(data);
            return texts.map((text) => {
                const ids = [...model.encode(textOf(text)), ...(model.ofRecords ? [model.specials.eos] : [])];
                let state = model.start();
                return ids.map((id) => {
                    const score = state.logProbability(id);
                    state = state.step(id);
                    return score;
                });
            });
        }""",
        [data, [points(text) for text in texts]],
    )
    for text, scores in zip(texts, found, strict=True):
        wanted = lm.log_probabilities(text)
        assert np.allclose(np.exp(scores), np.exp(wanted), rtol=0, atol=tolerance(name)), ascii(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_what_it_is(page: Any, name: str) -> None:
    case, data = browser_models.case(name), packed(name)
    special, size = case.vocabulary.special_tokens, case.vocabulary.size
    found = page.evaluate(
        """async (data) => {
            const { family, size, symbols, specials, ofRecords, blockSize, summary } = await charlm.load(data);
            const shown = symbols.map((symbol) => Array.from(symbol, (each) => each.codePointAt(0)));
            return { family, size, shown, specials, ofRecords, blockSize, summary };
        }""",
        data,
    )
    assert (found["family"], found["size"], found["ofRecords"]) == (case.model.family, size, "eos" in special)
    assert found["specials"] == {role: special.get(role) for role in ("bos", "eos", "unk")}  # null, not undefined
    names = {token_id: f"<{name}>" for name, token_id in special.items()}
    shown = ["".join(map(chr, symbol)) for symbol in found["shown"]]
    assert shown == [names.get(each) or case.vocabulary.symbol_of(each) for each in range(size)]
    assert found["summary"] == {"name": None, "validationLoss": None} | summary_of(packed_model(case.model))


def test_text_becomes_ids_and_ids_become_text_as_in_python(page: Any) -> None:
    for vocabulary in (browser_models.TEXT, browser_models.NAMES, browser_models.SMILES):
        table = NGramTable.fit([0, 1], vocab_size=vocabulary.size, order=1)
        data = base64.b64encode(browser_model(table, vocabulary)).decode()
        texts = browser_models.prefixes(vocabulary)
        found = page.evaluate(
            """async ([data, texts]) => {
                const model = await charlm.load(data);
                return texts.map((text) => {
                    const ids = model.encode(textOf(text));
                    return [ids, Array.from(model.decode(ids), (each) => each.codePointAt(0))];
                });
            }""",
            [data, [points(text) for text in texts]],
        )
        for text, (ids, decoded) in zip(texts, found, strict=True):
            wanted = vocabulary.encode(text, Framing(vocabulary).errors)
            assert ids == wanted.tolist()
            assert decoded == points(vocabulary.decode(wanted))


def test_an_unknown_character_without_unk_is_named(page: Any) -> None:
    data = packed("bigram, counted")
    found = page.evaluate("(data) => refusalOf(data, (model) => model.encode('ab\\u{1f600}'))", data)
    assert found == [True, "The model does not know the character U+1F600 at place 3: leave it out."]


def test_states_never_change(page: Any) -> None:
    """From each state on the way of a text, going on is as if nothing else had gone on from there."""
    for name in ("gpt of an odd block", "mixture", "ngram of records"):
        data = packed(name)
        assert page.evaluate(
            """async (data) => {
                const model = await charlm.load(data);
                const ids = model.encode("anna".repeat(6));
                const states = [model.start()];
                for (const id of ids) states.push(states.at(-1).step(id));
                const before = states.map((state) => String(state.logProbabilities));
                for (const state of states) state.step(1).step(2).logProbabilities;
                const again = ids.map((id, place) => String(states[place].step(id).logProbabilities));
                return JSON.stringify(again) === JSON.stringify(before.slice(1));
            }""",
            data,
        )


def shown(page: Any, name: str, text: str) -> dict[str, Any]:
    """Returns what a state shows besides after a text."""
    found: dict[str, Any] = page.evaluate(
        """async ([data, text]) => {
            const { contextLength, attention, windowStart, shares } = after(await charlm.load(data), text);
            return {
                contextLength, windowStart,
                attention: attention?.map((layer) => layer.map(numbers)),
                shares: shares?.map((each) => ({ ...each, logProbabilities: numbers(each.logProbabilities) })),
            };
        }""",
        [packed(name), points(text)],
    )
    return found


@pytest.mark.parametrize("text", ["", "t", "cat sat on", "\u4e00", "mat. the </scr"])
def test_the_length_of_the_context_is_that_of_the_longest_known(page: Any, text: str) -> None:
    table = browser_models.case("ngram, tuned").model
    assert isinstance(table, NGramTable)
    ids = np.array(Framing(browser_models.TEXT).prompt(text, "replace"))
    length = int(table.search.lengths(table.search.contexts(ids, np.array([len(ids)])))[-1])
    assert shown(page, "ngram, tuned", text) == {
        "contextLength": length, "attention": None, "windowStart": None, "shares": None,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["gpt with a prior", "classic gpt", "gpt of an odd block"])
@pytest.mark.parametrize("length", [0, 3, 9, 10, 30])
def test_attention_is_that_of_the_last_position_of_its_window(page: Any, name: str, length: int) -> None:
    case = browser_models.case(name)
    text = case.vocabulary.decode(np.random.default_rng(length).choice(Framing(case.vocabulary).symbol_ids(), length))
    ids, block = Framing(case.vocabulary).prompt(text), case.rounded.predictor().block_size
    assert block is not None
    start = first_needed(len(ids), ids_kept(block), default_stride(block))
    with torch.no_grad():
        layers = case.rounded.activations(torch.tensor([ids[start:]])).attention[:, 0, :, -1]  # type: ignore[union-attr]
    found = shown(page, name, text)
    assert np.allclose(found["attention"], layers, rtol=0, atol=1e-4)
    assert found["windowStart"] == start - 1


def test_the_shares_of_a_mixture_are_its_weights_and_their_sum_is_its_prediction(page: Any) -> None:
    case = browser_models.case("mixture")
    assert isinstance(case.rounded, MixtureLanguageModel)
    for text, row in (("\u4e00", 0), ("cat", 2)):
        found = shown(page, "mixture", text)
        assert found["contextLength"] == row
        assert [each["name"] for each in found["shares"]] == ["bigram", "ngram", "gpt", "classic-gpt"]
        assert np.allclose([each["share"] for each in found["shares"]], case.rounded.weights[row], atol=1e-6)
        mixed = sum(each["share"] * np.exp(each["logProbabilities"]) for each in found["shares"])
        whole = np.exp(log_softmax(case.rounded.predictor().start(np.array([prompt(text)]))[0][0]))
        assert np.allclose(mixed, whole, rtol=0, atol=CLOSE_IN_FLOAT32)
        assert np.shape(found["attention"]) == (2, 2, len(text) + 1)


def prompt(text: str) -> list[int]:
    return Framing(browser_models.TEXT).prompt(text, "replace")


def test_a_prior_and_its_layers_share_what_is_predicted(page: Any) -> None:
    found = shown(page, "gpt with a prior", "the cat")
    assert [each["name"] for each in found["shares"]] == ["counts", "layers"]
    assert sum(each["share"] for each in found["shares"]) == pytest.approx(1)
    assert found["contextLength"] == 5
    for each in found["shares"]:
        assert np.exp(each["logProbabilities"]).sum() == pytest.approx(1)


ROWS = st.lists(st.floats(-30, 0) | st.just(-np.inf) | st.integers(-3, 0).map(float), min_size=2, max_size=9)
SETTINGS = st.builds(
    SamplingSettings,
    temperature=st.sampled_from([0, 1, 0.5, 2.5, 1e-310, 1e300]),
    top_k=st.none() | st.integers(1, 12),
    top_p=st.none() | st.sampled_from([1e-9, 0.3, 0.9, 1.0]),
)


def test_sampling_settings_shape_a_distribution_as_in_python(page: Any) -> None:
    cases: list[tuple[NDArray[np.float64], SamplingSettings]] = []

    @given(ROWS.filter(lambda row: max(row) > -np.inf), SETTINGS)
    @settings(max_examples=80, database=None, derandomize=True)
    def collect(row: list[float], chosen: SamplingSettings) -> None:
        cases.append((log_softmax(np.array(row)).astype(np.float64), chosen))

    collect()
    found = page.evaluate(
        "(cases) => cases.map(([row, settings]) => numbers(charlm.probabilities(row, settings)))",
        [
            [row.tolist(), {"temperature": each.temperature, "topK": each.top_k, "topP": each.top_p}]
            for row, each in cases
        ],
    )
    for (row, chosen), probabilities in zip(cases, found, strict=True):
        wanted = np.exp(log_softmax(apply_settings(chosen, row)))
        assert np.allclose(probabilities, wanted, rtol=0, atol=1e-9), (row, chosen)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("probabilities([0], { temperature: -1 })", "temperature must be 0 or more, got -1."),
        ("probabilities([0], { temperature: NaN })", "temperature must be 0 or more, got NaN."),
        ("probabilities([0], { topK: 0 })", "topK must be a whole number from 1 on, got 0."),
        ("probabilities([0], { topK: 1.5 })", "topK must be a whole number from 1 on, got 1.5."),
        ("probabilities([0], { topP: 0 })", "topP must be above 0 and at most 1, got 0."),
        ("random(0.5)", "seed must be a whole number, got 0.5."),
        ("random('1')", "seed must be a whole number, got 1."),
        ("probabilities([0], { temperature: null })", "temperature must be 0 or more, got null."),
        ("probabilities([0], { topP: '0.5' })", "topP must be above 0 and at most 1, got 0.5."),
        ("probabilities([0], { top_k: 1 })", "A setting is temperature, topK or topP, got top_k."),
        ("probabilities([0], null)", "settings must be an object, got null."),
        ("probabilities(null)", "logProbabilities must be an array of numbers, got null."),
        ("probabilities([])", "logProbabilities must be an array of numbers, got an array."),
        ("draw([1], 1)", "number must be from 0 on and below 1, got 1."),
        ("draw([1])", "number must be from 0 on and below 1, got undefined."),
        ("draw(7, 0)", "probabilities must be an array of numbers, got 7."),
    ],
)
def test_a_setting_out_of_range_is_refused(page: Any, call: str, message: str) -> None:
    assert page.evaluate(f"() => messageOf(() => charlm.{call})") == [True, message]


@pytest.mark.parametrize("settings", ["{}", "{ temperature: 0 }", "{ temperature: 2, topK: 1, topP: 0.5 }"])
def test_where_nothing_can_come_nothing_is_drawn(page: Any, settings: str) -> None:
    for row in ("[-Infinity, -Infinity]", "Float64Array.of(NaN)"):
        found = page.evaluate(f"() => messageOf(() => charlm.probabilities({row}, {settings}))")
        assert found == [True, "Nothing can come next: each probability is 0."]
    for row in ("[0, 0]", "[NaN, NaN]"):
        found = page.evaluate(f"() => messageOf(() => charlm.draw({row}, 0.5))")
        assert found == [True, "Nothing can be drawn: no probability is above 0."]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("encode(null)", "text must be a string, got null."),
        ("encode(3)", "text must be a string, got 3."),
        ("decode(3)", "ids must be an array of ids, got 3."),
        ("decode([999])", "The model has no id 999."),
        ("decode(Uint8Array.of(0, 200))", "The model has no id 200."),
        ("start().logProbability(999)", "The model has no id 999."),
    ],
)
def test_what_is_no_text_and_no_id_is_refused(page: Any, call: str, message: str) -> None:
    found = page.evaluate(f"(data) => refusalOf(data, (model) => model.{call})", packed("bigram, counted"))
    assert found == [True, message]


def test_the_same_seed_draws_the_same_numbers_everywhere(page: Any) -> None:
    assert page.evaluate("() => { const next = charlm.random(7); return [next(), next(), next()]; }") == splitmix(7, 3)


def splitmix(seed: int, count: int) -> list[float]:
    """Returns the numbers of SplitMix32, by whole numbers of Python."""
    drawn = []
    for place in range(1, count + 1):
        mixed = (seed + place * 0x9E3779B9) % 2**32
        mixed = (mixed ^ mixed >> 16) * 0x21F0AAAD % 2**32
        mixed = (mixed ^ mixed >> 15) * 0x735A2D97 % 2**32
        drawn.append((mixed ^ mixed >> 15) / 2**32)
    return drawn


def test_what_is_drawn_is_possible_and_as_frequent_as_it_is_likely(page: Any) -> None:
    counts = page.evaluate(
        """() => {
            const next = charlm.random(1);
            const counts = [0, 0, 0, 0, 0];
            for (let draws = 0; draws < 20000; draws++) counts[charlm.draw([0, 0.25, 0, 0.75, 0], next())]++;
            return [...counts, charlm.draw([0, 0.5, 0.4999, 0], 0.9999999999)];
        }"""
    )
    assert counts[0] == counts[2] == counts[4] == 0
    assert counts[1] == pytest.approx(5000, abs=300)
    assert counts[5] == 2  # where rounding leaves the sum below 1


def test_a_model_runs_in_a_worker(page: Any) -> None:
    script = """onmessage = async ({ data }) => {
        const model = await charlm.load(data);
        postMessage(Array.from(model.start().logProbabilities));
    };"""
    case, data = browser_models.case("ngram of records"), packed("ngram of records")
    found = page.evaluate(
        """([script, data]) => new Promise((resolve) => {
            const worker = new Worker(URL.createObjectURL(new Blob([script])));
            worker.onmessage = (message) => resolve(message.data);
            worker.postMessage(data);
        })""",
        [runtime_source() + script, data],
    )
    lm = CharLM(case.rounded, case.vocabulary)
    assert np.allclose(np.exp(found), expected(lm, ""), rtol=0, atol=CLOSE)


def test_an_id_that_the_model_does_not_have_is_refused(page: Any) -> None:
    for wrong in ("4", "-1", "0.5", "undefined"):
        call = f"(data) => refusalOf(data, (model) => model.start().step({wrong}))"
        assert page.evaluate(call, packed("bigram, counted")) == [True, f"The model has no id {wrong}."]


def test_the_page_of_the_documentation_makes_up_names(page: Any, tmp_path: Path) -> None:
    documented = (Path(__file__).parents[4] / "docs" / "howto" / "in-a-page.md").read_text(encoding="utf-8")
    (tmp_path / "names.html").write_text(documented.partition("```html\n")[2].partition("```")[0], encoding="utf-8")
    lm = CharLM.fit(browser_models.RECORDS * 5, order=3)
    save_javascript(tmp_path / "names.js", lm.stored, lm.vocabulary)
    opened = page.context.browser.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.goto((tmp_path / "names.html").as_uri())
    opened.wait_for_selector("li")
    assert all(name.startswith("an") for name in opened.locator("li").all_inner_texts())
    opened.fill("#prefix", "zo")
    opened.click("#more")
    made = opened.locator("li").all_inner_texts()
    assert {name[:2] for name in made} == {"zo"}
    assert len(set(made)) == len(made) > 1
    opened.fill("#prefix", "?")
    opened.click("#more")
    assert opened.locator("#names").inner_text() == "The model has not seen each of these characters."
    assert not troubles
    opened.close()
