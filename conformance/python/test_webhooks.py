"""Webhooks with the WorkOS SDK for Python, unmodified, and a receiver that is a program of its own.

Run with the server's address and credentials in COUNTERSIGN_BASE_URL, COUNTERSIGN_API_KEY and COUNTERSIGN_CLIENT_ID.
"""

import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
import unittest
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import workos
from workos import WorkOSClient

BASE_URL = os.environ["COUNTERSIGN_BASE_URL"]
API_KEY = os.environ["COUNTERSIGN_API_KEY"]
CLIENT_ID = os.environ["COUNTERSIGN_CLIENT_ID"]
arrived = queue.Queue()


class Arrival(BaseHTTPRequestHandler):
    def do_POST(self):
        arrived.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Webhooks(unittest.TestCase):
    def setUp(self):
        self.workos = WorkOSClient(api_key=API_KEY, client_id=CLIENT_ID, base_url=BASE_URL)
        self.addCleanup(self.workos.close)

    def endpoint(self, url, events):
        made = self.workos.webhooks.create_webhook_endpoint(endpoint_url=url, events=events)
        self.addCleanup(self.workos.webhooks.delete_webhook_endpoint, made.id)
        return made

    def test_endpoints_are_made_listed_and_changed(self):
        url = f"https://example.com/{unique('hook')}"
        made = self.endpoint(url, ["user.created"])
        self.assertTrue(made.secret.startswith("whsec_"))
        listed = {endpoint.id: endpoint for endpoint in self.workos.webhooks.list_webhook_endpoints().auto_paging_iter()}
        self.assertEqual(listed[made.id], made)
        changed = self.workos.webhooks.update_webhook_endpoint(made.id, status="disabled", events=["user.deleted"])
        self.assertEqual((changed.status, changed.events), ("disabled", ["user.deleted"]))
        with self.assertRaises(workos.ConflictError) as caught:
            self.workos.webhooks.create_webhook_endpoint(endpoint_url=url, events=[])
        self.assertEqual(caught.exception.code, "duplicate_endpoint")
        with self.assertRaises(workos.UnprocessableEntityError):
            self.workos.webhooks.create_webhook_endpoint(endpoint_url=f"{url}/2", events=["user.renamed"])

    def test_the_verifier_accepts_what_arrives_and_nothing_else(self):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Arrival)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        made = self.endpoint(f"http://localhost:{server.server_port}/", ["organization.created"])
        name = unique('Žluťoučký kůň / "quoted" ☃')
        organization = self.workos.organizations.create_organization(name=name)
        headers, body = arrived.get(timeout=20)
        signature = next(value for header, value in headers.items() if header.lower() == "workos-signature")
        event = self.workos.webhooks.verify_event(event_body=body, event_signature=signature, secret=made.secret)
        self.assertEqual((event.event, event.data.id, event.data.name), ("organization.created", organization.id, name))
        for bad in (
            {"event_body": body + b" ", "event_signature": signature, "secret": made.secret},
            {"event_body": body, "event_signature": signature, "secret": made.secret + "x"},
            {"event_body": body, "event_signature": re.sub(r"t=\d+", "t=1", signature), "secret": made.secret},
        ):
            with self.assertRaises(ValueError):
                self.workos.webhooks.verify_event(**bad)

    def test_a_receiver_takes_events_and_refuses_those_of_others(self):
        port = free_port()
        made = self.endpoint(f"http://localhost:{port}/webhooks", ["organization.created"])
        environment = {**os.environ, "PORT": str(port), "WEBHOOK_SECRETS": f"whsec_another,{made.secret}"}
        receiver = subprocess.Popen(
            [sys.executable, "-B", "webhook_receiver.py"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.addCleanup(receiver.stdout.close)
        self.addCleanup(receiver.stderr.close)
        self.addCleanup(receiver.wait)
        self.addCleanup(receiver.kill)
        began = time.monotonic()
        while True:
            try:
                forged = httpx2.post(f"http://localhost:{port}/", content=b'{"id":"event_1"}', trust_env=False)
                break
            except httpx2.ConnectError:
                self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(forged.status_code, 400)
        # An event that the SDK does not know.
        tested = httpx2.post(
            f"{BASE_URL}/webhook_endpoints/{made.id}/test", headers={"Authorization": f"Bearer {API_KEY}"}, trust_env=False
        )
        self.assertEqual(tested.json()["response"]["status"], 204)
        self.assertEqual(receiver.stdout.readline(), f"webhook_endpoint.tested {made.id}\n")
        self.assertRegex(receiver.stderr.readline(), "^refused: ")
        organization = self.workos.organizations.create_organization(name=unique("Received"))
        self.assertEqual(receiver.stdout.readline(), f"organization.created {organization.id}\n")


if __name__ == "__main__":
    unittest.main()
