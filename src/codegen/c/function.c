/* function: a tree as a function of type sgdrt_function: what a call says, the steps, then the statements.
 *
 * A nest is a block of its own, with a pointer to each array that it touches; no two of them share an element while the
 * nest runs, which `restrict` says.
 */
#include "codegen/c/c.h"
#include <string.h>

typedef struct CBody {
    CUnit *unit;
    Text *to;
    int depth;
} CBody;

static void indent(CBody *b) { text_add(b->to, "%*s", 4 * b->depth, ""); }

static void print_body(CBody *b, const Body *body);

/* ---- nests -------------------------------------------------------------------------------------------------- */
static void find_touched(const Body *body, uint8_t *touched) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        const Array *array = s->kind == STATEMENT_LET ? s->scalar->array : s->array;
        if (array != NULL) touched[array->id] |= s->kind == STATEMENT_STORE ? 2 : 1;
        find_touched(&s->body, touched);
    }
}

static void declare(CBody *b, const LoopTree *tree, const Array *array, bool written) {
    const char *type = c_element_type(array->dtype), *base = "work";
    size_t offset = array->offset;
    switch (array->memory) {
    case ARRAY_REGISTERS:
        indent(b);
        text_add(b->to, "%s ", c_type(array->dtype));
        c_array_name(b->to, array);
        if (array->elements > 1) text_add(b->to, "[%lld]", (long long)array->elements);
        text_add(b->to, ";\n");
        return;
    case ARRAY_WORK: break;
    case ARRAY_CELL:
        base = "state";
        offset = tree->run->cells[array->index].offset;
        break;
    case ARRAY_SLOT:
        base = "state";
        offset = tree->run->slots[array->index].offset;
        break;
    default: return;
    }
    indent(b);
    text_add(b->to, "%s%s *restrict const ", written ? "" : "const ", type);
    c_array_name(b->to, array);
    text_add(b->to, " = (%s%s *)(void *)(%s + %zu);\n", written ? "" : "const ", type, base, offset);
}

static void describe(CBody *b, const Node *node) {
    if (node == NULL) return;
    indent(b);
    text_add(b->to, "/* ");
    Place at = {0};
    if (b->unit->map != NULL && node->span.begin > 0) at = source_place(b->unit->map, node->span.begin);
    if (at.source != NULL && !at.source->is_prelude) {
        const char *slash = strrchr(at.source->path, '/');
        text_add_c_comment(b->to, slash == NULL ? at.source->path : slash + 1);
        text_add(b->to, ":%d: ", at.line);
    }
    text_add_c_comment(b->to, node_text(node));
    text_add(b->to, node->backward ? ", gradient */\n" : " */\n");
}

static void print_nest(CBody *b, const Statement *s, const LoopTree *tree) {
    uint8_t *touched = arena_array(tree->arena, uint8_t, tree->arrays.count + 1);
    find_touched(&s->body, touched);
    describe(b, s->node);
    indent(b);
    text_add(b->to, "{\n");
    b->depth++;
    for (int a = 0; a < tree->arrays.count; a++)
        if (touched[a]) declare(b, tree, tree->arrays.items[a], touched[a] & 2);
    print_body(b, &s->body);
    b->depth--;
    indent(b);
    text_add(b->to, "}\n");
}

/* ---- statements --------------------------------------------------------------------------------------------- */
static void print_block(CBody *b, const Body *body) {
    text_add(b->to, " {\n");
    b->depth++;
    print_body(b, body);
    b->depth--;
    indent(b);
    text_add(b->to, "}\n");
}

/* rows, or of a block: the least of what a block has and what is left. */
static void print_rows(Text *to, const Loop *loop) {
    const Loop *block = loop->block;
    if (block == NULL) {
        text_add(to, loop->pad > 1 ? "SGD_WHOLE(%lld, rows)" : "rows", (long long)loop->pad);
        return;
    }
    text_add(to, "SGD_LEAST(%lld, ", (long long)block->step);
    print_rows(to, block);
    text_add(to, " - ");
    c_loop_name(to, block);
    text_add(to, ")");
}

