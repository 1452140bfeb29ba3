"""Every command reads files with the same flags, and says what was wrong with them or is worth knowing."""

import bz2
import io
import json
import os
import subprocess
import sys
import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from charlm import CharLM, RecordDataset, load_model
from charlm.cli.app import main
from chartok import encode_files

SYLLABLES = ["an", "be", "ca", "do", "el", "fi", "go", "hu"]
NAMES = [*map("".join, product(SYLLABLES, repeat=2)), "new york"]
TEXT = "to be or not to be\nthat is the question\n" * 30


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_bytes(TEXT.encode())
    (tmp_path / "names.txt").write_bytes("".join(f"{name}\n" for name in NAMES).encode())
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """Returns what a command prints and what it says."""
    assert main(list(arguments)) == code
    written = capsys.readouterr()
    return written.out, written.err


def typed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def described(path: str) -> Any:
    model, vocabulary = load_model(path)
    return vocabulary, {name: value.tolist() for name, value in model.state_dict().items()}


def test_a_list_of_frequencies_is_records_with_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = {name: 1 + place % 5 for place, name in enumerate(NAMES)}
    (folder / "counts.tsv").write_text("".join(f"{name}\t{count}\n" for name, count in counts.items()))
    run(
        capsys, "train", "counts.tsv", "--records", "--counts", "--order", "3", "--smoothing", "learned", "--out", "run"
    )
    lm = CharLM.load("run")
    assert lm.vocabulary.symbols == CharLM.fit(counts, order=3).vocabulary.symbols
    evaluated = json.loads(run(capsys, "evaluate", "run", "counts.tsv", "--counts", "--json")[0])
    repeated = [name for name, count in counts.items() for _ in range(count)]
    expected = lm.evaluate(repeated)
    assert evaluated["nats_per_character"] == pytest.approx(expected.nats_per_character)
    assert evaluated["characters"] == expected.characters
    assert evaluated["bits_per_byte"] == pytest.approx(expected.bits_per_byte)
    whole = CharLM.fit_file("counts.tsv", records=True, counts=True, order=3, smoothing="learned")
    of_mapping = CharLM.fit(counts, order=3, smoothing="learned")
    assert whole.score_samples(NAMES).tolist() == of_mapping.score_samples(NAMES).tolist()
    assert "counts is for what a model learns from" in run(capsys, "score", "run", "counts.tsv", "--counts", code=2)[1]
    assert "counts is for records" in run(capsys, "train", "counts.tsv", "--counts", code=2)[1]


@pytest.mark.parametrize("decoding", ["strict", "replace", "ignore"])
def test_score_answers_what_comes_before_a_bad_byte_and_stops_or_goes_on_as_asked(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, decoding: str
) -> None:
    run(capsys, "train", "text.txt", "--out", "run")
    (folder / "bad.txt").write_bytes(b"to be\nor not\ncaf\xe9\nthat\n")
    for source in ("bad.txt", "-"):
        typed(monkeypatch, (folder / "bad.txt").read_bytes())
        out, err = run(capsys, "score", "run", source, "--decode-errors", decoding, code=int(decoding == "strict"))
        lines = [line.split("\t")[2] for line in out.splitlines()]
        if decoding == "strict":
            assert lines == ["to be", "or not"]
            name = "bad.txt" if source == "bad.txt" else "standard input"
            assert f"'{name}' is not UTF-8: 0xE9 at byte offset 16 in line 3" in err
        else:
            assert lines == ["to be", "or not", "caf\ufffd" if decoding == "replace" else "caf", "that"]
            assert not err


