"""A REST API for books: all verbs, JSON in and out, and errors as JSON.

Open http://localhost:8090/ in a browser, or try:

    curl http://localhost:8090/api/books
    curl "http://localhost:8090/api/books?author=lem"
    curl http://localhost:8090/api/books/1
    curl -i --json '{"title": "Fiasco", "author": "Stanislaw Lem"}' http://localhost:8090/api/books
    curl -X PUT --json '{"title": "The Invincible", "author": "Stanislaw Lem"}' \\
        http://localhost:8090/api/books/1
    curl -i -X DELETE http://localhost:8090/api/books/1
    curl -i http://localhost:8090/api/books/99

(An old curl has no --json: use -H "Content-Type: application/json" -d '...' instead.)
PORT sets another port.
"""

import os
from itertools import count
from threading import Lock

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    enable_log_request_type(new_log_terminal_method())

    books = {}
    numbers = count(1)
    lock = Lock()

    def put(number, title, author):
        book = {"id": number, "title": title, "author": author}
        with lock:
            books[number] = book
        return book

    def sent_book():
        book = web_event.data if isinstance(web_event.data, dict) else {}
        fields = [book.get("title"), book.get("author")]
        if not all(isinstance(text, str) and text.strip() for text in fields):
            raise StatusError(400, "A book has a title and an author.")
        return fields

    def wanted_number():
        text = web_event.parameters["id"]
        number = int(text) if text.isascii() and text.isdigit() else 0
        if number not in books:
            raise StatusError(404, f"There is no book {text}.")
        return number

    put(next(numbers), "Solaris", "Stanislaw Lem")
    put(next(numbers), "The Dispossessed", "Ursula K. Le Guin")
    put(next(numbers), "Roadside Picnic", "Arkady and Boris Strugatsky")

    with add_route_group("/api", error_content_type="application/json"):

        @add_route("get", "/books")
        def list_books():
            author = str(web_event.query.get("author") or "").casefold()
            shelf = list(books.values())
            return [book for book in shelf if author in book["author"].casefold()]

        @add_route("post", "/books", content_type="application/json")
        def add_book():
            book = put(next(numbers), *sent_book())
            set_header("Location", f"/api/books/{book['id']}")
            write_json_response(book, status_code=201)

        @add_route("get", "/books/:id")
        def show_book():
            return books[wanted_number()]

        @add_route("put", "/books/:id", content_type="application/json")
        def change_book():
            return put(wanted_number(), *sent_book())

        @add_route("delete", "/books/:id")
        def remove_book():
            with lock:
                books.pop(wanted_number(), None)
            set_response_status(204)

    @add_route("get", "/")
    def page():
        write_html_response(path="public/rest_api.html")


if __name__ == "__main__":
    start_server(server)
