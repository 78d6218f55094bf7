/* Between the files of the interpreter: interp.c (functions, leaves), interp_value.c, interp_move.c (movement,
 * indexed), interp_reduce.c (contractions and reductions), interp_plan.c (what is evaluated, and in which order; scans). */
#ifndef SGDC_INTERP_INTERNAL_H
#define SGDC_INTERP_INTERNAL_H
#include "core.h"
#include "ir/graph.h"
#include "ir/program.h"
#include "ir/scan.h"

/* One evaluation of a list of nodes: where leaves find what they read, and the values so far. Values are
 * dense, [rows][elements] or, of nodes without rows, [elements]; bool one byte. */
typedef struct Evaluation {
    const Run *run; /* NULL: no cells, slots, counters */
    char *state;
    const sgdrt_column *columns;
    const uint32_t *row; /* of each place of this evaluation; NULL: place p is row first + p */
    int64_t first, rows; /* rows: places */
    int64_t place;       /* of place 0 in the epoch's order */
    uint64_t seed;       /* of draws in predict */
    struct EvaluationPlan *plan;
    int64_t element; /* of the scan whose body this is */
} Evaluation;

/* What a node needs besides its sources' values, made once: the index maps of VIEW and of reductions as
 * tables. */
typedef struct NodeTables NodeTables;

typedef struct Allocation {
    void *memory;
    size_t bytes;
} Allocation;

typedef struct PlanSlot { /* per node of a plan */
    const Node *node;     /* NULL: a scan */
    struct ScanPlan *scan;
    bool stacked;      /* the scan before it computes it */
    bool given;        /* it is computed elsewhere: outside of the body, or carried */
    int last_use;      /* position after which it is free; count: never */
    const void *value; /* in this evaluation */
    Allocation buffer; /* none for a value that lies elsewhere */
    NodeTables *tables;
} PlanSlot;

typedef struct EvaluationPlan {
    PlanSlot *slots;
    int count;
    int *slot_of;
    uint32_t ids; /* by node id */
    Allocation *spare;
    int spare_count;
    Allocation operand[3]; /* operands that had to be repeated per row */
} EvaluationPlan;

/* ---- interp_plan.c. Of the body of a scan if `within`. */
EvaluationPlan *interp_plan(Arena *arena, Node *const *roots, int root_count, const ScanGroup *within);
void interp_plan_free(EvaluationPlan *plan);
void interp_evaluate(Evaluation *e);

/* ---- interp_value.c */
PlanSlot *interp_slot(const Evaluation *e, const Node *node);
const void *interp_value(const Evaluation *e, const Node *node);
/* The value of source s of `node` with as many rows as `node` has. */
const void *interp_operand(Evaluation *e, const Node *node, int s);
int64_t interp_rows(const Evaluation *e, const Node *node);  /* e->rows or 1 */
int64_t interp_count(const Evaluation *e, const Node *node); /* rows times elements */
NodeTables **interp_tables(Evaluation *e, const Node *node);
void *interp_memory(size_t bytes); /* malloc that does not return NULL */

/* free() frees it all */
struct NodeTables {
    int64_t *place; /* VIEW: source place of each element, -1: absent */
    struct PreparedReduction *reduction;
};
void interp_free_reduction(struct PreparedReduction *reduction);

/* Of all ops but those of class ELEMENT (elements.h). */
#define OP(NAME, ...) void interp_eval_##NAME(Evaluation *e, const Node *node, void *out);
#include "ir/ops.def"
#undef OP

#endif