def test_score_prints_one_line_for_each_that_it_reads(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "train", "text.txt", "--out", "run")
    typed(monkeypatch, b"to\r\n\r\nbe\r\n\r\n")
    out, _ = run(capsys, "score", "run")
    assert [line.split("\t")[2] for line in out.splitlines()] == ["to", "", "be", ""]
    typed(monkeypatch, b"to\nbe\n\nor\n")
    out, _ = run(capsys, "score", "run", "--delimiter", r"\n\n")
    assert [line.split("\t")[2] for line in out.splitlines()] == [r"to\nbe", "or"]
    typed(monkeypatch, b"to\nbe\n\nor\n")
    out, _ = run(capsys, "score", "run", "--json", "--delimiter", r"\n\n")
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["to\nbe", "or"]
    _, err = run(capsys, "score", "run", "text.txt", "--blank-lines", "skip", code=2)
    assert "score answers every line" in err
    typed(monkeypatch, b"to\n\nbe\n")
    out, err = run(capsys, "score", "run", "--blank-lines", "error", code=1)
    assert out.count("\n") == 1
    assert "line 2 of 'standard input' is blank" in err


def test_blank_lines_of_records_are_skipped_and_counted_or_an_error_with_file_and_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = len(NAMES) // 2
    content = "\n".join([*NAMES[:half], "", *NAMES[half:], "", ""])
    (folder / "gaps.txt").write_bytes(content.encode())
    run(capsys, "train", "names.txt", "--records", "--out", "a")
    _, err = run(capsys, "train", "gaps.txt", "--records", "--out", "b")
    assert err == "charlm: 2 blank records skipped\n"
    assert described("a") == described("b")
    _, err = run(capsys, "train", "gaps.txt", "--records", "--blank-lines", "error", "--out", "c", code=1)
    assert f"line {half + 1} of 'gaps.txt' is blank" in err
    out, err = run(capsys, "evaluate", "a", "gaps.txt")
    assert (out, err) == (run(capsys, "evaluate", "a", "names.txt")[0], "charlm: 2 blank records skipped\n")


