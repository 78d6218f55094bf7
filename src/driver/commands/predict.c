/* sgdc predict MODEL.sgd --load FILE: predictions for new rows, as they come.
 *
 * A block of rows is read, then threads share it: each computes its rows' predictions with the one compiled function, in
 * work memory of its own, and writes their text; texts are put out in the order of the rows. A prediction depends on its
 * row alone, so neither blocks nor threads show in what is printed.
 */
#include "driver/commands/commands.h"
#include "driver/commands/new_rows.h"
#include "driver/prediction_text.h"
#include "driver/output.h"
#include "pool.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1 << 14, MOST_BLOCK_BYTES = 1 << 24 };

/* Of one thread. */
typedef struct Hand {
    void *work;
    Text text;
} Hand;

typedef struct Predict {
    Driver *driver;
    Trained trained;
    PredictionForm form;
    NewRows *rows;
    NewBlock block;
    int64_t block_rows, predicted;
    float *values;
    Hand *hands;
    int hand_count;
    sgdrt_pool *pool;
    bool alone; /* alone: no pool is to be made */
    Output out;
} Predict;

/* ---- the run ----------------------------------------------------------------------------------------- */
static bool keep_predict_only(Driver *driver, Run *run) {
    run->evaluate = (Function){0};
    run->measure_count = run->array_count = 0;
    if (run->predict) return true;
    driver_complain(driver,
                    "train %s predicts nothing: several models are called in what it minimises, or none; say "
                    "`predict = MODEL(...)` there",
                    run->block);
    return false;
}

/* "id,price" as its parts. */
static const char **split_names(Arena *arena, const char *list, int *count) {
    Vector(const char *) names = {0};
    while (list) {
        size_t length = strcspn(list, ",");
        vector_push(arena, &names, text_format(arena, "%.*s", (int)length, list));
        list = list[length] ? list + length + 1 : NULL;
    }
    *count = names.count;
    return names.items;
}

/* ---- a block ------------------------------------------------------------------------------------------- */
static void predict_part(Predict *p, Hand *hand, int64_t begin, int64_t end) {
    const NewBlock *block = &p->block;
    const PredictionForm *form = &p->form;
    int texts = form->text_count;
    float *values = p->values + begin * form->elements;
    void *outputs[1] = {values};
    sgdrt_call call = {.state = p->trained.state,
                       .work = hand->work,
                       .columns = block->columns,
                       .first = block->first + begin,
                       .count = end - begin,
                       .batch = end - begin,
                       .place = p->predicted + begin,
                       .seed = p->trained.run->seed,
                       .outputs = outputs};
    hand->text.length = 0;
    if (begin == end) return;
    p->trained.executor->call(p->trained.executor, ENTRY_PREDICT, 0, &call);
    for (int64_t r = begin; r < end; r++)
        prediction_row(&hand->text, form, p->values + r * form->elements, block->text,
                       texts && r ? block->text_end[r * texts - 1] : 0, block->text_end + r * texts);
}

static void share(void *context, int thread) {
    Predict *p = context;
    int64_t count = p->block.count, threads = p->hand_count;
    predict_part(p, &p->hands[thread], count * thread / threads, count * (thread + 1) / threads);
}

static Hand new_hand(const Predict *p) {
    size_t bytes = (p->trained.executor->work_bytes + 63) / 64 * 64 + 64;
    Hand hand = {.work = aligned_alloc(64, bytes), .text = text_new(arena_new())};
    if (!hand.work) out_of_memory(bytes);
    return hand;
}

/* Threads begin with the second whole block: fewer rows do not pay for them, and the code is compiled by then. */
static void consider_threads(Predict *p) {
    if (p->alone || p->block.count < p->block_rows || !p->predicted) return;
    p->alone = true;
    p->pool = sgdrt_pool_new(threads_allowed(p->driver));
    int count = sgdrt_pool_threads(p->pool);
    Hand *hands = arena_array(p->driver->arena, Hand, count);
    hands[0] = p->hands[0];
    for (int i = 1; i < count; i++) hands[i] = new_hand(p);
    p->hands = hands;
    p->hand_count = count;
}

static bool put(Predict *p, const Text *text) {
    return fwrite(text->bytes, 1, text->length, p->out.file) == text->length;
}

static bool predict_block(Predict *p) {
    consider_threads(p);
    if (p->pool)
        sgdrt_pool_run(p->pool, share, p);
    else
        share(p, 0);
    p->predicted += p->block.count;
    bool good = true;
    for (int i = 0; i < p->hand_count && good; i++) good = put(p, &p->hands[i].text);
    if (good && p->driver->options->line) good = fflush(p->out.file) == 0;
    return good;
}

/* ---- all of them ----------------------------------------------------------------------------------------- */
/* False after a diagnostic; what cannot be written is told when the output ends. */
static bool predict_rows(Predict *p) {
    Text heading = text_new(p->driver->arena);
    prediction_heading(&heading, &p->form, p->trained.run);
    for (bool first = true;; first = false) {
        if (!new_rows_next(p->rows, p->block_rows, &p->block)) return false;
        if (first && !put(p, &heading)) return true;
        if (!p->block.count || !predict_block(p)) return true;
    }
}

