/* --emit=onnx: what a run predicts as a model in ONNX, with the parameters of --load or those that training begins with.
 *
 * What the outputs say of classes is what sgdc predict says.
 */
#include "codegen/onnx/onnx.h"
#include "driver/output.h"
#include "driver/seeing.h"
#include <stdlib.h>
#include <string.h>

static OnnxAnswer answer_of(ClassRule rule) {
    switch (rule) {
    case CLASS_NONE: return ONNX_NUMBERS;
    case CLASS_LARGEST: return ONNX_LARGEST;
    case CLASS_ITSELF: return ONNX_CLASS;
    case CLASS_HALF: return ONNX_ABOVE_HALF;
    case CLASS_SIGN: return ONNX_ABOVE_ZERO;
    }
    return ONNX_NUMBERS;
}

static OnnxRequest request_of(Driver *driver, const Run *run, const void *state) {
    OnnxRequest request = {.run = run, .state = state, .program = driver->program->stem, .version = SGDC_VERSION};
    int64_t elements = shape_size(run->predict->shape);
    int target = run->target;
    const Field *field = target >= 0 ? &run->data->fields[target] : NULL;
    Truth truth = {.column = target, .classes = field ? (int)field->classes : 0};
    ClassRule rule = class_rule(&(Training){.run = run}, &truth, elements > INT32_MAX ? 0 : (int)elements);
    if (rule == CLASS_NONE && run->predict_classes > 0 && elements == 1) rule = CLASS_ITSELF;
    request.answer = answer_of(rule);
    if (rule == CLASS_NONE || !field || field->column < 0) return request;
    if (rule == CLASS_ITSELF && run->predict_classes != field->classes) return request;
    const Column *column = &run->data->columns[field->column];
    if (!column->remap_words && !column->remap_count) return request;
    const char **names = arena_array(driver->arena, const char *, field->classes + 1);
    for (int64_t k = 0; k < field->classes; k++) names[k] = trained_class_name(driver->arena, run->data, target, k);
    request.class_names = names;
    request.classes = field->classes;
    return request;
}

/* ---- parameters ---------------------------------------------------------------------------------------- */
static bool reads_statistics(Driver *driver, const Run *run) {
    int count;
    Node *root = run->predictor.roots[0].node, **nodes = graph_post_order(driver->arena, &root, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_CELL && run->cells[nodes[i]->attr.index].kind == CELL_STATISTIC) return true;
    return false;
}

static ExitCode take_parameters(Driver *driver, const sgdrt_checkpoint *file, const Run *run, void *state) {
    state_clear(run, state, 0);
    if (file) return served_restore(driver, file, run, state) ? EXIT_DONE : EXIT_DATA;
    if (reads_statistics(driver, run)) {
        driver_complain(driver,
                        "%s standardizes data by what training has learnt of it: --load=FILE says it (sgdc %s --run "
                        "--save=FILE writes it)",
                        run->name, driver->options->file);
        return EXIT_USAGE;
    }
    Executor *executor = interpreter_new(driver->arena, run);
    void *work = malloc(executor->work_bytes + 1);
    if (!work) out_of_memory(executor->work_bytes);
    executor->call(executor, ENTRY_INIT, 0, &(sgdrt_call){.state = state, .work = work});
    executor->free(executor);
    free(work);
    return EXIT_DONE;
}

/* ---- one run -------------------------------------------------------------------------------------------- */
static ExitCode make_model(Driver *driver, const sgdrt_checkpoint *file, const Run *run, Text *bytes) {
    if (!run->predict) {
        report(driver->diagnostics, CODE_E0316, run->span,
               "%s predicts nothing: several models are called in what it minimises, or none; say "
               "`predict = MODEL(...)` here",
               run->block);
        return EXIT_SOURCE;
    }
    void *state = aligned_alloc(64, round_to_line(run->state_bytes));
    if (!state) out_of_memory(run->state_bytes);
    ExitCode code = take_parameters(driver, file, run, state);
    if (code == EXIT_DONE) {
        OnnxRequest request = request_of(driver, run, state);
        if (!onnx_model(bytes, &request)) code = EXIT_SOURCE;
    }
    free(state);
    return code;
}

/* All are made before one is written. */
static ExitCode write_models(Driver *driver, const sgdrt_checkpoint *file, const char *path) {
    const Program *program = driver->program;
    Text *bytes = arena_array(driver->arena, Text, program->run_count);
    for (int r = 0; r < program->run_count; r++) {
        bytes[r] = text_new(driver->arena);
        ExitCode code = make_model(driver, file, &program->runs[r], &bytes[r]);
        if (code != EXIT_DONE) return code;
    }
    for (int r = 0; r < program->run_count; r++) {
        const char *problem, *to = saved_path(driver->arena, path, &program->runs[r], program->run_count);
        if (output_write(driver->arena, to, bytes[r].bytes, bytes[r].length, &problem)) continue;
        driver_complain(driver, "%s %s", to, problem);
        return EXIT_DATA;
    }
    return EXIT_DONE;
}

ExitCode driver_emit_onnx(Driver *driver, const char *path) {
    const Program whole = *driver->program;
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file = NULL;
    if (driver->options->load && sgdrt_load_file(driver->options->load, &file, &problem)) {
        report_problem(driver, &problem, (Span){0, 0}, NULL);
        return EXIT_DATA;
    }
    ExitCode code = file ? served_choose_run(driver, file) : EXIT_DONE;
    if (code == EXIT_DONE) code = write_models(driver, file, path);
    *driver->program = whole;
    sgdrt_free_checkpoint(file);
    return code;
}
