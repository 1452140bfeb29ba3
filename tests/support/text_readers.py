"""How chartok reads files: vocabularies, token files, and texts as they are found in the world."""

import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from charlm import RecordDataset
from charlm.files.vocabularies import read_vocabulary
from chartok import (
    FileDecodeError,
    SourceError,
    TokenFile,
    TokenFileError,
    Vocabulary,
    VocabularyError,
    encode_file,
    read_counts,
    read_records,
    read_text,
)
from fuzzing import Read, Reader, of_bytes, of_several, of_values, under_a_suffix
from mutations import as_json
from signing import COMPRESSIONS, compressed_again, signed_token_file, zipped_again

TEXT = "ab ab\nba\u00e9\u4e00\U0001f600\r\n" * 9
ROWS = [("ab", 1), ('a "b", c', 2), ("\u00e9\n\u4e00", 3), ("", 4)] * 3
VOCABULARY = Vocabulary("ab \n\ud83d", special_tokens=["bos", "unk"])
LONG_SYMBOLS = Vocabulary(["a", "b", "ab", "Cl", "e\u0301", "\u4e00"], special_tokens=["bos", "eos", "unk", "<a>"])
RECORDS = Vocabulary("ab=\n", special_tokens=["bos", "eos", "unk"])
OF_TEXTS = (FileDecodeError, SourceError)


class EmptyTextError(ValueError):
    """A text is empty, which ``encode_file`` says by a plain ``ValueError``."""


def all_of_a_vocabulary(vocabulary: Vocabulary) -> object:
    assert vocabulary.decode(range(len(vocabulary.symbols))) is not None
    return vocabulary.fingerprint


def vocabulary_of_a_file(path: Path) -> object:
    return all_of_a_vocabulary(Vocabulary.load(path))


def vocabulary_of_a_tokenizer(path: Path) -> object:
    return all_of_a_vocabulary(Vocabulary.from_tokenizer_json(path))


def vocabulary_of_any_file(path: Path) -> object:
    return all_of_a_vocabulary(read_vocabulary(path))


def vocabulary_of_a_text(path: Path) -> object:
    return all_of_a_vocabulary(Vocabulary.from_file(path))


def tokens_of(**reading: Any) -> Read:
    """Returns what encodes a file."""

    def read(path: Path) -> object:
        try:
            with encode_file(path, path.with_suffix(".tokens"), **reading) as tokens:
                return tokens.sha256
        except ValueError as error:
            if "text is empty" in str(error):
                raise EmptyTextError from None
            raise

    return read


def all_ids_of_a_token_file(path: Path) -> object:
    with TokenFile(path) as tokens:
        total = tokens.read(0, len(tokens)).sum()
        tokens.verify()
        return total


def all_records_of_a_token_file(path: Path) -> object:
    with TokenFile(path) as tokens:
        tokens.verify()
        if not tokens.records:
            return None
        ids = RecordDataset(tokens, tokens.vocabulary).joined()
        return ids, prompts_of(tokens)


def prompts_of(tokens: TokenFile) -> object:
    """Returns the examples with what comes before ``=`` as prompts, or why some record has none."""
    try:
        dataset = RecordDataset(tokens, tokens.vocabulary, prompt_end="=")
    except ValueError as error:
        return str(error)
    return [dataset[number] for number in range(len(dataset))]


def column(kind: str) -> Read:
    return under_a_suffix(lambda path: read_records(path, column="text"), f".{kind}")


def member(archive: str) -> Read:
    """Returns what reads the text in an archive."""
    return lambda path: read_text(f"{archive}://a.txt::{path}")


def readers_of_texts(folder: Path) -> dict[str, Reader]:
    (folder / "input.txt").write_text("ab ab\nba" * 9, encoding="utf-8", newline="")
    return {
        **readers_of_vocabularies(folder),
        **readers_of_token_files(folder),
        **readers_of_plain_texts(),
        **readers_of_tables(),
        **readers_of_compressed_texts(),
    }


def readers_of_vocabularies(folder: Path) -> dict[str, Reader]:
    description, long = VOCABULARY.to_dict(), LONG_SYMBOLS.to_dict()
    RECORDS.to_tokenizer_json(folder / "tokenizer.json")
    LONG_SYMBOLS.to_tokenizer_json(folder / "long-tokenizer.json")
    tokenizer = (folder / "tokenizer.json").read_bytes()
    long_tokenizer = (folder / "long-tokenizer.json").read_bytes()
    symbols = dict(enumerate("ab \n"))
    meta = pickle.dumps({"itos": symbols, "stoi": {symbol: place for place, symbol in symbols.items()}})
    return {
        "vocabulary": of_bytes(as_json(description), vocabulary_of_a_file, VocabularyError),
        "vocabulary, values": of_values(description, vocabulary_of_a_file, VocabularyError),
        "vocabulary of long symbols, values": of_values(long, vocabulary_of_a_file, VocabularyError),
        "tokenizer.json": of_bytes(tokenizer, vocabulary_of_a_tokenizer, VocabularyError),
        "tokenizer.json, values": of_values(json.loads(long_tokenizer), vocabulary_of_a_tokenizer, VocabularyError),
        "meta.pkl": of_bytes(meta, vocabulary_of_any_file, VocabularyError, ValueError),
        "vocabulary of any file": of_several(
            [meta, tokenizer, long_tokenizer, as_json(long)], vocabulary_of_any_file, ValueError
        ),
    }


