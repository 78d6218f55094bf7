/* The options of sgdc, one row each, and the reading of a command line by such rows. A row says how its value is read
 * and where it is stored, and carries the line that --help prints; nothing else in the driver knows an option's spelling.
 *
 * Long options take `--name=value` or, where a value is required, also `--name value`; short ones `-xvalue` or
 * `-x value`. An optional value (--run=a,b) needs the `=`, so that `sgdc --run model.sgd` means what it looks like.
 */
#include "codegen/object/exported_names.h"
#include "driver/options.h"
#include "driver/output.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char emit_help[] = "write:"
#define EMIT(NAME, name, of) " " name
#include "driver/emit_kinds.def"
#undef EMIT
    ;
static const char target_help[] = "the machine an object is for (default: this one's):"
#define ARCHITECTURE(NAME, name, ...) " " #name "-linux-gnu"
#include "codegen/target/architectures.def"
#undef ARCHITECTURE
    ;

#define AT(member) OPTION_AT(member)
static const OptionRow own_rows[] = {
    {NULL, 0, 0, 0, NULL, NULL, "What to do"},
    {"run", 0, OPTION_RUN, AT(run), "[=TRAIN,...]", NULL,
     "compile in memory and train all train blocks, or the named blocks or runs"},
    {"check", 0, OPTION_FLAG, AT(check), NULL, NULL, "diagnose only"},
    {"emit", 0, OPTION_EMIT, AT(emit), "=KIND[=PATH],...", NULL, emit_help},
    {"summary", 0, OPTION_FLAG, AT(summary), NULL, NULL, "print parameters and memory"},
    {"dry-run", 0, OPTION_FLAG, AT(dry_run), NULL, NULL, "load the data and plan the training, but do not train"},
    {"check-grad", 0, OPTION_FLAG, AT(check_grad), NULL, NULL,
     "compare the symbolic gradient with finite differences in f64"},
    {"find-lr", 0, OPTION_FLAG, AT(find_lr), NULL, NULL,
     "find a learning rate by a test of growing rates, and train nothing"},
    {"tune", 0, OPTION_SECONDS, AT(tune), "[=SECONDS]", NULL,
     "find the fastest schedules by measuring, keep them for later, and train nothing"},
    {"machine", 0, OPTION_FLAG, AT(machine), NULL, NULL,
     "print the processor that code is made for, measure what nobody tells of it and keep that for later"},
    {"explain", 0, OPTION_TEXT, AT(explain), "=CODE", NULL, "explain a diagnostic code, or all"},

    {NULL, 0, 0, 0, NULL, NULL, "Outputs of a compilation"},
    {NULL, 'o', OPTION_TEXT, AT(output), " PATH", NULL, "the object's path, or a folder ending in /"},
    {"name", 0, OPTION_TEXT, AT(name), "=ID", NULL, "prefix of the C names (default: the file's stem)"},
    {"cpu", 0, OPTION_TEXT, AT(cpu), "=NAME", NULL,
     "native, x86-64-v2, -v3, -v4 or a processor's name (default: --run native, an object all three)"},
    {"target", 0, OPTION_TEXT, AT(target), "=TRIPLE", NULL, target_help},
    {NULL, 'O', OPTION_LEVEL, AT(optimize), "0..3", NULL, "optimisation level (default 3); the bits are the same"},

    {NULL, 0, 0, 0, NULL, NULL, "Training"},
    {"set", 0, OPTION_PAIR, AT(set), "=NAME=VALUE", NULL, "a setting: lr, batch, epochs, a top-level name"},
    {"data", 0, OPTION_PAIR, AT(data), "=NAME=PATH", NULL, "the file that data NAME reads"},
    {"seed", 0, OPTION_SEED, AT(seed), "=N", NULL, "the seed of order, draws and initial values (default 0)"},
    {"threads", 0, OPTION_COUNT, AT(threads), "=N", NULL,
     "threads to compile, read csv and train on (default: what is here, where it pays); same bits"},
    {"save", 0, OPTION_TEXT, AT(save), "=FILE", NULL,
     "write parameters and optimizer state (safetensors); several runs: FILE-RUN, the best: FILE"},
    {"names", 0, OPTION_CHOICE, AT(names), "=torch", "sgdc torch",
     "--save and --summary call parameters as modules of PyTorch do"},
    {"load", 0, OPTION_TEXT, AT(load), "=FILE", NULL, "continue from a saved file"},
    {"save-every", 0, OPTION_AMOUNT, AT(save_every), "=AMOUNT", NULL,
     "write the file of --save while training goes on: 10min, 2h, \"5 epochs\", \"1000 steps\""},
    {"resume", 0, OPTION_CHOICE, AT(resume), "=auto", "never auto", "continue from the file of --save if it is there"},
    {"time-limit", 0, OPTION_TIME, AT(time_limit), "=TIME", NULL,
     "end training, as Ctrl-C does, when sgdc has run so long (30s, 10min, 1h)"},
    {"overfit", 0, OPTION_WHOLE, AT(overfit), "=N", NULL, "train on the first N rows only, to see the loss go to zero"},
    {"interpret", 0, OPTION_FLAG, AT(interpret), NULL, NULL, "run the interpreter, not compiled code"},
    {"f64", 0, OPTION_FLAG, AT(f64), NULL, NULL, "compute with every f32 of the program an f64"},

    {NULL, 0, 0, 0, NULL, NULL, "Reporting"},
    {"log", 0, OPTION_TEXT, AT(log), "=FILE", NULL,
     "a row per epoch, as .csv or .jsonl; FOLDER/: event files for TensorBoard"},
    {"plot", 0, OPTION_TEXT, AT(plot), "=FILE", NULL, "loss curves: .svg, .png, .pdf, .gp, or - for the terminal"},
    {"animate", 0, OPTION_TEXT, AT(animate), "=FILE", NULL,
     "how the fit came about: .html (a page with a slider), .gif, .webp"},
    {"report", 0, OPTION_TEXT, AT(report), "=FILE", NULL,
     "curves, fit, worst rows, program and gradients as one page: .html"},
    {"predictions", 0, OPTION_TEXT, AT(predictions), "=FILE", NULL,
     "what is predicted for the rows that validate, of folds for all rows: .csv, or -"},
    {"trace", 0, OPTION_TEXT, AT(trace), "=FILE", NULL,
     "take 10 steps of one run and write its data, rows, losses and cells (safetensors)"},
    {"progress", 0, OPTION_CHOICE, AT(progress), "=HOW", "auto bar plain none", "progress on stderr"},
    {NULL, 'q', OPTION_FLAG, AT(quiet), NULL, NULL, "print only results and errors"},
    {NULL, 'v', OPTION_FLAG, AT(verbose), NULL, NULL, "print the report table of every run"},
    {NULL, 'W', OPTION_TEXT, AT(warnings_are_errors), "error", NULL, "treat warnings as errors"},
    {"error-format", 0, OPTION_CHOICE, AT(error_format), "=FORM", "human json", "how diagnostics are printed"},
    {"color", 0, OPTION_CHOICE, AT(color), "=WHEN", "auto always never", "colour in diagnostics"},

    {NULL, 0, 0, 0, NULL, NULL, "Looking into the compiler"},
    {"dump", 0, OPTION_TEXT, AT(dump), "=PASS", NULL,
     "print the graphs, or trees of loops, after a pass, or after all"},
    {"stop-after", 0, OPTION_TEXT, AT(stop_after), "=PASS", NULL, "end after a pass"},
    {"time-passes", 0, OPTION_FLAG, AT(time_passes), NULL, NULL, "print the time of each pass"},
    {"completions", 0, OPTION_TEXT, AT(completions), "=SHELL", NULL,
     "print the script by which bash, fish or zsh completes command lines of sgdc"},
    {"complete", 0, OPTION_REST, AT(complete), " WORD...", NULL,
     "print what may stand for the last of these words of a command line (for that script)"},
    {"version", 0, OPTION_FLAG, AT(version), NULL, NULL, "print the version"},
    {"help", 'h', OPTION_FLAG, AT(help), NULL, NULL, "print this"},
    {0},
};

