/* object_model: what makes an object more than functions: its sgdrt_model (runtime/model.h) as constants, and the
 * functions that every object carries, linked from the embedded bitcode under the object's prefix.
 *
 * The constants are written field by field in the order of model.h; the bitcode was compiled against the same
 * header. Struct layout is LLVM's natural one, which is C's on every target sgdc has.
 */
#include "codegen/object/object_model.h"
#include "codegen/object/exported_names.h"
#include "codegen/object/header.h"
#include "codegen/object/model_facts.h"
#include "model.h"
#include <llvm-c/BitReader.h>
#include <llvm-c/Core.h>
#include <llvm-c/Linker.h>
#include <string.h>

typedef struct Builder {
    LLVMModuleRef module;
    LLVMContextRef context;
    Arena *arena;
    const char *prefix;
} Builder;

static LLVMValueRef int32(Builder *b, int64_t v) {
    return LLVMConstInt(LLVMInt32TypeInContext(b->context), (uint64_t)v, true);
}
static LLVMValueRef int64(Builder *b, int64_t v) {
    return LLVMConstInt(LLVMInt64TypeInContext(b->context), (uint64_t)v, true);
}
static LLVMValueRef real64(Builder *b, double v) { return LLVMConstReal(LLVMDoubleTypeInContext(b->context), v); }
static LLVMTypeRef pointer(Builder *b) { return LLVMPointerTypeInContext(b->context, 0); }
static LLVMValueRef null(Builder *b) { return LLVMConstNull(pointer(b)); }

static LLVMValueRef record(Builder *b, LLVMValueRef *fields, int count) {
    return LLVMConstStructInContext(b->context, fields, (unsigned)count, false);
}
#define RECORD(b, ...) \
    record((b), (LLVMValueRef[]){__VA_ARGS__}, (int)(sizeof((LLVMValueRef[]){__VA_ARGS__}) / sizeof(LLVMValueRef)))

static LLVMValueRef private_constant(Builder *b, LLVMValueRef init) {
    LLVMValueRef global = LLVMAddGlobal(b->module, LLVMTypeOf(init), "");
    LLVMSetInitializer(global, init);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    return global;
}

/* An array of items that are alike; NULL where it would be empty. */
static LLVMValueRef table(Builder *b, LLVMValueRef *items, int count) {
    return count ? private_constant(b, LLVMConstArray2(LLVMTypeOf(items[0]), items, (uint64_t)count)) : null(b);
}

static LLVMValueRef string(Builder *b, const char *text) {
    LLVMValueRef s = private_constant(b, LLVMConstStringInContext2(b->context, text, strlen(text), false));
    LLVMSetUnnamedAddress(s, LLVMGlobalUnnamedAddr);
    return s;
}

/* PREFIX__ENTRY as codegen named it, or NULL where the run has none. */
static LLVMValueRef function(Builder *b, const char *prefix, const char *entry) {
    const char *symbol = text_format(b->arena, "%s__%s", prefix, entry);
    LLVMValueRef f = LLVMGetNamedFunction(b->module, symbol);
    if (!f) f = LLVMGetNamedGlobalAlias(b->module, symbol, strlen(symbol)); /* the same function of another run */
    return f ? f : null(b);
}

static LLVMValueRef cells(Builder *b, const Run *run) {
    LLVMValueRef *rows = arena_array(b->arena, LLVMValueRef, run->cell_count);
    for (int i = 0; i < run->cell_count; i++) {
        const Cell *cell = &run->cells[i];
        LLVMValueRef extents[MOST_RANK];
        for (int a = 0; a < cell->shape.rank; a++) extents[a] = int64(b, cell->shape.extent[a]);
        LLVMValueRef shape = table(b, extents, cell->shape.rank);
        size_t bytes = (size_t)shape_size(cell->shape) * dtype_bytes(cell->dtype);
        rows[i] = RECORD(b, string(b, cell->name), shape, int64(b, (int64_t)cell->offset), int64(b, (int64_t)bytes),
                         int32(b, cell->shape.rank), int32(b, cell->dtype), int32(b, cell->kind),
                         int32(b, cell_starts_infinite(cell)));
    }
    return table(b, rows, run->cell_count);
}

static LLVMValueRef slots(Builder *b, const Run *run) {
    LLVMValueRef *rows = arena_array(b->arena, LLVMValueRef, run->slot_count);
    for (int i = 0; i < run->slot_count; i++) {
        const Slot *slot = &run->slots[i];
        rows[i] = RECORD(b, string(b, slot->name), int64(b, (int64_t)slot->offset), real64(b, slot->value),
                         int32(b, slot->dtype), int32(b, 0));
    }
    return table(b, rows, run->slot_count);
}

