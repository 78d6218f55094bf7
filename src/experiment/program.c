/* lower_program: what a file and those it includes declare, in order: settings, data, train blocks.
 *
 * Declarations are collected first and lowered afterwards, so their order does not matter, but that
 * settings see only settings above them. A file is included once, wherever it is named again; its train blocks run only
 * where --run or a `start` names them. --set replaces the value of a top-level setting, else of a setting of every train block, else of an
 * optimizer's argument; a name that fits nothing is an error.
 */
#include "experiment/experiment.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_INCLUDE_DEPTH = 50 };

/* ---- top-level settings ----------------------------------------------------------------------- */
static TopSetting *setting_find(Experiment *X, Name name) {
    for (int i = 0; i < X->settings.count; i++)
        if (X->settings.items[i].name.text == name) return &X->settings.items[i];
    return NULL;
}

static void declare_setting(Experiment *X, const Stmt *stmt, bool included) {
    TopSetting setting = {
        .stmt = stmt, .name = stmt->assign.key, .value = stmt->assign.value, .doc = stmt->doc, .included = included};
    Binding *before = scope_find_here(X->L->global, setting.name.text);
    TopSetting *same = setting_find(X, setting.name.text);
    if (before || same) {
        Diagnostic *d = report(X->diagnostics, CODE_E0212, setting.name.span, "%s is already defined",
                               setting.name.text);
        add_note(X->diagnostics, d, same ? same->name.span : before->span, "the first %s is here", setting.name.text);
        return;
    }
    if (setting_key(setting.name.text) == KEY_OPTIMIZER || setting_key(setting.name.text) == KEY_DATA) {
        report(X->diagnostics, CODE_E0213, setting.name.span, "the setting %s belongs into a train block",
               setting.name.text);
        return;
    }
    Override *override = override_find(X, setting.name.text);
    if (override) {
        override->used = true;
        setting.value = override->value;
    }
    vector_push(X->arena, &X->settings, setting);
    each_collect(X, &X->top_sites, setting.value, setting.name.text);
}

/* ---- declarations ------------------------------------------------------------------------------ */
static void declare_data(Experiment *X, const Stmt *stmt) {
    DataDecl *before = data_find(X, stmt->data.name.text);
    if (before) {
        Diagnostic *d = report(X->diagnostics, CODE_E0212, stmt->data.name.span, "data %s is already defined",
                               stmt->data.name.text);
        add_note(X->diagnostics, d, before->name.span, "the first one is here");
        return;
    }
    DataDecl *decl = arena_new_of(X->arena, DataDecl);
    decl->stmt = stmt;
    decl->name = stmt->data.name;
    meaning_declare(X->L, decl->name, decl->name.span, NULL);
    vector_push(X->arena, &X->data, decl);
}

static void declare_train(Experiment *X, const Stmt *stmt, bool included) {
    TrainBlock *before = block_find(X, stmt->train.name.text);
    if (before) {
        Diagnostic *d = report(X->diagnostics, CODE_E0212, stmt->train.name.span, "train %s is already defined",
                               stmt->train.name.text);
        add_note(X->diagnostics, d, before->name.span, "the first one is here");
        return;
    }
    TrainBlock *block = arena_new_of(X->arena, TrainBlock);
    block->stmt = stmt;
    block->name = stmt->train.name;
    block->included = included;
    meaning_declare(X->L, block->name, block->name.span, NULL);
    vector_push(X->arena, &X->blocks, block);
}

static void misplaced(Experiment *X, const Stmt *stmt) {
    static const char *const text[] = {
        [STMT_UPDATE] = "an update block belongs into a train block",
        [STMT_PARAM] = "param belongs into a model or a layer",
        [STMT_STATE] = "state belongs into an optimizer",
        [STMT_FIELD] = "a field belongs into a data block",
        [STMT_TYPED] = "a setting of the file has no type: write name = value",
        [STMT_NAMED] = "minimize, penalty and measure belong into a train block",
        [STMT_TUPLE] = "several names at once can be bound in a definition or a train block",
        [STMT_REPEAT] = "repeat belongs into a definition or a train block",
        [STMT_RETURN] = "return belongs into a definition",
    };
    report(X->diagnostics, CODE_E0213, stmt->span, "%s",
           text[stmt->kind] ? text[stmt->kind] : "this does not belong here");
}

