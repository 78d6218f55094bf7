/* size: how much a tree computes and how much code it is, and which of its nests are functions of their own for it. */
#include "codegen/llvm/emitter.h"

static int operations_of(const Scalar *scalar) {
    if (scalar->kind == SCALAR_DRAW) return op_cost(OP_RANDOM);
    return scalar->kind == SCALAR_OP ? op_cost(scalar->op) : 0;
}

/* Operations computed and elements stored in the body, all iterations together; those of a vector are one. */
static int64_t work_of(const Body *body) {
    int64_t work = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        int64_t times = 1;
        if (s->kind == STATEMENT_LET) work += operations_of(s->scalar);
        if (s->kind == STATEMENT_STORE) work++; /* what only moves elements is a function, too, where it is long */
        if (s->kind == STATEMENT_LOOP && s->loop->mark != LOOP_VECTOR) times = loop_iterations(s->loop);
        if (s->kind == STATEMENT_LOOP && s->loop->rows && times > 256) times = 256;
        work += times * work_of(&s->body);
    }
    return work;
}

/* What LLVM has to read, in operations; a load, a store and a shuffle are one each. */
static double code_of(const Body *body) {
    double code = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        int cost = s->kind == STATEMENT_LET ? operations_of(s->scalar) : 0;
        double times = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_UNROLLED ? (double)loop_iterations(s->loop)
                                                                                   : 1;
        if (s->kind == STATEMENT_TRANSPOSE) times = (double)s->terms;
        code += times * ((cost > 0 ? cost : 1) + code_of(&s->body));
    }
    return code;
}

static int count_nests(const Body *body) {
    int nests = 0;
    for (int i = 0; i < body->count; i++)
        nests += body->items[i]->kind == STATEMENT_NEST ? 1 : count_nests(&body->items[i]->body);
    return nests;
}

CodeSize code_size(const LoopTree *tree) {
    return (CodeSize){.nests = count_nests(&tree->body), .code = code_of(&tree->body)};
}

bool nest_is_outlined(const Emitter *e, const Statement *nest) {
    return outline_pays(e, &e->size, work_of(&nest->body), code_of(&nest->body));
}
