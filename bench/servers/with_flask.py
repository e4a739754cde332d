"""Flask's routes; gunicorn runs them in one process with threads."""

from typing import Any

from flask import Flask, request

from bench.servers import work

app = Flask(__name__)


@app.get("/plain")
def plain() -> str:
    return "hello"


@app.get("/users/<id>")
def user(id: str) -> dict[str, Any]:
    return {"id": id, "name": "Ada"}


@app.get("/sleep")
def sleep() -> str:
    work.sleep()
    return "slept"


@app.get("/burn")
def burn() -> str:
    return str(work.burn(float(request.args["seconds"])))