static void print_loop_head(CBody *b, const Loop *loop) {
    if (loop->mark == LOOP_UNROLLED || loop->mark == LOOP_VECTOR) indent(b);
    if (loop->mark == LOOP_UNROLLED) text_add(b->to, "SGD_UNROLLED\n");
    if (loop->mark == LOOP_VECTOR) text_add(b->to, "SGD_LANES(%lld)\n", (long long)loop_iterations(loop));
    indent(b);
    text_add(b->to, "for (int64_t ");
    c_loop_name(b->to, loop);
    text_add(b->to, " = 0; ");
    c_loop_name(b->to, loop);
    text_add(b->to, " < ");
    if (!loop->rows)
        text_add(b->to, "%lld", (long long)loop->extent);
    else
        print_rows(b->to, loop);
    text_add(b->to, "; ");
    c_loop_name(b->to, loop);
    if (loop->step == 1)
        text_add(b->to, "++)");
    else
        text_add(b->to, " += %lld)", (long long)loop->step);
}

static void print_let(CBody *b, const Scalar *s) {
    if (s->kind == SCALAR_CONST || b->unit->inlined[s->id]) return;
    indent(b);
    text_add(b->to, "const %s s%d = ", s->integer ? "int64_t" : c_type(s->dtype), s->id);
    c_scalar(b->unit, b->to, s);
    text_add(b->to, ";\n");
}

static void print_store(CBody *b, const Statement *s) {
    indent(b);
    c_element(b->unit, b->to, s->array, s->row, s->at);
    bool narrow = s->array->dtype == DTYPE_BOOL && s->array->memory != ARRAY_REGISTERS;
    if (narrow)
        text_add(b->to, " = (uint8_t)%s;\n", c_operand(b->unit, s->scalar));
    else
        text_add(b->to, " = %s;\n", c_alone(b->unit, s->scalar));
}

static void print_fetch(CBody *b, const Statement *s) {
    indent(b);
    text_add(b->to, "SGD_FETCH(&");
    c_element(b->unit, b->to, s->array, s->row, s->at);
    text_add(b->to, ", %d);\n", 4 - (int)s->terms); /* 3: the first level */
}

static void print_transpose(CBody *b, const Statement *s) {
    indent(b);
    text_add(b->to, "SGD_TRANSPOSE(%s, ", c_type(s->array->dtype));
    c_array_name(b->to, s->array);
    text_add(b->to, ", %lld)\n", (long long)s->terms);
}

static void print_statement(CBody *b, const Statement *s) {
    switch (s->kind) {
    case STATEMENT_LOOP:
        print_loop_head(b, s->loop);
        print_block(b, &s->body);
        return;
    case STATEMENT_IF:
        indent(b);
        text_add(b->to, "if (%s)", c_alone(b->unit, s->scalar));
        print_block(b, &s->body);
        return;
    case STATEMENT_LET: print_let(b, s->scalar); return;
    case STATEMENT_STORE: print_store(b, s); return;
    case STATEMENT_WAIT: return; /* one thread */
    case STATEMENT_FETCH: print_fetch(b, s); return;
    case STATEMENT_TRANSPOSE: print_transpose(b, s); return;
    case STATEMENT_NEST: INTERNAL_ERROR("a nest inside of a nest");
    }
}

static void print_body(CBody *b, const Body *body) {
    for (int i = 0; i < body->count; i++) print_statement(b, body->items[i]);
}

/* Loops over rows, and nests. */
static void print_nests(CBody *b, const Body *body, const LoopTree *tree) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_NEST) {
            print_nest(b, s, tree);
            continue;
        }
        if (s->kind != STATEMENT_LOOP) INTERNAL_ERROR("a statement outside of nests");
        print_loop_head(b, s->loop);
        text_add(b->to, " {\n");
        b->depth++;
        print_nests(b, &s->body, tree);
        b->depth--;
        indent(b);
        text_add(b->to, "}\n");
    }
}

/* ---- functions ---------------------------------------------------------------------------------------------- */
/* What of a call the statements use: only that is declared. */
typedef struct CallUse {
    bool state, work, header, sums, rows, done;
    uint8_t *column; /* by index */
} CallUse;