def test_a_text_is_the_same_from_a_file_several_a_folder_a_pattern_an_archive_or_a_pipe(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "parts").mkdir()
    third = len(TEXT) // 3
    for name, part in (("a", TEXT[:third]), ("b", TEXT[third : 2 * third]), ("c", TEXT[2 * third :])):
        (folder / "parts" / f"{name}.txt").write_bytes(part.encode())
    (folder / "parts" / "notes.md").write_text("not part of it")
    (folder / "text.bin").write_bytes(bz2.compress(TEXT.encode()))
    (folder / "wide.txt").write_bytes(TEXT.encode("utf-16"))
    with zipfile.ZipFile(folder / "parts.zip", "w") as archive:
        for name in "abc":
            archive.write(folder / "parts" / f"{name}.txt", f"{name}.txt")
    run(capsys, "train", "text.txt", "--out", "whole")
    for number, sources in enumerate(
        [
            ["parts/a.txt", "parts/b.txt", "parts/c.txt"],
            ["parts", "--pattern", "*.txt"],
            ["parts/*.txt"],
            ["zip://*.txt::parts.zip"],
            ["text.bin"],
            ["wide.txt", "--encoding", "utf-16"],
            ["wide.txt", "--encoding", "auto"],
            ["-"],
        ]
    ):
        typed(monkeypatch, TEXT.encode())
        run(capsys, "train", *sources, "--out", str(number))
        assert described(str(number)) == described("whole")
        typed(monkeypatch, TEXT.encode())
        assert run(capsys, "evaluate", "whole", *sources)[0] == run(capsys, "evaluate", "whole", "text.txt")[0]
        if sources != ["-"]:
            run(capsys, "prepare", *sources, "--out", f"{number}.tokens")
            assert (folder / f"{number}.tokens").stat().st_size == (folder / "0.tokens").stat().st_size
    out, _ = run(capsys, "train", "parts/*.txt", "--separator", r"\n\0\n", "--out", "separated")
    assert f"{len(TEXT) + 6:,} characters" in out


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_a_column_of_a_table_is_records_or_a_text(folder: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    path = folder / f"table.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps({"name": name}) + "\n" for name in NAMES))
    else:
        separator = "," if kind == "csv" else "\t"
        path.write_text(f"n{separator}name\n" + "".join(f"1{separator}{name}\n" for name in NAMES))
    column = [path.name, "--column", "name"]
    run(capsys, "train", "names.txt", "--records", "--out", "a")
    run(capsys, "train", *column, "--records", "--out", "b")
    assert described("a") == described("b")
    assert run(capsys, "evaluate", "a", *column) == run(capsys, "evaluate", "a", "names.txt")
    assert run(capsys, "score", "a", *column) == run(capsys, "score", "a", "names.txt")
    out, _ = run(capsys, "generate", "a", "--n-samples", "20", "--exclude", *column)
    assert not set(out.splitlines()) & set(NAMES)
    out, _ = run(capsys, "prepare", *column, "--separator", r"\n", "--out", "a.tokens")
    assert f"{len(chr(10).join(NAMES)):,} characters" in out
    _, err = run(capsys, "train", *column[:2], "nam", "--records", "--out", "c", code=1)
    assert "'nam'" in err
    _, err = run(capsys, "train", path.name, "--records", "--out", "d")
    assert f"'{path.name}' is read as plain text" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("train text.txt --encoding utf-9", 2, "encoding must be 'auto' or a text encoding of Python's"),
        ("train text.txt --encoding rot13", 2, "encoding must be"),
        ("train text.txt --decode-errors shrug", 2, "--decode-errors must be an error handler for decoding"),
        (
            "train text.txt --compression zip",
            2,
            "--compression must be one of auto, gzip, bz2, xz, zstd, none, got 'zip': did you mean gzip?",
        ),
        ("train text.txt --blank-lines drop", 2, "--blank-lines must be one of skip, keep, error, got 'drop'"),
        ("train", 2, "train needs TEXT: the text to train on"),
        ("evaluate run", 2, "evaluate needs TEXT: a text"),
        ("prepare --out x", 2, "prepare needs TEXT: files"),
        (r"train text.txt --records --delimiter \x", 2, r"--delimiter: '\\x' is none of \n \r \t \0 \\ \xNN"),
        (r"train text.txt --separator a\q", 2, r"--separator: '\\q' is none of \n \r \t \0 \\ \xNN"),
        ("train text.txt --delimiter x", 2, "delimiter is for records, and this reads a text"),
        ("train text.txt --records --separator x", 2, "separator is for a text, and this reads records"),
        ("train text.txt --blank-lines error", 2, "--blank-lines is for records"),
        ("train . --pattern *.csv", 1, "no file of the folder matches *.csv"),
        ("train text.txt --column name", 1, "'text.txt' is no table"),
        ("train wide.txt", 1, "looks like utf-16-le, not utf-8: 50% of its bytes are NUL"),
        (
            "train parts.zip",
            1,
            "is a zip archive, not text: take texts out of it with a URL such as zip://*.txt::parts",
        ),
        ("train text.tokens text.txt", 1, "'text.tokens' is a token file, not text"),
        ("train text.tokens --encoding latin-1", 1, "'text.tokens' is a token file, whose text has been read already"),
        ("evaluate run text.tokens --encoding latin-1", 1, "whose text has been read already"),
        ("train run/model.safetensors", 1, "is a safetensors file, not text"),
        (
            "info text.tokens",
            1,
            "'text.tokens' is a token file, which holds a text as ids, not a model file of charlm: give a model",
        ),
        ("export text.tokens --format arpa --out a", 1, "is a token file, which holds a text as ids, not a model file"),
        ("generate run --encoding latin-1", 2, "there is no --exclude or --prompts, and flags say how"),
        ("report run --encoding latin-1", 2, "there is no --text, and flags say how to read its files"),
    ],
)
def test_what_cannot_be_read_so_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: str, code: int, message: str
) -> None:
    (folder / "wide.txt").write_bytes(TEXT.encode("utf-16-le"))
    (folder / "parts.zip").write_bytes(b"PK\x03\x04 and more")
    run(capsys, "train", "text.txt", "--out", "run")
    run(capsys, "prepare", "text.txt", "--out", "text.tokens")
    before = sorted(os.listdir(folder))  # noqa: PTH208
    out, err = run(capsys, *arguments.split(), code=code)
    assert message in err
    assert (out, err.count("\n")) == ("", 1)
    assert sorted(os.listdir(folder)) == before  # noqa: PTH208