static void plan_memory(Predict *p, const bool *needed) {
    const DataSet *set = p->trained.run->data;
    int64_t row_bytes = 4 * p->form.elements;
    for (int c = 0; c < set->column_count; c++)
        if (needed[c]) row_bytes += 8 * shape_size(set->columns[c].shape);
    p->block_rows = MOST_BLOCK_BYTES / (row_bytes + 1) + 1;
    if (p->block_rows > MOST_ROWS) p->block_rows = MOST_ROWS;
    size_t bytes = sizeof *p->values * (size_t)(p->block_rows * p->form.elements + 1);
    p->values = malloc(bytes);
    if (!p->values) out_of_memory(bytes);
    p->hands = arena_array(p->driver->arena, Hand, 1);
    p->hands[0] = new_hand(p);
    p->hand_count = 1;
    p->alone = p->driver->options->threads == 1 || p->driver->options->interpret;
}

static void free_memory(Predict *p) {
    sgdrt_pool_free(p->pool);
    for (int i = 0; i < p->hand_count; i++) {
        free(p->hands[i].work);
        arena_free(p->hands[i].text.arena);
    }
    free(p->values);
}

static ExitCode write_predictions(Predict *p) {
    const char *path = p->driver->options->output ? p->driver->options->output : "-", *problem;
    ExitCode code = driver_check_output(p->driver, path);
    if (code != EXIT_DONE) return code;
    if (!output_open(p->driver->arena, path, &p->out, &problem)) {
        driver_complain(p->driver, "%s %s", path, problem);
        return EXIT_DATA;
    }
    bool good = predict_rows(p);
    if (!good && !p->out.standard) {
        output_abandon(&p->out);
        return EXIT_DATA;
    }
    bool written = output_finish(p->driver->arena, &p->out, &problem);
    if (!written) driver_complain(p->driver, "%s %s", path, problem);
    if (!good || !written) return EXIT_DATA;
    new_rows_say_left_out(p->rows);
    if (!p->out.standard) driver_say(p->driver, "wrote %s: %" PRId64 " predictions", path, p->predicted);
    return EXIT_DONE;
}

static ExitCode predict(Driver *driver) {
    Predict p = {.driver = driver};
    ExitCode code = trained_open(driver, keep_predict_only, &p.trained);
    if (code != EXIT_DONE) return code;
    const Run *run = p.trained.run;
    const DataSet *set = trained_data(driver, run);
    int text_count;
    const char **texts = split_names(driver->arena, driver->options->columns, &text_count);
    bool *needed = arena_array(driver->arena, bool, run->data->column_count + 1);
    trained_mark_columns(driver->arena, run->predict, needed);
    code = EXIT_USAGE;
    if (set) p.rows = new_rows_open(&p.trained, set, needed, texts, text_count, &code);
    if (p.rows) {
        p.form = prediction_form(driver, run, texts, text_count);
        plan_memory(&p, needed);
        code = write_predictions(&p);
        free_memory(&p);
    }
    new_rows_close(p.rows);
    trained_close(&p.trained);
    return code;
}

/* ---- the command ------------------------------------------------------------------------------------------ */
static const char *check(Arena *arena, const Options *o) { return trained_check_options(arena, o, "predict"); }

static const OptionRow rows[] = {
    {NULL, 0, 0, 0, NULL, NULL, "What is predicted"},
    {"load", 0, OPTION_TEXT, OPTION_AT(load), "=FILE", NULL,
     "the saved parameters: what sgdc MODEL.sgd --run --save=FILE writes"},
    {"run", 0, OPTION_TEXT, OPTION_AT(run_only), "=NAME", NULL,
     "the train block or run they are of (default: what FILE says)"},
    {"data", 0, OPTION_PAIR, OPTION_AT(data), "=NAME=PATH", NULL,
     "the new rows, read as data NAME is; - is standard input (default: the program's own)"},
    {"skip-bad", 0, OPTION_FLAG, OPTION_AT(skip_bad), NULL, NULL, "leave out rows that cannot be read, and count them"},
    {NULL, 0, 0, 0, NULL, NULL, "How it is written"},
    {NULL, 'o', OPTION_TEXT, OPTION_AT(output), " PATH", NULL, "the file (default: standard output)"},
    {"columns", 0, OPTION_TEXT, OPTION_AT(columns), "=A,B,...", NULL,
     "columns of the csv to repeat before the prediction, by name or number from 0"},
    {"json", 0, OPTION_FLAG, OPTION_AT(json), NULL, NULL, "a JSON object for each row, not csv"},
    {"line", 0, OPTION_FLAG, OPTION_AT(line), NULL, NULL, "predict and write each row as it comes"},
    {0},
};

const Command command_predict = {
    .grammar = {.command = "predict",
                .arguments = "MODEL.sgd --load=FILE [--data=NAME=PATH]",
                .file = ".sgd file",
                .summary = "predictions for new rows, from a file or standard input",
                .rows = rows,
                .shared = "set seed threads interpret cpu O progress time-passes " SHARED_BY_ALL,
                .check = check},
    .run = predict,
};
