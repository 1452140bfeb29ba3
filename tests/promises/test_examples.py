"""Each example does what its first line says."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from fastapi.testclient import TestClient

from charlm import GPT, CharLM, GPTConfig
from chartok import Vocabulary
from run_notebook import executed

EXAMPLES = Path(__file__).parents[2] / "examples"
DOCS = EXAMPLES.parent / "docs"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_names_are_new_and_of_the_lengths_asked_for() -> None:
    example = load("names")
    found = example.main()
    assert len(set(found)) == 20
    assert not set(found) & set(example.SOME_NAMES.split())
    assert all(4 <= len(name) <= 10 for name in found)


def test_names_of_a_long_list_are_new(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join(names), encoding="utf-8")
    found = load("names").main(str(tmp_path / "names.txt"))
    assert len(set(found)) == 20
    assert not set(found) & set(names)
    assert ", ".join(found[:12]) in (DOCS / "models.md").read_text(encoding="utf-8")


def test_real_words_score_above_random_ones() -> None:
    assert load("gibberish").main() >= 0.97


def test_odd_lines_are_found_among_thousands_of_usual_ones() -> None:
    example = load("odd_lines")
    found = example.main(example.made_up(4000, 1), [*example.made_up(3000, 2), *example.ODD])
    assert len(found) < 5 + 20
    for line in example.ODD:
        assert line in [marked.replace("[", "").replace("]", "") for marked in found]
    assert any(marked.startswith("09:12:51 [ERROR") for marked in found)


def test_a_plain_training_loop_learns() -> None:
    before, after, text = load("plain_pytorch").main()
    assert after < before - 1
    assert text.startswith("The ")
    assert len(text) == 204


def test_a_module_of_ones_own_learns_from_a_data_loader() -> None:
    before, after = load("dataloader").main()
    assert after < before - 1


@pytest.fixture(scope="module")
def lm() -> CharLM:
    return CharLM.fit("the cat sat on the mat. " * 50, order=4)


@pytest.fixture(scope="module")
def service(lm: CharLM, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    path = tmp_path_factory.mktemp("service") / "model.safetensors"
    lm.save(path)
    return TestClient(load("service").main(str(path)), raise_server_exceptions=False)


def test_the_service_says_what_it_serves(service: TestClient, lm: CharLM) -> None:
    assert service.get("/health").json() == {"model": repr(lm)}


def test_the_service_scores_as_the_library_does(service: TestClient, lm: CharLM) -> None:
    texts = ["the cat", "xqzj", "m"]
    answer = service.post("/score", json={"texts": texts})
    assert answer.status_code == 200
    assert answer.json() == {
        "log_likelihoods": lm.score_samples(texts).tolist(),
        "bits_per_character": [lm.bits_per_character(text) for text in texts],
    }


def test_the_service_answers_requests_side_by_side_as_it_does_one_by_one(service: TestClient, lm: CharLM) -> None:
    def generated(seed: int) -> str:
        request = {"prompt": "the ", "max_new_tokens": 40, "temperature": 0.9, "seed": seed}
        text: str = service.post("/generate", json=request).json()["text"]
        return text

    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(generated, range(12)))
    assert texts == [lm.generate("the ", max_new_tokens=40, temperature=0.9, seed=seed) for seed in range(12)]


@pytest.mark.parametrize(
    ("endpoint", "body", "named"),
    [
        ("score", "{}", "texts"),
        ("score", '{"texts": []}', "texts"),
        ("score", '{"texts": "the cat"}', "texts"),
        ("score", '{"texts": ["the cat", ""]}', "texts"),
        ("score", '{"texts": ["the cat", 7]}', "texts"),
        ("score", '{"texts": ["%s"]}' % ("a" * 10_001), "texts"),
        ("score", '{"texts": [%s"a"]}' % ('"a",' * 100), "texts"),
        ("score", '{"texts": ["\\ud800"]}', "texts"),
        ("score", '{"texts": ["a"], "\\ud800": 1}', "unicode"),
        ("score", '{"texts": ["a"', "JSON"),
        ("generate", '{"prompt": "the cät"}', "U+00E4"),
        ("generate", '{"max_new_tokens": 0}', "max_new_tokens"),
        ("generate", '{"max_new_tokens": 1001}', "max_new_tokens"),
        ("generate", '{"temperature": -1}', "temperature"),
        ("generate", '{"temperature": NaN}', "temperature"),
        ("generate", '{"temperature": 1e999}', "temperature"),
        ("generate", '{"seed": -1}', "seed"),
        ("generate", '{"seed": 9223372036854775808}', "seed"),
        ("generate", '{"temprature": 1}', "temprature"),
    ],
)
def test_the_service_refuses_a_bad_request_and_says_why(
    service: TestClient, endpoint: str, body: str, named: str
) -> None:
    answer = service.post(f"/{endpoint}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert named in " ".join(answer.json()["detail"])
    assert len(answer.text) < 500


@pytest.mark.parametrize(("endpoint", "body"), [("score", b"\xff"), ("score", b"{"), ("missing", b"{}")])
def test_every_refusal_of_the_service_has_a_list_of_problems(service: TestClient, endpoint: str, body: bytes) -> None:
    answer = service.post(f"/{endpoint}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 404, 422)
    (problem,) = answer.json()["detail"]
    assert isinstance(problem, str)


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("endpoint", ["score", "generate", "health", "missing"])
def test_the_service_refuses_a_long_body_before_it_is_parsed(
    service: TestClient, endpoint: str, is_chunked: bool
) -> None:
    pieces = [b"{"] * 3 + [b"x" * 2**16] * 16
    answer = service.post(f"/{endpoint}", content=iter(pieces) if is_chunked else b"".join(pieces))
    assert answer.status_code == 413
    assert answer.json() == {"detail": ["body: it has more than 1,048,576 bytes"]}
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_service_takes_a_body_that_is_as_long_as_it_may_be(service: TestClient, is_chunked: bool) -> None:
    body = b'{"texts": ["the cat"]}'.ljust(2**20)
    content = iter([body[:9], body[9:]]) if is_chunked else body
    answer = service.post("/score", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 200


def test_the_service_computes_in_one_thread_of_pytorch_and_loads_it_for_those_models_alone(
    lm: CharLM, tmp_path: Path
) -> None:
    lm.save(tmp_path / "ngram.safetensors")
    vocabulary = Vocabulary.from_text("the cat", special_tokens=["unk"])
    gpt = GPT(GPTConfig(vocab_size=vocabulary.size, block_size=8, n_layers=1, n_heads=1, width=8))
    CharLM(gpt, vocabulary).save(tmp_path / "gpt.safetensors")
    program = (
        "import sys; from concurrent.futures import ThreadPoolExecutor\n"
        "from fastapi.testclient import TestClient; import service\n"
        "with TestClient(service.main(sys.argv[1])) as client:\n"
        "    assert client.post('/score', json={'texts': ['the cat']}).status_code == 200\n"
        "pool = ThreadPoolExecutor()\n"
        "print(pool.submit(sys.modules['torch'].get_num_threads).result() if 'torch' in sys.modules else 0)"
    )
    shown = {
        path.stem: subprocess.check_output(
            [sys.executable, "-c", program, path],
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(EXAMPLES), *sys.path])},
        )
        for path in sorted(tmp_path.glob("*.safetensors"))
    }
    assert shown == {"gpt": "1\n", "ngram": "0\n"}


@pytest.mark.parametrize("request_", [{}, {"temperature": 0}, {"temperature": 1e-300}, {"seed": 2**63 - 1}])
def test_the_service_generates_within_its_limits(service: TestClient, request_: dict[str, Any]) -> None:
    assert len(service.post("/generate", json=request_).json()["text"]) == 200


def test_without_a_file_the_service_has_a_model_to_show() -> None:
    answer = TestClient(load("service").main()).post("/generate", json={"prompt": "The ", "max_new_tokens": 10})
    assert len(answer.json()["text"]) == 14


def tour() -> Any:
    return nbformat.read(EXAMPLES / "tour.ipynb", as_version=nbformat.NO_CONVERT)


def shown_by(cell: Any) -> list[tuple[str, str]]:
    """Returns what a cell shows as text, in order; what it prints is one piece."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    values = [("value", output.data["text/plain"]) for output in cell.outputs if "data" in output]
    return [("printed", printed), *values]