static const char *const emit_kinds[EMIT_KIND_COUNT] = {
#define EMIT(NAME, name, of) name,
#include "driver/emit_kinds.def"
#undef EMIT
};

const char *emit_kind_text(EmitKind kind) { return emit_kinds[kind]; }

EmitOf emit_kind_of(EmitKind kind) {
    static const EmitOf of_kind[EMIT_KIND_COUNT] = {
#define EMIT(NAME, name, of) EMIT_OF_##of,
#include "driver/emit_kinds.def"
#undef EMIT
    };
    return of_kind[kind];
}

static bool row_is_heading(const OptionRow *row) { return row->name == NULL && row->letter == 0; }

bool option_needs_value(const OptionRow *row) {
    return row->kind != OPTION_FLAG && row->kind != OPTION_RUN && row->kind != OPTION_SECONDS &&
           row->kind != OPTION_REST;
}

/* ---- which rows a command line may use ----------------------------------------------------- */
static bool word_is(const char *word, size_t length, const OptionRow *row) {
    if (row->name) return strlen(row->name) == length && memcmp(row->name, word, length) == 0;
    return row->letter && length == 1 && *word == row->letter;
}

static const OptionRow *find_in(const OptionRow *rows, const char *word, size_t length) {
    for (; rows->help; rows++)
        if (word_is(word, length, rows)) return rows;
    return NULL;
}

