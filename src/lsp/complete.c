/* complete: what could stand at the cursor: settings where a statement of a train block begins, types behind a colon,
 * figures and parts behind a point, otherwise names in scope, arguments of the call at hand and the prelude.
 *
 * Names of the text as it is come from its tree, which the parser makes of broken text too; their types from the last
 * text that could be lowered. Clients filter by what is typed already, so all that fits is answered.
 */
#include "lsp/lsp.h"
#include <string.h>

/* CompletionItemKind of the protocol */
enum {
    ITEM_METHOD = 2,
    ITEM_FUNCTION = 3,
    ITEM_FIELD = 5,
    ITEM_VARIABLE = 6,
    ITEM_CLASS = 7,
    ITEM_PROPERTY = 10,
    ITEM_KEYWORD = 14,
    ITEM_CONSTANT = 21,
    ITEM_STRUCT = 22,
    ITEM_TYPE = 25
};

typedef struct Completing {
    Server *server;
    OpenDocument *document;
    Analysis *now, *good; /* good: for types; may be now */
    CursorContext context;
    cJSON *items;
    Vector(const char *) labels;
} Completing;

/* rank: those of a lower one come first. */
static void add(Completing *c, int rank, int kind, const char *label, const char *detail, const char *doc) {
    for (int i = 0; i < c->labels.count; i++)
        if (strcmp(c->labels.items[i], label) == 0) return;
    vector_push(c->server->scratch, &c->labels, label);
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "label", label);
    cJSON_AddNumberToObject(item, "kind", kind);
    cJSON_AddStringToObject(item, "sortText", text_format(c->server->scratch, "%d%s", rank, label));
    if (detail) cJSON_AddStringToObject(item, "detail", detail);
    if (doc) {
        cJSON *markdown = cJSON_AddObjectToObject(item, "documentation");
        cJSON_AddStringToObject(markdown, "kind", "markdown");
        cJSON_AddStringToObject(markdown, "value", doc);
    }
    cJSON_AddItemToArray(c->items, item);
}

static void add_words(Completing *c, int rank, const char *const *words) {
    for (; *words; words++) add(c, rank, ITEM_KEYWORD, *words, NULL, NULL);
}

/* ---- names of the tree --------------------------------------------------------------------------- */
static void add_name(Completing *c, const Analysis *a, Word name, int kind, const char *detail, const char *doc) {
    if (!name.text || !name.text[0]) return;
    const Meaning *meaning = meaning_at(a->meanings, name.span.begin);
    const char *types = meaning ? describe_types(c->server->scratch, a, meaning) : NULL;
    add(c, 1, kind, name.text, types ? types : detail, doc);
}

static void add_definition(Completing *c, const Analysis *a, int rank, const Definition *definition) {
    if (definition->name.text)
        add(c, rank, definition->kind == DEFINE_OPTIMIZER ? ITEM_CLASS : ITEM_FUNCTION, definition->name.text,
            describe_head(c->server->scratch, a, definition), definition->doc);
}

static void add_body(Completing *c, const Analysis *a, const StmtList *body, uint32_t at, bool file) {
    for (int i = 0; i < body->count; i++) {
        const Stmt *stmt = body->items[i];
        if (!stmt || (!file && stmt->span.begin >= at)) continue;
        switch (stmt->kind) {
        case STMT_DEFINITION: add_definition(c, a, 1, stmt->definition); break;
        case STMT_PARAM:
        case STMT_STATE:
        case STMT_FIELD:
        case STMT_TYPED: add_name(c, a, stmt->bind.name, ITEM_VARIABLE, NULL, stmt->doc); break;
        case STMT_ASSIGN:
            if (file || setting_key(stmt->assign.key.text) == KEY_LOCAL)
                add_name(c, a, stmt->assign.key, file ? ITEM_CONSTANT : ITEM_VARIABLE, NULL, stmt->doc);
            if (!file && stmt->assign.has_binders && at <= stmt->span.end)
                for (int k = 0; k < stmt->assign.binders.count; k++)
                    add_name(c, a, stmt->assign.binders.items[k].name, ITEM_VARIABLE, "an index", NULL);
            break;
        case STMT_TUPLE:
            for (int k = 0; k < stmt->tuple.names.count; k++)
                add_name(c, a, stmt->tuple.names.items[k], ITEM_VARIABLE, NULL, stmt->doc);
            break;
        case STMT_REPEAT:
            add_name(c, a, stmt->repeat.name, ITEM_VARIABLE, NULL, NULL);
            add_body(c, a, &stmt->repeat.body, at, file);
            break;
        default: break;
        }
    }
}

