// A Bolt app in the sandbox's Slack: what the sandbox sends is what Bolt takes, and what an app answers has its effect
// there. Requests that are signed here are put into DIRECTORY/signed, for a test of approval-callback to check.
//
//     bolt.js DIRECTORY SANDBOX
//
// SANDBOX is the sandbox's program; NODE_PATH names the node_modules with the SDK.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");

const { App, LogLevel } = require("@slack/bolt");

const { verdict, report } = require("./report.js");
const { start, within, TOKEN, SECRET } = require("./sandbox.js");
const { theirs, written } = require("./signing.js");

const CHANNEL = "C0SRE00001";
const ADA = "U0123456789";

/** What was heard by an app's listeners, in turn. */
class Heard {
  waiting = [];
  resolve = null;

  add(what) {
    this.waiting.push(what);
    this.resolve?.();
  }

  async next() {
    while (this.waiting.length === 0) {
      await within(new Promise((resolve) => (this.resolve = resolve)), "Bolt to hear of an interaction");
    }
    return this.waiting.shift();
  }
}

/** The app: it answers a click as the agent does, and a form as each step wants it. */
async function app(sandbox, samples) {
  const heard = new Heard();
  const bolt = new App({
    token: TOKEN,
    signingSecret: SECRET,
    endpoints: "/slack/interactions",
    logLevel: LogLevel.ERROR,
    // A forgery is among what is sent.
    logger: { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => LogLevel.ERROR, setName() {} },
    clientOptions: { slackApiUrl: `${sandbox.url}/api/` },
  });
  bolt.action("approve", async ({ ack, respond, body, action }) => {
    await ack();
    const answer = await respond({ response_type: "ephemeral", replace_original: false, text: `Approved: ${action.value}` });
    heard.add({ body, action, answer });
  });
  // Every interaction, as it came.
  const interactions = [];
  bolt.use(async ({ body, next }) => {
    interactions.push(body);
    await next();
  });
  for (const name of ["reject", "narrow"]) {
    bolt.action(name, async ({ ack, client, body, action }) => {
      const opened = await client.views.open({ trigger_id: body.trigger_id, view: samples[name] });
      await ack();
      heard.add({ body, action, opened });
    });
  }
  bolt.action("open", async ({ ack, action }) => {
    await ack();
    heard.add({ action });
  });
  const answers = [];
  for (const name of ["reject", "narrow"]) {
    bolt.view(name, async ({ ack, view, body }) => {
      await ack(answers.shift());
      heard.add({ view, body });
    });
  }
  const server = await bolt.start({ port: 0, host: "127.0.0.1" });
  const requestUrl = `http://127.0.0.1:${server.address().port}/slack/interactions`;
  await sandbox.ask("PUT", "app", { request_url: requestUrl });
  return { bolt, heard, answers, interactions };
}

/** Writes what was heard into DIRECTORY/heard, for the types to judge; why there is too little of it. */
function heardOf(directory, interactions) {
  const folder = path.join(directory, "heard");
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const kinds = new Set();
  interactions.forEach((body, nth) => {
    kinds.add(body.type);
    fs.writeFileSync(path.join(folder, `${body.type}.${nth}.json`), JSON.stringify(body, null, 1));
  });
  return kinds.size === 2 ? [] : [`only ${[...kinds].join(", ")} came`];
}

/** What is said, by name, as a test of shared/slack writes it. */
function said(directory, method, name) {
  return JSON.parse(fs.readFileSync(path.join(directory, "said", method, `${name}.json`), "utf8"));
}

async function post(world) {
  const { channel, ts } = await world.bolt.client.chat.postMessage(world.card);
  assert.equal(channel, CHANNEL);
  const value = (id) => {
    const buttons = world.card.blocks.find((block) => block.type === "actions").elements;
    return buttons.find((button) => button.action_id === id).value;
  };
  const click = (id, more) => world.sandbox.ask("POST", "click", { user: ADA, channel, ts, action_id: id, ...more });
  return { ts, value, click };
}