static void take_tree(Experiment *X, const Ast *ast, int depth);

static void take_statement(Experiment *X, const Ast *ast, const Stmt *stmt, int depth);

/* ---- include ----------------------------------------------------------------------------------- */
static const char *beside(Arena *arena, const char *file, const char *path) {
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || !slash) return path;
    return text_format(arena, "%.*s/%s", (int)(slash - file), file, path);
}

static bool already_included(Experiment *X, const char *path) {
    char real[PATH_MAX];
    const char *key = realpath(path, real) ? real : path;
    for (int i = 0; i < X->included.count; i++)
        if (strcmp(X->included.items[i], key) == 0) return true;
    vector_push(X->arena, &X->included, arena_copy(X->arena, key, strlen(key) + 1));
    return false;
}

static void take_include(Experiment *X, const Ast *ast, const Stmt *stmt, int depth) {
    const char *path = beside(X->arena, ast->source->path, stmt->include.path), *problem;
    if (depth >= MOST_INCLUDE_DEPTH) {
        report(X->diagnostics, CODE_E0901, stmt->span, "files include each other more than %d levels deep",
               MOST_INCLUDE_DEPTH);
        return;
    }
    if (already_included(X, path)) return;
    struct stat is;
    bool other = stat(path, &is) == 0 && !S_ISREG(is.st_mode) && !S_ISDIR(is.st_mode); /* a pipe would be waited for */
    Source *source = other ? NULL : source_read(X->map, path, &problem);
    if (other) problem = "is no file but a device or a pipe";
    if (!source) {
        Diagnostic *d = report(X->diagnostics, CODE_E0401, stmt->span, "%s %s", path, problem);
        add_help(X->diagnostics, d, "an included file is looked for beside the file that includes it");
        return;
    }
    Program *program = X->program;
    const char **files = arena_array(X->arena, const char *, program->included_count + 1);
    for (int i = 0; i < program->included_count; i++) files[i] = program->included[i];
    files[program->included_count++] = path;
    program->included = files;
    int errors = X->diagnostics->errors;
    Ast *tree = parse(X->arena, X->names, X->diagnostics, source);
    X->broken |= X->diagnostics->errors > errors;
    take_tree(X, tree, depth + 1);
}

static void take_statement(Experiment *X, const Ast *ast, const Stmt *stmt, int depth) {
    switch (stmt->kind) {
    case STMT_DEFINITION:
    case STMT_ERROR: return;
    case STMT_INCLUDE: take_include(X, ast, stmt, depth); return;
    case STMT_DATA: declare_data(X, stmt); return;
    case STMT_TRAIN: declare_train(X, stmt, depth > 0); return;
    case STMT_ASSIGN:
        if (stmt->assign.has_binders)
            report(X->diagnostics, CODE_E0213, stmt->span, "index notation belongs into a definition or a train block");
        else
            declare_setting(X, stmt, depth > 0);
        return;
    default: misplaced(X, stmt); return;
    }
}

static void take_tree(Experiment *X, const Ast *ast, int depth) {
    vector_push(X->arena, &X->trees, ast);
    if (X->options->meanings) vector_push(X->arena, &X->options->meanings->trees, ast);
    lower_declare_definitions(X->L, ast);
    for (int i = 0; i < ast->statements.count; i++)
        if (ast->statements.items[i]) take_statement(X, ast, ast->statements.items[i], depth);
}

/* ---- --set, --data, --run ----------------------------------------------------------------------- */
static void read_overrides(Experiment *X) {
    for (int i = 0; i < X->options->set_count; i++) {
        const Setting *set = &X->options->set[i];
        /* Shown in messages as `lr = 0.1` on line 1 of `--set`; `lr@features` is no name a statement can have. */
        bool plain = !set->name[strcspn(set->name, ".@")];
        const char *text = text_format(X->arena, "%s = %s\n", plain ? set->name : "value", set->value);
        const char *shown = plain ? "--set" : text_format(X->arena, "--set %s", set->name);
        Source *source = source_add(X->map, shown, text, strlen(text));
        int errors = X->diagnostics->errors;
        Ast *ast = parse(X->arena, X->names, X->diagnostics, source);
        const Stmt *stmt = ast->statements.count ? ast->statements.items[0] : NULL;
        Override override = {set->name, NULL, false};
        if (stmt && stmt->kind == STMT_ASSIGN) override.value = stmt->assign.value;
        if (X->diagnostics->errors == errors && (!override.value || ast->statements.count != 1))
            report(X->diagnostics, CODE_E0306, (Span){0, 0}, "--set %s=%s: it takes one name and one value", set->name,
                   set->value);
        X->broken |= X->diagnostics->errors > errors;
        if (override.value) vector_push(X->arena, &X->overrides, override);
    }
}