/* The grammar's rows, then those it shares, in the order in which it names them. */
int options_rows(const Grammar *grammar, const OptionRow *list[MOST_OPTION_ROWS]) {
    int count = 0;
    for (const OptionRow *row = grammar->rows; row->help && count < MOST_OPTION_ROWS; row++) list[count++] = row;
    for (const char *at = grammar->shared; at && *at && count < MOST_OPTION_ROWS;) {
        size_t length = strcspn(at, " ");
        const OptionRow *row = find_in(own_rows, at, length);
        if (!row) INTERNAL_ERROR("%s shares %.*s, which is no option of sgdc", grammar->command, (int)length, at);
        list[count++] = row;
        at += length + (at[length] != 0);
    }
    return count;
}

static const OptionRow *row_of_name(const OptionRow *const *rows, int count, const char *name, size_t length) {
    for (int i = 0; i < count; i++)
        if (rows[i]->name && word_is(name, length, rows[i])) return rows[i];
    return NULL;
}

static const OptionRow *row_of_letter(const OptionRow *const *rows, int count, char letter) {
    for (int i = 0; i < count; i++)
        if (rows[i]->letter && rows[i]->letter == letter) return rows[i];
    return NULL;
}

const OptionRow *option_row(const OptionRow *const *rows, int count, const char *argument) {
    if (argument[0] != '-' || argument[1] == 0) return NULL;
    if (argument[1] == '-') return row_of_name(rows, count, argument + 2, strcspn(argument + 2, "="));
    return row_of_letter(rows, count, argument[1]);
}

static const char *row_spelling(Arena *arena, const OptionRow *row) {
    return row->name ? text_format(arena, "--%s", row->name) : text_format(arena, "-%c", row->letter);
}

/* ", did you mean X?" or "". */
static const char *suggestion(Arena *arena, const char *wanted, const char *const *names, int count,
                              const char *prefix) {
    const char *near = nearest_name(wanted, names, count);
    return near ? text_format(arena, "; did you mean %s%s?", prefix, near) : "";
}

static const char *unknown_option(Arena *arena, const Grammar *grammar, const OptionRow *const *rows, int count,
                                  const char *argument, const char *name) {
    const char *names[MOST_OPTION_ROWS];
    int named = 0;
    for (int i = 0; i < count; i++)
        if (rows[i]->name) names[named++] = rows[i]->name;
    const char *of = grammar->command ? text_format(arena, "sgdc %s has", grammar->command) : "there is";
    return text_format(arena, "%s no option %s%s", of, argument, suggestion(arena, name, names, named, "--"));
}

/* The path with .h for its extension. */
static const char *header_beside(Arena *arena, const char *path) {
    return text_format(arena, "%.*s.h", (int)(strlen(path) - strlen(path_extension(path))), path);
}