/* Of the data sets of the file: which one the block trains on is not asked. */
static void add_fields(Completing *c, const Analysis *a) {
    for (int i = 0; i < a->ast->statements.count; i++) {
        const Stmt *stmt = a->ast->statements.items[i];
        if (stmt && stmt->kind == STMT_DATA) add_body(c, a, &stmt->data.body, UINT32_MAX, false);
    }
}

static void add_head(Completing *c, const Analysis *a, const Definition *definition) {
    for (int i = 0; i < definition->formals.count; i++) {
        const Formal *formal = &definition->formals.items[i];
        add_name(
            c, a, formal->name, ITEM_VARIABLE,
            text_format(c->server->scratch, "argument of %s", definition->name.text ? definition->name.text : "it"),
            NULL);
        for (int k = 0; formal->type && k < formal->type->dims.count; k++) {
            const Expr *size = formal->type->dims.items[k].size;
            if (size && size->kind == EXPR_NAME) add_name(c, a, size->name, ITEM_VARIABLE, "a size", NULL);
        }
    }
}

/* What is visible at the place in this tree. */
static void add_scope(Completing *c, const Analysis *a, uint32_t at) {
    const Stmt *stmt = statement_around(a->ast, at);
    if (stmt && stmt->kind == STMT_DEFINITION) {
        add_body(c, a, &stmt->definition->body, at, false);
        add_head(c, a, stmt->definition);
    } else if (stmt && stmt->kind == STMT_TRAIN) {
        add_body(c, a, &stmt->train.body, at, false);
        add_fields(c, a);
    } else if (stmt && stmt->kind == STMT_DATA) {
        add_body(c, a, &stmt->data.body, at, false);
    } else if (c->context.block == BLOCK_TRAIN) {
        add_fields(c, a);
    }
    add_body(c, a, &a->ast->statements, at, true);
    for (int i = 1; i < a->meanings->trees.count; i++)
        add_body(c, a, &a->meanings->trees.items[i]->statements, at, true);
}

/* ---- the prelude ---------------------------------------------------------------------------------- */
static void add_prelude(Completing *c) {
    const Analysis *a = c->server->empty;
    for (const Binding *b = analysis_lowering(a)->prelude->last; b; b = b->next) {
        const Value *v = b->value;
        if (v->kind == VALUE_DEFINITION)
            add_definition(c, a, 3, v->definition);
        else if (v->kind == VALUE_BUILTIN)
            add(c, 3, ITEM_FUNCTION, b->name, v->builtin->usage, v->builtin->doc);
        else
            add(c, 4, ITEM_CONSTANT, b->name, NULL, NULL);
    }
}

static void add_prelude_of_kind(Completing *c, DefinitionKind kind, int rank) {
    for (const Binding *b = analysis_lowering(c->server->empty)->prelude->last; b; b = b->next)
        if (b->value->kind == VALUE_DEFINITION && b->value->definition->kind == kind)
            add_definition(c, c->server->empty, rank, b->value->definition);
}

/* ---- arguments of the call ------------------------------------------------------------------------ */
static const Definition *called(const Analysis *a, const char *name) {
    for (int t = 0; t < (a->meanings->trees.count ? a->meanings->trees.count : 1); t++) {
        const Ast *ast = t ? a->meanings->trees.items[t] : a->ast;
        for (int i = 0; i < ast->statements.count; i++) {
            const Stmt *stmt = ast->statements.items[i];
            if (stmt && stmt->kind == STMT_DEFINITION && stmt->definition->name.text &&
                strcmp(stmt->definition->name.text, name) == 0)
                return stmt->definition;
        }
    }
    return NULL;
}

const Definition *definition_named(const Server *server, const Analysis *analysis, const char *name,
                                   const Analysis **home) {
    const Definition *own = called(analysis, name);
    *home = own ? analysis : server->empty;
    for (const Binding *b = analysis_lowering(server->empty)->prelude->last; b && !own; b = b->next)
        if (b->value->kind == VALUE_DEFINITION && strcmp(b->name, name) == 0) own = b->value->definition;
    return own;
}

/* rows = , delimiter = : those that have a name of their own. */
static void add_source_arguments(Completing *c, SourceKind kind) {
    for (const SourceArgument *argument = source_form(kind)->arguments; argument->name; argument++)
        if (strcmp(argument->name, NO_NAME) != 0 && strcmp(argument->name, ANY_ARGUMENT) != 0)
            add(c, 0, ITEM_PROPERTY, text_format(c->server->scratch, "%s = ", argument->name), source_form(kind)->usage,
                NULL);
}