def test_a_run_is_named_after_its_first_source(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "a.txt").write_bytes(TEXT.encode())
    (folder / "my.parts").mkdir()
    (folder / "my.parts" / "a.txt").write_bytes(TEXT.encode())
    (folder / ".hidden.txt").write_bytes(TEXT.encode())
    for archive in ("n.zip", "archive.zip"):
        with zipfile.ZipFile(folder / archive, "w") as file:
            file.writestr("n.txt", TEXT)
    for sources, name in (
        (["text.txt", "parts/a.txt"], "text"),
        (["parts"], "parts"),
        (["parts/a*.txt"], "a"),
        (["parts/*"], "text"),
        ([".", "--pattern", "text.txt"], folder.name),
        (["parts/..", "--pattern", "text.txt"], folder.name),
        (["my.parts"], "my.parts"),
        ([".hidden.txt"], "hidden"),
        (["zip://n.txt::n.zip"], "n"),
        (["zip://*.txt::archive.zip"], "archive"),
        (["zip://?.txt::archive.zip"], "archive"),
        (["simplecache::zip://n.txt::archive.zip"], "n"),
        ([f"file://{folder}/text.txt"], "text"),
        (["-", "--order", "3"], "text"),
    ):
        typed(monkeypatch, TEXT.encode())
        out, _ = run(capsys, "train", *sources)
        assert out.endswith(f"saved to runs/{name}-ngram\n")
        (folder / "runs" / f"{name}-ngram" / "model.safetensors").rename(folder / "last")
        for left in (folder / "runs" / f"{name}-ngram").iterdir():
            left.unlink()


def test_python_takes_the_same_settings(folder: Path) -> None:
    (folder / "names.csv").write_text("name\n" + "".join(f"{name}\n" for name in NAMES))
    (folder / "wide.txt").write_bytes(TEXT.encode("utf-16"))
    expected = CharLM.fit(NAMES).score_samples(NAMES).tolist()
    assert CharLM.fit_file("names.csv", records=True, column="name").score_samples(NAMES).tolist() == expected
    assert CharLM.fit_file("wide.txt", encoding="auto", order=3).evaluate(TEXT) == CharLM.fit(TEXT, order=3).evaluate(
        TEXT
    )
    assert len(RecordDataset.from_file("names.csv", column="name")) == len(NAMES)
    with pytest.raises(TypeError, match="encodin"):
        CharLM.fit_file("wide.txt", encodin="auto")  # type: ignore[call-arg]


