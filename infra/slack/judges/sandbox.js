// The sandbox's program on a free port of this machine, and what people do in its Slack.
"use strict";

const { spawn } = require("node:child_process");
const readline = require("node:readline");

const TOKEN = "xoxb-of-the-judges";
const SECRET = "signing-secret-of-the-judges";

const PATIENCE_MS = 20_000;

/** Starts it; `ask` does what a person or the app's owner does, `stop` ends it. */
async function start(program) {
  const args = ["--no-events", "--no-history", "--rate", "0", "--read-token", "read", "--write-token", "write"];
  args.push("--slack-bot-token", TOKEN, "--slack-signing-secret", SECRET);
  const child = spawn(program, args, { env: { RUST_LOG: "off" }, stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await within(firstLine(child), "the sandbox to start").catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  async function ask(method, path, body) {
    const answer = await fetch(`${url}/sandbox/v1/slack/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const json = await answer.json();
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(json)}`);
    }
    return json;
  }
  async function stop() {
    child.kill("SIGTERM");
    await within(ended, "the sandbox to end");
  }
  return { url, ask, stop };
}

async function firstLine(child) {
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const url = line.match(/http:\/\/[0-9.:]+/);
    if (url) {
      child.stdout.resume();
      return url[0];
    }
  }
  throw new Error("the sandbox ended before it listened");
}

/** What a promise comes to, if it does in time. */
async function within(promise, what) {
  let clock;
  const late = new Promise((_, reject) => {
    clock = setTimeout(() => reject(new Error(`waited too long for ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(clock);
  }
}

module.exports = { start, within, TOKEN, SECRET };
