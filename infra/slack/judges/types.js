// Holds what the agent says to Slack, and the app's manifest, against the types of Slack's SDK for Node.js.
//
//     types.js DIRECTORY
//
// DIRECTORY holds said/<method>/<name>.json and manifest.json, as tests of shared/slack write them, told/<name>.json as one
// of approval-callback does, and heard/<type>.<number>.json as bolt.js does. Each becomes a module in DIRECTORY/typed that
// assigns it to its types, and all are checked as by `tsc --noEmit --strict`. NODE_PATH names the node_modules with the SDK
// and TypeScript.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const { verdict, report } = require("./report.js");
const ts = require("typescript");

const METHODS = ["chat.postMessage", "chat.update", "views.open"];

const IMPORTS = `import type { BlockAction, ButtonAction, RespondArguments, ViewSubmitAction } from "@slack/bolt";
import type { ConfirmationDialog, KnownBlock, MessageMetadata, ModalView } from "@slack/types";
import type {
  AppsManifestCreateArguments,
  ChatPostMessageArguments,
  ChatUpdateArguments,
  ViewsOpenArguments,
} from "@slack/web-api";
type Manifest = AppsManifestCreateArguments["manifest"];
// Bolt has the confirmation of legacy attachments there, where Slack sends the one of the button:
// https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
type Click = BlockAction<Omit<ButtonAction, "confirm"> & { confirm?: ConfirmationDialog }>;
`;

// Literals with one fault each: a judge that lets one through is none.
const FAULTS = {
  "a style that no button has": (body) => {
    body.blocks.find((block) => block.type === "actions").elements[0].style = "green";
  },
  "a header in mrkdwn": (body) => {
    body.blocks[0].text = { type: "mrkdwn", text: "x" };
  },
  "a field that no section has": (body) => {
    body.blocks[1].colour = "red";
  },
  "a block of no kind": (body) => {
    body.blocks[1].type = "footer";
  },
  "a text that is a number": (body) => {
    body.text = 1;
  },
  "metadata without a type": (body) => {
    delete body.metadata.event_type;
  },
};

/** The module that assigns a request's body to its types. */
function module(method, body) {
  const json = (value) => JSON.stringify(value, null, 1);
  if (method === "views.open") {
    const { view } = body;
    return `${IMPORTS}export const view = ${json(view)} satisfies ModalView;
export const call = { trigger_id: ${json(body.trigger_id)}, view } satisfies ViewsOpenArguments;
`;
  }
  const type = method === "chat.update" ? "ChatUpdateArguments" : "ChatPostMessageArguments";
  const parts = [`export const metadata = ${json(body.metadata)} satisfies MessageMetadata;`];
  if (body.blocks) {
    parts.push(`export const blocks = ${json(body.blocks)} satisfies KnownBlock[];`);
  }
  return `${IMPORTS}${parts.join("\n")}\nexport const call = ${json(body)} satisfies ${type};\n`;
}

/** The module that assigns a manifest to its type. */
function assigned(manifest) {
  return `${IMPORTS}export const manifest = ${manifest} satisfies Manifest;\n`;
}

/** The module that hands an interaction to a function that takes its type: Slack sends more than the types name. */
function handed(body) {
  // Slack sends null where the types have nothing: https://docs.slack.dev/reference/interaction-payloads
  const { enterprise, ...known } = body;
  const interaction = JSON.stringify(enterprise === null ? known : body, null, 1);
  const type = { block_actions: "Click", view_submission: "ViewSubmitAction" }[body.type];
  return `${IMPORTS}declare function takes<T extends ${type}>(interaction: T): void;\ntakes(${interaction});\n`;
}

/** The files of a folder, by their names. */
function read(folder) {
  const names = fs.readdirSync(folder);
  if (names.length === 0) {
    throw new Error(`there is nothing in ${folder}`);
  }
  return names.map((name) => [path.basename(name, ".json"), JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"))]);
}

/** Every module's text by its name. */
function modules(directory) {
  const all = new Map();
  for (const [name, body] of read(path.join(directory, "told"))) {
    all.set(`told.${name}`, `${IMPORTS}export const told = ${JSON.stringify(body)} satisfies RespondArguments;\n`);
  }
  for (const [name, body] of read(path.join(directory, "heard"))) {
    all.set(`heard.${name}`, handed(body));
  }
  for (const method of METHODS) {
    for (const [name, body] of read(path.join(directory, "said", method))) {
      all.set(`${method}.${name}`, module(method, body));
    }
  }
  const manifest = fs.readFileSync(path.join(directory, "manifest.json"), "utf8");
  all.set("manifest", assigned(manifest));
  return all;
}

/** Modules that must not pass, by what is wrong with each. */
function faults(directory) {
  const sample = path.join(directory, "said", "chat.postMessage", "card.state.awaiting_approval.linked.json");
  const all = new Map();
  for (const [name, spoil] of Object.entries(FAULTS)) {
    const body = JSON.parse(fs.readFileSync(sample, "utf8"));
    spoil(body);
    all.set(name, module("chat.postMessage", body));
  }
  const manifest = { display_information: { name: "x" }, settings: { interactivity: { enabled: true } } };
  all.set("a field that no manifest has", assigned(JSON.stringify(manifest)));
  const [, click] = read(path.join(directory, "heard")).find(([, body]) => body.type === "block_actions");
  all.set("a click without a user", handed({ ...click, user: undefined }));
  all.set("a click on no button", handed({ ...click, actions: [{ ...click.actions[0], type: "lever" }] }));
  return all;
}

/** What the compiler says of each module, by its name. */
function checked(directory, modules) {
  const folder = path.join(directory, "typed");
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const files = new Map();
  let number = 0;
  for (const [name, text] of modules) {
    const file = path.join(folder, `m${number++}.ts`);
    fs.writeFileSync(file, text);
    files.set(file, name);
  }
  const packages = process.env.NODE_PATH;
  const program = ts.createProgram([...files.keys()], {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    paths: { "@slack/*": [`${packages}/@slack/*`] },
    typeRoots: [`${packages}/@types`],
    types: ["node"],
  });
  const said = new Map([...modules.keys()].map((name) => [name, []]));
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, " ");
    const name = files.get(diagnostic.file?.fileName);
    if (name === undefined) {
      throw new Error(`the types cannot be read: ${text}`);
    }
    said.get(name).push(text);
  }
  return said;
}

function main() {
  const directory = path.resolve(process.argv[2]);
  const good = modules(directory);
  const bad = faults(directory);
  const clash = [...bad.keys()].some((name) => good.has(name));
  const said = checked(directory, new Map([...good, ...bad]));
  const refused = [...good.keys()].flatMap((name) => said.get(name).map((text) => `${name}: ${text}`));
  const missed = [...bad.keys()].filter((name) => clash || said.get(name).length === 0);
  verdict(`the types of @slack/types and @slack/web-api fit the manifest and ${good.size - 1} requests and interactions`, refused);
  verdict(`the types refuse ${bad.size} faults`, missed);
  process.exitCode = report();
}

main();
