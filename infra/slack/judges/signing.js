// Requests signed as Slack signs them, checked by Bolt.
//
// Facts: https://docs.slack.dev/authentication/verifying-requests-from-slack
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const { isValidSlackRequest } = require("@slack/bolt");

const { SECRET } = require("./sandbox.js");

/** Whether Bolt believes a request, at the time of its timestamp. */
function believed({ secret, timestamp, signature, body }) {
  return isValidSlackRequest({
    signingSecret: secret,
    body,
    headers: { "x-slack-signature": signature, "x-slack-request-timestamp": Number(timestamp) },
    nowMilliseconds: Number(timestamp) * 1000,
  });
}

function signature(secret, timestamp, body) {
  const digest = crypto.createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex");
  return `v0=${digest}`;
}

/** What Bolt does not believe of what is written, and what it does once that is changed. */
function theirs(folder) {
  const problems = [];
  const names = fs.readdirSync(folder).filter((name) => !name.startsWith("javascript."));
  for (const by of ["python.", "sandbox."]) {
    if (!names.some((name) => name.startsWith(by))) {
      problems.push(`there is none of ${by}`);
    }
  }
  for (const name of names) {
    const { body_base64: body, ...request } = JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));
    const signed = { ...request, body: Buffer.from(body, "base64").toString("utf8") };
    if (!believed(signed)) {
      problems.push(`${name} is not believed`);
    }
    if (believed({ ...signed, body: `${signed.body} ` }) || believed({ ...signed, secret: "of somebody else" })) {
      problems.push(`${name} is believed though it was changed`);
    }
  }
  return problems;
}

/** Writes requests; why there are none. */
function written(folder) {
  const form = (payload) => new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const payload = { type: "block_actions", user: { id: "U1" }, actions: [{ action_id: "approve", value: "x" }] };
  const bodies = [
    form(payload),
    form({ ...payload, text: "Ä + & = % \u202e 😀 <!channel> \r\n", more: "x".repeat(20_000) }),
    JSON.stringify({ type: "url_verification", challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" }),
    "",
  ];
  const now = String(Math.floor(Date.now() / 1000));
  const problems = [];
  let number = 0;
  for (const timestamp of [now, "1531420618"]) {
    for (const secret of [SECRET, "8f742231b10e8888abcd99yyyzzz85a5"]) {
      for (const body of bodies) {
        const signed = { secret, timestamp, signature: signature(secret, timestamp, body), body };
        if (!believed(signed)) {
          problems.push(`Bolt does not believe ${JSON.stringify(signed)}`);
        }
        const { body: _, ...request } = { ...signed, body_base64: Buffer.from(body).toString("base64") };
        fs.writeFileSync(path.join(folder, `javascript.${number++}.json`), JSON.stringify(request, null, 1));
      }
    }
  }
  return problems;
}

module.exports = { theirs, written };