static LLVMValueRef plateaus(Builder *b, const Run *run) {
    LLVMValueRef *rows = arena_array(b->arena, LLVMValueRef, run->plateau_count + 1);
    for (int i = 0; i < run->plateau_count; i++) {
        const Plateau *p = &run->plateaus[i];
        rows[i] = RECORD(b, real64(b, p->epochs), real64(b, p->by), int32(b, p->factor), int32(b, p->best),
                         int32(b, p->waited), int32(b, model_figure(run, p->figure)), int32(b, p->highest),
                         int32(b, 0));
    }
    return table(b, rows, run->plateau_count);
}

static LLVMValueRef sets(Builder *b, const Run *run) {
    LLVMValueRef *rows = arena_array(b->arena, LLVMValueRef, run->partner_count + 1);
    for (int i = 0; i < run->partner_count; i++) {
        const Partner *p = &run->partners[i];
        rows[i] = RECORD(b, int64(b, p->all ? -1 : p->batch), int64(b, model_copies(run->data->joined[i + 1])),
                         int32(b, p->order), int32(b, p->first_column), int32(b, p->column_count), int32(b, 0));
    }
    return table(b, rows, run->partner_count);
}

static LLVMValueRef columns(Builder *b, const Run *run, const HeaderBlock *block) {
    const DataSet *data = run->data;
    const char *const *members = exported_members(b->arena, data);
    LLVMValueRef *rows = arena_array(b->arena, LLVMValueRef, data->column_count);
    for (int i = 0; i < data->column_count; i++) {
        const Column *column = &data->columns[i];
        rows[i] = RECORD(b, string(b, members[i]), int64(b, shape_size(column->shape)), int64(b, column->classes),
                         int32(b, column->dtype), int32(b, block->predicts[i]),
                         int32(b, column->standardized ? column->mean_cell : -1),
                         int32(b, column->standardized ? column->deviation_cell : -1),
                         int32(b, column->missing == MISSING_NAN), int32(b, data_teacher_of(data, i) == i),
                         int32(b, !block->reads[i]));
    }
    return table(b, rows, data->column_count);
}

static LLVMValueRef statistics(Builder *b, const Run *run) {
    LLVMValueRef *rows = arena_array(b->arena, LLVMValueRef, run->statistic_count);
    for (int i = 0; i < run->statistic_count; i++) {
        const Statistic *s = &run->statistics[i];
        rows[i] = RECORD(b, int32(b, s->kind), int32(b, s->column), int32(b, s->cell), int32(b, s->output),
                         int64(b, shape_size(s->shape)), int32(b, model_statistic_type(run, s)), int32(b, s->set));
    }
    return table(b, rows, run->statistic_count);
}

static LLVMValueRef code(Builder *b, const Run *run, const char *prefix) {
    int count = run_measures(run);
    LLVMValueRef *metrics = arena_array(b->arena, LLVMValueRef, count);
    for (int i = 0; i < count; i++) metrics[i] = function(b, prefix, text_format(b->arena, "metric%d", i));
    return RECORD(b, function(b, prefix, "init"), function(b, prefix, "step"), function(b, prefix, "evaluate"),
                  function(b, prefix, "predict"), function(b, prefix, "derived"), table(b, metrics, count));
}

/* Metrics: names, elements, how many arguments each keeps; of each argument the bytes of a row, and whether it is ranked. */
typedef struct MeasureTables {
    LLVMValueRef names, elements, counts, bytes, ranked;
    int arguments;
} MeasureTables;

static MeasureTables measures(Builder *b, const Run *run) {
    int count = run_measures(run), arguments = 0;
    for (int i = 0; i < count; i++) arguments += run->measures[i].argument_count;
    LLVMValueRef *names = arena_array(b->arena, LLVMValueRef, count);
    LLVMValueRef *elements = arena_array(b->arena, LLVMValueRef, count);
    LLVMValueRef *counts = arena_array(b->arena, LLVMValueRef, count);
    LLVMValueRef *bytes = arena_array(b->arena, LLVMValueRef, arguments);
    LLVMValueRef *ranked = arena_array(b->arena, LLVMValueRef, arguments);
    for (int i = 0, k = 0; i < count; i++) {
        const Measure *measure = &run->measures[i];
        names[i] = string(b, measure->name);
        elements[i] = int64(b, shape_size(measure->shape));
        counts[i] = int32(b, measure->argument_count);
        for (int j = 0; j < measure->argument_count; j++, k++) {
            bytes[k] = int64(b, model_row_bytes(measure->arguments[j]));
            ranked[k] = int32(b, measure->ranked[j]);
        }
    }
    return (MeasureTables){table(b, names, count),     table(b, elements, count),   table(b, counts, count),
                           table(b, bytes, arguments), table(b, ranked, arguments), arguments};
}

