/* The answer to a shell that completes a command line. What may stand there is read from the rows by which command lines are
 * parsed, values where they are enumerated from the tables they are looked up in, and names of a program from the file that
 * the line names, which is parsed and no more.
 */
#include "driver/completion/complete.h"
#include "codegen/target/architecture.h"
#include "driver/commands/commands.h"
#include "driver/output.h"
#include "experiment/experiment.h"
#include <string.h>

typedef struct Completion {
    Driver *driver;
    const Grammar *grammar;
    const char *program;     /* an .sgd file of the line, or NULL */
    const char *head, *tail; /* of the last word: what stays, and what is completed */
} Completion;

static void offer(Completion *c, const char *word, const char *help) {
    if (strncmp(word, c->tail, strlen(c->tail)) == 0) fprintf(c->driver->result, "%s%s\t%s\n", c->head, word, help);
}

static void offer_files(Completion *c, const char *extension) {
    fprintf(c->driver->result, ":files\t%s\t%s\n", c->head, extension);
}

/* The part of the last word behind any of these characters is completed. */
static void advance(Completion *c, const char *separators) {
    size_t length = strlen(c->tail);
    while (length > 0 && !strchr(separators, c->tail[length - 1])) length--;
    c->head = text_format(c->driver->arena, "%s%.*s", c->head, (int)length, c->tail);
    c->tail += length;
}

/* ---- values that other tables know ------------------------------------------------------------- */
static void offer_passes(Completion *c) {
    const char *names[MOST_PASS_NAMES];
    int count = driver_pass_names(names);
    for (int i = 0; i < count; i++) offer(c, names[i], "");
}

static void offer_dumps(Completion *c) {
    offer(c, "all", "after each pass");
    offer_passes(c);
}

static void offer_codes(Completion *c) {
    offer(c, "all", "every code");
    for (Code code = 0; code < CODE_COUNT; code++) offer(c, code_name(code), code_title(code));
}

static void offer_processors(Completion *c) {
    Processor processors[MOST_PROCESSORS];
    int count = processors_known(processors);
    offer(c, "native", "this machine's");
    for (int i = 0; i < count; i++) offer(c, processors[i].name, architecture_row(processors[i].architecture)->name);
}

static void offer_triples(Completion *c) {
    for (int a = 0; a < ARCHITECTURES; a++)
        offer(c, text_format(c->driver->arena, "%s-linux-gnu", architecture_row((Architecture)a)->name), "");
}

static void offer_shells(Completion *c) {
    for (const EmbeddedFile *file = completion_files; file->name; file++) offer(c, path_extension(file->name) + 1, "");
}

static void offer_kinds(Completion *c) {
    advance(c, ",");
    if (strchr(c->tail, '=')) {
        advance(c, "=");
        offer_files(c, "");
        return;
    }
    for (int kind = 0; kind < EMIT_KIND_COUNT; kind++) offer(c, emit_kind_text((EmitKind)kind), "");
}

/* ---- names of the program ------------------------------------------------------------------------ */
static const Ast *parse_program(Completion *c) {
    const char *problem;
    Driver *driver = c->driver;
    Source *source = c->program && path_is_file(c->program) ? source_read(driver->map, c->program, &problem) : NULL;
    return source ? parse(driver->arena, driver->names, driver->diagnostics, source) : NULL;
}

/* Of the data or train blocks. */
static void offer_blocks(Completion *c, StmtKind kind) {
    const Ast *ast = parse_program(c);
    for (int i = 0; ast && i < ast->statements.count; i++) {
        const Stmt *stmt = ast->statements.items[i];
        if (!stmt || stmt->kind != kind) continue;
        const char *name = kind == STMT_DATA ? stmt->data.name.text : stmt->train.name.text;
        if (name) offer(c, kind == STMT_DATA ? text_format(c->driver->arena, "%s=", name) : name, "");
    }
}

static void offer_trains(Completion *c) {
    advance(c, ",");
    offer_blocks(c, STMT_TRAIN);
}

static void offer_data(Completion *c) {
    if (strchr(c->tail, '=')) {
        advance(c, "=");
        offer_files(c, "");
    } else {
        offer_blocks(c, STMT_DATA);
    }
}

static void offer_settings(Completion *c) {
    if (strchr(c->tail, '=')) return;
    const char *usual[] = {"lr", setting_name(KEY_BATCH), setting_name(KEY_EPOCHS), setting_name(KEY_STEPS)};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        offer(c, text_format(c->driver->arena, "%s=", usual[i]), "");
    const Ast *ast = parse_program(c);
    for (int i = 0; ast && i < ast->statements.count; i++) {
        const Stmt *stmt = ast->statements.items[i];
        if (stmt && stmt->kind == STMT_ASSIGN && stmt->assign.key.text)
            offer(c, text_format(c->driver->arena, "%s=", stmt->assign.key.text), "of the program");
    }
}

/* ---- the value of an option ------------------------------------------------------------------------ */
static void offer_saved_files(Completion *c) { offer_files(c, "safetensors"); }

