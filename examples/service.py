"""Scores and generates text over HTTP: ``pip install fastapi uvicorn``, ``python examples/service.py FILE``.

Try it with ``curl localhost:8000/score --json '{"texts": ["hello", "xqzj"]}'``, or at http://localhost:8000/docs.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charlm import CharLM, python_docs
from chartok import UnknownCharacterError

LONGEST_BODY = 1 << 20
SECONDS_FOR_A_BODY = 10


class ScoreRequest(BaseModel, extra="forbid", str_min_length=1, str_max_length=10_000):
    texts: list[str] = Field(min_length=1, max_length=100)


class GenerateRequest(BaseModel, extra="forbid", str_max_length=10_000):
    prompt: str = ""
    max_new_tokens: int = Field(default=200, ge=1, le=1000)
    temperature: float = Field(default=1.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, lt=2**63)


async def refused(_: Request, error: Exception) -> JSONResponse:
    """Says what is wrong with a request, without the values sent, which may be long or impossible to encode as JSON."""
    if isinstance(error, HTTPException):  # no such page, or a body that is no JSON
        return JSONResponse({"detail": [error.detail]}, error.status_code, error.headers)
    found = error.errors() if isinstance(error, RequestValidationError) else [{"loc": ["body"], "msg": str(error)}]
    problems = [f"{' '.join(map(str, problem['loc']))}: {problem['msg']}" for problem in found]
    return JSONResponse({"detail": problems}, status_code=422)


class LimitedBody:
    """Receives a whole body before anything parses it, keeping no more than is allowed, and refuses the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, answer = bytearray(), self.app
        message: Message = {"more_body": scope["type"] == "http"}
        try:
            async with asyncio.timeout(SECONDS_FOR_A_BODY):
                while message.get("more_body"):  # to the end: who is still sending may not see the answer
                    message = await receive()
                    body += message.get("body", b"") if len(body) <= LONGEST_BODY else b""
        except TimeoutError:
            answer = closing(408, f"it took longer than {SECONDS_FOR_A_BODY} seconds")
        if len(body) > LONGEST_BODY:
            answer = closing(413, f"it has more than {LONGEST_BODY:,} bytes")
        received = [{**message, "body": bytes(body)}] if "type" in message else []

        async def next_message() -> Message:
            return received.pop() if received else await receive()

        await answer(scope, next_message, send)


def closing(status: int, problem: str) -> JSONResponse:
    """Returns the answer to a body that is not taken, after which the connection is closed."""
    return JSONResponse({"detail": [f"body: {problem}"]}, status, {"connection": "close"})


@asynccontextmanager
async def one_thread_per_core(_: FastAPI) -> AsyncIterator[None]:
    """Answers in as many threads at a time as there are cores; the other requests wait."""
    current_default_thread_limiter().total_tokens = os.cpu_count() or 1
    yield


def main(path: str | None = None) -> FastAPI:
    """Returns a service for a model file, or for a model of Python's documentation; its endpoints run in threads."""
    lm = CharLM.fit(python_docs()) if path is None else CharLM.load(path)
    if "torch" in sys.modules:  # a model that counts does without
        sys.modules["torch"].set_num_threads(1)  # in each of the threads
    app = FastAPI(
        exception_handlers=dict.fromkeys((RequestValidationError, UnknownCharacterError, HTTPException), refused),
        lifespan=one_thread_per_core,
    )
    app.add_middleware(LimitedBody)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"model": repr(lm)}

    @app.post("/score")
    def score(request: ScoreRequest) -> dict[str, list[float]]:
        bits = [lm.bits_per_character(text) for text in request.texts]
        return {"log_likelihoods": lm.score_samples(request.texts).tolist(), "bits_per_character": bits}

    @app.post("/generate")
    def generate(request: GenerateRequest) -> dict[str, str]:
        return {"text": lm.generate(**request.model_dump())}

    return app


if __name__ == "__main__":
    uvicorn.run(main(*sys.argv[1:]))
