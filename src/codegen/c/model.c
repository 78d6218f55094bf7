/* model: a run's sgdrt_model (runtime/model.h) as C, and the functions of the C API under
 * the run's prefix: runtime/embedded/api.inc with `self` for the prefix.
 */
#include "codegen/c/c.h"
#include "codegen/object/exported_names.h"
#include "codegen/object/model_facts.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

static const char *literal(Arena *arena, const char *s) {
    Text text = text_new(arena);
    text_add_c_string(&text, s);
    return text.bytes;
}

static const char *number(Arena *arena, double v) {
    if (v != v) return "NAN";
    if (isinf(v)) return v < 0 ? "-INFINITY" : "INFINITY";
    return text_format(arena, "%a", v);
}

/* The name of a table, or NULL where it has no row. */
static const char *table_name(CUnit *unit, const CModel *m, const char *table, int count) {
    return count == 0 ? "NULL" : text_format(unit->arena, "%s__%s", m->prefix, table);
}

static void cells(CUnit *unit, const CModel *m) {
    Text *to = &unit->models;
    for (int i = 0; i < m->run->cell_count; i++) {
        const Shape *shape = &m->run->cells[i].shape;
        if (shape->rank == 0) continue;
        text_add(to, "static const int64_t %s__shape%d[] = {", m->prefix, i);
        for (int a = 0; a < shape->rank; a++) text_add(to, "%s%lld", a > 0 ? ", " : "", (long long)shape->extent[a]);
        text_add(to, "};\n");
    }
    if (m->run->cell_count == 0) return;
    text_add(to, "static const sgdrt_model_cell %s__cells[] = {\n", m->prefix);
    for (int i = 0; i < m->run->cell_count; i++) {
        const Cell *cell = &m->run->cells[i];
        const char *shape = cell->shape.rank == 0 ? "NULL" : text_format(unit->arena, "%s__shape%d", m->prefix, i);
        text_add(to, "    {%s, %s, %zu, %zu, %d, %d, %d, %d},\n", literal(unit->arena, cell->name), shape, cell->offset,
                 (size_t)shape_size(cell->shape) * dtype_bytes(cell->dtype), cell->shape.rank, (int)cell->dtype,
                 (int)cell->kind, cell_starts_infinite(cell));
    }
    text_add(to, "};\n");
}

static void slots(CUnit *unit, const CModel *m) {
    if (m->run->slot_count == 0) return;
    text_add(&unit->models, "static const sgdrt_model_slot %s__slots[] = {\n", m->prefix);
    for (int i = 0; i < m->run->slot_count; i++) {
        const Slot *slot = &m->run->slots[i];
        text_add(&unit->models, "    {%s, %zu, %s, %d, 0},\n", literal(unit->arena, slot->name), slot->offset,
                 number(unit->arena, slot->value), (int)slot->dtype);
    }
    text_add(&unit->models, "};\n");
}

static void plateaus(CUnit *unit, const CModel *m) {
    if (m->run->plateau_count == 0) return;
    text_add(&unit->models, "static const sgdrt_model_plateau %s__plateaus[] = {\n", m->prefix);
    for (int i = 0; i < m->run->plateau_count; i++) {
        const Plateau *p = &m->run->plateaus[i];
        text_add(&unit->models, "    {%s, %s, %d, %d, %d, %d, %d, 0},\n", number(unit->arena, p->epochs),
                 number(unit->arena, p->by), p->factor, p->best, p->waited, model_figure(m->run, p->figure),
                 p->highest);
    }
    text_add(&unit->models, "};\n");
}

static void sets(CUnit *unit, const CModel *m) {
    const Run *run = m->run;
    if (run->partner_count == 0) return;
    text_add(&unit->models, "static const sgdrt_model_set %s__sets[] = {\n", m->prefix);
    for (int i = 0; i < run->partner_count; i++) {
        const Partner *p = &run->partners[i];
        text_add(&unit->models, "    {%lld, %lld, %d, %d, %d, 0},\n", (long long)(p->all ? -1 : p->batch),
                 (long long)model_copies(run->data->joined[i + 1]), (int)p->order, p->first_column, p->column_count);
    }
    text_add(&unit->models, "};\n");
}

