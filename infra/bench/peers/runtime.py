"""Lambda's Runtime API, as a function in Python sees it.

What AWS's own runtime does besides (logging, signals, tracing) is left out, which is to Python's advantage.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import http.client
import json
import os


def run(handler):
    """Hands each event to `handler`, and its answer back."""
    host = os.environ["AWS_LAMBDA_RUNTIME_API"]
    connection = http.client.HTTPConnection(host)
    root = "/2018-06-01/runtime/invocation/"
    while True:
        connection.request("GET", root + "next")
        response = connection.getresponse()
        event = json.loads(response.read() or b"null")
        request = response.headers["lambda-runtime-aws-request-id"]
        try:
            path, answer = "response", handler(event)
        except Exception as err:  # Whatever it is, Lambda is told.
            path, answer = "error", {"errorType": type(err).__name__, "errorMessage": str(err)}
        connection.request("POST", f"{root}{request}/{path}", body=json.dumps(answer))
        connection.getresponse().read()
