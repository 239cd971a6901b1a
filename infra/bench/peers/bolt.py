"""A Slack app in Python with slack_bolt, its handler for Lambda, and one call with boto3."""

import hashlib
import hmac
import json
import os
import time
import urllib.parse

import boto3
from slack_bolt import App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult

import runtime

SECRET = "the-signing-secret-of-the-bench"

app = App(
    signing_secret=SECRET,
    authorize=lambda **_: AuthorizeResult(enterprise_id=None, team_id="T0123456789", bot_token="bot"),
    process_before_response=True,
)
dynamodb = boto3.client("dynamodb")
table = os.environ["TRAIL_TABLE"]


@app.action("approve")
def approve(ack):
    dynamodb.get_item(TableName=table, Key={"stream": {"S": "control"}, "seq": {"N": "1"}})
    ack()


handler = SlackRequestHandler(app)


def click():
    """A click on the button, signed."""
    payload = {
        "type": "block_actions",
        "team": {"id": "T0123456789", "domain": "acme"},
        "user": {"id": "U0123456789", "username": "ada", "team_id": "T0123456789"},
        "api_app_id": "A0123456789",
        "token": "t",
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0123456789"},
        "trigger_id": "1.2.3",
        "actions": [{"type": "button", "block_id": "decision", "action_id": "approve", "value": "x"}],
    }
    body = "payload=" + urllib.parse.quote(json.dumps(payload))
    now = str(int(time.time()))
    mac = hmac.new(SECRET.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256)
    return {
        "requestContext": {"http": {"method": "POST", "path": "/slack/interactions"}},
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": now,
            "x-slack-signature": "v0=" + mac.hexdigest(),
        },
        "body": body,
        "isBase64Encoded": False,
    }


class Context:
    function_name = "bolt"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bolt"


def handle(event):
    answer = handler.handle(click(), Context())
    if answer["statusCode"] != 200:
        raise RuntimeError(f"bolt answered {answer}")
    return answer


runtime.run(handle)
