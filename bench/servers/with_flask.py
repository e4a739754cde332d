"""Flask's routes; gunicorn runs them in one process with threads."""

from typing import Any

from flask import Flask, render_template, request

from bench.servers import page, work

app = Flask(__name__, template_folder="views")


@app.get("/plain")
def plain() -> str:
    return "hello"


@app.get("/users/<id>")
def user(id: str) -> dict[str, Any]:
    return {"id": id, "name": "Ada"}


@app.get("/page")
def users() -> str:
    return render_template(page.TEMPLATE, **page.VALUES)


@app.get("/sleep")
def sleep() -> str:
    work.sleep()
    return "slept"


@app.get("/burn")
def burn() -> str:
    return str(work.burn(float(request.args["seconds"])))
