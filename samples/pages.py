"""Pages with a layout and partial views: a small guide to trees, rendered by Jinja2.

Open http://localhost:8090/ in a browser, or try:

    curl http://localhost:8090/
    curl "http://localhost:8090/?find=oak"
    curl http://localhost:8090/trees/oak
    curl -i -d "name=Ann&text=I+saw+one+in+Bonn." http://localhost:8090/trees/oak/notes
    curl -i http://localhost:8090/trees/palm

Change a file in views/trees while the sample runs, and reload the page. What visitors write is
escaped: try a note with <b>tags</b>. PORT sets another port.
"""

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from threading import Lock

from pode_py import *


@dataclass(frozen=True)
class Tree:
    key: str
    name: str
    latin: str
    height: float
    age: int
    evergreen: bool
    text: str


TREES = [
    Tree("oak", "Oak", "Quercus robur", 35, 1000, False, "Home of more insects than any other."),
    Tree(
        "beech", "Beech", "Fagus sylvatica", 40, 300, False, "Smooth bark, and little light below."
    ),
    Tree(
        "birch",
        "Birch",
        "Betula pendula",
        25,
        100,
        False,
        "The first to come when a field is left.",
    ),
    Tree("spruce", "Spruce", "Picea abies", 50, 400, True, "Its cones hang, those of a fir stand."),
    Tree(
        "yew",
        "Yew",
        "Taxus baccata",
        20,
        2000,
        True,
        "All of it is poisonous but the red of its berries.",
    ),
    Tree(
        "lime",
        "Lime",
        "Tilia cordata",
        30,
        900,
        False,
        "Villages danced under it, and bees still do.",
    ),
]
LONGEST = 200


def configure(environment):
    """Add what the templates use to Jinja2's environment."""
    environment.filters["metres"] = "{:.0f} m".format
    environment.globals["year"] = date.today().year


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    enable_log_request_type(new_log_terminal_method())
    enable_log_error_type(new_log_terminal_method())
    set_view_engine("jinja2", environment=configure)

    trees = {tree.key: tree for tree in TREES}
    notes = defaultdict(list)
    lock = Lock()

    def wanted_tree():
        tree = trees.get(web_event.parameters["key"])
        if tree is None:
            raise StatusError(404, "This tree is not in the guide.")
        return tree

    @add_route("get", "/")
    def home():
        find = str(web_event.query.get("find") or "").strip()
        shown = [
            tree for tree in TREES if find.casefold() in f"{tree.name} {tree.latin}".casefold()
        ]
        write_view_response("trees/home", data={"trees": shown, "find": find})

    @add_route("get", "/trees/:key")
    def show():
        tree = wanted_tree()
        others = [other for other in TREES if other.evergreen == tree.evergreen and other != tree]
        data = {"tree": tree, "others": others, "notes": notes[tree.key], "longest": LONGEST}
        write_view_response("trees/tree", data=data)

    @add_route("post", "/trees/:key/notes")
    def add_note():
        tree = wanted_tree()
        name, text = (str(web_event.data.get(field) or "").strip() for field in ("name", "text"))
        if not name or not 0 < len(text) <= LONGEST:
            raise StatusError(400, f"A note has a name, and a text of at most {LONGEST} letters.")
        with lock:
            notes[tree.key] = [{"name": name, "text": text}, *notes[tree.key]][:20]
        move_response_url(f"/trees/{tree.key}#notes")


if __name__ == "__main__":
    start_server(server)