static void add_arguments(Completing *c) {
    for (SourceKind kind = 0; kind < SOURCES && c->context.source; kind++)
        if (source_name(kind) && strcmp(source_name(kind), c->context.call) == 0) add_source_arguments(c, kind);
    const Analysis *home;
    const Definition *definition = definition_named(c->server, c->now, c->context.call, &home);
    for (int i = 0; definition && i < definition->formals.count; i++) {
        const Formal *formal = &definition->formals.items[i];
        if (formal->name.text && i >= c->context.argument)
            add(c, 0, ITEM_PROPERTY, text_format(c->server->scratch, "%s = ", formal->name.text),
                text_format(c->server->scratch, "argument of %s", c->context.call), NULL);
    }
}

/* ---- behind a point ------------------------------------------------------------------------------- */
static void add_figures(Completing *c, const char *whose) {
    add(c, 1, ITEM_FIELD, "loss", "what is minimized", NULL);
    for (int i = 0; i < c->now->ast->statements.count && strcmp(whose, "valid") == 0; i++) {
        const Stmt *stmt = c->now->ast->statements.items[i];
        for (int k = 0; stmt && stmt->kind == STMT_TRAIN && k < stmt->train.body.count; k++) {
            const Stmt *inner = stmt->train.body.items[k];
            if (inner && inner->kind == STMT_NAMED && inner->named.name.text &&
                setting_key(inner->named.key.text) == KEY_MEASURE)
                add(c, 1, ITEM_FIELD, inner->named.name.text, "a measure", inner->doc);
        }
    }
}

/* The next part of every parameter's path that begins so; fields of a data set of this name. */
static void add_parts(Completing *c, const char *path) {
    size_t length = strlen(path);
    for (int r = 0; c->good->program && r < c->good->program->run_count; r++)
        for (int i = 0; i < c->good->program->runs[r].cell_count; i++) {
            const Cell *cell = &c->good->program->runs[r].cells[i];
            if (cell->kind != CELL_PARAMETER || strncmp(cell->name, path, length) != 0 || cell->name[length] != '.')
                continue;
            const char *part = cell->name + length + 1;
            add(c, 1, ITEM_FIELD, text_format(c->server->scratch, "%.*s", (int)strcspn(part, "."), part), cell->name,
                NULL);
        }
    for (int i = 0; i < c->now->ast->statements.count; i++) {
        const Stmt *stmt = c->now->ast->statements.items[i];
        if (stmt && stmt->kind == STMT_DATA && stmt->data.name.text && strcmp(stmt->data.name.text, path) == 0)
            add_body(c, c->now, &stmt->data.body, UINT32_MAX, false);
    }
}

/* ---- settings ------------------------------------------------------------------------------------- */
static void add_settings(Completing *c) {
    for (int key = 0; key < KEY_COUNT; key++)
        if (setting_usage((SettingKey)key))
            add(c, 0, ITEM_PROPERTY, setting_name((SettingKey)key), setting_usage((SettingKey)key),
                setting_help((SettingKey)key));
    add_words(c, 1, (const char *const[]){"repeat", NULL});
}

static void add_blocks(Completing *c, StmtKind kind) {
    for (int i = 0; i < c->now->ast->statements.count; i++) {
        const Stmt *stmt = c->now->ast->statements.items[i];
        if (!stmt || stmt->kind != kind) continue;
        Word name = kind == STMT_DATA ? stmt->data.name : stmt->train.name;
        if (name.text) add(c, 0, ITEM_STRUCT, name.text, kind == STMT_DATA ? "data" : "train", stmt->doc);
    }
}

