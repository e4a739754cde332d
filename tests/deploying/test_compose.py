"""The compose file fits the Dockerfile, the Caddyfile and the server that it puts together."""

from __future__ import annotations

import re

import yaml

from pode_py.server.options import ServerOptions
from tests.deploying.files import DEPLOY, ROOT, text_of

FILE = yaml.safe_load(text_of("compose.yaml"))
SERVICES = FILE["services"]
SHOPS = [name for name in SERVICES if name.startswith("shop")]


def test_the_files_that_it_names_are_there():
    for name in SHOPS:
        build = SERVICES[name]["build"]
        context = (DEPLOY / build["context"]).resolve()
        assert context == ROOT
        assert (context / build["dockerfile"]).is_file()
    mounted = SERVICES["caddy"]["volumes"][0].split(":")[0]
    assert (DEPLOY / mounted).is_file()


def test_the_volumes_and_services_that_it_names_are_there():
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        named = {one.split(":")[0] for one in service.get("volumes", ()) if one[0] not in "./"}
        assert named <= set(FILE["volumes"])


def test_whoever_is_waited_for_says_how_he_is():
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            assert wanted == {"condition": "service_healthy"}
            # Those of the shop are in their Dockerfile.
            assert "healthcheck" in SERVICES[name] or name in SHOPS


def test_its_variables_are_those_that_are_read():
    asked = set(re.findall(r'environ\.get\("(\w+)"', text_of("server.py")))
    for name in SHOPS:
        assert set(SERVICES[name]["environment"]) <= asked
    asked = set(re.findall(r"\{\$(\w+)", text_of("Caddyfile")))
    assert set(SERVICES["caddy"]["environment"]) == asked


def test_the_proxy_knows_every_server():
    upstreams = SERVICES["caddy"]["environment"]["SHOP_UPSTREAMS"].split()
    assert upstreams == [f"{name}:8080" for name in SHOPS]


def test_the_servers_are_given_time_to_stop():
    grace = ServerOptions().grace
    for name in SHOPS:
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= grace + 3


def test_browsers_reach_http_3():
    assert "443:443/udp" in SERVICES["caddy"]["ports"]