static void columns(CUnit *unit, const CModel *m) {
    const DataSet *data = m->run->data;
    const char *const *members = exported_members(unit->arena, data);
    if (data->column_count == 0) return;
    text_add(&unit->models, "static const sgdrt_model_column %s__columns[] = {\n", m->prefix);
    for (int i = 0; i < data->column_count; i++) {
        const Column *column = &data->columns[i];
        text_add(&unit->models, "    {%s, %lld, %lld, %d, %d, %d, %d, %d, %d, %d},\n", literal(unit->arena, members[i]),
                 (long long)shape_size(column->shape), (long long)column->classes, (int)column->dtype, m->predicts[i],
                 column->standardized ? column->mean_cell : -1, column->standardized ? column->deviation_cell : -1,
                 column->missing == MISSING_NAN, data_teacher_of(data, i) == i, !m->reads[i]);
    }
    text_add(&unit->models, "};\n");
}

static void statistics(CUnit *unit, const CModel *m) {
    const Run *run = m->run;
    if (run->statistic_count == 0) return;
    text_add(&unit->models, "static const sgdrt_model_statistic %s__statistics[] = {\n", m->prefix);
    for (int i = 0; i < run->statistic_count; i++) {
        const Statistic *s = &run->statistics[i];
        text_add(&unit->models, "    {%d, %d, %d, %d, %lld, %d, %d},\n", (int)s->kind, s->column, s->cell, s->output,
                 (long long)shape_size(s->shape), (int)model_statistic_type(run, s), s->set);
    }
    text_add(&unit->models, "};\n");
}

/* Metrics: names, elements, how many arguments each keeps; the bytes of each argument's row, and whether it is ranked. */
static int measures(CUnit *unit, const CModel *m) {
    const Run *run = m->run;
    Text names = text_new(unit->arena), counts = text_new(unit->arena), bytes = text_new(unit->arena),
         codes = text_new(unit->arena), ranked = text_new(unit->arena), elements = text_new(unit->arena);
    int arguments = 0;
    for (int i = 0; i < run_measures(run); i++) {
        const Measure *measure = &run->measures[i];
        text_add(&names, "%s, ", literal(unit->arena, measure->name));
        text_add(&counts, "%d, ", measure->argument_count);
        text_add(&codes, "%s__metric%d, ", m->prefix, i);
        arguments += measure->argument_count;
        text_add(&elements, "%lld, ", (long long)shape_size(measure->shape));
        for (int a = 0; a < measure->argument_count; a++) {
            text_add(&bytes, "%lld, ", (long long)model_row_bytes(measure->arguments[a]));
            text_add(&ranked, "%d, ", (int)measure->ranked[a]);
        }
    }
    if (run_measures(run) > 0) {
        text_add(&unit->models, "static const char *const %s__metric_names[] = {%s};\n", m->prefix, names.bytes);
        text_add(&unit->models, "static const int32_t %s__argument_counts[] = {%s};\n", m->prefix, counts.bytes);
        text_add(&unit->models, "static const int64_t %s__metric_elements[] = {%s};\n", m->prefix, elements.bytes);
        text_add(&unit->models, "static sgdrt_function *const %s__metrics[] = {%s};\n", m->prefix, codes.bytes);
    }
    Text parts = text_new(unit->arena);
    for (int i = 0; i < run->term_count; i++) text_add(&parts, "%d, ", run->terms[i].part);
    if (run->part_count)
        text_add(&unit->models, "static const int32_t %s__term_parts[] = {%s};\n", m->prefix, parts.bytes);
    if (arguments > 0) {
        text_add(&unit->models, "static const int64_t %s__argument_bytes[] = {%s};\n", m->prefix, bytes.bytes);
        text_add(&unit->models, "static const int32_t %s__argument_ranked[] = {%s};\n", m->prefix, ranked.bytes);
    }
    return arguments;
}

static const char *entry(CUnit *unit, const CModel *m, const Function *function, const char *name) {
    return function->root_count == 0 ? "NULL" : text_format(unit->arena, "%s__%s", m->prefix, name);
}