static const char *unknown_emit(Arena *arena, const char *kind) {
    Text known = text_new(arena);
    for (int i = 0; i < EMIT_KIND_COUNT; i++) text_add(&known, "%s%s", i > 0 ? ", " : "", emit_kinds[i]);
    return text_format(arena, "--emit does not know \"%s\"%s (it writes %s)", kind,
                       suggestion(arena, kind, emit_kinds, EMIT_KIND_COUNT, ""), known.bytes);
}

static const char *parse_emit(Arena *arena, Options *o, const char *value) {
    for (;;) {
        size_t length = strcspn(value, ",");
        const char *item = text_format(arena, "%.*s", (int)length, value);
        size_t kind_length = strcspn(item, "=");
        const char *kind = text_format(arena, "%.*s", (int)kind_length, item);
        Emit emit = {EMIT_KIND_COUNT, item[kind_length] ? item + kind_length + 1 : NULL};
        for (int i = 0; i < EMIT_KIND_COUNT; i++)
            if (strcmp(kind, emit_kinds[i]) == 0) emit.kind = i;
        if (emit.kind == EMIT_KIND_COUNT) return unknown_emit(arena, kind);
        if (emit.path && *emit.path == 0) return text_format(arena, "--emit=%s= needs a path", kind);
        vector_push(arena, &o->emit, emit);
        if (emit.kind == EMIT_C && !(emit.path && strcmp(emit.path, "-") == 0)) /* which an application includes */
            vector_push(arena, &o->emit, ((Emit){EMIT_C_HEADER, emit.path ? header_beside(arena, emit.path) : NULL}));
        if (value[length] == 0) return NULL;
        value += length + 1;
    }
}

static const char *parse_choice(Arena *arena, const OptionRow *row, int *to, const char *value) {
    const char *names[8];
    int count = 0;
    for (const char *at = row->choices; *at;) {
        size_t length = strcspn(at, " ");
        names[count++] = text_format(arena, "%.*s", (int)length, at);
        at += length + (at[length] != 0);
    }
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], value) == 0) {
            *to = i;
            return NULL;
        }
    return text_format(arena, "--%s cannot be \"%s\"%s (it is one of: %s)", row->name, value,
                       suggestion(arena, value, names, count, ""), row->choices);
}

static const char *parse_number(Arena *arena, const OptionRow *row, int64_t least, int64_t *to, const char *value) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || number < least)
        return text_format(arena, "%s needs a whole number of at least %lld, not \"%s\"", row_spelling(arena, row),
                           (long long)least, value);
    *to = number;
    return NULL;
}

static const char *parse_pair(Arena *arena, const OptionRow *row, Options *o, const char *value) {
    size_t length = strcspn(value, "=");
    if (length == 0 || value[length] == 0 || value[length + 1] == 0)
        return text_format(arena, "--%s needs %s, not \"%s\"", row->name, row->argument + 1, value);
    Setting setting = {text_format(arena, "%.*s", (int)length, value), value + length + 1};
    if (row->offset == AT(set))
        vector_push(arena, &o->set, setting);
    else
        vector_push(arena, &o->data, setting);
    return NULL;
}

/* "10min", "1.5 h", "5 epochs": the factor is of a second, or 0. False if it is none of these. */
static bool read_amount(const char *value, Amount *to) {
    static const struct {
        const char *unit;
        double seconds;
        bool epochs;
    } units[] = {
        {"s", 1, false},    {"min", 60, false},  {"h", 3600, false}, {"d", 86400, false},
        {"epoch", 0, true}, {"epochs", 0, true}, {"step", 0, false}, {"steps", 0, false},
    };
    char *end;
    if (!isdigit((unsigned char)*value) || value[strspn(value, "0123456789.")] == 'x') return false;
    double number = strtod(value, &end);
    end += strspn(end, " ");
    if (!(number > 0 && number < 1e9)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit)) continue;
        bool counts = units[i].seconds == 0;
        if (counts && number != (double)(int64_t)number) return false;
        *to = (Amount){.seconds = number * units[i].seconds, .text = value};
        if (counts) *(units[i].epochs ? &to->epochs : &to->steps) = (int64_t)number;
        return true;
    }
    return false;
}