/* Every name --set could have meant is a candidate: settings, keys, arguments of optimizers in use. */
static void report_unused_override(Experiment *X, const Override *override) {
    Vector(const char *) names = {0};
    for (int i = 0; i < X->settings.count; i++) vector_push(X->arena, &names, X->settings.items[i].name.text);
    for (int key = 0; key < KEY_COUNT; key++) vector_push(X->arena, &names, setting_name((SettingKey)key));
    for (int r = 0; r < X->runs.count; r++)
        for (int s = 0; s < X->runs.items[r].slot_count; s++)
            vector_push(X->arena, &names, X->runs.items[r].slots[s].name);
    Diagnostic *d = report(X->diagnostics, CODE_E0306, override->value->span,
                           "--set %s: no setting of this name is used", override->name);
    const char *near = nearest_name(override->name, names.items, names.count);
    if (near && strcmp(near, override->name) == 0)
        add_help(X->diagnostics, d, "%s stays as the program says it; --set changes settings like lr, batch and epochs",
                 near);
    else if (near)
        add_help(X->diagnostics, d, "did you mean `%s`?", near);
}

/* Nothing in the program has this name, whether it lowers or not: no setting, no named sum, no optimizer's argument. */
static bool means_nothing(Experiment *X, const Override *override) {
    const char *name = override->name;
    if (strpbrk(name, ".@") || setting_key(name) != KEY_LOCAL || is_top_setting(X, name)) return false;
    for (int b = 0; b < X->blocks.count; b++)
        for (int i = 0; i < X->blocks.items[b]->body.count; i++) {
            const Stmt *stmt = X->blocks.items[b]->body.items[i].stmt;
            if (stmt->kind == STMT_NAMED && strcmp(stmt->named.name.text, name) == 0) return false;
        }
    for (const Scope *scope = X->L->global; scope; scope = scope->parent)
        for (const Binding *binding = scope->last; binding; binding = binding->next) {
            if (binding->value->kind != VALUE_DEFINITION) continue;
            const FormalList *formals = &binding->value->definition->formals;
            for (int i = 0; i < formals->count; i++)
                if (strcmp(formals->items[i].name.text, name) == 0) return false;
        }
    return true;
}

static void check_data_options(Experiment *X) {
    for (int i = 0; i < X->options->data_count; i++) {
        const char *name = X->options->data[i].name;
        if (data_find(X, name_from(X->names, name))) continue;
        Vector(const char *) names = {0};
        for (int d = 0; d < X->data.count; d++) vector_push(X->arena, &names, X->data.items[d]->name.text);
        Diagnostic *d = report(X->diagnostics, CODE_E0305, (Span){0, 0}, "--data %s: there is no data set of this name",
                               name);
        const char *near = nearest_name(name, names.items, names.count);
        if (near) add_help(X->diagnostics, d, "did you mean `%s`?", near);
    }
}

static void report_unknown_train(Experiment *X, const char *name) {
    Vector(const char *) names = {0};
    for (int i = 0; i < X->blocks.count; i++) vector_push(X->arena, &names, X->blocks.items[i]->name.text);
    for (int i = 0; i < X->runs.count; i++) vector_push(X->arena, &names, X->runs.items[i].name);
    Diagnostic *d = report(X->diagnostics, CODE_E0305, (Span){0, 0},
                           "--run=%s: there is no train block or run of this name", name);
    const char *near = nearest_name(name, names.items, names.count);
    if (near)
        add_help(X->diagnostics, d, "did you mean `%s`?", near);
    else if (strchr(name, ' '))
        add_help(X->diagnostics, d, "a run is named as it is printed: its block, then what `each` gave it");
}

