"""A long job that reports its progress, and a page with a progress bar.

Open http://localhost:8090/ in a browser, or try:

    curl -X POST http://localhost:8090/jobs         # {"id": "..."}
    curl -N -H "Accept: text/event-stream" http://localhost:8090/jobs/<id>

The job runs in the route of a local stream. If the connection is lost, the job pauses. When the
browser reconnects, which it does automatically, the job goes on. PORT sets another port.
"""

import os
import time
from dataclasses import dataclass, field
from threading import Lock
from uuid import uuid4

from pode_py import *

STEPS = 100
SECONDS_PER_STEP = 0.05


@dataclass
class Job:
    """`done` steps are finished. The thread that holds the lock works on the job."""

    done: int = 0
    lock: Lock = field(default_factory=Lock)


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    jobs = {}

    @add_route("post", "/jobs")
    def create():
        job_id = str(uuid4())
        jobs[job_id] = Job()
        return {"id": job_id}

    @add_route("get", "/jobs/:id")
    def work():
        job = jobs.get(web_event.parameters["id"])
        if job is None:
            raise StatusError(404, "There is no such job.")
        convert_to_sse_connection("Job", scope="local", retry_duration=500)
        with job.lock:
            go_on(job)

    def go_on(job):
        while job.done < STEPS and web_event.sse.is_open:
            time.sleep(SECONDS_PER_STEP)  # do the work here
            job.done += 1
            progress = {"done": job.done, "of": STEPS, "doing": stage(job.done / STEPS)}
            send_sse_event(progress, id=job.done, event_type="progress", from_event=True)
        if job.done == STEPS:
            result = f"{STEPS} steps, and nothing broke."
            send_sse_event({"result": result}, event_type="finished", from_event=True)

    def stage(share):
        stages = ["Reading the map", "Packing", "Walking", "Nearly there"]
        return stages[min(int(share * len(stages)), len(stages) - 1)]

    @add_route("get", "/")
    def page():
        write_html_response(path="public/progress.html")


if __name__ == "__main__":
    start_server(server)