static const char *parse_amount(Arena *arena, const OptionRow *row, Amount *to, const char *value) {
    bool time = row->kind == OPTION_TIME;
    if (read_amount(value, to) && (to->seconds > 0 || !time)) return NULL;
    return text_format(arena, "%s needs %s, not \"%s\"", row_spelling(arena, row),
                       time ? "a time with its unit, such as 30s, 10min or 1h"
                            : "an amount with its unit, such as 10min, 2h, \"5 epochs\" or \"1000 steps\"",
                       value);
}

/* Stores the value of one option; a sentence if it cannot be read. */
static const char *store(Arena *arena, const OptionRow *row, Options *o, const char *value) {
    void *to = (char *)o + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        if (value) return text_format(arena, "%s takes no value", row_spelling(arena, row));
        *(bool *)to = true;
        return NULL;
    case OPTION_TEXT:
        if (row->letter == 'W') {
            if (strcmp(value, "error"))
                return text_format(arena, "there is no option -W%s; did you mean -Werror?", value);
            *(bool *)to = true;
            return NULL;
        }
        if (*value == 0) return text_format(arena, "%s needs a value", row_spelling(arena, row));
        *(const char **)to = value;
        return NULL;
    case OPTION_RUN:
        if (value && *value == 0) return "--run= needs the names of train blocks";
        o->run = true;
        if (value) o->run_only = value;
        return NULL;
    case OPTION_EMIT: return parse_emit(arena, o, value);
    case OPTION_SEED: o->has_seed = true; return parse_number(arena, row, 0, to, value);
    case OPTION_COUNT: return parse_number(arena, row, 1, to, value);
    case OPTION_SECONDS: return parse_number(arena, row, 1, to, value ? value : "30");
    case OPTION_WHOLE: *(const char **)to = value; return parse_number(arena, row, 1, &(int64_t){0}, value);
    case OPTION_LEVEL:
        if (value[0] < '0' || value[0] > '3' || value[1])
            return text_format(arena, "the optimisation level is -O0, -O1, -O2 or -O3, not -O%s", value);
        *(int *)to = value[0] - '0';
        return NULL;
    case OPTION_AMOUNT:
    case OPTION_TIME: return parse_amount(arena, row, to, value);
    case OPTION_CHOICE: return parse_choice(arena, row, to, value);
    case OPTION_PAIR: return parse_pair(arena, row, o, value);
    case OPTION_REST: return NULL; /* parse_option takes it */
    }
    return NULL;
}

/* Does the path end in one of these ("svg png"), or is it "-"? */
static bool is_of_kind(const char *path, const char *kinds) {
    const char *extension = path_extension(path);
    if (strcmp(path, "-") == 0) return true;
    for (const char *kind = kinds; *kind && *extension;) {
        size_t length = strcspn(kind, " ");
        if (strlen(extension + 1) == length && memcmp(extension + 1, kind, length) == 0) return true;
        kind += length + (kind[length] != 0);
    }
    return false;
}