static void use_array(CallUse *use, const Array *array) {
    use->state |= array->memory == ARRAY_CELL || array->memory == ARRAY_SLOT;
    use->work |= array->memory == ARRAY_WORK;
    use->sums |= array->memory == ARRAY_SUM;
    if (array->memory == ARRAY_COLUMN) use->column[array->index] = 1;
}

static void find_use(CallUse *use, const Body *body) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->array != NULL) use_array(use, s->array);
        if (s->kind == STATEMENT_LOOP) use->rows |= s->loop->rows;
        if (s->kind == STATEMENT_LET) {
            const Scalar *x = s->scalar;
            if (x->array != NULL) use_array(use, x->array);
            use->rows |= x->kind == SCALAR_ROWS;
            use->done |= x->kind == SCALAR_ROW || x->kind == SCALAR_PLACE;
            use->header |= x->kind == SCALAR_COUNTED || (x->kind == SCALAR_DRAW && x->random->key != RANDOM_DATA &&
                                                         x->random->key != RANDOM_PREDICT);
        }
        find_use(use, &s->body);
    }
}

/* A column's address and stride are read once: what is stored may be the call, for all that C knows. */
static void print_columns(Text *to, const LoopTree *tree, const CallUse *use) {
    for (int a = 0; a < tree->arrays.count; a++) {
        const Array *array = tree->arrays.items[a];
        if (array->memory != ARRAY_COLUMN || !use->column[array->index]) continue;
        text_add(to, "    const sgdrt_column column%d = call->columns[%d];\n", array->index, array->index);
    }
}

static void print_call(Text *to, const LoopTree *tree, const CallUse *use) {
    print_columns(to, tree, use);
    if (use->state) text_add(to, "    unsigned char *const state = (unsigned char *)call->state;\n");
    if (use->work) text_add(to, "    unsigned char *const work = (unsigned char *)call->work;\n");
    if (tree->function->steps || use->header)
        text_add(to, "    sgdrt_header *const header = (sgdrt_header *)call->state;\n");
    if (use->sums) {
        text_add(to, "    double unasked[%d] = {0};\n", tree->run->term_count + 1);
        text_add(to, "    double *const sums = call->sums != NULL ? call->sums : unasked;\n");
    }
}

static void print_once(Text *to, const LoopTree *tree, const CallUse *use, const Text *body) {
    if (body->length == 0) text_add(to, "    (void)call;\n");
    if (use->done) text_add(to, "    const int64_t done = 0;\n");
    if (use->rows) text_add(to, "    const int64_t rows = call->count;\n");
    if (tree->needs_rows) text_add(to, "    if (rows < 1) return 1;\n");
    text_add_bytes(to, body->bytes, body->length);
    text_add(to, "    return 1;\n");
}

static void print_steps(Text *to, const Text *body) {
    text_add(to, "    int64_t done = 0, steps = 0;\n");
    text_add(to, "    while (done < call->count) {\n");
    text_add(to, "        const int64_t rows = call->batch < call->count - done ? call->batch : call->count - done;\n");
    text_add_bytes(to, body->bytes, body->length);
    text_add(to, "        header->step++;\n        done += rows;\n        steps++;\n");
    text_add(to, "        if (call->stop != NULL && *call->stop != 0) break;\n    }\n    return steps;\n");
}

void c_function(CUnit *unit, const LoopTree *tree, const char *storage, const char *symbol, const char *of_any) {
    Text body = text_new(unit->arena);
    c_find_inlined(unit, tree);
    CBody b = {unit, &body, tree->function->steps ? 2 : 1};
    print_nests(&b, &tree->body, tree);
    Text *to = &unit->functions;
    text_add(to, "%sint64_t %s(const sgdrt_call *call)\n{\n    SGDRT_FLOAT_GUARD();\n", storage, symbol);
    if (tree->most_rows > 0 && of_any != NULL)
        text_add(to, "    if (call->batch > %lld) return %s(call);\n", (long long)tree->most_rows, of_any);
    CallUse use = {.column = arena_array(unit->arena, uint8_t, tree->arrays.count + 1)};
    find_use(&use, &tree->body);
    print_call(to, tree, &use);
    if (tree->function->steps)
        print_steps(to, &body);
    else
        print_once(to, tree, &use, &body);
    text_add(to, "}\n\n");
}
