"""Pages in Pode's own templates: the departures of a small station, from .pode files.

Open http://localhost:8090/ in a browser, or try:

    curl http://localhost:8090/
    curl http://localhost:8090/platforms/2
    curl http://localhost:8090/station.css.pode

The views in views/station hold Python in $( ), and some of the PowerShell that ported files may
keep. The stylesheet is a template, too: its colour follows the hour. PORT sets another port.
"""

import os
from datetime import datetime, timedelta

from pode_py import *

LINES = [
    ("S1", "Harbour", 1, 6),
    ("S3", "Airport", 2, 11),
    ("R8", "Lakes & Hills", 3, 24),
    ("S1", "Old Town", 1, 9),
    ("X2", "Capital", 2, 47),
]


def departures(now):
    """The next trains: each line goes every so many minutes."""
    trains = []
    for number, (line, to, platform, every) in enumerate(LINES):
        minutes = every - (now.hour * 60 + now.minute + number) % every
        trains.append(
            {
                "line": line,
                "to": to,
                "platform": platform,
                "minutes": minutes,
                "time": f"{now + timedelta(minutes=minutes):%H:%M}",
                "late": 5 if (now.minute + number) % 7 == 0 else 0,
            }
        )
    return sorted(trains, key=lambda train: train["minutes"])


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    enable_log_request_type(new_log_terminal_method())
    enable_log_error_type(new_log_terminal_method())

    set_view_engine("pode")
    add_view_folder("station", "views/station")

    def show(title, trains):
        data = {"Title": title, "Trains": trains, "Platforms": [1, 2, 3]}
        write_view_response("board", data=data, folder="station")

    @add_route("get", "/")
    def all_trains():
        show("All platforms", departures(datetime.now()))

    @add_route("get", "/platforms/:number")
    def one_platform():
        number = web_event.parameters["number"]
        trains = [one for one in departures(datetime.now()) if str(one["platform"]) == number]
        if not trains:
            raise StatusError(404, "There is no such platform.")
        show(f"Platform {number}", trains)


if __name__ == "__main__":
    start_server(server)
