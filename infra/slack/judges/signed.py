"""Requests signed by slack_sdk, written down for a test of approval-callback to check.

The documentation's example: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import base64
import json
import time
import urllib.parse

from slack_sdk.signature import SignatureVerifier

from sandbox import SECRET

EXAMPLE = {
    "secret": "8f742231b10e8888abcd99yyyzzz85a5",
    "timestamp": "1531420618",
    "signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    "body": b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
            b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
            b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
}

# Of those that the sandbox sent: they are all alike.
MOST_RECEIVED = 20


def unlike_the_documentation():
    """What is wrong with the SDK's signature of the example, so that it is known to be Slack's."""
    verifier = SignatureVerifier(EXAMPLE["secret"])
    signature = verifier.generate_signature(timestamp=EXAMPLE["timestamp"], body=EXAMPLE["body"])
    if signature != EXAMPLE["signature"]:
        yield f"the example's signature is {signature}"


def bodies():
    """Bodies as Slack sends them, and as it might."""
    payload = {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "approve", "value": "x"}]}
    yield urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()
    words = {"text": "Ä + & = % \u202e 😀 <!channel> \r\n", "more": "x" * 20_000}
    yield urllib.parse.urlencode({"payload": json.dumps({**payload, **words}, ensure_ascii=False)}).encode()
    yield json.dumps({"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}).encode()
    yield b""
    yield b"payload=%7B%7D&payload=%7B%7D"


def write(folder, received):
    """Writes them, and says what is wrong: nothing to write."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.json"):
        file.unlink()
    now = str(int(time.time()))
    signed = [(f"python.{at}.{nth}", secret, at, body,
               SignatureVerifier(secret).generate_signature(timestamp=at, body=body))
              for at in (now, "1531420618", "7258000000")
              for nth, (body, secret) in enumerate((body, secret) for body in bodies() for secret in (SECRET, "Ä x"))]
    for nth, (body, headers) in enumerate(received[:MOST_RECEIVED]):
        headers = {name.lower(): value for name, value in headers.items()}
        signed.append((f"sandbox.{nth}", SECRET, headers["x-slack-request-timestamp"], body, headers["x-slack-signature"]))
    for name, secret, timestamp, body, signature in signed:
        request = {"secret": secret, "timestamp": timestamp, "signature": signature,
                   "body_base64": base64.b64encode(body).decode()}
        (folder / f"{name}.json").write_text(json.dumps(request, indent=1), encoding="utf-8")
    if len(signed) < 30 or not received:
        yield f"there are {len(signed)} requests, {len(received)} of them from the sandbox"
