"""aiohttp as it comes: a handler of it is a coroutine on the event loop, it has no other kind."""

import sys

from aiohttp import web

routes = web.RouteTableDef()


@routes.get("/plain")
async def plain(_: web.Request) -> web.Response:
    return web.Response(text="hello")


@routes.get("/users/{id}")
async def user(request: web.Request) -> web.Response:
    return web.json_response({"id": request.match_info["id"], "name": "Ada"})


app = web.Application()
app.add_routes(routes)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
