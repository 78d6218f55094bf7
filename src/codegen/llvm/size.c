/* size: how much a tree computes and how much code it is, and which of its nests are functions of their own for it. */
#include "codegen/llvm/emitter.h"

enum { SHUFFLES = 4 }; /* of each vector of a square that is transposed */

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

/* Of an element: one, or one for each lane where lanes are neither side by side nor the same. */
static double code_of_element(const Subscript *at, const Loop *lanes) {
    int64_t step = lanes == NULL ? 0 : subscript_coef(at, lanes);
    return step == 0 || step == 1 ? 1 : (double)lanes->extent;
}

static double code_of_statement(const Statement *s, const Loop *lanes) {
    if (s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD) return code_of_element(s->scalar->at, lanes);
    if (s->kind == STATEMENT_STORE) return code_of_element(s->at, lanes);
    if (s->kind == STATEMENT_TRANSPOSE) return SHUFFLES * (double)s->terms;
    int cost = s->kind == STATEMENT_LET ? operations_of(s->scalar) : 0;
    return cost > 0 ? cost : 1;
}

/* What LLVM has to read, in operations; a load, a store and a shuffle are one each. */
static double code_of(const Body *body, const Loop *lanes) {
    double code = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool loop = s->kind == STATEMENT_LOOP;
        double times = loop && s->loop->mark == LOOP_UNROLLED ? (double)loop_iterations(s->loop) : 1;
        code += times * code_of_statement(s, lanes);
        code += times * code_of(&s->body, loop && s->loop->mark == LOOP_VECTOR ? s->loop : lanes);
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
    return (CodeSize){.nests = count_nests(&tree->body), .code = code_of(&tree->body, NULL)};
}

bool nest_is_outlined(const Emitter *e, const Statement *nest) {
    return outline_pays(e, &e->size, work_of(&nest->body), code_of(&nest->body, NULL));
}
