"""Models as ONNX, in the hands of the runtime that they are for; and as programs of torch.export."""

import dataclasses
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
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.export import Dim

from charlm import (
    BigramLanguageModel,
    CharLM,
    CheckpointCorruptError,
    ClassicGPT,
    ClassicGPTConfig,
    ForeignFileError,
    GPTConfig,
    LanguageModel,
    MixtureLanguageModel,
    NGramLanguageModel,
    save_onnx,
)
from charlm.models.modes import evaluation_mode
from charlm.models.ngram.table import NGramTable
from charlm.training.random_states import _captured
from chartok import Vocabulary, __version__
from lively_gpt import lively
from torture import TORTURE

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

VOCABULARY = Vocabulary("ROME: \ud83d", special_tokens=["pad", "eos"])
PAD = VOCABULARY.special_tokens["pad"]
CLOSE = 1e-4
SHAPE: dict[str, Any] = {"vocab_size": VOCABULARY.size, "n_layers": 1, "n_heads": 2, "width": 8}
CONFIG = GPTConfig(block_size=7, dropout=0.5, hash_rows=3, context_only=(PAD,), **SHAPE)


IDS = torch.randint(PAD, (300,), generator=torch.Generator().manual_seed(1))
PRIOR = NGramTable.fit(IDS, vocab_size=VOCABULARY.size, order=3, context_only=[PAD])


def mixture() -> MixtureLanguageModel:
    """One of all families, whose n-gram model decides by three lengths of contexts."""
    ngram = NGramLanguageModel(VOCABULARY.size, order=3, context_only=[PAD]).fit(IDS)
    bigram = BigramLanguageModel(VOCABULARY.size, seed=2, context_only=[PAD])
    model = MixtureLanguageModel([bigram, ngram, lively(CONFIG, prior=PRIOR)])
    model.weights.copy_(torch.tensor([[0.2, 0.3, 0.5], [0.0, 0.9, 0.1], [0.6, 0.3, 0.1]]))
    return model


MODELS: dict[str, LanguageModel] = {
    "bigram": BigramLanguageModel(VOCABULARY.size, seed=4).double(),
    "bigram of records": BigramLanguageModel(VOCABULARY.size, seed=4, context_only=[PAD]),
    "gpt": lively(CONFIG).train(),
    "gpt with a prior": lively(dataclasses.replace(CONFIG, hash_rows=0), prior=PRIOR),
    "gpt of one id": lively(GPTConfig(block_size=1, hash_rows=0, **SHAPE)),
    "ngram": NGramLanguageModel(VOCABULARY.size, order=4).fit([0, 1, 2, 0, 1, 3, 0, 1, 2, 4]),
    "mixture": mixture(),
    "classic-gpt": ClassicGPT(ClassicGPTConfig(block_size=7, context_only=(PAD,), **SHAPE), seed=3),
}
MODELS["gpt"].get_submodule("blocks").eval()
PARTS_OF_THE_MIXTURE = ("gpt with a prior", "ngram")
"""An export takes seconds: they are exported as parts, and on their own in ``make torture``."""


def exported_ones(*names: str) -> list[str]:
    return [name for name in names if TORTURE or name not in PARTS_OF_THE_MIXTURE]


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


@pytest.fixture(scope="session", params=exported_ones(*(name for name in MODELS if name != "classic-gpt")))
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
    longest = 1 if exported.model.block_size == 1 else 7
    for batch_size in (1, 2, 5):
        for length in range(1, longest + 1):
            ids = torch.randint(VOCABULARY.size, (batch_size, length), generator=torch.Generator().manual_seed(length))
            (logits,) = running.run(["logits"], {"inputs": ids.numpy()})
            with evaluation_mode(exported.model):
                expected = exported.model.logits(ids).detach().float().numpy()
            assert logits.dtype == np.float32
            np.testing.assert_allclose(logits, expected, rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    "exported", exported_ones("bigram of records", "gpt", "gpt with a prior", "mixture"), indirect=True
)
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
    history = {"bigram": 1, "gpt": exported.model.block_size, "ngram": 3, "mixture": CONFIG.block_size}
    assert metadata.pop("context_length") == history[exported.model.family]
    assert Vocabulary.from_dict(metadata.pop("vocabulary")) == VOCABULARY
    described = {"version": 2, "family": exported.model.family, "settings": exported.model.settings()}
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


@pytest.mark.parametrize(
    "exported", exported_ones("bigram", "gpt", "gpt with a prior", "ngram", "mixture"), indirect=True
)
def test_the_program_in_the_documentation_runs_without_torch(exported: Exported) -> None:
    page = (Path(__file__).parents[4] / "docs" / "interchange.md").read_text("utf-8")
    program, _ = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "InferenceSession" in block)
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