def readers_of_token_files(folder: Path) -> dict[str, Reader]:
    encode_file(folder / "input.txt", folder / "input.tokens").close()
    (folder / "records.txt").write_text("ab=a\na=bb\n\nb=\n", encoding="utf-8")
    encode_file(folder / "records.txt", folder / "records.tokens", RECORDS, records=True, blank_lines="keep").close()
    text, records = (folder / "input.tokens").read_bytes(), (folder / "records.tokens").read_bytes()
    read_all, damage = all_records_of_a_token_file, (TokenFileError,)
    return {
        "token file": of_bytes(text, all_ids_of_a_token_file, *damage, has_checksum=True),
        "token file, signed": Reader(all_ids_of_a_token_file, damage, signed_token_file(text)),
        "token file of records": of_bytes(records, read_all, *damage, has_checksum=True),
        "token file of records, signed": Reader(read_all, damage, signed_token_file(records)),
    }


def readers_of_plain_texts() -> dict[str, Reader]:
    text = TEXT.encode()
    counts = "ab\t12\nnew york\t3\n\u00e9\t1\nab\t5\n".encode()
    of_auto = [TEXT.encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")]
    of_auto.append("un été à la forêt, où l'on rêve\n".encode("cp1252") * 4)
    return {
        "text": of_bytes(text, read_text, *OF_TEXTS),
        "text, encoded": of_bytes(text, tokens_of(compression="none"), *OF_TEXTS, EmptyTextError, share=0.1),
        "text, its vocabulary": of_bytes(text, vocabulary_of_a_text, *OF_TEXTS, ValueError),
        "text in UTF-16": of_bytes(TEXT.encode("utf-16"), lambda path: read_text(path, encoding="utf-16"), *OF_TEXTS),
        "text in some encoding": of_several(
            of_auto, lambda path: read_text(path, encoding="auto"), *OF_TEXTS, share=0.02
        ),
        "records": of_bytes(text, read_records, *OF_TEXTS),
        "records, encoded": of_bytes(text, tokens_of(records=True), *OF_TEXTS, EmptyTextError, share=0.1),
        "counts": of_bytes(counts, read_counts, *OF_TEXTS),
    }


def readers_of_tables() -> dict[str, Reader]:
    cells = [cell for cell, _ in ROWS]
    csv = "number,text\n" + "".join(f'{n},"{cell.replace(chr(34), chr(34) * 2)}"\n' for cell, n in ROWS)
    tsv = "number\ttext\n" + "".join(f"{n}\t{cell}\n" for cell, n in ROWS if "\n" not in cell)
    lines = [{"number": n, "text": cell} for cell, n in ROWS]
    jsonl = b"".join(as_json(line) + b"\n" for line in lines)
    file = io.BytesIO()
    parquet.write_table(pa.table({"number": [n for _, n in ROWS], "text": cells}), file)
    return {
        "csv table": of_bytes(csv.encode(), column("csv"), *OF_TEXTS),
        "tsv table": of_bytes(tsv.encode(), column("tsv"), *OF_TEXTS),
        "jsonl table": of_bytes(jsonl, column("jsonl"), *OF_TEXTS),
        "parquet table": of_bytes(file.getvalue(), column("parquet"), *OF_TEXTS, OSError, share=0.2),
    }


def readers_of_compressed_texts() -> dict[str, Reader]:
    text = TEXT.encode()
    found = {
        f"{kind} data": of_bytes(compress(text), read_text, *OF_TEXTS, share=0.3)
        for kind, compress in COMPRESSIONS.items()
    }
    gzip_encoded = tokens_of(compression="gzip")
    found["gzip data, encoded"] = of_bytes(
        COMPRESSIONS["gzip"](text), gzip_encoded, *OF_TEXTS, EmptyTextError, share=0.1
    )
    found["compressed data, signed"] = Reader(
        read_text, OF_TEXTS, compressed_again(text, COMPRESSIONS.values()), share=0.3
    )
    refusals = (*OF_TEXTS, OSError, ValueError)
    zipped = zipped_again("a.txt", text)
    found["zip archive"] = of_bytes(_zip(text), member("zip"), *refusals, share=0.1)
    found["zip archive, signed"] = Reader(member("zip"), refusals, zipped, share=0.1)
    found["tar archive"] = of_bytes(_tar(text), member("tar"), *refusals, share=0.05)
    return found


def _zip(text: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", text)
    return file.getvalue()


def _tar(text: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", bufsize=512) as archive:
        description = tarfile.TarInfo("a.txt")
        description.size = len(text)
        archive.addfile(description, io.BytesIO(text))
    return file.getvalue()
