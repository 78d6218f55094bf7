/* From text to a Program whose bits are fixed: the pipeline as a list that can be read, dumped, timed and
 * stopped after each entry.
 *
 *     parse -> lower -> graph_passes[] (ir/passes.c: batch, grad, canonicalise, order | rules)
 *           -> schedule -> tree_passes[] (ir/loops/passes/passes.c)
 *
 * Trees and code are made by a session of codegen where they are wanted, function by function; a session of its own makes
 * those that are dumped. Errors are
 * looked at once per stage: a stage reports all it finds, the next one does not start on a broken program.
 */
#include "codegen/codegen.h"
#include "driver/driver.h"
#include "driver/stored_type.h"
#include "driver/vocabulary.h"
#include <string.h>

/* ---- stages -------------------------------------------------------------------------------- */
static const char *const first_stages[] = {"parse", "lower"};
/* After this pass bits are fixed. The interpreter runs what is there; what follows changes no bit. */
static const char the_line[] = "order";
enum { FIRST_STAGE_COUNT = sizeof first_stages / sizeof *first_stages };

int driver_pass_names(const char *names[MOST_PASS_NAMES]) {
    int count = 0;
    for (int i = 0; i < FIRST_STAGE_COUNT; i++) names[count++] = first_stages[i];
    for (const Pass *pass = graph_passes; pass->name; pass++) names[count++] = pass->name;
    names[count++] = SCHEDULE_PASS;
    for (const TreePass *pass = tree_passes; pass->name; pass++) names[count++] = pass->name;
    return count;
}

