"""Flask's plain route; gunicorn runs it in one process with threads."""

from flask import Flask

app = Flask(__name__)


@app.get("/plain")
def plain() -> str:
    return "hello"
