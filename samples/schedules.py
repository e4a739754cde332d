"""Schedules: run functions at the times of cron expressions.

Open http://localhost:8090/ in a browser, or try:

    curl http://localhost:8090/api/schedules
    curl -X POST http://localhost:8090/api/schedules/every-minute       # run its handler now
    curl "http://localhost:8090/api/cron?every=day&hour=7&minute=30"    # what the helper builds

A schedule uses the time zone of the machine unless it has a time_zone. PORT sets another port.
"""

import os

from pode_py import *

PARTS = ("minute", "hour", "date", "month", "day")


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    def report():
        schedule = schedule_event.sender
        print(f"{schedule.name} ran; next: {schedule.next_trigger_time}", flush=True)
        news = {"schedule": schedule.name, "schedules": facts()}
        send_sse_event(news, name="Schedules", event_type="ran")

    # new_cron builds an expression from words.
    add_schedule("every-minute", new_cron(every="minute"), report)
    add_schedule("every-other-minute", new_cron(every="minute", interval=2), report)
    add_schedule("tuesdays", new_cron(every="day", day="tuesday", hour=0, minute=0), report)
    add_schedule("quarterly", new_cron(every="quarter"), report)
    # One of Pode's predefined words; several expressions; the time of another city.
    add_schedule("hourly", "@hourly", report)
    add_schedule("two-crons", ["*/3 * * * *", "*/5 * * * *"], report)
    add_schedule("breakfast-in-berlin", "30 7 * * *", report, time_zone="Europe/Berlin")
    # A random minute of every hour, and only twice.
    add_schedule("surprise", "R * * * *", report, limit=2)

    def facts():
        return [
            {
                "name": schedule.name,
                "cron": list(schedule.crons_raw),
                "runs": schedule.count,
                "last": schedule.last_trigger_time,
                "next": schedule.next_trigger_time,
            }
            for schedule in get_schedule()
        ]

    @add_route("get", "/api/schedules")
    def list_schedules():
        return facts()

    @add_route("post", "/api/schedules/:name")
    def run_now():
        name = web_event.parameters["name"]
        if not test_schedule(name):
            raise StatusError(404, f"There is no schedule {name!r}.")
        invoke_schedule(name)
        set_response_status(202)

    @add_route("get", "/api/cron")
    def build():
        query = web_event.query
        try:
            fields = {part: query[part] for part in PARTS if query.get(part)}
            numbers = {part: int(text) for part, text in fields.items() if text.isdigit()}
            every = query.get("every") or "none"
            interval = int(query.get("interval") or 0)
            return {"cron": new_cron(**fields | numbers, every=every, interval=interval)}
        except (ValueError, TypeError, AttributeError) as error:
            raise StatusError(400, str(error)) from error

    @add_route("get", "/events")
    def events():
        me = convert_to_sse_connection("Schedules", retry_duration=1000)
        state = {"schedules": facts()}
        send_sse_event(state, name="Schedules", client_id=me.client_id, event_type="state")

    @add_route("get", "/")
    def page():
        write_html_response(path="public/schedules.html")


if __name__ == "__main__":
    start_server(server)