const STEPS = {
  "a click reaches a Bolt app, which acknowledges and responds": async (world) => {
    const { ts, value, click } = await post(world);
    const delivered = await click("approve");
    assert.deepEqual([delivered.status, delivered.body, delivered.problem], [200, "", null]);
    const { body, action } = await world.heard.next();
    assert.equal(action.value, value("approve"));
    assert.equal(action.type, "button");
    assert.equal(body.container.message_ts, ts);
    assert.equal(body.message.ts, ts);
    assert.equal(body.user.id, ADA);
    assert.equal(body.channel.id, CHANNEL);
    const { ephemeral } = await world.sandbox.ask("GET", "ephemeral");
    const { user, text, about } = ephemeral.at(-1);
    assert.deepEqual({ user, text, about }, { user: ADA, text: `Approved: ${value("approve")}`, about: ts });
  },
  "a link's click reaches a Bolt app": async (world) => {
    const { click } = await post(world);
    const delivered = await click("open");
    assert.equal(delivered.status, 200);
    const { action } = await world.heard.next();
    assert.equal(action.action_id, "open");
  },
  "a Bolt app opens the agent's form, says what is wrong in it, and then what became of it": async (world) => {
    const { value, click } = await post(world);
    const delivered = await click("reject");
    const { opened } = await world.heard.next();
    assert.equal(opened.view.id, delivered.view.id);
    const submit = (text) =>
      world.sandbox.ask("POST", "submit", {
        user: ADA,
        view_id: opened.view.id,
        values: { reason: { value: text } },
      });
    world.answers.push({ response_action: "errors", errors: { reason: "say why in a sentence" } });
    const wrong = await submit("?");
    assert.deepEqual([wrong.status, wrong.problem], [200, null]);
    assert.deepEqual(wrong.view.errors, { reason: "say why in a sentence" });
    assert.equal((await world.heard.next()).view.state.values.reason.value.value, "?");
    world.answers.push({ response_action: "update", view: world.samples.says });
    const right = await submit("it is over");
    assert.equal(right.problem, null);
    assert.deepEqual(right.view.title, world.samples.says.title);
    const { view, body } = await world.heard.next();
    assert.equal(view.private_metadata, value("reject"));
    assert.equal(view.state.values.reason.value.value, "it is over");
    assert.equal(body.user.id, ADA);
    const { views } = await world.sandbox.ask("GET", "views");
    assert.deepEqual(views.map((one) => one.callback_id), ["said"]);
  },
  "a Bolt app closes the agent's form for less": async (world) => {
    const { click } = await post(world);
    await click("narrow");
    const { opened } = await world.heard.next();
    world.answers.push(undefined);
    const values = { duration_s: { value: "60" } };
    const closed = await world.sandbox.ask("POST", "submit", { user: ADA, view_id: opened.view.id, values });
    assert.deepEqual([closed.status, closed.body, closed.problem], [200, "", null]);
    const { view } = await world.heard.next();
    assert.equal(view.state.values.duration_s.value.value, "60");
    const { views } = await world.sandbox.ask("GET", "views");
    assert.ok(views.every((one) => one.id !== opened.view.id));
  },
  "a Bolt app refuses what somebody else signed": async (world) => {
    const { click } = await post(world);
    const forged = await click("approve", { secret: "of somebody else" });
    assert.equal(forged.status, 401);
    assert.equal(world.heard.waiting.length, 0);
  },
  "a trigger opens one form": async (world) => {
    const { click } = await post(world);
    const { payload } = await click("reject");
    await world.heard.next();
    const again = world.bolt.client.views.open({ trigger_id: payload.trigger_id, view: world.samples.reject });
    await assert.rejects(again, (error) => error.data?.error === "exchanged_trigger_id");
  },
  "Bolt's client understands what the sandbox refuses": async (world) => {
    const refused = (word, call) => assert.rejects(call, (error) => error.data?.error === word, word);
    const { chat } = world.bolt.client;
    await refused("channel_not_found", chat.postMessage({ ...world.card, channel: "C0NOWHERE1" }));
    await refused("not_in_channel", chat.postMessage({ ...world.card, channel: "C0GENERAL1" }));
    await refused("invalid_blocks", chat.postMessage({ ...world.card, blocks: [{ type: "footer" }] }));
    await refused("invalid_auth", chat.postMessage({ ...world.card, token: "xoxb-of-nobody" }));
    await refused("message_not_found", chat.update({ ...world.card, ts: "1.000001" }));
  },
};

async function main() {
  const [directory, program] = process.argv.slice(2);
  const sandbox = await start(program);
  try {
    const view = (name) => said(directory, "views.open", name).view;
    const samples = {
      reject: view("modal.reason.reject.plain"),
      narrow: view("modal.narrow.0.plain"),
      says: view("modal.says.plain"),
    };
    const card = said(directory, "chat.postMessage", "card.state.awaiting_approval.linked");
    const world = { sandbox, samples, card, ...(await app(sandbox, samples)) };
    // What was written for another test of the same proposal is what its buttons say, too.
    samples.reject.private_metadata = (await post(world)).value("reject");
    for (const [name, step] of Object.entries(STEPS)) {
      await step(world).then(
        () => verdict(name, []),
        (error) => verdict(name, [error.message]),
      );
    }
    await world.bolt.stop();
    verdict("what a Bolt app heard is written", heardOf(directory, world.interactions));
  } finally {
    await sandbox.stop();
  }
  const folder = path.join(directory, "signed");
  verdict("Bolt believes what slack_sdk and the sandbox signed, and none of it changed", theirs(folder));
  verdict("requests signed as Bolt checks them are written", written(folder));
  process.exitCode = report();
}

main().catch((error) => {
  console.log(`✗ ${error.stack}`);
  process.exitCode = 1;
});
