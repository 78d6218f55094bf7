# The extension for VS Code: files that are whole, and what it starts, with VS Code itself played. Arguments: SGDC SOURCE_FOLDER
set -u
command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
cd "$2/editors/vscode" || exit 2
node --check extension.js || exit 1
exec node - <<'END'
const assert = require("assert"), fs = require("fs"), Module = require("module");
const json = (path) => JSON.parse(fs.readFileSync(path, "utf8"));
const manifest = json("package.json");
assert.strictEqual(manifest.main, "./extension.js");
for (const language of manifest.contributes.languages) json(language.configuration);
for (const grammar of manifest.contributes.grammars) assert.strictEqual(json(grammar.path).scopeName, grammar.scopeName);

const seen = { started: [], stopped: 0, errors: [], commands: {} };
let fails = false;
const subscription = { dispose() {} };
const fakes = {
  vscode: {
    workspace: {
      getConfiguration: () => ({ get: () => "/somewhere/sgdc" }),
      createFileSystemWatcher: () => subscription,
      onDidChangeConfiguration: () => subscription,
    },
    window: { showErrorMessage: (text) => seen.errors.push(text) },
    commands: { registerCommand: (name, run) => ((seen.commands[name] = run), subscription) },
  },
  "vscode-languageclient/node": {
    LanguageClient: class {
      constructor(id, name, server, options) { Object.assign(this, { server, options }); }
      async start() { if (fails) throw new Error("ENOENT"); seen.started.push(this); }
      async stop() { seen.stopped++; }
    },
  },
};
const load = Module._load;
Module._load = (name, ...rest) => fakes[name] || load(name, ...rest);
const extension = require(process.cwd() + "/extension.js");
(async () => {
  await extension.activate({ subscriptions: [] });
  assert.deepStrictEqual(seen.started[0].server.run, { command: "/somewhere/sgdc", args: ["lsp"] });
  assert.deepStrictEqual(seen.started[0].options.documentSelector, [{ language: "sgd" }]);
  await seen.commands["sgdc.restart"]();
  assert.deepStrictEqual([seen.started.length, seen.stopped], [2, 1]);
  fails = true;
  await seen.commands["sgdc.restart"]();
  assert.match(seen.errors[0], /could not be started.*Install sgdc, or set sgdc.path/);
  await extension.deactivate();
  for (const name of Object.keys(manifest.contributes.commands)) assert(seen.commands[manifest.contributes.commands[name].command]);
})().catch((error) => { console.log("FAILED:", error); process.exit(1); });
END
