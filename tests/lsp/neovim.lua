-- A real client: Neovim talks to sgdc lsp, and shows and applies what it is told. SGDC is the compiler, SCRATCH a folder.
local sgdc, scratch = os.getenv("SGDC"), os.getenv("SCRATCH")
local function check(good, ...)
  if good then return end
  print("FAILED: " .. table.concat(vim.tbl_map(vim.inspect, { ... }), " ") .. "\n")
  vim.cmd("cquit 1")
end

local path = scratch .. "/net.sgd"
vim.fn.writefile({
  "data points = synthetic(rows = 10, seed = 1) { x: f32[3] ~ uniform(0, 1); y: f32 = sum(x) } # 😀",
  "model net(x: f32[3]) -> f32 {",
  "  h = tanh(dense(x, 7))",
  "  return dens(h, 1)[0]",
  "}",
  "train fit { data = points; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1) }",
}, path)
vim.cmd("edit " .. path)
local buffer = vim.api.nvim_get_current_buf()
local client_id = vim.lsp.start_client({ name = "sgdc", cmd = { sgdc, "lsp" }, root_dir = scratch })
check(client_id, "the server does not start")
check(vim.lsp.buf_attach_client(buffer, client_id), "no buffer is attached")

local function diagnostics(count)
  vim.wait(20000, function() return #vim.diagnostic.get(buffer) == count end, 20)
  return vim.diagnostic.get(buffer)
end
local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(buffer, method, params, 20000)
  local answer = answers and answers[client_id]
  check(answer and not answer.err, method, answer)
  return answer.result
end
local function at(line, character)
  return { textDocument = vim.lsp.util.make_text_document_params(buffer), position = { line = line, character = character } }
end

vim.wait(20000, function() return vim.lsp.get_client_by_id(client_id).initialized end, 20)
local found = diagnostics(1)
check(#found == 1 and found[1].lnum == 3 and found[1].col == 9 and found[1].message:find("dens is not defined"), found)

-- What is typed is sent as edits, behind characters of four bytes as well.
vim.api.nvim_buf_set_text(buffer, 3, 9, 3, 13, { "dense" })
check(#diagnostics(0) == 0, "the diagnostic stays")
local width = #vim.api.nvim_buf_get_lines(buffer, 0, 1, true)[1]
vim.api.nvim_buf_set_text(buffer, 0, width, 0, width, { "😀" })
local hover = ask("textDocument/hover", at(2, 2))
check(hover.contents.value:find("h: f32%[7%]"), hover)

vim.lsp.util.apply_workspace_edit(
  ask("textDocument/rename", vim.tbl_extend("force", at(2, 2), { newName = "hidden" })), "utf-16")
check(vim.api.nvim_buf_get_lines(buffer, 3, 4, true)[1] == "  return dense(hidden, 1)[0]", "renamed")

local definition = ask("textDocument/definition", at(2, 17))
check(definition.uri:find("std/layers.sgd$"), definition)
check(vim.fn.filereadable(vim.uri_to_fname(definition.uri)) == 1, "the prelude cannot be opened")

vim.lsp.util.apply_text_edits(ask("textDocument/formatting",
  { textDocument = at(0, 0).textDocument, options = { tabSize = 2, insertSpaces = true } }), buffer, "utf-16")
check(vim.api.nvim_buf_get_lines(buffer, 0, 1, true)[1]:find("  # 😀😀$"), vim.api.nvim_buf_get_lines(buffer, 0, 1, true))
check(#diagnostics(0) == 0, "a diagnostic after formatting")

vim.lsp.stop_client(client_id)
vim.wait(20000, function() return vim.lsp.client_is_stopped(client_id) end, 20)
check(vim.lsp.client_is_stopped(client_id), "the server does not end")
vim.cmd("qall!")