/* Words that only this setting knows. */
static void add_values(Completing *c, SettingKey key) {
    static const char *const batch[] = {"all", "shuffled", "sequential", "replacement", NULL};
    static const char *const last[] = {"keep", "drop", "wrap", NULL};
    static const char *const keep[] = {"best", "highest", "lowest", "last", "valid", "train", NULL};
    static const char *const stop[] = {"stalled", "valid", "train", "epoch", "step", NULL};
    static const char *const hold_out[] = {"split", "last", "folds", NULL}, *const start[] = {"load", NULL};
    static const char *const report[] = {"every", NULL}, *const optimizer[] = {"none", NULL};
    static const char *const *const words[KEY_COUNT] = {
        [KEY_BATCH] = batch,       [KEY_LAST] = last,   [KEY_KEEP] = keep,           [KEY_STOP] = stop,
        [KEY_HOLD_OUT] = hold_out, [KEY_START] = start, [KEY_OPTIMIZER] = optimizer, [KEY_REPORT] = report};
    if (key < KEY_COUNT && words[key]) add_words(c, 0, words[key]);
    if (key == KEY_DATA || key == KEY_VALID) add_blocks(c, STMT_DATA);
    if (key == KEY_START) add_blocks(c, STMT_TRAIN);
    if (key == KEY_OPTIMIZER) add_prelude_of_kind(c, DEFINE_OPTIMIZER, 0);
    if (key == KEY_MINIMIZE) add_prelude_of_kind(c, DEFINE_LOSS, 2);
    if (key == KEY_MEASURE) add_prelude_of_kind(c, DEFINE_METRIC, 2);
}

/* ---- what fits ------------------------------------------------------------------------------------ */
static void add_statements(Completing *c) {
    static const char *const file[] = {"model",     "layer", "def",   "loss",    "metric",
                                       "optimizer", "data",  "train", "include", NULL};
    static const char *const body[] = {"param", "return", "repeat", NULL}, *const state[] = {"state", NULL};
    switch (c->context.block) {
    case BLOCK_FILE: add_words(c, 0, file); break;
    case BLOCK_DEFINITION:
        add_words(c, 0, body);
        if (c->context.stateful) add_words(c, 0, state);
        break;
    case BLOCK_DATA: add_words(c, 0, (const char *const[]){"keep", NULL}); break;
    case BLOCK_TRAIN: add_settings(c); break;
    }
}

static void add_sources(Completing *c) {
    for (SourceKind kind = 0; kind < SOURCES; kind++)
        if (source_name(kind)) add(c, 0, ITEM_FUNCTION, source_name(kind), source_form(kind)->usage, NULL);
}

static void add_data_functions(Completing *c) {
    for (const Builtin *b = source_builtins; b->name; b++) add(c, 0, ITEM_FUNCTION, b->name, b->usage, b->doc);
}

static void add_expression(Completing *c, size_t offset) {
    static const char *const words[] = {"if", "then", "else", "for", "in", "and", "or", "not", "training", NULL};
    bool exact;
    SettingKey key = c->context.setting && c->context.block == BLOCK_TRAIN ? setting_key(c->context.setting)
                                                                           : KEY_LOCAL;
    if (c->context.call) add_arguments(c);
    if (c->context.source && !c->context.call) add_sources(c);
    if (!c->context.call) add_values(c, key);
    if (key == KEY_STOP || key == KEY_KEEP) add_values(c, key);
    if (c->context.block == BLOCK_DATA) add_data_functions(c);
    add_scope(c, c->good, document_to(c->document, c->good, offset, &exact));
    if (c->now != c->good) add_scope(c, c->now, document_to(c->document, c->now, offset, &exact));
    add_prelude(c);
    add_words(c, 5, words);
    if (c->context.block == BLOCK_TRAIN)
        add_words(c, 5, (const char *const[]){"each", "step", "epoch", "progress", NULL});
}

cJSON *completion(Server *server, const cJSON *params, const char **problem) {
    static const char *const types[] = {"f32", "real", "label", "int", "bool", "i32", "f64", NULL};
    (void)problem;
    AskedPlace spot;
    if (!spot_of(server, params, &spot)) return NULL;
    Completing c = {.server = server,
                    .document = spot.document,
                    .now = document_now(server, spot.document),
                    .good = document_good(server, spot.document),
                    .context = context_of(server->scratch, spot.document, spot.offset),
                    .items = cJSON_CreateArray()};
    if (c.context.silent) return c.items;
    if (c.context.member_of) {
        if (strcmp(c.context.member_of, "valid") == 0 || strcmp(c.context.member_of, "train") == 0)
            add_figures(&c, c.context.member_of);
        else
            add_parts(&c, c.context.member_of);
    } else if (c.context.like) {
        add_blocks(&c, c.context.data ? STMT_DATA : STMT_TRAIN);
    } else if (c.context.type) {
        for (const char *const *type = types; *type; type++) add(&c, 0, ITEM_TYPE, *type, NULL, NULL);
    } else if (c.context.begins) {
        add_statements(&c);
    } else {
        add_expression(&c, spot.offset);
    }
    return c.items;
}
