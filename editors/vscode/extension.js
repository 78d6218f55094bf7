// Starts `sgdc lsp` for .sgd files, and says what to do where there is no sgdc.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const command = vscode.workspace.getConfiguration("sgdc").get("path") || "sgdc";
  const server = { command, args: ["lsp"] };
  client = new LanguageClient("sgdc", "sgdc", { run: server, debug: server }, {
    documentSelector: [{ language: "sgd" }],
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.sgd") },
  });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    vscode.window.showErrorMessage(
      `sgdc: ${command} lsp could not be started (${error.message}). Install sgdc, or set sgdc.path.`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running) await running.stop();
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("sgdc.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("sgdc.path")) return restart();
    }));
  await start();
}

module.exports = { activate, deactivate: stop };
