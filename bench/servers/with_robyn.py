"""Robyn's sync routes, one process and one worker, which is its default.

`--log-level WARNING` keeps it from writing a line for each request, as the others do not either.
"""

import sys
from typing import Any

from robyn import Request, Robyn

app = Robyn(__file__)


@app.get("/plain")
def plain() -> str:
    return "hello"


@app.get("/users/:id")
def user(request: Request) -> dict[str, Any]:
    return {"id": request.path_params["id"], "name": "Ada"}


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(sys.argv[1]))
