"""Cookies: one that JavaScript may read, and a signed one that nobody can forge.

Open http://localhost:8090/ in a browser, reload it, and change the theme. Or try:

    curl -i http://localhost:8090/api/visit
    curl -b jar -c jar http://localhost:8090/api/visit     (more than once)
    curl -b "visits=1000" http://localhost:8090/api/visit
    curl -i -d "theme=dark" http://localhost:8090/api/theme
    curl -i -b "theme=dark" -X POST http://localhost:8090/api/forget

The page shows what the server gets and what document.cookie has. With "Cheat" the cookie of visits
says a million, without a signature: the server counts from the beginning. PORT sets another port.
"""

import os

from pode_py import *

MONTH = 30 * 86400


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    enable_log_request_type(new_log_terminal_method())
    set_cookie_secret(value=get_server_default_secret(purpose="cookies"), global_=True)
    secret = get_cookie_secret(global_=True)

    def seen():
        visits = get_cookie_value("visits", secret=secret)
        return {"visits": int(visits or 0), "signed": visits is not None, "sent": web_event.cookies}

    @add_route("get", "/")
    def page():
        write_html_response(path="public/cookies.html")

    @add_route("get", "/api/visit")
    def visit():
        visits = int(get_cookie_value("visits", secret=secret) or 0) + 1
        set_cookie("visits", visits, secret=secret, duration=MONTH)
        return {"visits": visits}

    @add_route("get", "/api/cookies")
    def show():
        return seen()

    @add_route("post", "/api/theme")
    def theme():
        wanted = web_event.data["theme"]
        if wanted not in ("light", "dark"):
            raise StatusError(400, "The theme is light or dark.")
        set_cookie("theme", wanted, duration=MONTH, readable=True)

    @add_route("post", "/api/cheat")
    def cheat():
        set_cookie("visits", 1_000_000, duration=MONTH)

    @add_route("post", "/api/forget")
    def forget():
        for name in ("theme", "visits"):
            remove_cookie(name)


if __name__ == "__main__":
    start_server(server)
