"""Scores and generates text over HTTP: ``pip install fastapi uvicorn``, ``python examples/service.py FILE``.

Try it with ``curl localhost:8000/score --json '{"texts": ["hello", "xqzj"]}'``, or at http://localhost:8000/docs.
"""

import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from charlm import CharLM, python_docs
from chartok import UnknownCharacterError


class ScoreRequest(BaseModel, extra="forbid", str_min_length=1, str_max_length=10_000):
    texts: list[str] = Field(min_length=1, max_length=100)


class GenerateRequest(BaseModel, extra="forbid", str_max_length=10_000):
    prompt: str = ""
    max_new_tokens: int = Field(default=200, ge=1, le=1000)
    temperature: float = Field(default=1.0, ge=0, le=10)
    seed: int = Field(default=0, ge=0, lt=2**63)


async def refused(_: Request, error: Exception) -> JSONResponse:
    """Says what is wrong with a request, without the values sent, which may be long or impossible to encode as JSON."""
    found = error.errors() if isinstance(error, RequestValidationError) else [{"loc": ["body"], "msg": str(error)}]
    problems = [f"{' '.join(map(str, problem['loc']))}: {problem['msg']}" for problem in found]
    return JSONResponse({"detail": problems}, status_code=422)


def main(path: str | None = None) -> FastAPI:
    """Returns a service for a model file, or for a model of Python's documentation; its endpoints run in threads."""
    lm = CharLM.fit(python_docs()) if path is None else CharLM.load(path)
    app = FastAPI(exception_handlers={RequestValidationError: refused, UnknownCharacterError: refused})

    @app.get("/health")
    def health() -> dict[str, str]:
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
