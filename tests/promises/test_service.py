"""The example service under load: each whole request gets its answer, whatever others send, or do not send."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from charlm import CharLM
from torture import TORTURE

EXAMPLES = Path(__file__).parents[2] / "examples"
CLIENTS = 200 if TORTURE else 20
REQUESTS = 10 if TORTURE else 4
"""Of each client that sends whole requests."""
SECONDS_FOR_A_BODY = 30 if TORTURE else 3
"""Far more than any body takes that comes whole, which shares two cores with all others."""
LONGEST_BODY = 1 << 20
LONGEST_SENT = (20 if TORTURE else 4) * LONGEST_BODY
MOST_GROWTH = (CLIENTS + 100) * LONGEST_BODY
"""In bytes: a body of each client, and some room to parse and to compute."""
PROGRAM = (
    "import sys, uvicorn, service\n"
    f"service.SECONDS_FOR_A_BODY = {SECONDS_FOR_A_BODY}\n"
    "uvicorn.run(service.main(sys.argv[1]), port=0, access_log=False)"
)

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="the memory of a process is read from /proc")


class Sent(NamedTuple):
    """A request, and what must come back."""

    path: str
    body: bytes
    status: int
    answer: dict[str, Any] | None = None


class Server(NamedTuple):
    port: int
    process: "subprocess.Popen[str]"

    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.fixture(scope="module")
def lm() -> CharLM:
    return CharLM.fit("the cat sat on the mat. " * 50, order=4)


@pytest.fixture(scope="module")
def server(lm: CharLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("service") / "model.safetensors"
    lm.save(path)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(EXAMPLES), *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, path], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        said = ""
        while not (found := re.search(r"running on http://127.0.0.1:(\d+)", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield Server(int(found[1]), process)
        process.terminate()
        said = process.stderr.read()
    assert "Traceback" not in said, said


def requests(lm: CharLM, random: Random) -> Iterator[Sent]:
    """Yields whole requests of all kinds, in random order and without end."""

    def score() -> Sent:
        texts = [
            "".join(random.choices("the cat\u4e00", k=random.randint(1, 300))) for _ in range(random.randint(1, 20))
        ]
        bits = [lm.bits_per_character(text) for text in texts]
        answer = {"log_likelihoods": lm.score_samples(texts).tolist(), "bits_per_character": bits}
        body = json.dumps({"texts": texts}).encode()
        return Sent("score", body.ljust(random.choice([0, 0, 0, LONGEST_BODY])), 200, answer)

    def generate() -> Sent:
        settings: dict[str, Any] = {
            "prompt": "the ",
            "max_new_tokens": random.randint(1, 50),
            "seed": random.randrange(9),
        }
        return Sent("generate", json.dumps(settings).encode(), 200, {"text": lm.generate(**settings)})

    def malformed() -> Sent:
        return Sent("score", random.choice([b"", b"{", b"[]", b'{"texts": ["a"', b'{"texts": [7]}']), 422)

    def not_json_at_all() -> Sent:
        return Sent("score", random.choice([b"\xff" * 99, b"7" * 9999, b"[" * LONGEST_BODY]), 400)

    def too_long() -> Sent:
        return Sent(random.choice(["score", "generate"]), b" " * random.randint(LONGEST_BODY + 1, LONGEST_SENT), 413)

    kinds: list[Callable[[], Sent]] = [score, score, generate, generate, malformed, not_json_at_all, too_long]
    while True:
        yield random.choice(kinds)()


def head(path: str, length: int | None) -> bytes:
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"POST /{path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{framing}\r\n\r\n".encode()


def chunks(body: bytes, random: Random) -> Iterator[bytes]:
    place = 0
    while place < len(body):
        chunk = body[place : place + random.randint(1, 1 << 17)]
        place += len(chunk)
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """Returns the status and the JSON of a response."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = re.search(r"content-length: (\d+)", lines)
    assert length is not None
    return int(lines.split()[1]), json.loads(await reader.readexactly(int(length[1])))


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def whole(port: int, sent: Sent, random: Random) -> tuple[int, dict[str, Any]]:
    """Sends a request, with its length or in chunks of any size, and returns what comes back."""
    is_chunked = random.random() < 0.5
    pieces = chunks(sent.body, random) if is_chunked else iter([sent.body])
    async with connected(port) as (reader, writer):
        for piece in chain([head(sent.path, None if is_chunked else len(sent.body))], pieces):
            writer.write(piece)
            await writer.drain()
        return await answer(reader)


async def slow(port: int, random: Random, answered: asyncio.Condition) -> int:
    """Sends half a request, then a byte for each answer that another client gets, or nothing; returns the status.

    Who is sending when the connection is closed may not see the answer: that counts as 408.
    """
    stops = random.random() < 0.5

    async def dribble(writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while not stops:
                async with answered:
                    await answered.wait()
                writer.write(b" ")
                await writer.drain()

    async with connected(port) as (reader, writer):
        writer.write(head("score", random.choice([None, LONGEST_BODY])) + b"1\r\n[\r\n")
        dribbling, status = asyncio.create_task(dribble(writer)), 408
        with nullcontext() if stops else suppress(ConnectionError, asyncio.IncompleteReadError):
            status, _ = await answer(reader)
        dribbling.cancel()
        return status


async def load(server: Server, lm: CharLM) -> Counter[int]:
    """Lets all clients loose on the service, checks each answer, and returns how many there were of each status."""
    answered, statuses = asyncio.Condition(), Counter[int]()

    async def client(number: int) -> None:
        random = Random(number)  # noqa: S311 - not secret
        for sent, _ in zip(requests(lm, random), range(REQUESTS), strict=False):
            status, content = await whole(server.port, sent, random)
            assert (status, content) == (sent.status, sent.answer or content), sent.body[:99]
            assert status == 200 or isinstance(content["detail"], list | str)
            statuses[status] += 1
            async with answered:
                answered.notify_all()

    async def slow_client(number: int) -> None:
        random = Random(number)  # noqa: S311 - not secret
        while not done.is_set():
            before = statuses.total()
            status = await slow(server.port, random, answered)
            assert status == 408
            assert done.is_set() or statuses.total() > before  # others were served meanwhile
            statuses[status] += 1

    done = asyncio.Event()
    async with asyncio.TaskGroup() as slow_ones:
        for number in range(CLIENTS // 2):
            slow_ones.create_task(slow_client(number))
        async with asyncio.TaskGroup() as whole_ones:
            for number in range(CLIENTS // 2):
                whole_ones.create_task(client(number))
        done.set()
    return statuses


def test_every_whole_request_gets_its_answer_while_others_hang(
    server: Server, lm: CharLM, record_property: Callable[[str, int], None]
) -> None:
    before = server.peak_bytes()
    statuses = asyncio.run(load(server, lm))
    assert set(statuses) == {200, 400, 408, 413, 422}
    assert statuses.total() - statuses[408] == CLIENTS // 2 * REQUESTS
    assert server.peak_bytes() - before < MOST_GROWTH
    record_property("a request to the example service", statuses.total())
