"""What the command generate prints for several prompts, scores, seeds and escapes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM
from charlm.cli.app import main

TEXT = "to be or not to be\nthat is the question\n" * 30
NAMES = ["anna", "joanna", "hanna", "john", "mary", "jo"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models")
    CharLM.fit(TEXT, order=3).save(path / "text")
    CharLM.fit(NAMES, order=3).save(path / "names")
    return path


@pytest.fixture(autouse=True)
def _in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """Returns what the command prints and what it says."""
    assert main(["generate", *arguments]) == code
    written = capsys.readouterr()
    return written.out, written.err


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("model", ["text", "names"])
def test_each_of_several_prompts_is_continued_as_alone(capsys: pytest.CaptureFixture[str], model: str) -> None:
    prompts = ["t" if model == "text" else "j", "ann" if model == "names" else "that is", ""]
    chosen = ["--max-new-tokens", "9", "--seed", "3"]
    alone = [run(capsys, model, "--prompt", prompt, *chosen)[0] for prompt in prompts]
    Path("several.txt").write_text("\n".join(prompts) + "\n", encoding="utf-8")
    together = ["--prompts", "several.txt"]
    assert run(capsys, model, *together, *chosen) == ("".join(alone), "")
    found = objects(run(capsys, model, *together, *chosen, "--json")[0])
    assert [each["text"] + "\n" for each in found] == alone
    assert [each["prompt"] for each in found] == prompts
    several = [run(capsys, model, "--prompt", prompt, *chosen, "--n-samples", "2")[0] for prompt in prompts]
    assert run(capsys, model, *together, *chosen, "--n-samples", "2")[0] == "".join(several)


def test_prompts_may_be_the_lines_of_a_file(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "prompts.txt").write_bytes(b"to be\r\n\r\nor")
    alone = [run(capsys, "text", "--prompt", prompt, "--max-new-tokens", "9")[0] for prompt in ("to be", "", "or")]
    assert run(capsys, "text", "--prompts", "prompts.txt", "--max-new-tokens", "9") == ("".join(alone), "")
    (folder / "bad.txt").write_text("to be\nor\u4e00\n", encoding="utf-8")
    _, err = run(capsys, "text", "--prompts", "bad.txt", code=1)
    assert err.startswith("charlm: character 3 of line 2 of 'bad.txt' is U+4E00 '\\u4e00', which is not in")
    (folder / "empty.txt").write_text("")
    _, err = run(capsys, "text", "--prompts", "empty.txt", code=1)
    assert err == "charlm: 'empty.txt' has no prompt: an empty one is an empty line\n"


@pytest.mark.parametrize("more", [[], ["--n-samples", "3"], ["--stop", "a"]])
@pytest.mark.parametrize("model", ["text", "names"])
def test_scores_are_those_of_the_model(capsys: pytest.CaptureFixture[str], model: str, more: list[str]) -> None:
    lm = CharLM.load(model)
    out, _ = run(
        capsys, model, "--prompt", "a", "--json", "--scores", "--temperature", "0.7", "--max-new-tokens", "9", *more
    )
    for each in objects(out):
        expected = lm.log_probabilities(each["text"])[1:][: len(each["log_probabilities"])]
        assert each["log_probabilities"] == pytest.approx(
            expected.tolist(), abs=1e-6
        )  # the model is in single precision
        assert len(each["log_probabilities"]) >= len(each["text"]) - 1


def test_escapes_are_understood_wherever_text_is_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "text", "--prompt", r"to be\nth", "--stop", r"\n", "--seed", "2")[0].startswith("to be\nth")
    assert run(capsys, "text", "--prompt", "to", "--stop", r"\x0a")[0].count("\n") == 1
    assert run(capsys, "text", "--prompt", "", "--allowed", r"\n\u0074", "--max-new-tokens", "40")[0].strip("\nt") == ""


@pytest.mark.parametrize("flag", ["--prompt", "--stop", "--allowed"])
def test_an_unknown_escape_is_a_usage_error(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    out, err = run(capsys, "text", flag, r"a\d", code=2)
    assert not out
    assert flag in err
    assert (
        r"'\\d' is none of \n \r \t \0 \\ \xNN \uNNNN \UNNNNNNNN; a backslash itself is \\; see charlm generate" in err
    )


@pytest.mark.filterwarnings("default:the stop string:UserWarning")
def test_a_stop_string_that_never_occurs_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "text", "--stop", "#", "--max-new-tokens", "4")
    assert len(out) == 5
    assert err == "charlm: the stop string '#' never occurs: U+0023 '#' is in no symbol that may be generated\n"


@pytest.mark.parametrize("more", [[], ["--json"], ["--n-samples", "2"]])
def test_a_seed_that_is_drawn_is_told_and_gives_the_same_again(
    capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    out, err = run(capsys, "text", "--seed", "None", "--max-new-tokens", "30", *more)
    seed = err.removeprefix("charlm: seed ").removesuffix(" was drawn, since none was given\n")
    assert run(capsys, "text", "--seed", seed, "--max-new-tokens", "30", *more) == (out, "")
    assert run(capsys, "text", "--seed", "None", "--max-new-tokens", "30", *more)[0] != out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["text", "--prompt", "a", "--prompts", "text"], 2, "--prompt and --prompts both say what to continue"),
        (["text", "--scores"], 2, "scores are printed as JSON: give --json, or leave --scores out"),
        (
            ["text", "--blank-lines", "skip"],
            2,
            "no --exclude or --prompts, and flags say how to read its files",
        ),
        (["names", "--prompt", "\u4e00", "--n-samples", "2"], 1, "charlm: character 1 of the prompt is U+4E00"),
        (["text", "--prompt", "\u4e00", "--n-samples", "2"], 1, "charlm: character 1 of the prompt is U+4E00"),
        (["text", "--prompts", "missing.txt"], 1, "missing.txt: No such file or directory"),
    ],
)
def test_what_does_not_go_together_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    out, err = run(capsys, *arguments, code=code)
    assert not out
    assert message in err


def test_a_seed_that_is_drawn_while_the_flags_are_parsed_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "text.txt").write_text(TEXT)
    shape = ["--size", "nano", "--max-steps", "1", "--block-size", "8", "--batch-size", "2", "--device", "cpu"]
    assert main(["train", "text.txt", "--model", "gpt", "--out", "run", "--seed", "None", *shape]) == 0
    (told,) = re.findall(r"charlm: seed (\d+) was drawn, since none was given\n", capsys.readouterr().err)
    assert f'"seed": {told}' in (folder / "run" / "run.json").read_text()


def test_the_advice_for_an_unknown_character_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """Whole records begin with their prompt, and take no ``--errors``."""
    _, said = run(capsys, "text", "--prompt", "é", "-n", "2", code=1)
    assert said.endswith(": leave it out, or give --errors ignore\n")
    run(capsys, "text", "--prompt", "é", "-n", "2", "--errors", "ignore")
    _, said = run(capsys, "names", "--prompt", "é", "-n", "2", code=1)
    assert said.startswith("charlm: character 1 of the prompt is U+00E9")
    assert said.endswith(": leave it out\n")