@pytest.mark.parametrize("command", ["train", "evaluate", "prepare", "score", "info"])
def test_no_command_waits_for_typeguard(command: str) -> None:
    code = (
        "import sys; from charlm.cli.app import main; main([sys.argv[1], '--help']); print('typeguard' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


READ_OTHERWISE = """
encoding = "utf-16"
delimiter = '\\n\\n'
separator = ' '
blank-lines = "skip"
errors = "replace"
min-count = 2
train-fraction = 0.8
"""


def test_what_a_file_says_to_every_command_is_left_out_where_it_is_of_no_use(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "prepare", "text.txt", "--out", "text.tokens", "--special-tokens", "unk")
    (folder / "wide.txt").write_bytes(TEXT.encode("utf-16"))
    (folder / "all.toml").write_text(READ_OTHERWISE)
    config = ["--config", "all.toml"]
    run(capsys, "train", "text.tokens", "--out", "of-tokens", *config)
    run(capsys, "train", "wide.txt", "--validation", "wide.txt", "--out", "text", *config)
    run(capsys, "train", "wide.txt", "--records", "--out", "records", *config, "--delimiter", r"\n")
    for name in ("text", "records"):
        run(capsys, "generate", name, "--n-samples", "2", "--max-new-tokens", "9", *config)
        run(capsys, "score", name, "wide.txt", *config)
        run(capsys, "evaluate", name, "wide.txt", *config)
        run(capsys, "report", name, *config)
        run(capsys, "report", name, "--text", "wide.txt", "--out", "r.html", *config)
    run(capsys, "prepare", "wide.txt", "--vocabulary", "text", "--out", "wide.tokens", *config)
    run(capsys, "evaluate", "text", "wide.tokens", *config)
    (folder / "one.toml").write_text('[generate]\nencoding = "utf-16"\n[train]\nencoding = "utf-16"\n')
    run(capsys, "generate", "text", "--config", "one.toml", code=2)
    run(capsys, "train", "text.tokens", "--out", "new", "--config", "one.toml", code=1)
    run(capsys, "generate", "text", *config, "--encoding", "utf-16", code=2)


@pytest.mark.parametrize(
    "arguments",
    ["train - --validation -", "train - -", "prepare - - --out a.tokens", "evaluate run - -", "score run - text.txt -"],
)
def test_standard_input_is_read_once(folder: Path, capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    message = "charlm: standard input, -, can be read only once: give it once\n"
    assert run(capsys, *arguments.split(), code=2) == ("", message)


def test_score_prints_a_record_with_line_ends_of_any_kind_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "train", "text.txt", "--out", "run")
    (folder / "odd.txt").write_bytes(b"to\rbe;or\nnot;")
    out, _ = run(capsys, "score", "run", "odd.txt", "--delimiter", ";")
    assert [line.split("\t")[2] for line in out.splitlines()] == [r"to\rbe", r"or\nnot"]


@pytest.mark.parametrize("split", ["tail", "head", "random-blocks"])
def test_records_are_split_at_random_alone(folder: Path, capsys: pytest.CaptureFixture[str], split: str) -> None:
    message = f"charlm: --split is for a text, and records are always drawn at random: leave out '{split}'\n"
    assert run(capsys, "train", "names.txt", "--records", "--split", split, code=2) == ("", message)
    (folder / "all.toml").write_text(f"split = '{split}'\n")
    run(capsys, "train", "names.txt", "--records", "--config", "all.toml")


def test_every_family_holds_out_what_the_seed_of_the_split_draws(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = ["--model", "trained-bigram", "--max-steps", "1"]
    flags = {"counted": [], "trained": trained, "seeded": [*trained, "--seed", "5"]}
    held_out = {}
    for seed in ("0", "5"):
        for name, own in flags.items():
            out = f"{name}-{seed}"
            drawn = [] if seed == "0" and name == "counted" else ["--split-seed", seed]
            run(capsys, "train", "names.txt", "--records", *own, *drawn, "--out", out)
            held_out[out] = json.loads((folder / out / "run.json").read_text())["fingerprints"]["validation"]
    assert [len({held_out[f"{name}-{seed}"] for name in flags}) for seed in ("0", "5")] == [1, 1]
    assert len({*held_out.values()}) == 2
    for arguments in (["text.txt"], ["text.txt", "--validation", "text.txt"]):
        assert "--split-seed" in run(capsys, "train", *arguments, "--split-seed", "5", code=2)[1]


def test_python_is_told_what_the_commands_say(folder: Path) -> None:
    (folder / "dos.txt").write_bytes(TEXT.replace("\n", "\r\n").encode())
    (folder / "gaps.txt").write_bytes("".join(f"{name}\n\n" for name in NAMES).encode())
    for told, arguments in (("CR LF", ["dos.txt"]), ("blank records skipped", ["gaps.txt"])):
        is_records, notes, of_shards = arguments == ["gaps.txt"], list[str](), list[str]()
        CharLM.fit_file(arguments, records=is_records, validation=arguments, order=3, note=notes.append)
        assert [told in note for note in notes] == [True, True]
        encode_files(arguments * 2, folder / arguments[0][:3], records=is_records, note=of_shards.append)
        assert of_shards == notes
    notes = []
    RecordDataset.from_file("gaps.txt", note=notes.append)
    assert ["blank records skipped" in note for note in notes] == [True]
