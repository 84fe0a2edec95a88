"""Takes events. WEBHOOK_SECRETS: the endpoint's secret; two, with a comma, while it is replaced."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from workos import WorkOSClient

webhooks = WorkOSClient(api_key="sk_not_needed_to_verify", client_id="client_not_needed").webhooks
SECRETS = os.environ["WEBHOOK_SECRETS"].split(",")
dealt_with = set()  # In your database: an event may come more than once.


def verified(body, signature):
    why = None
    for secret in SECRETS:
        try:
            webhooks.verify_header(event_body=body, event_signature=signature, secret=secret)
        except ValueError as error:
            why = error  # Perhaps the other one.
        else:
            return json.loads(body)  # verify_event() makes objects, but not of events that the SDK does not know.
    print("refused:", why, file=sys.stderr)
    return None


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event = verified(body, self.headers.get("WorkOS-Signature", ""))
        if event and event["id"] not in dealt_with:
            dealt_with.add(event["id"])
            print(event["event"], event["data"]["id"], flush=True)
        self.send_response(204 if event else 400)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("localhost", int(os.environ["PORT"])), Receiver).serve_forever()
