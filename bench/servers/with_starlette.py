"""Starlette's sync routes, which run in its pool of threads, on uvicorn (httptools, uvloop)."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from bench.servers import work


def plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def user(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"], "name": "Ada"})


def sleep(_: Request) -> PlainTextResponse:
    work.sleep()
    return PlainTextResponse("slept")


def burn(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(work.burn(float(request.query_params["seconds"]))))


routes = [
    Route("/plain", plain),
    Route("/users/{id}", user),
    Route("/sleep", sleep),
    Route("/burn", burn),
]

app = Starlette(routes=routes)

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