@pytest.fixture(scope="session", params=["gpt", "mixture", "classic-gpt"])
def cached(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Likewise, with keys and values of the past; the Transformer of the mixture has a prior."""
    path = tmp_path_factory.mktemp("cached") / "model.onnx"
    model = MODELS[request.param]
    before = everything(model)
    save_onnx(path, model, VOCABULARY, cache=True)
    return Exported(path, model, before, everything(model))


def of_nothing(running: Any, batch: int) -> dict[str, Any]:
    """The state of a graph with a cache before the first id."""
    types = {"tensor(int64)": np.int64, "tensor(float)": np.float32}
    sizes = {"batch": batch, "past_length": 0}
    return {
        given.name: np.zeros([sizes.get(size, size) for size in given.shape], types[given.type])
        for given in running.get_inputs()[1:]
    }


def test_a_graph_with_a_cache_names_the_past_and_the_present_as_others_do(cached: Exported) -> None:
    onnx.checker.check_model(onnx.load(cached.path), full_check=True)
    running = session(cached.path)
    names = [f"{layer}.{part}" for layer in range(CONFIG.n_layers) for part in ("key", "value")]
    of_layer = (CONFIG.n_heads, CONFIG.head_size)
    given = {one.name: one.shape for one in running.get_inputs()}
    assert given == {
        "inputs": ["batch", "length"],
        "past_ids": ["batch", "past_length"],
        **{f"past_key_values.{name}": ["batch", of_layer[0], "past_length", of_layer[1]] for name in names},
    }
    assert [one.name for one in running.get_outputs()] == [
        "logits",
        "present_ids",
        *(f"present.{name}" for name in names),
    ]
    assert cached.after == cached.before


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_graph_with_a_cache_gives_the_logits_of_step_however_the_ids_are_cut(cached: Exported, data: Any) -> None:
    running = session(cached.path)
    batch, length = data.draw(st.tuples(st.integers(1, 3), st.integers(1, CONFIG.block_size)))
    ids = np.array(
        data.draw(
            st.lists(st.lists(st.integers(0, PAD), min_size=length, max_size=length), min_size=batch, max_size=batch)
        )
    )
    cuts = sorted(data.draw(st.sets(st.integers(1, length))) | {length})
    state, start = of_nothing(running, batch), 0
    for stop in cuts:
        logits, *present = running.run(None, {"inputs": ids[:, start:stop], **state})
        state, start = dict(zip(state, present, strict=True)), stop
        assert [len(state["past_ids"][0]), state["past_key_values.0.key"].shape[2]] == [stop, stop]
        with torch.inference_mode(), evaluation_mode(cached.model):
            expected, _ = cached.model.start(torch.from_numpy(ids[:, :stop]))
        np.testing.assert_allclose(logits[:, 0], expected.float().numpy(), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("cached", ["gpt", "mixture"], indirect=True)
def test_the_loop_in_the_documentation_steps_beyond_a_block_as_the_model_does(cached: Exported) -> None:
    page = (Path(__file__).parents[4] / "docs" / "interchange.md").read_text("utf-8")
    _, program = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "InferenceSession" in block)
    printed = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; assert not {{'torch', 'onnx'}} & set(sys.modules)"],
        cwd=cached.path.parent,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:surrogatepass"},
        capture_output=True,
        check=True,
    )
    ids = VOCABULARY.encode("ROMEO:").tolist()
    with torch.inference_mode(), evaluation_mode(cached.model):
        logits, state = cached.model.start(torch.tensor([ids]))
        for _ in range(100):
            ids.append(int(logits[0].argmax()))
            logits, state = cached.model.step(torch.tensor(ids[-1:]), state)
    assert printed.stdout.decode("utf-8", "surrogatepass") == VOCABULARY.decode(np.array(ids)) + os.linesep


@pytest.mark.parametrize("cached", ["mixture"], indirect=True)
def test_int8_stores_the_matrices_in_a_byte_each_and_stays_near(
    cached: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    as_it_was = onnx.load(cached.path)
    del as_it_was.metadata_props[:]
    monkeypatch.setattr("charlm.files.onnx.writer.exported", lambda _graph: as_it_was)
    save_onnx(tmp_path / "int8.onnx", cached.model, VOCABULARY, cache=True, int8=True)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == [tmp_path / "int8.onnx"]
    running, exact = session(tmp_path / "int8.onnx"), session(cached.path)
    assert running.get_modelmeta().custom_metadata_map["charlm"] == exact.get_modelmeta().custom_metadata_map["charlm"]
    stored = onnx.load(tmp_path / "int8.onnx").graph.initializer
    in_32_bits = {tuple(one.dims) for one in stored if one.data_type == onnx.TensorProto.FLOAT and len(one.dims) == 2}
    assert in_32_bits == {(VOCABULARY.size, VOCABULARY.size), (3, 3)}  # the bigram's table, the mixture's weights
    ids = np.array([[0, 1, 2, 3]])
    near, right = (one.run(["logits"], {"inputs": ids, **of_nothing(one, 1)})[0] for one in (running, exact))
    likely = np.exp(right) > 0.02
    np.testing.assert_allclose(near[likely], right[likely], rtol=0, atol=0.3)
    assert not np.array_equal(near, right)


class Unknown(LanguageModel):
    family = "unknown"

    def __init__(self) -> None:
        super().__init__(2)

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.zeros(*inputs.shape, 2)

    def settings(self) -> dict[str, Any]:
        return {}


def test_what_has_no_such_form_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    ab = Vocabulary("ab")
    ngram = NGramLanguageModel(2, order=2).fit([0, 1])
    high = NGramLanguageModel(2, order=17).fit([0, 1])
    gpt = lively(GPTConfig(vocab_size=2, block_size=4, n_layers=1, n_heads=1, width=4, hash_rows=0))
    with torch.device("meta"):
        huge = BigramLanguageModel(2**15)
    cached, in_8_bits = {"cache": True}, {"int8": True}
    refused: list[tuple[Any, Vocabulary, dict[str, bool], str]] = [
        (Unknown(), ab, {}, "a Unknown, of family 'unknown', cannot be exported to ONNX, only the families of charlm"),
        (MixtureLanguageModel([ngram, Unknown()]), ab, {}, "a Unknown, of family 'unknown', cannot be exported"),
        (NGramLanguageModel(2, order=2), ab, {}, "this n-gram model is not fitted: call fit first"),
        (high, ab, {}, "up to order 16, since its graph grows with the order, got 17: use save_arpa"),
        (
            ngram,
            ab,
            cached,
            "keys and values of one Transformer, and this ngram model has 0: export it without a cache",
        ),
        (BigramLanguageModel(2), ab, cached, "and this bigram model has 0"),
        (MixtureLanguageModel([gpt, lively(gpt.config)]), ab, cached, "and this mixture model has 2"),
        (
            MixtureLanguageModel([gpt, NGramLanguageModel(2, order=5).fit([0, 1])]),
            ab,
            cached,
            "of block_size 4 keeps 3 ids when a block is full, and the n-gram model needs 4: export the mixture",
        ),
        (
            ngram,
            ab,
            in_8_bits,
            "int8 is for the matrices of a Transformer, and a model of the family ngram has none: leave it out",
        ),
        (BigramLanguageModel(2), ab, in_8_bits, "and a model of the family bigram has none"),
        (BigramLanguageModel(3), ab, {}, "vocabulary must have as many ids as the model, 3, got 2"),
        (huge, Vocabulary(map(chr, range(2**15))), {}, "exceeds 2 GiB, the limit of an ONNX file"),
    ]
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    for model, vocabulary, settings_, complaint in refused:
        with pytest.raises(ValueError, match=complaint):
            save_onnx(path, model, vocabulary, **settings_)
    assert path.read_bytes() == b"old"


@pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_a_model_that_pytorch_has_quantized_is_refused_and_int8_is_what_it_is_for(tmp_path: Path) -> None:
    model = torch.ao.quantization.quantize_dynamic(lively(CONFIG), {torch.nn.Linear}, dtype=torch.qint8)
    with pytest.raises(ValueError, match=r"quantized weights, such as '.*', cannot be exported to ONNX"):
        save_onnx(tmp_path / "model.onnx", model, VOCABULARY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("package", "int8"), [("onnxscript", False), ("onnxruntime", True)])
def test_a_missing_package_is_named_with_what_installs_it(
    package: str, int8: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf"{package}: pip install 'chartok\[onnx\]'"):
        save_onnx(tmp_path / "model.onnx", lively(CONFIG), VOCABULARY, int8=int8)


@pytest.mark.parametrize("exported", ["bigram"], indirect=True)
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_damaged_file_is_refused_by_the_runtime_and_by_ours(exported: Exported, keep: float, tmp_path: Path) -> None:
    whole = exported.path.read_bytes()
    path = tmp_path / "model.onnx"
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(Exception, match=r"INVALID_PROTOBUF|INVALID_GRAPH|No graph was found|does not have a graph"):
        session(path)
    known_by_its_beginning = keep > 0
    expected = ForeignFileError if known_by_its_beginning else CheckpointCorruptError
    with pytest.raises(expected, match=r"model.onnx' is (an ONNX file, not a model file|not a valid model file)"):
        CharLM.load(path)


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
