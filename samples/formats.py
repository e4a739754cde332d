"""One list in six formats: the client says which it likes, and sends such bodies itself.

Open http://localhost:8090/ in a browser, or try:

    curl http://localhost:8090/books
    curl -H "Accept: application/xml" http://localhost:8090/books
    curl -H "Accept: text/csv" http://localhost:8090/books
    curl -H "Accept: application/yaml" http://localhost:8090/books
    curl -i -H "Accept: image/png" http://localhost:8090/books
    curl -H "Accept-Language: de-AT" http://localhost:8090/greeting

    curl -H "Content-Type: application/xml" http://localhost:8090/books \\
        -d '<book><title>Fiasco</title><year>1986</year></book>'
    printf 'title,year\\nEden,1959\\nHis Master,1968\\n' |
        curl -H "Content-Type: text/csv" --data-binary @- http://localhost:8090/books
    curl --json '{"title": "Roadside Picnic", "year": 1972}' http://localhost:8090/books

(An old curl has no --json: use -H "Content-Type: application/json" -d '...' instead.) YAML needs
the package PyYAML. PORT sets another port.
"""

import os
from threading import Lock

from pode_py import *

GREETINGS = {"en": "Hello", "de": "Hallo", "pt-BR": "Olá"}


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    enable_log_error_type(new_log_terminal_method())

    books = [{"title": "Solaris", "year": 1961}]
    lock = Lock()

    @add_route("get", "/")
    def page():
        with lock:
            shown = list(books)
        write_html_response(shown)

    @add_route("get", "/books")
    def show():
        with lock:
            shown = list(books)
        write_negotiated_response(shown, root="books")

    @add_route("post", "/books")
    def add():
        data = web_event.data
        sent = data if isinstance(data, list) else [data]
        try:
            made = [{"title": one["title"], "year": int(one["year"])} for one in sent]
        except (KeyError, TypeError, ValueError):
            raise StatusError(400, "A book has a title and a year.") from None
        with lock:
            books.extend(made)
        write_negotiated_response(made, status_code=201)

    @add_route("get", "/greeting")
    def greet():
        return GREETINGS[get_preferred_language(GREETINGS)]


start_server(server)