static LLVMValueRef model(Builder *b, const ObjectBlock *block) {
    const Run *run = block->header.run;
    LLVMValueRef *levels = arena_array(b->arena, LLVMValueRef, block->level_count);
    LLVMValueRef *codes = arena_array(b->arena, LLVMValueRef, block->level_count);
    for (int i = 0; i < block->level_count; i++) {
        levels[i] = int32(b, block->levels[i]);
        codes[i] = code(b, run, block->code_prefix[i]);
    }
    MeasureTables m = measures(b, run);
    LLVMValueRef *parts = arena_array(b->arena, LLVMValueRef, run->term_count);
    for (int i = 0; i < run->term_count; i++) parts[i] = int32(b, run->terms[i].part);
    int64_t outputs = model_outputs(run);
    const char *classes = model_classes(b->arena, run->data);
    return RECORD(
        b, int32(b, SGDRT_ABI), int32(b, block->level_count), string(b, block->header.prefix),
        table(b, codes, block->level_count), table(b, levels, block->level_count), cells(b, run), slots(b, run),
        columns(b, run, &block->header), statistics(b, run), classes ? string(b, classes) : null(b), m.names, m.bytes,
        m.counts, m.ranked, m.elements, table(b, parts, run->part_count ? run->term_count : 0),
        int64(b, (int64_t)run->seed), int64(b, (int64_t)run->state_bytes), int64(b, (int64_t)block->work_bytes),
        int64(b, (int64_t)block->header.predict_bytes), int64(b, (int64_t)block->shared), int64(b, run->batch),
        int64(b, run->epochs), int64(b, run->steps), int64(b, outputs), int64(b, run->together),
        int64(b, run->most_rows), int64(b, model_copies(run->data)), int64(b, model_copies(run->valid)),
        real64(b, run->hold_out_part), int32(b, run->statistic_count), int32(b, run->derived.root_count),
        int32(b, run->cell_count), int32(b, run->slot_count), int32(b, run->data->column_count),
        int32(b, run->measure_count), int32(b, run->array_count), int32(b, m.arguments), int32(b, run_averaged(run)),
        int32(b, run_minimized(run)), int32(b, run->term_count), int32(b, model_lr_slot(run)), int32(b, run->order),
        int32(b, run->last), int32(b, run->hold_out), int32(b, run_weight_sum(run)), int32(b, run->fold),
        int32(b, run->folds), int32(b, model_split_column(run)), int32(b, run_sums(run)), int32(b, run->plateau_count),
        plateaus(b, run), sets(b, run), int32(b, run->partner_count), int32(b, 0));
}

/* The bitcode's `self` and `self_NAME` become PREFIX_model and PREFIX_NAME. */
static void take_prefix(LLVMModuleRef embedded, Builder *b) {
    for (LLVMValueRef g = LLVMGetFirstGlobal(embedded); g; g = LLVMGetNextGlobal(g)) {
        size_t length;
        if (!strcmp(LLVMGetValueName2(g, &length), "self")) {
            const char *name = text_format(b->arena, "%s_model", b->prefix);
            LLVMSetValueName2(g, name, strlen(name));
        }
    }
    for (LLVMValueRef f = LLVMGetFirstFunction(embedded); f; f = LLVMGetNextFunction(f)) {
        size_t length;
        const char *old = LLVMGetValueName2(f, &length);
        if (strncmp(old, "self_", 5)) continue;
        const char *name = text_format(b->arena, "%s_%s", b->prefix, old + 5);
        LLVMSetValueName2(f, name, strlen(name));
    }
}

static void link_embedded(Builder *b, Architecture architecture) {
    size_t bytes;
    const char *bitcode = embedded_bitcode(architecture, &bytes);
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRange(bitcode, bytes, "embedded", false);
    LLVMModuleRef embedded;
    if (LLVMParseBitcodeInContext2(b->context, buffer, &embedded)) INTERNAL_ERROR("the embedded bitcode is unreadable");
    LLVMDisposeMemoryBuffer(buffer);
    LLVMSetTarget(embedded, LLVMGetTarget(b->module));
    LLVMSetDataLayout(embedded, LLVMGetDataLayoutStr(b->module));
    take_prefix(embedded, b);
    if (LLVMLinkModules2(b->module, embedded)) INTERNAL_ERROR("the embedded functions do not link");
}

void object_model_add(LLVMModuleRef module, void *context) {
    const ObjectModel *object = context;
    for (int i = 0; i < object->count; i++) {
        const ObjectBlock *block = &object->blocks[i];
        Builder b = {module, LLVMGetModuleContext(module), object->arena, block->header.prefix};
        LLVMValueRef init = model(&b, block);
        LLVMValueRef global = LLVMAddGlobal(module, LLVMTypeOf(init), text_format(b.arena, "%s_model", b.prefix));
        LLVMSetInitializer(global, init);
        LLVMSetGlobalConstant(global, true);
        LLVMSetVisibility(global, LLVMHiddenVisibility);
        link_embedded(&b, object->architecture);
        if (object->shared) object_library_add(module, b.arena, block->header.run, b.prefix);
    }
}
