"""The sandbox's program on a free port of this machine, and an app that hears what its Slack sends."""

import json
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from slack_sdk.signature import SignatureVerifier

TOKEN = "xoxb-of-the-judges"
SECRET = "signing-secret-of-the-judges"

PATIENCE_S = 20


class Sandbox:
    """A sandbox while a `with` lasts."""

    def __init__(self, program):
        self.program = program
        self.received = []
        self.unsigned = []
        self.process = self.app = self.url = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.program, "--no-events", "--no-history", "--rate", "0", "--read-token", "read", "--write-token", "write",
             "--slack-bot-token", TOKEN, "--slack-signing-secret", SECRET],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={"RUST_LOG": "off"})
        # Nobody waits for ever for a program that says nothing.
        clock = threading.Timer(PATIENCE_S, self.process.kill)
        clock.start()
        line = self.process.stdout.readline()
        clock.cancel()
        if "http://" not in line:
            self.__exit__()
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        self.url = "http://" + line.strip().split("http://")[1]
        self.listen()
        return self

    def __exit__(self, *_):
        if self.app:
            self.app.shutdown()
            self.app.server_close()
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()

    def listen(self):
        """Takes what the sandbox sends to an app, and whether it is signed as the SDK wants it."""
        received, unsigned, verifier = self.received, self.unsigned, SignatureVerifier(SECRET)

        class App(BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append((body, dict(self.headers)))
                if not verifier.is_valid_request(body, dict(self.headers)):
                    unsigned.append(body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.app = ThreadingHTTPServer(("127.0.0.1", 0), App)
        threading.Thread(target=self.app.serve_forever, daemon=True).start()
        self.ask("PUT", "app", {"request_url": f"http://127.0.0.1:{self.app.server_port}/slack/interactions"})

    def ask(self, method, path, body=None):
        """Does what a person does in Slack."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} if data else {}
        request = urllib.request.Request(f"{self.url}/sandbox/v1/slack/{path}", data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)
