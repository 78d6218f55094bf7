/* emit_next_row: while a relay (ir/loops/relay.c) computes a row, it fetches what the next one will read from afar.
 *
 * A row's columns, and values of other relays, come from memory, and what reads them first would wait for all of it.
 * The kernel of the relay with most to do fetches them for the row that follows, into the second-level cache, a few
 * lines whenever it begins an innermost loop: those loops are counted, and count i fetches the lines from
 * lines * i / loops on, so that all are fetched when the row is done.
 */
#include "codegen/emit_convolution.h"

enum { MOST_STREAMS = 8, LINE = 64, FRACTION_BITS = 32 };

/* Of a row: a column, or a buffer of rows. */
typedef struct Stream {
    const Node *column;
    const Buffer *buffer;
    int64_t lines;
} Stream;
struct NextRow {
    Stream stream[MOST_STREAMS];
    int count;
    int64_t room; /* lines that the cache has left for them */
    const Nest *const *nests;
    int nest_count;
    const Nest *kernel; /* who fetches */
    LLVMValueRef end;   /* of the rows */
    /* in the kernel */
    int64_t loops;
    LLVMValueRef base[MOST_STREAMS], counted;
};

/* ---- which ------------------------------------------------------------------------------------------- */
static bool is_own(const NextRow *n, const Node *node) {
    for (int i = 0; i < n->nest_count; i++)
        for (int s = 0; s < n->nests[i]->store_count; s++)
            if (n->nests[i]->stores[s].node == node) return true;
    return false;
}

typedef struct StreamSearch {
    const Emitter *e;
    NextRow *n;
} StreamSearch;

/* Short rows are not worth it. */
static void add_stream(const Emitter *e, NextRow *n, Stream stream) {
    for (int i = 0; i < n->count; i++) {
        const Stream *other = &n->stream[i];
        if (stream.column != NULL ? other->column != NULL && other->column->attr.index == stream.column->attr.index
                                  : other->buffer == stream.buffer)
            return;
    }
    if (n->count == MOST_STREAMS || stream.lines * LINE < (int64_t)e->target->l1 / 8 || stream.lines > n->room) return;
    n->room -= stream.lines;
    n->stream[n->count++] = stream;
}

static void visit_stream(void *context, const Read *read) {
    const StreamSearch *v = context;
    const LoopFunction *f = v->e->f;
    const Node *node = read->node;
    Stream stream = {.lines = shape_size(node->shape) * (int64_t)dtype_bytes(node->dtype) / LINE};
    if (node->op == OP_COLUMN) {
        stream.column = node;
    } else {
        if (node->rows == 0 || !node_is_stored(f, node) || is_own(v->n, node)) return;
        const Buffer *b = f->copy[node->id] != NULL ? f->copy[node->id] : f->buffer[node->id];
        if (b == NULL || !b->rows || b->of_relay || b->row_stride < shape_size(node->shape) ||
            stream.lines * LINE * f->block <= (int64_t)f->target->l2)
            return;
        stream.buffer = b;
    }
    add_stream(v->e, v->n, stream);
}

static int64_t work_of(const Nest *nest) {
    int64_t work = shape_size(nest->space);
    for (int k = 0; k < nest->reduce->attr.contraction->reduced; k++) work *= nest->reduce->attr.contraction->extent[k];
    return work;
}

/* The rows of this relay, of which e->relay_row is one, end at `end`. */
void next_row_open(Emitter *e, const Nest *const *nests, int count, LLVMValueRef end) {
    e->next_row = NULL;
    NextRow n = {.nests = nests, .nest_count = count, .end = end, .room = (int64_t)e->target->l2 / 2 / LINE};
    for (int i = 0; i < count; i++)
        if (nests[i]->convolution != NULL && (n.kernel == NULL || work_of(nests[i]) > work_of(n.kernel)))
            n.kernel = nests[i];
    if (n.kernel == NULL || e->relay_rows > 1) return;
    for (int i = 0; i < count; i++) nest_reads(e->f, nests[i], visit_stream, &(StreamSearch){e, &n});
    if (n.count == 0) return;
    e->next_row = arena_new_of(e->arena, NextRow);
    *e->next_row = n;
}

/* ---- in the kernel ------------------------------------------------------------------------------------- */
void next_row_start(Emitter *e, const Nest *nest, int64_t loops) {
    NextRow *n = e->next_row;
    if (n == NULL || n->kernel != nest) return;
    LLVMValueRef last = LLVMBuildSub(e->b, n->end, index_const(e, 1), "");
    LLVMValueRef row = smaller(e, LLVMBuildAdd(e->b, e->relay_row, index_const(e, 1), ""), last);
    for (int i = 0; i < n->count; i++) {
        const Stream *stream = &n->stream[i];
        if (stream->column != NULL) {
            n->base[i] = column_row(e, stream->column, row);
            continue;
        }
        const Buffer *b = stream->buffer;
        LLVMValueRef at = LLVMBuildMul(e->b, row, index_const(e, b->row_stride * (int64_t)dtype_bytes(b->dtype)), "");
        n->base[i] = LLVMBuildGEP2(e->b, e->i8, buffer_base(e, b), &at, 1, "");
    }
    n->loops = loops;
    n->counted = emit_alloca(e, e->i64);
    LLVMBuildStore(e->b, index_const(e, 0), n->counted);
}

void next_row_fetch(Emitter *e, const Nest *nest) {
    NextRow *n = e->next_row;
    if (n == NULL || n->kernel != nest) return;
    LLVMValueRef count = LLVMBuildLoad2(e->b, e->i64, n->counted, "");
    for (int i = 0; i < n->count; i++) {
        int64_t lines = n->stream[i].lines, rate = (lines << FRACTION_BITS) / n->loops;
        LLVMValueRef done = LLVMBuildMul(e->b, count, index_const(e, rate), "");
        LLVMValueRef at = LLVMBuildMul(e->b, LLVMBuildLShr(e->b, done, index_const(e, FRACTION_BITS), ""),
                                       index_const(e, LINE), "");
        for (int64_t line = 0; line <= (lines - 1) / n->loops; line++)
            prefetch_at(e, DTYPE_U8, n->base[i], LLVMBuildAdd(e->b, at, index_const(e, line * LINE), ""), 2);
    }
    LLVMBuildStore(e->b, LLVMBuildAdd(e->b, count, index_const(e, 1), ""), n->counted);
}
