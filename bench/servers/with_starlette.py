"""Starlette's sync routes, which run in its pool of threads, on uvicorn (httptools, uvloop)."""

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from bench.servers import page, work

templates = Jinja2Templates(Path(__file__).parent / "views")


def plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def user(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"], "name": "Ada"})


def users(request: Request) -> HTMLResponse:
    return templates.TemplateResponse(request, page.TEMPLATE, page.VALUES)


def sleep(_: Request) -> PlainTextResponse:
    work.sleep()
    return PlainTextResponse("slept")


def burn(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(work.burn(float(request.query_params["seconds"]))))


routes = [
    Route("/plain", plain),
    Route("/users/{id}", user),
    Route("/page", users),
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
