"""Models as ONNX, in the hands of the runtime that they are for; and as programs of torch.export."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch.export import Dim

from charlm import (
    BigramLanguageModel,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    save_onnx,
)
from charlm.models.modes import evaluation_mode
from charlm.training.random_states import _captured
from chartok import Vocabulary, __version__
from lively_gpt import lively

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

VOCABULARY = Vocabulary("ROME: \ud83d", special_tokens=["pad", "eos"])
PAD = VOCABULARY.special_tokens["pad"]
CLOSE = 1e-4
SHAPE: dict[str, Any] = {"vocab_size": VOCABULARY.size, "n_layers": 1, "n_heads": 2, "width": 8}
MODELS: dict[str, LanguageModel] = {
    "bigram": BigramLanguageModel(VOCABULARY.size, seed=4).double(),
    "bigram of records": BigramLanguageModel(VOCABULARY.size, seed=4, context_only=[PAD]),
    "gpt": lively(GPTConfig(block_size=7, dropout=0.5, hash_rows=3, context_only=(PAD,), **SHAPE)).train(),
    "gpt of one id": lively(GPTConfig(block_size=1, hash_rows=0, **SHAPE)),
}
MODELS["gpt"].get_submodule("blocks").eval()


class Exported(NamedTuple):
    path: Path
    model: LanguageModel
    before: dict[str, Any]
    after: dict[str, Any]


def everything(model: LanguageModel) -> dict[str, Any]:
    """What an export could change: the tensors and modes of the model, and the global generators."""
    tensors = {name: (tensor.dtype, tensor.tolist()) for name, tensor in model.state_dict().items()}
    generators = {name: state.tolist() for name, state in _captured(torch.device("cpu")).items()}
    return tensors | generators | {"modes": [module.training for module in model.modules()]}


@pytest.fixture(scope="session", params=MODELS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Made once, since an export takes seconds."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    model = MODELS[request.param]
    before = everything(model)
    save_onnx(path, model, VOCABULARY)
    return Exported(path, model, before, everything(model))


def session(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_the_runtime_gives_the_logits_of_the_model_for_every_batch_and_length(exported: Exported) -> None:
    running = session(exported.path)
    longest = exported.model.block_size or 7
    for batch_size in (1, 2, 5):
        for length in range(1, longest + 1):
            ids = torch.randint(VOCABULARY.size, (batch_size, length), generator=torch.Generator().manual_seed(length))
            (logits,) = running.run(["logits"], {"inputs": ids.numpy()})
            with evaluation_mode(exported.model):
                expected = exported.model.logits(ids).detach().float().numpy()
            assert logits.dtype == np.float32
            np.testing.assert_allclose(logits, expected, rtol=0, atol=CLOSE)


@pytest.mark.parametrize("exported", ["bigram of records", "gpt"], indirect=True)
def test_the_runtime_never_predicts_what_is_only_a_context(exported: Exported) -> None:
    ids = np.array([[0, PAD, 1], [PAD, 2, PAD]])
    (logits,) = session(exported.path).run(["logits"], {"inputs": ids})
    assert (logits[..., PAD] == -np.inf).all()
    assert np.isfinite(np.delete(logits, PAD, axis=-1)).all()


def test_the_file_is_sound_and_says_what_it_takes(exported: Exported) -> None:
    content = onnx.load(exported.path)
    onnx.checker.check_model(content, full_check=True)
    (given,), (made,) = session(exported.path).get_inputs(), session(exported.path).get_outputs()
    length = 1 if exported.model.block_size == 1 else "length"
    assert (given.name, given.type, given.shape) == ("inputs", "tensor(int64)", ["batch", length])
    assert (made.name, made.type, made.shape) == ("logits", "tensor(float)", ["batch", length, VOCABULARY.size])


def test_the_metadata_hold_the_vocabulary_and_what_the_model_is(exported: Exported) -> None:
    metadata = json.loads(session(exported.path).get_modelmeta().custom_metadata_map["charlm"])
    assert Vocabulary.from_dict(metadata.pop("vocabulary")) == VOCABULARY
    described = {"version": 1, "family": exported.model.family, "settings": exported.model.settings()}
    assert metadata == described | {"library": __version__}


def test_it_is_one_file_that_names_no_file_of_the_machine(exported: Exported) -> None:
    assert list(exported.path.parent.iterdir()) == [exported.path]
    content = exported.path.read_bytes()
    assert b".py" not in content
    assert str(Path(torch.__file__).parent).encode() not in content


def test_an_export_leaves_the_model_and_the_generators_as_they_were(exported: Exported) -> None:
    assert exported.after == exported.before


@pytest.mark.parametrize("exported", ["bigram"], indirect=True)
def test_an_export_prints_nothing_and_gives_the_same_bytes_again(
    exported: Exported, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    save_onnx(tmp_path / "again.onnx", exported.model, VOCABULARY)
    assert (tmp_path / "again.onnx").read_bytes() == exported.path.read_bytes()
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.INFO]


@pytest.mark.parametrize("exported", ["bigram", "gpt"], indirect=True)
def test_the_program_in_the_documentation_runs_without_torch(exported: Exported) -> None:
    page = (Path(__file__).parents[3] / "docs" / "interchange.md").read_text("utf-8")
    (program,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "onnxruntime" in block)
    printed = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; assert not {{'torch', 'onnx'}} & set(sys.modules)"],
        cwd=exported.path.parent,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:surrogatepass"},
        capture_output=True,
        check=True,
    )
    ids = torch.from_numpy(VOCABULARY.encode("ROMEO:").astype(np.int64))
    with evaluation_mode(exported.model):
        for _ in range(20):
            ids = torch.cat([ids, exported.model.logits(ids[None, -7:])[0, -1:].argmax(dim=-1)])
    assert printed.stdout.decode("utf-8", "surrogatepass") == VOCABULARY.decode(ids.numpy()) + os.linesep


def test_what_has_no_such_form_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    ngram = NGramLanguageModel(2, order=2).fit([0, 1])
    with torch.device("meta"):
        huge = BigramLanguageModel(2**15)
    refused: list[tuple[LanguageModel, Vocabulary, str]] = [
        (ngram, Vocabulary("ab"), "a NGramLanguageModel cannot be exported to ONNX: use save_arpa"),
        (
            MixtureLanguageModel([ngram]),
            Vocabulary("ab"),
            "a MixtureLanguageModel cannot be exported to ONNX: export the models in it",
        ),
        (BigramLanguageModel(3), Vocabulary("ab"), "vocabulary must have as many ids as the model, 3, got 2"),
        (huge, Vocabulary(map(chr, range(2**15))), "exceeds 2 GiB, the limit of an ONNX file"),
    ]
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    for model, vocabulary, complaint in refused:
        with pytest.raises(ValueError, match=complaint):
            save_onnx(path, model, vocabulary)
    assert path.read_bytes() == b"old"


def test_a_missing_package_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'chartok\[onnx\]'"):
        save_onnx(tmp_path / "model.onnx", BigramLanguageModel(2), Vocabulary("ab"))


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")  # PyTorch's own, of its own copies
@pytest.mark.parametrize("name", ["bigram", "gpt"])
def test_torch_export_gives_a_program_with_equal_logits(name: str) -> None:
    model = MODELS[name].eval()
    shapes = {"inputs": {0: Dim("batch"), 1: Dim("length", max=model.block_size)}}
    example = torch.zeros(2, 2, dtype=torch.int64)
    program = torch.export.export(model, (example,), dynamic_shapes=shapes).module()
    for ids in (torch.tensor([[1]]), torch.tensor([[0, 1, 2, 3, 4, 5, 0]] * 3)):
        logits, loss = program(ids)
        torch.testing.assert_close(logits, model.logits(ids))
        assert loss is None