static void model_fields(CUnit *unit, const CModel *m, int arguments) {
    const Run *run = m->run;
    Text *to = &unit->models;
    const char *p = m->prefix;
    text_add(to, "static const sgdrt_code %s__code[] = {{%s__init, %s__step, %s, %s, %s, %s}};\n", p, p, p,
             entry(unit, m, &run->evaluate, "evaluate"), entry(unit, m, &run->predictor, "predict"),
             entry(unit, m, &run->derived, "derived"), table_name(unit, m, "metrics", run_measures(run)));
    text_add(to, "static const uint32_t %s__level[] = {0};\n", p);
    text_add(to,
             "static const sgdrt_model %s__model = {\n    .abi = SGDRT_ABI, .levels = 1, .name = \"%s\", .code = "
             "%s__code, .level = %s__level,\n",
             p, p, p, p);
    text_add(to, "    .cells = %s, .slots = %s, .columns = %s,\n", table_name(unit, m, "cells", run->cell_count),
             table_name(unit, m, "slots", run->slot_count), table_name(unit, m, "columns", run->data->column_count));
    const char *classes = model_classes(unit->arena, run->data);
    text_add(to, "    .statistics = %s, .classes = %s, .statistic_count = %d, .derived_count = %d,\n",
             table_name(unit, m, "statistics", run->statistic_count), classes ? literal(unit->arena, classes) : "NULL",
             run->statistic_count, run->derived.root_count);
    text_add(to,
             "    .metric_names = %s, .argument_bytes = %s, .argument_counts = %s,\n"
             "    .argument_ranked = %s, .metric_elements = %s, .array_count = %d,\n",
             table_name(unit, m, "metric_names", run_measures(run)), table_name(unit, m, "argument_bytes", arguments),
             table_name(unit, m, "argument_counts", run_measures(run)),
             table_name(unit, m, "argument_ranked", arguments),
             table_name(unit, m, "metric_elements", run_measures(run)), run->array_count);
    text_add(to, "    .seed = UINT64_C(%llu), .state_bytes = %zu, .work_bytes = %zu, .predict_bytes = %zu,\n",
             (unsigned long long)run->seed, run->state_bytes, m->work_bytes, m->predict_bytes);
    text_add(to, "    .batch = %lld, .epochs = %lld, .steps = %lld, .predict_elements = %lld,\n", (long long)run->batch,
             (long long)run->epochs, (long long)run->steps, (long long)model_outputs(run));
    text_add(to, "    .together = %lld, .copies = %lld, .valid_copies = %lld, .hold_out_part = %s,\n",
             (long long)run->together, (long long)model_copies(run->data), (long long)model_copies(run->valid),
             number(unit->arena, run->hold_out_part));
    text_add(to,
             "    .cell_count = %d, .slot_count = %d, .column_count = %d, .metric_count = %d, .argument_count = %d,\n",
             run->cell_count, run->slot_count, run->data->column_count, run->measure_count, arguments);
    text_add(to, "    .averaged = %d, .minimized = %d, .terms = %d, .lr_slot = %d, .order = %d, .last = %d,\n",
             run_averaged(run), run_minimized(run), run->term_count, model_lr_slot(run), (int)run->order,
             (int)run->last);
    text_add(to,
             "    .weight_sum = %d, .hold_out = %d, .fold = %d, .folds = %d, .hold_out_by = %d, .plateau_count = %d, "
             ".plateaus = %s,\n",
             run_weight_sum(run), (int)run->hold_out, run->fold, run->folds, model_split_column(run),
             run->plateau_count, table_name(unit, m, "plateaus", run->plateau_count));
    text_add(to, "    .most_rows = %lld, .sets = %s, .set_count = %d,\n", (long long)run->most_rows,
             table_name(unit, m, "sets", run->partner_count), run->partner_count);
    text_add(to, "    .sums = %d, .term_parts = %s\n};\n", run_sums(run),
             table_name(unit, m, "term_parts", run->part_count ? run->term_count : 0));
}

/* ---- the functions of the API ------------------------------------------------------------------------------- */
static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* `self` is the model, `self_NAME` the function of the prefix. */
static void add_api(CUnit *unit, const CModel *m, const char *text) {
    Text *to = &unit->models;
    for (const char *c = text; *c != 0;) {
        bool begins = strncmp(c, "self", 4) == 0 && (c == text || !is_word(c[-1]));
        if (begins && c[4] == '_') {
            text_add(to, "%s", m->prefix);
            c += 4;
        } else if (begins && !is_word(c[4])) {
            text_add(to, "%s__model", m->prefix);
            c += 4;
        } else {
            text_add_bytes(to, c++, 1);
        }
    }
}

void c_model(CUnit *unit, const CModel *model) {
    text_add(&unit->models, "/* ---- %s: what the functions of its C API work from */\n", model->prefix);
    cells(unit, model);
    slots(unit, model);
    plateaus(unit, model);
    sets(unit, model);
    columns(unit, model);
    statistics(unit, model);
    model_fields(unit, model, measures(unit, model));
    text_add(&unit->models, "\n");
    add_api(unit, model, strstr(c_carried("api.inc")->text, "*/\n") + 3); /* without its head */
    text_add(&unit->models, "\n");
}