/* Options with texts that are one of several, by where they are stored. */
static const struct {
    size_t offset;
    void (*offer)(Completion *);
} values[] = {
    {OPTION_AT(cpu), offer_processors},  {OPTION_AT(target), offer_triples},    {OPTION_AT(explain), offer_codes},
    {OPTION_AT(dump), offer_dumps},      {OPTION_AT(stop_after), offer_passes}, {OPTION_AT(run), offer_trains},
    {OPTION_AT(run_only), offer_trains}, {OPTION_AT(emit), offer_kinds},        {OPTION_AT(data), offer_data},
    {OPTION_AT(set), offer_settings},    {OPTION_AT(load), offer_saved_files},  {OPTION_AT(completions), offer_shells},
};

static void offer_choices(Completion *c, const char *choices) {
    for (const char *at = choices; *at;) {
        size_t length = strcspn(at, " ");
        offer(c, text_format(c->driver->arena, "%.*s", (int)length, at), "");
        at += length + (at[length] != 0);
    }
}

static void offer_values(Completion *c, const OptionRow *row) {
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i].offset == row->offset) {
            values[i].offer(c);
            return;
        }
    if (row->kind == OPTION_CHOICE) offer_choices(c, row->choices);
    if (row->kind == OPTION_LEVEL) offer_choices(c, "0 1 2 3");
    if (row->kind == OPTION_TEXT && (strstr(row->argument, "FILE") || strstr(row->argument, "PATH")))
        offer_files(c, "");
}

/* ---- the line ---------------------------------------------------------------------------------------- */
/* Is the value of this option the next word? */
static bool asks_for_next(const OptionRow *row, const char *word) {
    return row && option_needs_value(row) && (row->name ? !strchr(word, '=') : word[2] == 0);
}

static void offer_options(Completion *c, const OptionRow *const *rows, int count) {
    Arena *arena = c->driver->arena;
    for (int i = 0; i < count; i++) {
        const OptionRow *row = rows[i];
        if (row->name)
            offer(c, text_format(arena, "--%s%s", row->name, option_needs_value(row) ? "=" : ""), row->help);
        else if (row->kind == OPTION_LEVEL || row->letter == 'W') /* the value is part of the word */
            offer(c, text_format(arena, "-%c%s", row->letter, row->letter == 'W' ? row->argument : ""), row->help);
        else if (row->letter)
            offer(c, text_format(arena, "-%c", row->letter), row->help);
    }
}

static void offer_first(Completion *c, bool commands) {
    for (int i = 0; commands && command_at(i); i++)
        offer(c, command_at(i)->grammar.command, command_at(i)->grammar.summary);
    const char *file = c->grammar->arguments; /* "MODEL.sgd --load=FILE", or "" */
    size_t length = strcspn(file, " ");
    if (length == 0) return;
    const char *extension = path_extension(text_format(c->driver->arena, "%.*s", (int)length, file));
    bool own = strcmp(extension, ".sgd") == 0 || strcmp(extension, ".safetensors") == 0; /* a table has any */
    offer_files(c, own ? extension + 1 : "");
}

ExitCode complete_words(Driver *driver, CommandLine line) {
    const char *const *words = line.items;
    int count = line.count;
    const OptionRow *rows[MOST_OPTION_ROWS], *asks = NULL; /* asks: its value is the next word */
    const char *last = count ? words[count - 1] : "";
    const Command *command = NULL;
    for (int i = 0; count > 1 && command_at(i); i++)
        if (strcmp(command_at(i)->grammar.command, words[0]) == 0) command = command_at(i);
    Completion c = {driver, command ? &command->grammar : &options_of_sgdc, NULL, "", last};
    int row_count = options_rows(c.grammar, rows);
    bool only_files = false;
    for (int i = command != NULL; i < count - 1; i++) {
        const OptionRow *row = asks || only_files ? NULL : option_row(rows, row_count, words[i]);
        if (!asks && strcmp(words[i], "--") == 0) only_files = true;
        if (!asks && strcmp(path_extension(words[i]), ".sgd") == 0) c.program = words[i];
        asks = asks_for_next(row, words[i]) ? row : NULL;
    }
    const OptionRow *row = only_files ? NULL : option_row(rows, row_count, last);
    const char *equals = strchr(last, '=');
    if (asks) {
        offer_values(&c, asks);
    } else if (row && row->name && equals) {
        c.head = text_format(driver->arena, "%.*s", (int)(equals + 1 - last), last);
        c.tail = equals + 1;
        offer_values(&c, row);
    } else if (row && row->kind == OPTION_LEVEL) {
        c.head = text_format(driver->arena, "-%c", row->letter);
        c.tail = last + 2;
        offer_values(&c, row);
    } else if (last[0] == '-' && !only_files) {
        offer_options(&c, rows, row_count);
    } else {
        offer_first(&c, count <= 1);
    }
    return EXIT_DONE;
}

ExitCode completion_script(Driver *driver, const char *shell) {
    Text shells = text_new(driver->arena);
    for (const EmbeddedFile *file = completion_files; file->name; file++) {
        const char *name = path_extension(file->name) + 1;
        text_add(&shells, "%s%s", file == completion_files ? "" : ", ", name);
        if (strcmp(name, shell)) continue;
        fwrite(file->text, 1, file->length, driver->result);
        return EXIT_DONE;
    }
    driver_complain(driver, "--completions has no script for \"%s\" (it has them for %s)", shell, shells.bytes);
    return EXIT_USAGE;
}
