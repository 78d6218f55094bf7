/* --predictions: what is predicted for the rows that validate, as csv. With hold_out = folds(5) these are all rows, each
 * predicted by the run that did not train on it.
 *
 * Runs that differ in their fold alone share a file, in the order of the rows, with what serves: of a run with `keep` what
 * it keeps. A row is named by its number in the data, as rows = a..b counts; its copies are one. A run that diverged
 * predicts nothing.
 */
#include "driver/prediction_text.h"
#include "codegen/object/exported_names.h"
#include "driver/output.h"
#include <inttypes.h>
#include <string.h>

enum { BLOCK = 256 }; /* rows of a call */

/* ---- which runs share a file ---------------------------------------------------------------------- */
/* Its name but for its fold. */
static const char *setting_of(Arena *arena, const Run *run) {
    Text name = text_new(arena);
    text_add(&name, "%s", run->block);
    for (int i = 0; i < run->each_count; i++)
        if (strcmp(run->each[i].name, EACH_FOLD)) text_add(&name, " %s=%s", run->each[i].name, run->each[i].text);
    return name.bytes;
}

const char *held_out_path(Arena *arena, const Program *program, const char *path, int run) {
    const char *name = setting_of(arena, &program->runs[run]), *extension = path_extension(path);
    bool others = false, before = false;
    for (int r = 0; r < program->run_count; r++) {
        bool same = strcmp(name, setting_of(arena, &program->runs[r])) == 0;
        others |= !same;
        before |= same && r < run;
    }
    if (before) return NULL;
    if (!others) return path;
    return text_format(arena, "%.*s-%s%s", (int)(strlen(path) - strlen(extension)), path,
                       exported_file_word(arena, name), extension);
}

bool held_out_is_possible(Driver *driver) {
    const Program *program = driver->program;
    for (int r = 0; r < program->run_count && driver->options->predictions; r++) {
        const Run *run = &program->runs[r];
        const char *lacks =
            run->hold_out == HOLD_OUT_NONE && !run->valid
                ? "no rows of %s validate: hold_out = folds(5) has all rows predicted, hold_out = 0.2 some"
            : !run->predict ? "%s predicts nothing: predict = net(x) in its train block says what"
                            : NULL;
        if (!lacks) continue;
        driver_complain(driver, text_format(driver->arena, "--predictions: %s", lacks), run->name);
        return false;
    }
    return true;
}

/* ---- the rows --------------------------------------------------------------------------------------- */
typedef struct Lines {
    const char **of_row; /* NULL: not predicted */
    int64_t rows;
} Lines;

static int64_t number_of(const sgdrt_table *table, int64_t row) {
    return table->row_in_file ? (int64_t)table->row_in_file[row] : row;
}

static const char *line_of(Arena *arena, const Run *run, const PredictionForm *form, int64_t row, const float *values) {
    Text line = text_new(arena), before = text_new(arena);
    size_t end[2];
    text_add(&before, "%" PRId64, row);
    end[0] = before.length;
    text_add(&before, "%d", run->fold + 1);
    end[1] = before.length;
    prediction_row(&line, form, values, before.bytes, 0, end);
    return line.bytes;
}

static bool draws(const Training *t) {
    int count;
    Node **nodes = graph_post_order(t->driver->arena, &t->run->predictor.roots[0].node, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_RANDOM) return true;
    return false;
}

/* What the run predicts of the rows that it validates on. */
static void predict_rows(Training *t, const PredictionForm *form, Lines *lines) {
    const RowSet *rows = &t->data->valid;
    int64_t block = draws(t) ? 1 : BLOCK; /* a draw follows from the row's number */
    Predictor *p = predictor_new(t, block);
    for (int64_t begin = 0; begin < rows->count; begin += block) {
        int64_t count = rows->count - begin < block ? rows->count - begin : block;
        for (int64_t i = 0; i < count; i++) predictor_put_row(p, i, rows->table, row_of(rows, begin + i));
        p->place = row_of(rows, begin);
        const float *values = predictor_call(p, training_served(t), count);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = row_of(rows, begin + i);
            if (!lines->of_row[row])
                lines->of_row[row] = line_of(t->driver->arena, t->run, form, number_of(rows->table, row),
                                             values + i * p->outputs);
        }
    }
}

static bool write_group(Driver *driver, Training *const *trainings, int count, int first, const char *path) {
    static const char *const columns[] = {"row", "fold"};
    Arena *arena = driver->arena;
    const Run *run = trainings[first]->run;
    const char *problem, *name = setting_of(arena, run);
    PredictionForm form = prediction_form(driver, run, columns, run->folds ? 2 : 1);
    Lines lines = {.rows = trainings[first]->data->valid.table->rows};
    lines.of_row = arena_array(arena, const char *, lines.rows + 1);
    for (int r = first; r < count; r++)
        if (strcmp(name, setting_of(arena, trainings[r]->run)) == 0 && !training_diverged(trainings[r]))
            predict_rows(trainings[r], &form, &lines);
    Text text = text_new(arena);
    prediction_heading(&text, &form, run);
    for (int64_t row = 0; row < lines.rows; row++)
        if (lines.of_row[row]) text_add_bytes(&text, lines.of_row[row], strlen(lines.of_row[row]));
    if (output_write(arena, path, text.bytes, text.length, &problem)) {
        if (strcmp(path, "-")) driver_say(driver, "wrote %s", path);
        return true;
    }
    driver_complain(driver, "%s %s", path, problem);
    return false;
}

bool held_out_write(Driver *driver, Training *const *trainings, int count) {
    bool good = true;
    for (int r = 0; r < count && driver->options->predictions; r++) {
        const char *path = held_out_path(driver->arena, driver->program, driver->options->predictions, r);
        if (path) good &= write_group(driver, trainings, count, r, path);
    }
    return good;
}