bool driver_check_pass_name(Driver *driver, const char *name, const char **problem) {
    const char *names[MOST_PASS_NAMES];
    int count = driver_pass_names(names);
    Text list = text_new(driver->arena);
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return true;
        text_add(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = nearest_name(name, names, count);
    *problem = near ? text_format(driver->arena, "there is no pass \"%s\"; did you mean %s?", name, near)
                    : text_format(driver->arena, "there is no pass \"%s\" (passes: %s)", name, list.bytes);
    return false;
}

static bool stop_after(Driver *driver, const char *stage) {
    if (driver->options->stop_after && strcmp(driver->options->stop_after, stage) == 0) driver->stopped = true;
    return driver->stopped;
}

static bool emits(const Driver *driver, EmitKind kind) {
    for (int i = 0; i < driver->options->emit.count; i++)
        if (driver->options->emit.items[i].kind == kind) return true;
    return false;
}

/* --emit=ast alone wants no more than a tree, of programs that mean nothing as well. */
static bool wants_tree_only(const Options *o) {
    for (int i = 0; i < o->emit.count; i++)
        if (o->emit.items[i].kind != EMIT_AST) return false;
    return o->emit.count > 0 && !o->run && !o->dry_run && !o->check_grad && !o->summary;
}

static bool dumps(const Driver *driver, const char *stage) {
    return driver->options->dump &&
           (strcmp(driver->options->dump, stage) == 0 || strcmp(driver->options->dump, "all") == 0);
}

static void dump_run(Driver *driver, Run *run, const char *stage) {
    Vector(const Function *) functions = {0};
    vector_push(driver->arena, &functions, &run->init);
    for (int i = 0; i < run_step_functions(run); i++) vector_push(driver->arena, &functions, run_step_function(run, i));
    vector_push(driver->arena, &functions, &run->evaluate);
    vector_push(driver->arena, &functions, &run->predictor);
    vector_push(driver->arena, &functions, &run->derived);
    Text text = text_new(driver->arena);
    for (int f = 0; f < functions.count; f++) {
        const Function *function = functions.items[f];
        if (!function->root_count) continue;
        Node **nodes = arena_array(driver->arena, Node *, function->root_count);
        const char **names = arena_array(driver->arena, const char *, function->root_count);
        for (int i = 0; i < function->root_count; i++) {
            nodes[i] = function->roots[i].node;
            names[i] = function->roots[i].name;
        }
        text_add(&text, "# %s: %s after %s\n", run->name, function->name, stage);
        graph_print(&text, nodes, names, function->root_count);
    }
    fputs(text.bytes, driver->info);
}

static ExitCode parse_stage(Driver *driver) {
    const char *problem, *path = driver->options->file;
    double begin = clock_seconds();
    bool piped = strcmp(path, "-") == 0;
    driver->source = piped ? source_read_stdin(driver->map, &problem) : source_read(driver->map, path, &problem);
    if (!driver->source) {
        driver_complain(driver, "%s %s", path, problem);
        return EXIT_DATA;
    }
    driver->ast = parse(driver->arena, driver->names, driver->diagnostics, driver->source);
    driver_add_time(driver, "parse", clock_seconds() - begin);
    if (dumps(driver, "parse")) {
        Text text = text_new(driver->arena);
        ast_print(&text, driver->ast);
        fputs(text.bytes, driver->info);
    }
    return driver->diagnostics->errors ? EXIT_SOURCE : EXIT_DONE;
}

static ExitCode lower_stage(Driver *driver, bool gradients, Measured measured) {
    const Options *o = driver->options;
    LowerOptions lower = {
        .set = o->set.items,
        .set_count = o->set.count,
        .data = o->data.items,
        .data_count = o->data.count,
        .seed = (uint64_t)o->seed,
        .has_seed = o->has_seed,
        .only = o->run_only,
        .f64 = gradients || o->f64,
        .gradients = gradients,
        .overfit = o->overfit,
        .measured = measured,
        .stored_as = stored_type,
        .stored_context = driver,
    };
    double begin = clock_seconds();
    driver->program = lower_program(driver->arena, driver->names, driver->diagnostics, driver->map, driver->ast,
                                    driver->source->path, &lower);
    driver_add_time(driver, "lower", clock_seconds() - begin);
    if (driver->diagnostics->errors) return EXIT_SOURCE;
    if (!o->check && !vocabulary_learn(driver)) return EXIT_DATA;
    if (emits(driver, EMIT_GRAD) || o->report) driver_keep_graphs(driver, EMIT_GRAD);
    if (dumps(driver, "lower"))
        for (int i = 0; i < driver->program->run_count; i++) dump_run(driver, &driver->program->runs[i], "lower");
    return EXIT_DONE;
}

static ExitCode pass_stage(Driver *driver, const Pass *pass) {
    double begin = clock_seconds();
    for (int i = 0; i < driver->program->run_count; i++) pass->run(driver->program, &driver->program->runs[i]);
    driver_add_time(driver, pass->name, clock_seconds() - begin);
    if (driver->diagnostics->errors) return EXIT_SOURCE;
    if (strcmp(pass->name, the_line) == 0) {
        if (emits(driver, EMIT_IR)) driver_keep_graphs(driver, EMIT_IR);
        if (emits(driver, EMIT_DOT)) driver_keep_graphs(driver, EMIT_DOT);
        if (emits(driver, EMIT_MANIFEST)) driver_keep_identities(driver);
    }
    if (dumps(driver, pass->name))
        for (int i = 0; i < driver->program->run_count; i++) dump_run(driver, &driver->program->runs[i], pass->name);
    return EXIT_DONE;
}

/* Where the trees after a pass are looked at. */
static ExitCode trees_stage(Driver *driver, const char *pass) {
    if (!dumps(driver, pass)) return stop_after(driver, pass), EXIT_DONE;
    Text text = text_new(driver->arena);
    ExitCode code = driver_print_loops(driver, &text, pass);
    if (code == EXIT_DONE) fprintf(driver->info, "# loops after %s\n%s", pass, text.bytes);
    stop_after(driver, pass);
    return code;
}

ExitCode driver_lower(Driver *driver, bool gradients, Measured measured) {
    ExitCode code = parse_stage(driver);
    if (code != EXIT_DONE || stop_after(driver, "parse") || wants_tree_only(driver->options)) return code;
    code = lower_stage(driver, gradients, measured);
    if (code == EXIT_DONE) stop_after(driver, "lower");
    return code;
}

ExitCode driver_run_passes(Driver *driver) {
    for (const Pass *pass = graph_passes; pass->name; pass++) {
        ExitCode code = pass_stage(driver, pass);
        if (code != EXIT_DONE || stop_after(driver, pass->name)) return code;
        if (driver->options->interpret && strcmp(pass->name, the_line) == 0) return EXIT_DONE;
    }
    ExitCode code = trees_stage(driver, SCHEDULE_PASS);
    for (const TreePass *pass = tree_passes; pass->name && code == EXIT_DONE && !driver->stopped; pass++)
        code = trees_stage(driver, pass->name);
    return code;
}

ExitCode driver_compile(Driver *driver, bool gradients) {
    ExitCode code = driver_lower(driver, gradients,
                                 !gradients && driver_makes_object(driver) ? MEASURED_BY_ALL
                                 : driver->options->predictions            ? MEASURED_BY_NONE
                                                                           : MEASURED_BY_PREDICT);
    if (code != EXIT_DONE || driver->stopped || !driver->program) return code;
    if (gradients) program_take_gradients(driver->program);
    return driver_run_passes(driver);
}
