"""Two live charts that a short page draws as SVG, without a library and without polling.

Open http://localhost:8090/ in a browser, or try:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events

A timer measures twice a second and sends the values. A client that connects, or reconnects, first
gets the values of the last minute in one event. PORT sets another port.
"""

import os
import random
import time
from collections import deque
from threading import Lock

from pode_py import *

EVERY = 0.5
KEPT = 120


class Sensors:
    """Two made-up instruments, whose values change slowly."""

    def __init__(self):
        self.temperature, self.wind = 21.0, 12.0

    def read(self):
        self.temperature += random.gauss(0, 0.12) + (21 - self.temperature) * 0.03
        self.wind = max(0.0, self.wind + random.gauss(0, 1.1) + (12 - self.wind) * 0.06)
        return {
            "at": round(time.time() * 1000),
            "temperature": round(self.temperature, 2),
            "wind": round(self.wind, 2),
        }


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    sensors = Sensors()
    readings = deque(maxlen=KEPT)
    turn = Lock()

    @add_timer("measure", EVERY, on_start=True)
    def measure():
        with turn:
            reading = sensors.read()
            readings.append(reading)
            send_sse_event(reading, name="Readings", id=reading["at"], event_type="reading")

    @add_route("get", "/events")
    def events():
        with turn:
            me = convert_to_sse_connection("Readings", retry_duration=1000)
            past = list(readings)
            send_sse_event(past, name="Readings", client_id=me.client_id, event_type="history")

    @add_route("get", "/")
    def page():
        write_html_response(path="public/live_chart.html")


if __name__ == "__main__":
    start_server(server)
