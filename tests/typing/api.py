"""Pins the signatures of the public API: mypy checks this file, nothing runs it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import charlm
import chartok
from charlm.generation.sampling import keep_top_k, keep_top_p
from charlm.generation.settings import SamplingSettings
from charlm.models.bigram.table import BigramTable
from charlm.models.ngram.table import NGramTable
from charlm.models.predictor import CountModel, Predictor

vocabulary = chartok.Vocabulary.from_text("text")
assert_type(vocabulary, chartok.Vocabulary)
assert_type(chartok.Vocabulary(["a", "b"], special_tokens=["pad", "unk"]), chartok.Vocabulary)
assert_type(chartok.Vocabulary.from_file(Path("x"), min_count=2, max_size=100), chartok.Vocabulary)
assert_type(chartok.Vocabulary.from_dict(vocabulary.to_dict()), chartok.Vocabulary)
assert_type(vocabulary.encode("text", errors="ignore"), NDArray[np.unsignedinteger[Any]])
assert_type(vocabulary.decode([0, 1]), str)
assert_type(vocabulary.decode(np.array([0, 1])), str)
assert_type(vocabulary.size, int)
assert_type(vocabulary.symbols, tuple[str, ...])
assert_type(vocabulary.id_of("a"), int)
assert_type(chartok.Vocabulary.from_text("a", symbols=["Cl"], unit="grapheme"), chartok.Vocabulary)
assert_type(chartok.Vocabulary("a", special_tokens={"pad": 0}), chartok.Vocabulary)
assert_type(chartok.Vocabulary.from_tokenizer_json("x"), chartok.Vocabulary)
assert_type(vocabulary.char_offsets("a", "ignore"), NDArray[np.int64])
assert_type(vocabulary.id_positions("a"), NDArray[np.int64])
assert_type(vocabulary.incremental_encoder().encode("a"), NDArray[np.unsignedinteger[Any]])
assert_type(vocabulary.symbol_of(0), str)
assert_type(chartok.read_counts("x", encoding="auto"), dict[str, int])
assert_type(chartok.read_records("x", encoding="auto"), list[str])
assert_type(chartok.read_text(["x", Path("y")], separator="\n"), str)
assert_type(chartok.ReadingSettings(column="name").with_keywords(blank_lines="keep"), chartok.ReadingSettings)

dataset = charlm.TextDataset(vocabulary.encode("text"), block_size=2)
assert_type(dataset.split(0.5), tuple[charlm.TextDataset, charlm.TextDataset])
assert_type(dataset[0], tuple[Tensor, Tensor])
assert_type(dataset.windows(torch.tensor([0])), Tensor)
examples: charlm.Dataset = dataset
batches = charlm.BatchSampler(dataset, batch_size=2, seed=1, device="auto")
assert_type(next(iter(batches)), tuple[Tensor, Tensor])
model = charlm.BigramLanguageModel(vocabulary.size, seed=1)
assert_type(model(torch.tensor([[0]])), tuple[Tensor, Tensor | None])
assert_type(model.log_probabilities(torch.tensor([[0]]), torch.tensor([[0]])), Tensor)
assert_type(model.fit(dataset, smoothing=0.5), charlm.BigramLanguageModel)
ngram = charlm.NGramLanguageModel(vocabulary.size, order=5)
assert_type(ngram.fit(dataset).update([np.array([2]), np.array([0, 1])]).prune(2), charlm.NGramLanguageModel)
assert_type(ngram.step(torch.tensor([0])), tuple[Tensor, list[int]])
counts = charlm.NGramCounts.from_tokens(torch.tensor([0, 1]), vocab_size=vocabulary.size, order=5, memory=10**9)
assert_type(ngram.fit(counts.merge(counts)), charlm.NGramLanguageModel)
gpt = charlm.GPT(charlm.GPTConfig.nano(vocabulary.size), seed=1)
assert_type(gpt.initialize(2), charlm.GPT)
assert_type(gpt.parameter_groups(), charlm.ParameterGroups)
assert_type(charlm.GPT.from_settings(gpt.settings()), charlm.GPT)
assert_type(gpt.resize(vocabulary, vocabulary.extend("xyz")), charlm.GPT)
assert_type(ngram.resize(vocabulary, vocabulary.extend("xyz")), charlm.NGramLanguageModel)
assert_type(gpt.step(torch.tensor([0]))[0], Tensor)
assert_type(charlm.GPTConfig(vocab_size=3, block_size=8, n_layers=1, n_heads=1, width=2), charlm.GPTConfig)
mixture = charlm.MixtureLanguageModel([gpt, ngram])
assert_type(mixture.fit(dataset), charlm.MixtureLanguageModel)
assert_type(mixture.weights, Tensor)
config = charlm.TrainerConfig(max_steps=1, learning_rate=0.1, log_interval=1, evaluation_interval=1)
config = charlm.TrainerConfig(max_epochs=2, max_seconds=1.5, optimizer="muon", schedule="cosine", precision="auto")
trainer = charlm.Trainer(model, batches, validation=dataset, config=config, on_log=print)
trainer = charlm.Trainer(model, batches, folder="run", vocabulary=vocabulary, on_log=charlm.Progress(100))
assert_type(charlm.Trainer.resume(Path("run"), batches, model=model, validation=dataset, config=config), charlm.Trainer)
assert_type(trainer.save_checkpoint(), Path)
assert_type(trainer.state_dict(), dict[str, Any])
assert_type(trainer.best_checkpoint, Path | None)
assert_type(trainer.best_model(), charlm.LanguageModel)
assert_type(trainer.step, int)
assert_type(charlm.read_log("run"), list[charlm.LogEntry])
assert_type(trainer.log[0].gradient_norm, float | None)
assert_type(trainer.fit(), charlm.Trainer)
assert_type(trainer.evaluate(), charlm.Evaluation)
assert_type(trainer.log, list[charlm.LogEntry])
assert_type(charlm.evaluate(model, dataset).bits_per_character, float)
assert_type(charlm.generate(model, [0], max_new_tokens=1, temperature=0.5, seed=1), Tensor)
assert_type(charlm.generate(model, [0], max_new_tokens=1, top_k=3, top_p=0.9, stop=[[1, 2]]), Tensor)
assert_type(charlm.generate(model, [0], max_new_tokens=1, n_samples=2, min_p=0.1, allowed=[0, 1]), list[Tensor])
assert_type(charlm.stream_ids(model, [0], max_new_tokens=1, repetition_penalty=1.1, stop=[[1, 2]]), Iterator[int])
assert_type(keep_top_p(keep_top_k(np.zeros((2, 3)), 2), 0.9), NDArray[np.floating[Any]])
table = NGramTable.fit([0, 1], vocab_size=vocabulary.size, order=2, context_only=[0])
counted: CountModel = table
counted = BigramTable.fit([0, 1], vocab_size=vocabulary.size, smoothing=0.5)
predictor: Predictor = counted
predictor = gpt.predictor(stride=2)
assert_type(ngram.predictor(), NGramTable)
assert_type(predictor.scores(np.array([0, 1]), np.array([2])), NDArray[np.float64])
assert_type(charlm.NGramLanguageModel.of(table), charlm.NGramLanguageModel)
assert_type(charlm.score(counted, [[0, 1]]), list[NDArray[np.float64]])
assert_type(charlm.evaluate(gpt, dataset, stride=2), charlm.Evaluation)
assert_type(charlm.score(gpt, [[0, 1]], stride=1), list[NDArray[np.float64]])
assert_type(charlm.generate(counted, [0], max_new_tokens=1, settings=SamplingSettings(top_k=3)), NDArray[np.int64])
assert_type(charlm.generate(counted, [0], max_new_tokens=1, n_samples=2), list[NDArray[np.int64]])
assert_type(charlm.stream_ids(counted, [0], max_new_tokens=1, seed=None), Iterator[int])
Scores = NDArray[np.float64]
assert_type(charlm.generate(model, [0], max_new_tokens=1, return_scores=True), tuple[Tensor, Scores])
assert_type(charlm.generate(model, [[0], [1, 2]], max_new_tokens=1, seed=None), list[Tensor])
assert_type(charlm.generate(model, [torch.tensor([0])], max_new_tokens=1, n_samples=2), list[list[Tensor]])
assert_type(
    charlm.generate(counted, [np.zeros(1, dtype=np.int64)], max_new_tokens=1, return_scores=True),
    tuple[list[NDArray[np.int64]], list[Scores]],
)
assert_type(
    charlm.generate(counted, [[0]], max_new_tokens=1, n_samples=2, return_scores=True),
    tuple[list[list[NDArray[np.int64]]], list[list[Scores]]],
)
assert_type(
    charlm.generate(counted, [0], max_new_tokens=1, n_samples=2, return_scores=True),
    tuple[list[NDArray[np.int64]], list[Scores]],
)
assert_type(charlm.load_model("x", device="cpu"), tuple[charlm.LanguageModel, chartok.Vocabulary])
charlm.load_model("x", "cpu")  # type: ignore[call-arg]  # the device by keyword only
assert_type(charlm.CharLM.load("x", device="cpu"), charlm.CharLM)
charlm.CharLM.load("x", "cpu")  # type: ignore[call-arg]  # likewise
charlm.save_model(Path("x"), model, vocabulary)
assert_type(charlm.load_classic_gpt("x", vocabulary, n_heads=6), tuple[charlm.ClassicGPT, chartok.Vocabulary])
charlm.save_classic_gpt(Path("x"), charlm.ClassicGPT(charlm.ClassicGPTConfig.nano(65)), vocabulary, "gpt2")
charlm.save_onnx(Path("x"), gpt, vocabulary)
charlm.save_arpa(Path("x"), ngram, vocabulary)
adaptive = charlm.AdaptiveLanguageModel(
    3, weights=[1, 2, 3], letters=np.array([0, 1, 2]), line_end=0, table_bytes=1 << 20
)
assert_type(adaptive.score([0, 1]), NDArray[np.float64])
assert_type(adaptive.distribution(), NDArray[np.float64])
assert_type(adaptive.copy().encode(np.array([0, 1])), bytes)
assert_type(adaptive.decode(b"", 0), NDArray[np.unsignedinteger[Any]])
adaptive.learn_counts(counts)
assert_type(charlm.decompress(charlm.compress(b"x"), None), bytes)
assert_type(charlm.load_arpa(Path("x")), tuple[charlm.NGramLanguageModel, chartok.Vocabulary])
lm = charlm.CharLM.fit(Path("x"), "gpt", n_layers=2, n_heads=2, width=32, dropout=0.1, validation=Path("y"))
lm = charlm.CharLM.fit(Path("x"), "ngram", order=5)
assert_type(lm, charlm.CharLM)
assert_type(lm.merge(lm, lm), charlm.CharLM)
assert_type(lm.interpolate(lm, held_out="ab", weights="static"), charlm.CharLM)
assert_type(charlm.CharLM.fit("ab", order=3, memory="2GB"), charlm.CharLM)
assert_type(charlm.CharLM(*charlm.load_model("x")), charlm.CharLM)
assert_type(charlm.CharLM(counted, vocabulary), charlm.CharLM)
assert_type(lm.model, charlm.LanguageModel)
assert_type(lm.predictor, Predictor)
assert_type(lm.family, str)
assert_type(lm.adaptive(), charlm.AdaptiveCharLM)
assert_type(lm.adaptive().copy().log_probabilities("a"), NDArray[np.float64])
assert_type(lm.adaptive().next_symbols(k=3), list[tuple[str, float]])
assert_type(lm.settings, dict[str, Any])
assert_type(lm.facts(), dict[str, Any])
assert_type(lm.score_samples(["a"]), NDArray[np.float64])
assert_type(lm.log_probabilities("a"), NDArray[np.float64])
assert_type(lm.hidden_states("a"), NDArray[np.float32])
assert_type(lm.attention("a"), NDArray[np.float32])
assert_type(gpt.activations(torch.tensor([[0]])).attention, Tensor)
assert_type(lm.next_symbols("a", k=3), list[tuple[str, float]])
assert_type(lm.generate("a", top_k=3, top_p=0.9, min_p=0.1, repetition_penalty=1.1, allowed="ab"), str)
assert_type(lm.generate("a", max_new_tokens=9, n_samples=2, stop=["ab"]), list[str])
assert_type(lm.generate(["a", ""], max_new_tokens=9, seed=None), list[str])
assert_type(lm.generate(("a", ""), n_samples=2), list[list[str]])
assert_type(lm.generate("a", return_scores=True), tuple[str, Scores])
assert_type(lm.generate("a", n_samples=2, return_scores=True), tuple[list[str], list[Scores]])
assert_type(lm.generate(["a"], return_scores=True), tuple[list[str], list[Scores]])
assert_type(lm.generate(["a"], n_samples=2, return_scores=True), tuple[list[list[str]], list[list[Scores]]])
assert_type(lm.sample(3, prefix="a", return_scores=True), tuple[list[str], list[Scores]])
assert_type(lm.stream("a", top_k=3, stop=["ab"], allowed="ab"), Iterator[str])
assert_type(lm.sample(3, prefix="a", exclude={"ab"}, allowed="abc", seed=1), list[str])
assert_type(lm.generate("a", settings=SamplingSettings(min_p=0.1), top_k=3), str)
assert_type(lm.stream("a", settings=SamplingSettings(min_p=0.1)), Iterator[str])
assert_type(lm.sample(3, settings=SamplingSettings(min_p=0.1), top_p=0.5), list[str])
assert_type(charlm.classify({"a": lm}, ["a"]), list[str])
assert_type(charlm.score(model, [np.array([0, 1])]), list[NDArray[np.float64]])
tokens = chartok.encode_file("x", "y", errors="ignore", compression="gzip")
assert_type(tokens, chartok.TokenFile)
assert_type(chartok.encode_files(["x"], "y"), list[chartok.TokenFile])
assert_type(chartok.encode_texts(iter(["x"]), "y", vocabulary, records=True), chartok.TokenFile)
assert_type(tokens.records, int | None)
with chartok.TokenFileWriter("y", vocabulary, records=True, errors="replace") as writer:
    writer.append("x")
    writer.append([0])
    assert_type(writer, chartok.TokenFileWriter)
assert_type(charlm.TextDataset([tokens], block_size=2, stride=2, bos=1), charlm.TextDataset)
assert_type(charlm.RecordDataset(["a"]).split(0.5, seed=1), tuple[charlm.RecordDataset, charlm.RecordDataset])
assert_type(charlm.IGNORE_INDEX, int)
assert_type(charlm.python_docs(), str)
assert_type(charlm.tiny_shakespeare(Path("x")), str)