/* Names of C are made of it. */
static bool is_identifier(const char *name) {
    for (const char *c = name; *c; c++)
        if (*c != '_' && !(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
            !(c > name && *c >= '0' && *c <= '9'))
            return false;
    return *name != 0;
}

static const char *name_problem(Arena *arena, const char *name) {
    if (!is_identifier(name))
        return text_format(arena, "--name begins names of C, so it has letters, digits and _, not \"%s\"", name);
    const char *prefix = exported_prefix(arena, name), *owner = exported_name_owner(name);
    if (strcmp(prefix, name) == 0) return NULL;
    if (owner) return text_format(arena, "--name begins names of C, and %s is %s: try --name=%s", name, owner, prefix);
    return text_format(arena, "--name begins names of C, and %s would begin some that are taken: try --name=%s", name,
                       prefix);
}

/* Extensions say what is written. */
static const char *output_problem(Arena *arena, const Options *o) {
    if (o->plot && !is_of_kind(o->plot, "svg png pdf gp"))
        return text_format(arena, "--plot writes .svg, .png, .pdf, .gp (the script) or - (the terminal), not %s",
                           o->plot);
    if (o->animate && !is_of_kind(o->animate, "html gif webp"))
        return text_format(arena, "--animate writes .html (a page with a slider), .gif or .webp, not %s", o->animate);
    if (o->report && !is_of_kind(o->report, "html"))
        return text_format(arena, "--report writes a page, .html, not %s", o->report);
    if (o->predictions && !is_of_kind(o->predictions, "csv"))
        return text_format(arena, "--predictions writes .csv or - (stdout), not %s", o->predictions);
    if (o->log && !is_of_kind(o->log, "csv jsonl") && !path_names_folder(o->log))
        return text_format(
            arena, "--log writes .csv or .jsonl, - (csv on stdout), or event files into a FOLDER/, not %s", o->log);
    return NULL;
}

/* Options that make no sense together, or without another. */
static const char *check_together(Arena *arena, const Options *o) {
    bool trains = options_train(o) || o->check_grad, onnx = false;
    for (int i = 0; i < o->emit.count; i++) onnx |= o->emit.items[i].kind == EMIT_ONNX;
    const struct {
        bool given;
        const char *spelling;
    } needs_run[] = {
        {o->save != NULL, "--save"},
        {o->load != NULL && !onnx, "--load"},
        {o->log != NULL, "--log"},
        {o->plot != NULL, "--plot"},
        {o->animate != NULL, "--animate"},
        {o->report != NULL, "--report"},
        {o->predictions != NULL, "--predictions"},
        {o->trace != NULL, "--trace"},
        {o->overfit != NULL, "--overfit"},
        {o->save_every.text != NULL, "--save-every"},
        {o->resume != RESUME_NEVER, "--resume"},
        {o->time_limit.text != NULL, "--time-limit"},
        {o->interpret, "--interpret"},
        {o->f64, "--f64"},
    };
    const struct {
        const char *path, *spelling;
    } to_files[] = {{o->save, "--save"}, {o->trace, "--trace"}, {o->animate, "--animate"}, {o->report, "--report"}};
    for (size_t i = 0; i < sizeof needs_run / sizeof *needs_run; i++)
        if (needs_run[i].given && !trains)
            return text_format(arena, "%s is about training: add --run", needs_run[i].spelling);
    if (!o->save && o->save_every.text) return "--save-every says when the file of --save is written: add --save=FILE";
    if (!o->save && o->resume) return "--resume=auto goes on from the file that --save writes: add --save=FILE";
    if (o->names && !o->save && !o->summary)
        return "--names says how --save and --summary call parameters: add --save=FILE or --summary";
    if (o->names && (o->save_every.text || o->resume))
        return "--save-every and --resume go on from the file of --save, and by the names of PyTorch it holds "
               "parameters "
               "alone: leave out either them or --names";
    if (o->load && o->resume)
        return "--load names the file to go on from, --resume=auto finds it: leave out either of them";
    if (o->find_lr &&
        (o->save || o->log || o->trace || o->animate || o->report || o->time_limit.text || o->dry_run || o->check_grad))
        return "--find-lr tests rates and trains nothing: it goes with --run=TRAIN, --load and --plot, and prints its "
               "answer";
    if (o->tune && (o->save || o->log || o->trace || o->animate || o->report || o->plot || o->predictions ||
                    o->time_limit.text || o->dry_run || o->check_grad || o->find_lr || o->interpret))
        return "--tune measures steps and trains nothing: it goes with --run=TRAIN, --load and --cpu";
    if (o->name && name_problem(arena, o->name)) return name_problem(arena, o->name);
    if (o->output && trains) return "-o names the object of a compilation; with --run nothing is written there";
    if (o->target && trains)
        return "--target names the machine of an object; --run trains on the one at hand: leave out either of them";
    const char *problem = output_problem(arena, o);
    if (problem) return problem;
    if (o->output && strcmp(o->output, "-") == 0 && !(o->emit.count == 1 && o->emit.items[0].kind == EMIT_OBJ))
        return "-o - leaves no place for the header: --emit=obj=- writes the object alone to stdout, --emit=header=- "
               "the header";
    for (size_t i = 0; i < sizeof to_files / sizeof *to_files; i++)
        if (to_files[i].path && strcmp(to_files[i].path, "-") == 0)
            return text_format(arena, "%s needs a file: results are printed on stdout", to_files[i].spelling);
    if (o->check && trains) return "--check only diagnoses: leave out either it or --run";
    return NULL;
}

const Grammar options_of_sgdc = {
    .arguments = "FILE.sgd", .file = ".sgd file", .rows = own_rows, .check = check_together};

/* The option at argv[*i], and its value; leaves *i at what was read last. A sentence, or NULL. */
static const char *parse_option(Arena *arena, const Grammar *grammar, int argc, char **argv, int *i, Options *o) {
    const OptionRow *rows[MOST_OPTION_ROWS];
    int count = options_rows(grammar, rows);
    const char *argument = argv[*i], *value = NULL;
    const OptionRow *row = option_row(rows, count, argument);
    if (argument[1] == '-') {
        size_t length = strcspn(argument + 2, "=");
        if (argument[2 + length] == '=') value = argument + 2 + length + 1;
        if (!row)
            return unknown_option(arena, grammar, rows, count, argument,
                                  text_format(arena, "%.*s", (int)length, argument + 2));
    } else {
        if (argument[2]) value = argument + 2;
        if (!row) return unknown_option(arena, grammar, rows, count, argument, argument + 1);
    }
    if (row->kind == OPTION_REST) {
        *(CommandLine *)((char *)o + row->offset) = (CommandLine){(const char *const *)argv + *i + 1, argc - *i - 1};
        *i = argc - 1;
        return NULL;
    }
    if (!value && option_needs_value(row)) {
        if (*i + 1 == argc)
            return text_format(arena, "%s needs a value: %s%s", row_spelling(arena, row), row_spelling(arena, row),
                               row->argument);
        value = argv[++*i];
    }
    return store(arena, row, o, value);
}

static const char *parse_line(Arena *arena, const Grammar *grammar, int argc, char **argv, Options *o) {
    bool only_files = false;
    const char *problem = NULL;
    for (int i = 1; i < argc && !problem; i++) {
        const char *argument = argv[i];
        if (!only_files && strcmp(argument, "--") == 0) {
            only_files = true;
        } else if (only_files || argument[0] != '-' || argument[1] == 0) {
            if (!grammar->file)
                problem = text_format(arena, "sgdc %s takes no file, and %s was given", grammar->command, argument);
            else if (o->file && !grammar->many_files)
                problem = text_format(arena, "one %s at a time: %s and %s were given", grammar->file, o->file,
                                      argument);
            vector_push(arena, &o->files, argument);
            o->file = o->files.items[0];
        } else {
            problem = parse_option(arena, grammar, argc, argv, &i, o);
        }
    }
    if (problem || o->help || o->version || o->machine || o->explain || o->completions || o->complete.items)
        return problem;
    if (!o->file && grammar->file)
        return text_format(arena, "no %s was given (sgdc %s%s--help lists the options)", grammar->file,
                           grammar->command ? grammar->command : "", grammar->command ? " " : "");
    return grammar->check ? grammar->check(arena, o) : NULL;
}

bool options_parse(Arena *arena, const Grammar *grammar, int argc, char **argv, Options *o, const char **problem) {
    *o = (Options){.optimize = 3};
    *problem = parse_line(arena, grammar, argc, argv, o);
    return !*problem;
}

static void print_row(FILE *to, const OptionRow *row) {
    char spelling[64];
    snprintf(spelling, sizeof spelling, "%s%s%s", row->name ? "--" : (char[]){'-', row->letter, 0},
             row->name ? row->name : "", row->argument ? row->argument : "");
    fprintf(to, "  %-24s %s\n", spelling, row->help);
}

void options_print(FILE *to, const Grammar *grammar) {
    const OptionRow *rows[MOST_OPTION_ROWS];
    int count = options_rows(grammar, rows), own = 0;
    while (grammar->rows[own].help) own++;
    for (int i = 0; i < count; i++) {
        if (i == own) fprintf(to, "\nShared with training\n");
        if (row_is_heading(rows[i]))
            fprintf(to, "\n%s\n", rows[i]->help);
        else
            print_row(to, rows[i]);
    }
}
