"""Configuration: a file beside the script, and variables of the environment over it.

Open http://localhost:8090/, then change settings/server.toml and restart:

    curl -X POST http://localhost:8090/restart         # reads the file again
    curl http://localhost:8090/config
    curl -d 'more than 1,000 bytes...' http://localhost:8090/size

Other ways to start it:

    PODE_PY__COLOR=tomato make run SAMPLE=configuration
    PODE_PY__SERVER__THREADS=2 make run SAMPLE=configuration
    SETTINGS=settings/powershell make run SAMPLE=configuration     # Pode's server.psd1

Write Server.Thread instead of Server.Threads, and see what the log says. PORT sets another port.
"""

import os

from pode_py import *

PAGE = """<!DOCTYPE html>
<title>Configuration</title>
<style>body {{ font: 1.2rem system-ui; color: white; background: {color}; padding: 2rem }}</style>
<h1>{greeting}</h1>
<p>{path} was read; its numbers are {numbers}.</p>
"""


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    config = get_config()

    @add_route("get", "/")
    def page():
        # Keys are found in any case.
        write_html_response(
            PAGE.format(
                color=config["color"],
                greeting=config["Greeting"],
                path=get_config_path(),
                numbers=config["cards"]["numbers"],
            )
        )

    @add_route("get", "/config")
    def show():
        return {"path": get_config_path(), "name": get_server_name(), "values": config}

    @add_route("post", "/size")
    def size():
        return {"bytes": len(web_event.request.body)}

    @add_route("post", "/restart")
    def restart():
        restart_server()
        return {"restarting": True}


if __name__ == "__main__":
    start_server(server, config_file=os.environ.get("SETTINGS", "settings"))
