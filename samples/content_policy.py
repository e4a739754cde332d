"""A page with a content security policy: which scripts run, and which the browser refuses.

Open http://localhost:8090/ in a browser: the script with the nonce has run, and the one without has
not. Reload the page, and the nonce is another one. The page lists what the browser has reported.
Or try:

    curl -i http://localhost:8090/
    curl -i http://localhost:8090/missing
    curl -i -H "Origin: https://app.example" http://localhost:8090/reports
    curl -i -X OPTIONS -H "Origin: https://app.example" \\
        -H "Access-Control-Request-Method: PUT" http://localhost:8090/reports

PORT sets another port.
"""

import json
import os
from collections import deque

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    enable_log_error_type(new_log_terminal_method())
    reports = deque(maxlen=20)

    set_security("strict")
    set_security_content_security_policy(
        default="none",
        scripts="nonce",
        style="nonce",
        connect="self",
        base_uri="none",
        form_action="none",
        report_uri="/reports",
    )
    # Pages of this origin can read the reports; others can not.
    set_security_access_control("https://app.example", methods=["get", "put"], route="/reports")

    @add_route("get", "/")
    def page():
        write_view_response("policy/page", data={"policy": web_event.response.headers})

    @add_route("post", "/reports", content_type="text/plain")
    def take_report():
        report = json.loads(web_event.request.body)["csp-report"]
        directive = report.get("effective-directive") or report.get("violated-directive")
        reports.append(f"{directive}: {report.get('blocked-uri')}")
        set_response_status(204)

    add_route("get", "/reports", lambda: list(reports))


if __name__ == "__main__":
    start_server(server)