/* ---- lowering ------------------------------------------------------------------------------------ */
size_t run_name_length(const char *list) {
    int depth = 0;
    bool quoted = false;
    size_t i = 0;
    for (; list[i] && (list[i] != ',' || depth > 0 || quoted); i++) {
        if (list[i] == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (strchr("([", list[i]) != NULL) - (strchr(")]", list[i]) != NULL);
    }
    return i;
}

/* A block's name asks for all of its runs. */
static void ask_for(Experiment *X, bool *asked, const char *name) {
    TrainBlock *whole = block_find(X, name_from(X->names, name));
    TrainBlock *block = whole ? whole : block_find(X, name_of(X->names, name, strcspn(name, " ")));
    bool found = whole != NULL;
    if (block) block_lower(X, block);
    if (block && block->failed) return;
    for (int i = 0; block && i < block->run_count; i++) {
        bool named = strcmp(X->runs.items[block->first_run + i].name, name) == 0;
        asked[block->first_run + i] |= whole || named;
        found |= named;
    }
    if (!found) report_unknown_train(X, name);
}

/* Runs that nobody asked for and no other starts from go. */
static void drop_other_runs(Experiment *X, bool *asked) {
    int *place = arena_array(X->arena, int, X->runs.count + 1), kept = 0;
    for (int i = X->runs.count - 1; i >= 0; i--)
        if (asked[i] && X->runs.items[i].start_run >= 0) asked[X->runs.items[i].start_run] = true;
    for (int i = 0; i < X->runs.count; i++) {
        if (!asked[i]) continue;
        Run run = X->runs.items[i];
        if (run.start_run >= 0) run.start_run = place[run.start_run];
        place[i] = kept;
        X->runs.items[kept++] = run;
    }
    X->runs.count = kept;
}

static void lower_asked(Experiment *X, const char *only) {
    bool *asked = arena_array(X->arena, bool, X->blocks.count *MOST_RUNS + 1);
    while (*only) {
        size_t length = run_name_length(only);
        ask_for(X, asked, text_format(X->arena, "%.*s", (int)length, only));
        only += length + (only[length] == ',');
    }
    drop_other_runs(X, asked);
}

static void lower_blocks(Experiment *X) {
    for (int i = 0; i < X->blocks.count; i++) block_resolve(X, X->blocks.items[i]);
    if (X->options->only && X->options->only[0]) {
        lower_asked(X, X->options->only);
        return;
    }
    Text others = text_new(X->arena);
    for (int i = 0; i < X->blocks.count; i++) {
        TrainBlock *block = X->blocks.items[i];
        if (!block->included)
            block_lower(X, block);
        else
            text_add(&others, "%s%s", others.length ? ", " : "", block->name.text);
    }
    X->program->included_blocks = others.bytes;
}

/* Data that no run uses is checked all the same. */
static void lower_other_data(Experiment *X) {
    for (int i = 0; i < X->data.count; i++)
        if (!X->data.items[i]->used) data_lower(X, X->data.items[i]);
}

/* points.x: the field of the data the run trains on. */
static Value *field_of_data(Experiment *X, Scope *scope, const Expr *expr, const DataDecl *decl) {
    const DataSet *set = X->run->data ? X->run->data->set : NULL;
    Word name = expr->member.member;
    if (!set || set->name != decl->name.text) return NULL;
    Binding *field = data_find_field(set, name.text) >= 0 ? scope_find(scope, name.text) : NULL;
    if (field) {
        meaning_of_binding(X->L, name, field);
        return field->value;
    }
    Diagnostic *d = report(X->diagnostics, CODE_E0202, name.span, "data %s has no field named %s", set->name,
                           name.text);
    add_help(X->diagnostics, d, "its fields are %s", run_field_names(X->run));
    return value_poison(X->L);
}

static Value *external_hook(Lowering *L, Scope *scope, const Expr *expr, Value *base, void *context) {
    Experiment *X = context;
    if (expr->kind == EXPR_EACH) {
        const Expr *chosen = each_chosen(X, expr);
        return chosen ? lower_expression(L, scope, chosen) : NULL;
    }
    bool field = expr->kind == EXPR_MEMBER && base && base->tag == EXTERNAL_DATA && X->run;
    return field ? field_of_data(X, scope, expr, base->object) : NULL;
}

static const char *stem_of(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    return text_format(arena, "%.*s", (int)length, name);
}

static void bind_declarations(Experiment *X) {
    for (int i = 0; i < X->data.count; i++) {
        DataDecl *decl = X->data.items[i];
        if (!scope_find_here(X->L->global, decl->name.text))
            scope_bind(X->L, X->L->global, decl->name.text, value_external(X->L, EXTERNAL_DATA, decl), decl->name.span);
    }
}

/* Runs point into the program's list of data sets. */
static void list_data(Experiment *X) {
    Program *program = X->program;
    Vector(DataSet) sets = {0};
    Vector(DataSet *) from = {0};
    for (int i = 0; i < X->data.count; i++)
        for (int v = 0; v < X->data.items[i]->variants.count; v++) {
            vector_push(X->arena, &from, X->data.items[i]->variants.items[v]->set);
            vector_push(X->arena, &sets, *from.items[from.count - 1]);
        }
    for (int r = 0; r < X->runs.count; r++)
        for (int i = 0; i < from.count; i++) {
            if (X->runs.items[r].data == from.items[i]) X->runs.items[r].data = &sets.items[i];
            if (X->runs.items[r].valid == from.items[i]) X->runs.items[r].valid = &sets.items[i];
        }
    for (int j = 0; j < X->joined.count; j++)
        for (int k = 0; k < X->joined.items[j]->joined_count; k++)
            for (int i = 0; i < from.count; i++)
                if (X->joined.items[j]->joined[k] == from.items[i]) X->joined.items[j]->joined[k] = &sets.items[i];
    program->data = sets.items;
    program->data_count = sets.count;
    program->runs = X->runs.items;
    program->run_count = X->runs.count;
}

static void warn_unused_settings(Experiment *X) {
    settings_clear_used(X);
    for (int i = 0; i < X->settings.count; i++) {
        const TopSetting *setting = &X->settings.items[i];
        if (setting->ever_used || setting->included) continue; /* perhaps by a block that does not run */
        report(X->diagnostics, CODE_W0305, setting->name.span, "nothing uses the setting %s", setting->name.text);
    }
}

static void check_top_sites(Experiment *X) {
    if (X->top_sites.count <= MOST_TOP_SITES) return;
    report(X->diagnostics, CODE_E0314, X->top_sites.items[MOST_TOP_SITES].each->span,
           "more than %d settings of the file use each", MOST_TOP_SITES);
    X->top_sites.count = MOST_TOP_SITES;
}

Program *lower_program(Arena *arena, Names *names, Diagnostics *d, SourceMap *map, Ast *ast, const char *path,
                       const LowerOptions *options) {
    Program *program = arena_new_of(arena, Program);
    *program = (Program){.arena = arena, .names = names, .diagnostics = d, .stem = stem_of(arena, path)};
    Experiment experiment = {.arena = arena,
                             .names = names,
                             .diagnostics = d,
                             .map = map,
                             .program = program,
                             .options = options,
                             .L = lowering_new(arena, names, d, map, options->f64)};
    Experiment *X = &experiment;
    X->L->external_hook = external_hook;
    X->L->hook_context = X;
    X->L->meanings = options->meanings;
    if (options->meanings) options->meanings->lowering = X->L;
    X->L->graph = graph_new(arena, d);
    optimizer_bind_sums(X);
    statistics_bind(X);
    plateau_bind(X);
    average_bind(X);
    prelude_declare(X);
    read_overrides(X);
    already_included(X, path);
    take_tree(X, ast, 0);
    check_top_sites(X);
    if (X->broken) return program;
    settings_bind(X, false);
    bind_declarations(X);
    check_data_options(X);
    for (int i = 0; i < X->trees.count; i++) lower_check_names(X->L, X->trees.items[i]);
    lower_blocks(X);
    lower_other_data(X);
    bool good = !d->errors && X->runs.count > 0;
    for (int i = 0; i < X->overrides.count; i++)
        if (!X->overrides.items[i].used && (good || means_nothing(X, &X->overrides.items[i])))
            report_unused_override(X, &X->overrides.items[i]);
    for (int i = 0; i < X->trees.count && !d->errors; i++) lower_warn_unread(X->L, X->trees.items[i]);
    if (!d->errors && !options->only) warn_unused_settings(X);
    list_data(X);
    return program;
}
