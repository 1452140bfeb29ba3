"""Damage to what stands in a file, under checksums that are right."""

import gzip
import hashlib
import io
import json
import lzma
import random
import sys
import zipfile
import zlib
from bz2 import compress as as_bz2
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from charlm.files.compressed_file import CHECK, HEADER, Header
from charlm.files.model_arrays import hashed_parts
from charlm.files.run_folder import CheckpointFolder
from charlm.training.checkpoint import _as_json, read_checkpoint
from chartok.files.envelope import SEAL, sealed
from chartok.files.reading import Compression
from chartok.token_file import MAGIC, PREFIX
from fuzzing import Damage
from mutations import as_json, mutated, mutated_json

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESSIONS: dict[Compression, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bz2": as_bz2,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}
ODD_NUMBERS = (0, -1, 1, 127, 255, 2**31, 2**40, 2**63 - 1, 2**64 - 1)


def resealed(description: bytes) -> Damage:
    """Damages a description in JSON, and seals it again."""
    content = json.loads(description)
    del content[SEAL]

    def damaged(generator: random.Random) -> bytes:
        changed = mutated_json(content, generator)
        return as_json(sealed(changed) if isinstance(changed, dict) else changed)

    return damaged


def signed_manifest(sound: bytes) -> Damage:
    content = json.loads(sound)
    del content[SEAL]

    def damaged(generator: random.Random) -> bytes:
        changed = mutated_json(content, generator)
        if not isinstance(changed, dict):
            return as_json(changed)
        return _as_json(sealed(changed, encode=_as_json))

    return damaged


def signed_token_file(sound: bytes) -> Damage:
    """Damages the header of a token file, or what follows it."""
    length = int.from_bytes(sound[len(MAGIC) : len(MAGIC) + 8], "little")
    header, ids = json.loads(sound[PREFIX : PREFIX + length]), sound[PREFIX + length :]

    def damaged(generator: random.Random) -> bytes:
        changed, rest = header, ids
        if generator.random() < 0.3:
            rest = mutated(ids, generator)
            changed = header | {"sha256": hashlib.sha256(rest).hexdigest()}
        if rest == ids or generator.random() < 0.5:
            changed = mutated_json(changed, generator)
        encoded = as_json(changed)
        return MAGIC + len(encoded).to_bytes(8, "little") + hashlib.sha256(encoded).digest() + encoded + rest

    return damaged


def signed_model_file(path: Path) -> Damage:
    with safetensors.safe_open(path, framework="pt") as file:
        content = json.loads(file.metadata()["charlm"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    del content[SEAL]

    def damaged(generator: random.Random) -> bytes:
        changed, parts = mutated_json(content, generator), dict(tensors)
        if generator.random() < 0.5:
            name = generator.choice(list(parts))
            parts[name] = odd_tensor(parts[name], generator)
            if generator.random() < 0.7:
                changed = content
        if isinstance(changed, dict):
            changed = sealed(changed, more=hashed_parts(parts))
        return safetensors.torch.save(parts, {"charlm": json.dumps(changed)})

    return damaged


def odd_tensor(tensor: torch.Tensor, generator: random.Random) -> torch.Tensor:
    """Returns a tensor of another shape or type, or with values that do not belong there."""
    match generator.randrange(6):
        case 0:
            return tensor[..., :-1].contiguous() if tensor.ndim and tensor.shape[-1] else tensor.reshape(1, -1)
        case 1:
            return tensor.to(generator.choice((torch.float16, torch.int32, torch.bool, torch.float64)))
        case 2:
            return tensor.flatten().flip(0).reshape(tensor.shape).contiguous()
        case 3:
            return torch.full_like(tensor, odd_number(tensor.dtype, generator))
        case 4 if tensor.numel():
            changed = tensor.clone(memory_format=torch.contiguous_format)
            changed.view(-1)[generator.randrange(tensor.numel())] = odd_number(tensor.dtype, generator)
            return changed
        case _:
            return torch.zeros((0, *tensor.shape[1:]), dtype=tensor.dtype)


def odd_number(dtype: torch.dtype, generator: random.Random) -> float | int | bool:
    """Returns a number that a tensor of a type can hold, and hardly should."""
    if dtype.is_floating_point:
        return generator.choice((torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1.0, -1e4, 6e4))
    if dtype == torch.bool:
        return generator.choice((True, False))
    bounds = torch.iinfo(dtype)
    return generator.choice((bounds.min, bounds.max, min(bounds.max, 2**40), 0, 1))


def signed_state(checkpoint: Path) -> Damage:
    """Damages what a checkpoint holds of a run beside the model; the damaged file is that of the tensors and values."""
    values = read_checkpoint(checkpoint).values
    tensors = safetensors.torch.load_file(CheckpointFolder(checkpoint).tensors_path)

    def damaged(generator: random.Random) -> bytes:
        changed, parts = values, dict(tensors)
        if generator.random() < 0.6:
            changed = mutated_json(values, generator)
        if generator.random() < 0.6:
            name = generator.choice(list(parts))
            parts[name] = odd_tensor(parts[name], generator)
        return safetensors.torch.save(parts, {"values": json.dumps(changed)})

    return damaged


def signed_compressed_file(sound: bytes) -> Damage:
    """Damages the header of a file of ``compress``, its alphabet or its code; its CRC-32 is right."""
    header = Header(*HEADER.unpack(sound[: HEADER.size]))
    body = sound[HEADER.size : -CHECK.size]
    alphabet, code = zlib.decompress(body[: header.n_alphabet]), body[header.n_alphabet :]

    def damaged(generator: random.Random) -> bytes:
        fields, symbols, rest = header._asdict(), zlib.compress(alphabet), code
        if generator.random() < 0.4:
            symbols = zlib.compress(mutated(alphabet, generator))
        if generator.random() < 0.4:
            rest = mutated(code, generator)
        fields["n_alphabet"] = len(symbols)
        if generator.random() < 0.5:
            fields |= _odd_field(generator, header.n_ids)
        packed = HEADER.pack(*fields.values()) + symbols + rest
        return packed + CHECK.pack(zlib.crc32(packed))

    return damaged


def _odd_field(generator: random.Random, n_ids: int) -> dict[str, int | bytes]:
    match generator.choice(("version", "encoding", "table_bits", "n_ids", "n_alphabet", "sha256", "model")):
        case "sha256" | "model" as name:
            return {name: generator.randbytes(32)}
        case "n_ids":
            return {"n_ids": generator.choice((n_ids - 1, n_ids + 1, *ODD_NUMBERS)) % 2**64}
        case "n_alphabet":
            return {"n_alphabet": generator.choice(ODD_NUMBERS) % 2**32}
        case name:
            return {name: generator.choice((0, 1, 2, 15, 16, 20, 27, 28, 255))}


def compressed_again(text: bytes, compressions: Iterable[Callable[[bytes], bytes]]) -> Damage:
    """Damages a text, and compresses it, in one stream or two; what follows them may be something else."""
    kinds = [*compressions]

    def damaged(generator: random.Random) -> bytes:
        compress = generator.choice(kinds)
        changed = mutated(text, generator)
        place = generator.randrange(len(changed) + 1)
        streams = generator.choice(([changed], [changed[:place], changed[place:]]))
        return b"".join(map(compress, streams)) + generator.choice((b"", b"\0" * 9, b"x"))

    return damaged


def zipped_again(name: str, text: bytes) -> Damage:
    """Damages a text, or its name, and puts it into a zip archive."""

    def damaged(generator: random.Random) -> bytes:
        changed = mutated(text, generator) if generator.random() < 0.8 else text
        inside = generator.choice((name, name, name, "../" + name, name + "/" + name, name.upper()))
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", generator.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            archive.writestr(inside, changed)
        return file.getvalue()

    return damaged


def saved_again(content: dict[str, Any]) -> Damage:
    """Damages the plain values and the tensors of a checkpoint of another program, and pickles it."""

    def damaged(generator: random.Random) -> bytes:
        changed = mutated_json(content, generator)
        tensors = changed.get("model", changed) if isinstance(changed, dict) else None
        if isinstance(tensors, dict) and tensors and generator.random() < 0.5:
            name = generator.choice(list(tensors))
            if isinstance(tensors[name], torch.Tensor):
                tensors[name] = odd_tensor(tensors[name], generator)
        file = io.BytesIO()
        torch.save(changed, file)
        return file.getvalue()

    return damaged
