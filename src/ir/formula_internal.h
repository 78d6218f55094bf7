/* formula_internal: what the files that print formulas share.
 *
 *   formula_names.c        names of values and of index variables, each taken once
 *   formula_subscript.c    indices of a value: places as text
 *   formula_expression.c   a node as an expression at given indices
 *   formula.c              which values get a name and a line of their own; the whole
 */
#ifndef SGDC_FORMULA_INTERNAL_H
#define SGDC_FORMULA_INTERNAL_H
#include "ir/formula.h"

enum { MOST_VARIABLES = 64, MOST_INDEX_TERMS = 6 };
enum { COMPARED, ADDED, MULTIPLIED, NEGATED, RAISED, WHOLE }; /* how tightly an expression binds */

/* The place on one axis: (offset + sum of coef * variable) / divisor, or a text. */
typedef struct FormulaIndex {
    const char *text;
    int64_t offset, divisor, coef[MOST_INDEX_TERMS];
    int count, variable[MOST_INDEX_TERMS];
} FormulaIndex;

typedef struct FormulaText {
    const char *text;
    int binding;
} FormulaText;

typedef struct FormulaNode {
    const char *name;       /* set: the node prints as this and is defined in a line of its own */
    const Node *adjoint_of; /* a value the program names */
    const Node *next;       /* of what a scan carries: what is carried on */
    int size, depth, uses;
    bool forced, needed, defined;
} FormulaNode;

typedef struct TakenName {
    const char *name;
    int next;
} TakenName; /* next: the number a further one gets */

typedef struct Formula {
    Arena *arena;
    const Run *run;
    int part; /* of the step */
    const Program *program;
    Node **term;
    Node **order;
    int nodes;         /* everything that may be printed, sources first */
    FormulaNode *info; /* by id */
    const char *variable[MOST_VARIABLES];
    bool bare[MOST_VARIABLES];
    int variables;
    TakenName *taken;
    int taken_size, taken_count; /* all names, by hash */
    int numbered;
    bool leaves; /* some place may be outside its array */
} Formula;

/* ---- formula_names.c */
bool formula_is_named_leaf(const Node *n); /* it prints as its name */
const char *formula_leaf_name(const Formula *f, const Node *n);
void formula_add_name(Formula *f, const char *name);
const char *formula_take_name(Formula *f, const char *name); /* `name`, or `name.2`, `name.3` if it is taken */
const char *formula_number_name(Formula *f);                 /* t1, t2, ... */
int formula_variable(Formula *f);                            /* one more index variable: i, j, ... */

/* ---- formula_subscript.c */
FormulaIndex subscript_of_variable(int variable);
bool subscript_is_variable(const FormulaIndex *x);
const char *subscript_text(Formula *f, const FormulaIndex *x);
void subscripts_of_access(Formula *f, const Access *access, const FormulaIndex *at, FormulaIndex *out);
FormulaText subscripted(Formula *f, const char *name, const FormulaIndex *at, int rank); /* name[i, j] */

/* ---- formula_expression.c */
/* at NULL: the value as a whole, which is a name then. */
FormulaText formula_at(Formula *f, const Node *n, const FormulaIndex *at);
FormulaText formula_of_op(Formula *f, const Node *n, const FormulaIndex *at); /* the same, though the node has a name */
const char *formula_wrapped(Formula *f, FormulaText piece, int binding);      /* in parentheses if it binds less */
/* Whether a place on axis a of source s of a view or a contraction may be outside it. */
bool formula_may_leave(const Node *n, int s, int a);
#endif