def kinds_of(cell: Any) -> set[str]:
    return {kind for output in cell.outputs for kind in output.get("data", {output.output_type: None})}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
            monkeypatch.setenv(variable, str(tmp_path_factory.mktemp("kernel")))
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        yield executed(tour())


def test_the_notebook_is_kept_with_what_it_shows_and_its_text_is_short() -> None:
    nbformat.validate(tour())
    code = [cell for cell in tour().cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code)
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    assert (EXAMPLES / "tour.ipynb").stat().st_size < 300_000


@pytest.mark.filterwarnings("ignore:Proactor event loop")  # on Windows zmq adds a thread
def test_every_cell_of_the_notebook_runs_and_shows_what_is_kept(run: Any) -> None:
    kept = [cell for cell in tour().cells if cell.cell_type == "code"]
    cells = [cell for cell in run.cells if cell.cell_type == "code"]
    assert [kinds_of(cell) for cell in cells] == [kinds_of(cell) for cell in kept]
    if shown_by(cells[0]) != shown_by(kept[0]):
        pytest.skip("another Python has other help topics, and all else follows from those")
    for mine, theirs in zip(cells, kept, strict=True):
        if "varies" not in mine.metadata.get("tags", []):
            assert shown_by(mine) == shown_by(theirs)


def test_a_notebook_shows_objects_and_figures_in_a_new_kernel(run: Any) -> None:
    shown = [output.data for cell in run.cells for output in cell.get("outputs", []) if "data" in output]
    assert sum("image/png" in data for data in shown) == 3
    of_classes = [data["text/html"].split("<strong>")[1].split("<")[0] for data in shown if "<strong>" in str(data)]
    assert of_classes == ["Vocabulary", "BatchSampler", "Trainer", "Evaluation", "CharLM"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") < (120 if path.stem == "service" else 60)
