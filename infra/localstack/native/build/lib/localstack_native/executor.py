"""Functions as child processes.

The Runtime API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
"""

import json
import logging
import os
import queue
import subprocess
import threading
import time
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from localstack import config
from localstack.runtime import hooks
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

LOG = logging.getLogger("localstack.native.executor")
INIT_TIMEOUT_S = 10.0
ECHO = os.environ.get("LS_NATIVE_ECHO") == "1"
"""Whether what the functions print goes to LocalStack's own log too."""
SANDBOXES = weakref.WeakSet()
STARTING = threading.BoundedSemaphore(2 * (os.cpu_count() or 2))
"""Fifty cold starts at once on two cores would time out in their own first calls; here they take turns."""
LOOPBACK = "127.0.0.1"
"""Not `localhost`: SDKs address a bucket by path only where the endpoint is an IP address."""


class Sandbox:
    """One process and its Runtime API. What is left of a dead one cannot take an invocation meant for the next."""

    def __init__(self, bootstrap, directory, env, say):
        self.pending = queue.Queue(maxsize=1)
        self.result = queue.Queue()
        self.ready = threading.Event()
        self.init_error = None
        self.current = None
        self.stopping = False
        self.server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        env = {**env, "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{self.server.server_address[1]}"}
        self.process = subprocess.Popen(
            [bootstrap], cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.pump = threading.Thread(target=self._pump, args=(say,), daemon=True)
        self.pump.start()
        SANDBOXES.add(self)

    def _pump(self, say):
        for raw in iter(self.process.stdout.readline, b""):
            say(raw.decode("utf-8", "replace").rstrip("\n"))

    def exit_status(self):
        """How Lambda names it, or None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return f"signal: {-code}" if code < 0 else f"exit status {code}"

    def close(self, grace_s=2.0):
        self.stopping = True
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        threading.Thread(target=self._close_server, daemon=True).start()

    def _close_server(self):
        self.server.shutdown()
        self.server.server_close()

    def _handler(self):
        sandbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def _send(self, code, body=b"", headers=()):
                self.send_response(code)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _body(self):
                if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                out = b""
                while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
                    out += self.rfile.read(size)
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return out

            def do_GET(self):
                if not self.path.endswith("/runtime/invocation/next"):
                    return self._send(404, b"{}")
                sandbox.ready.set()
                while not sandbox.stopping and sandbox.process.poll() is None:
                    try:
                        payload = sandbox.pending.get(timeout=0.2)
                    except queue.Empty:
                        continue
                    sandbox.current = payload["invoke-id"]
                    return self._send(200, payload["payload"].encode(), [
                        ("Lambda-Runtime-Aws-Request-Id", payload["invoke-id"]),
                        ("Lambda-Runtime-Deadline-Ms", str(payload["deadline"])),
                        ("Lambda-Runtime-Invoked-Function-Arn", payload["invoked-function-arn"]),
                        ("Lambda-Runtime-Trace-Id", payload.get("trace-id") or ""),
                    ])
                self.close_connection = True

            def do_POST(self):
                body = self._body()
                if self.path.endswith("/runtime/init/error"):
                    sandbox.init_error = body
                    sandbox.ready.set()
                    return self._send(202, b'{"status":"OK"}')
                *_, request, outcome = self.path.split("/")
                if request != sandbox.current:
                    return self._send(400, b'{"errorType":"InvalidRequestID"}')
                sandbox.current = None
                sandbox.result.put((outcome == "error", body))
                self._send(202, b'{"status":"OK"}')

        return Handler


class NativeRuntimeExecutor(RuntimeExecutor):
    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self.sandbox = None
        self.env = {}
        self.lines = []
        self.at_work = threading.Lock()

    def _say(self, line):
        self.lines.append(line)
        if ECHO:
            print(f"{self.function_version.id.function_name}: {line}", flush=True)

    def start(self, env_vars):
        """With the function's own environment and nothing of LocalStack's: what the template forgets is missed."""
        self.env = {name: str(value) for name, value in env_vars.items()}
        code = self.function_version.config.code
        code.prepare_for_execution()  # nothing to do where it is unzipped already
        directory = str(code.get_unzipped_code_location())
        bootstrap = os.path.join(directory, "bootstrap")
        os.chmod(bootstrap, 0o755)
        env = {**self.env, "LAMBDA_TASK_ROOT": directory, "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}
        with STARTING:
            self._start(bootstrap, directory, env)

    def _start(self, bootstrap, directory, env):
        self.sandbox = sandbox = Sandbox(bootstrap, directory, env, self._say)
        deadline = time.monotonic() + INIT_TIMEOUT_S
        problem = None
        while problem is None and not sandbox.ready.wait(0.01):
            if sandbox.exit_status():
                sandbox.pump.join(1)
                problem = f"bootstrap ended during init ({sandbox.exit_status()}): {self.get_logs()[-800:]}"
            elif time.monotonic() > deadline:
                problem = f"bootstrap asked for no invocation within {INIT_TIMEOUT_S:.0f} s"
        if problem is None and sandbox.init_error is not None:
            problem = f"init error: {sandbox.init_error!r}"
        if problem:
            sandbox.close()
            raise RuntimeError(problem)
        LOG.info("%s: process %s", self.function_version.id.function_name, sandbox.process.pid)

    def stop(self):
        """An invocation that is under way ends first: an update of a function kills none, as on AWS."""
        if self.sandbox is None:
            return
        if self.at_work.acquire(blocking=False):
            self.sandbox.close()
            self.at_work.release()
        else:
            threading.Thread(target=self._stop_later, daemon=True).start()

    def _stop_later(self):
        with self.at_work:
            self.sandbox.close()

    def invoke(self, payload):
        with self.at_work:
            return self._invoke(payload)

    def _invoke(self, payload):
        request, timeout = payload["invoke-id"], self.function_version.config.timeout
        name = self.function_version.id.function_name
        del self.lines[:]
        if self.sandbox.exit_status():  # it died: a fresh environment, as on AWS
            self.sandbox.close()
            self.start(self.env)
        sandbox, began = self.sandbox, time.time()
        sandbox.pending.put({**payload, "deadline": int((began + timeout) * 1000)})
        end, error = time.monotonic() + timeout, None
        while error is None:
            try:
                is_error, body = sandbox.result.get(timeout=0.05)
                break
            except queue.Empty:
                if status := sandbox.exit_status():
                    error = {"errorType": "Runtime.ExitError",
                             "errorMessage": f"RequestId: {request} Error: Runtime exited with error: {status}"}
                    # One line to look for, as ministack writes it.
                    LOG.warning("Lambda %s: Runtime exited before returning a response (%s)", name, status)
                elif time.monotonic() > end:
                    error = {"errorType": "Sandbox.Timedout",
                             "errorMessage": f"RequestId: {request} Error: Task timed out after {timeout}.00 seconds"}
                    LOG.warning("Lambda %s: timed out after %s s", name, timeout)
                    sandbox.process.kill()
                    sandbox.process.wait()
        if error is not None:
            is_error, body = True, json.dumps(error).encode()
        took_ms = (time.time() - began) * 1000
        time.sleep(0.002)  # the last lines are still in the pipe
        memory = self.function_version.config.memory_size
        logs = "\n".join([
            f"START RequestId: {request} Version: {self.function_version.id.qualifier}", *self.lines,
            f"END RequestId: {request}",
            f"REPORT RequestId: {request}\tDuration: {took_ms:.2f} ms\tBilled Duration: {int(took_ms) + 1} ms\t"
            f"Memory Size: {memory} MB\tMax Memory Used: {memory} MB\t",
        ])
        return InvocationResult(request, body, is_error=is_error, logs=logs)

    def get_logs(self):
        return "\n".join(self.lines)

    def get_address(self):
        return LOOPBACK

    def get_endpoint_from_executor(self):
        return LOOPBACK

    def get_runtime_endpoint(self):
        return f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass  # a change of configuration makes a new version, which shares this code

    @classmethod
    def validate_environment(cls):
        return True


class NativeRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    name = "native"

    def load(self, *args, **kwargs):
        return NativeRuntimeExecutor


@hooks.on_infra_shutdown()
def end_every_function():
    """No function outlives LocalStack."""
    for sandbox in list(SANDBOXES):
        if sandbox.process.poll() is None:
            sandbox.process.kill()
