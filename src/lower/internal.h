/* lower_internal: what the files that lower expressions share with each other and with nobody else. */
#ifndef SGDC_LOWER_INTERNAL_H
#define SGDC_LOWER_INTERNAL_H
#include "lower/lower.h"

enum {
    MOST_CALL_DEPTH = 100,        /* definitions calling definitions */
    MOST_SAME_DEPTH = 8,          /* one definition inside itself (through definitions as arguments) */
    MOST_EXPRESSION_DEPTH = 2000, /* over all calls */
    MOST_CALLS = 100000,          /* from one root: a chain of definitions that call twice doubles at each */
    MOST_REPEATS = 100000,
    MOST_NODES = 100000,  /* of a graph as it is lowered: a thousand layers */
    MOST_TURNS = 1000000, /* of all repeats of a run together */
    MOST_LIST = 1 << 20
};
#define MOST_EXTENT ((int64_t)1 << 31)
#define MOST_ELEMENTS ((int64_t)1 << 40)

/* ---- paths: names of parameters, sites of draws ---------------------------------------------- */
typedef struct PathCount {
    const char *path;
    uint64_t hash;
    int count;
    struct PathCount *next;
} PathCount;
/* size: a power of two, or 0 */
typedef struct PathCounts {
    PathCount **bucket;
    uint32_t size, used;
} PathCounts;
typedef struct PathState {
    const char *prefix;    /* of cells: "mlp.h"; NULL outside models */
    const PathPart *part;  /* the same, part by part */
    const char *site;      /* of draws: the whole chain of calls */
    const char *iteration; /* "[3]" inside repeat */
    PathCounts *counts, *site_counts;
    bool is_owner; /* `param` may stand here: the body of a model or layer */
} PathState;
/* The k-th equal path gets ".k", k >= 2. */
const char *path_count(Lowering *L, PathCounts *counts, const char *path);
const char *path_join(Lowering *L, const char *prefix, const char *name, const char *iteration);
PathPart *path_part(Lowering *L, const PathPart *outer, const char *name);
PathCounts path_counts_copy(Lowering *L, const PathCounts *counts); /* NULL: none */
/* The state for the right side of `name = ...`. */
PathState path_of_binding(Lowering *L, Name name);
uint64_t path_hash(const char *path);

/* ---- calls ----------------------------------------------------------------------------------- */
/* matters: what the body means depends on the call, so a message names it. */
typedef struct CallFrame {
    const Definition *definition;
    Span call;
    const Expr *const *written; /* the arguments, by formal; NULL: not given */
    bool matters;
    struct CallFrame *outer;
} CallFrame;
const char *definition_kind_text(DefinitionKind kind);
bool is_prelude_span(const Lowering *L, Span span);
/* The user's place: a mistake that shows inside the prelude is told at the call that led there. */
Span user_span(const Lowering *L, Span span, const CallFrame **frame);
/* The user's expression behind one of the prelude's: the argument that it is made of; itself if there is none. */
const Expr *written_by_user(const Lowering *L, const Expr *expr);
/* Keeps with the node what the user calls this value (a binding, a model's result), if it has no name yet. */
void name_value(const Lowering *L, Name name, const Value *value, Span span);

/* ---- ranges of index variables (range.c) ----------------------------------------------- */
typedef struct RangeEntry {
    const Binder *binder;
    bool found;
    int64_t begin, extent;
    struct RangeEntry *next;
} RangeEntry;
typedef struct BaseEntry {
    const Expr *expr;
    Value *value;
    struct BaseEntry *next;
} BaseEntry;
typedef struct RangeFrame {
    RangeEntry *entries;
    BaseEntry *bases;
    struct RangeFrame *outer;
} RangeFrame;
/* Finds the ranges of `binders` and of every binder inside `body`, and pushes them as a frame. */
void range_frame_push(Lowering *L, Scope *scope, const BinderList *binders, const Expr *body);
void range_frame_pop(Lowering *L);
/* The range found; reports (once) and returns false if none was. */
bool range_of_binder(Lowering *L, const Binder *binder, int64_t *begin, int64_t *extent);
/* A base that the scan had to lower already, or NULL. */
Value *range_lowered_base(const Lowering *L, const Expr *expr);

/* Plain names, each once, and not too many; reported if not. Before their ranges are looked for. */
bool index_check(Lowering *L, const BinderList *binders);
/* Opens the binders as index variables of a new scope. NULL after an error (nothing stays open). */
Scope *index_open(Lowering *L, Scope *scope, const BinderList *binders, int *ids);
Value *value_index(Lowering *L, int64_t offset, int axis);

/* ---- rows as an array (batch.c) ----------------------------------------------------------- */
Value *lower_batch(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context);
/* batch(e) as an array whose first axis is over the rows of the mini-batch, for who reads it by indices. */
Value *batch_as_array(Lowering *L, const Value *v, Span span);
/* The term, where it is of a row that is there; elsewhere `otherwise`. bits: axes of the term that are reduced. */
Node *batch_terms_there(Lowering *L, Node *term, uint32_t bits, double otherwise);
Value *lower_rank_in_batch(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context);

/* ---- what bodies keep (param.c) ---------------------------------------------------------- */
Value *lower_param(Lowering *L, Scope *scope, const Stmt *stmt);
/* Binds the state's name. */
void lower_state(Lowering *L, Scope *scope, const Stmt *stmt);
bool scope_has_state(const Scope *scope, Name name); /* its body declares it */
/* At the end of a body: what the names of its states (NULL: of all) are bound to is theirs in the next step. */
void leave_state(Lowering *L, Scope *scope, Name name);

/* ---- draws (draw.c) -------------------------------------------------------------------- */
typedef struct DrawFrame {
    Shape shape;
    DType dtype;
    const char *site;
    int count;
    bool initial;
} DrawFrame;
/* `~ e` of that shape. */
Value *lower_draw(Lowering *L, Scope *scope, const Expr *expr, const Type *type, const char *site, bool initial);
void draw_builtins_bind(Lowering *L);

/* ---- scans (scan.c) -------------------------------------------------------------------- */
Value *lower_scan(Lowering *L, Scope *scope, const Expr *expr);
/* `state h: type = e` right in the body of the innermost scan: what was carried. */
Value *lower_scan_state(Lowering *L, Scope *scope, const Stmt *stmt);
bool is_scan_scope(const Lowering *L, const Scope *scope);
int scans_open(const Lowering *L);
/* Its own draw for each element of the scans that are open. */
Node *scan_random(Lowering *L, DType t, Shape shape, Random random);
/* In the body of a scan e depends on a state and x is from outside: the derivative by x is not e's alone. */
bool scan_hides(Lowering *L, const Node *e, const Node *x);

/* ---- values ---------------------------------------------------------------------------------- */
Value *value_new(Lowering *L, ValueKind kind);
Value *value_of_node(Lowering *L, Node *node, const int *axes, int count); /* ids ascending */
/* Also `free` and classes as of `like`. */
Value *value_like(Lowering *L, const Value *like, Node *node, const int *axes, int count);
/* The node of a tensor value over these ids (a superset of its own, ascending) and own shape (equal, or v
 * scalar). */
Node *value_spread(Lowering *L, const Value *v, const int *ids, int count, Shape own);
/* The union of their ids, ascending; -1 and reported if more than a node has axes with `own_rank` own
 * ones. */
int axes_union(Lowering *L, Value *const *values, int count, int own_rank, int *ids, Span span);
bool axes_has(const Value *v, int id);
Shape shape_of_axes(const Lowering *L, const int *ids, int count, Shape own);
/* Anything numeric as a tensor with its natural type: numbers real (or i32 where `integer`), lists too.
 * Poison, reported, if it is not numeric. `what` as in value_to_tensor. */
Value *value_tensor_of(Lowering *L, const Value *v, DType number_type, Span span, const char *what);
bool value_is_numeric(const Value *v); /* tensor, number, index, list */
bool value_is_real(const Value *v);    /* a real tensor */
bool value_is_label(const Value *v);
bool shape_check_size(Lowering *L, Shape s, Span span);

/* ---- elements (element.c) -------------------------------------------------------------- */
Value *element_unary(Lowering *L, Op op, const Value *v, Span span); /* real in, real out */
Value *element_binary(Lowering *L, Operator op, const Value *a, const Value *b, const Expr *expr);
/* How a message says an operation: "cannot multiply A by B"; swapped: "cannot subtract B from A". */
typedef struct Phrase {
    const char *verb, *joint;
    bool swapped;
} Phrase;
/* As a function of two: max, min. left, right: the operands as written, or NULL. */
Value *element_pair(Lowering *L, Op op, const Value *a, const Value *b, const Expr *left, const Expr *right, Span span,
                    const Phrase *phrase);
Value *element_not(Lowering *L, const Value *v, Span span);
Value *element_negate(Lowering *L, const Value *v, Span span);
Value *element_where(Lowering *L, const Value *c, const Value *a, const Value *b, Span span);
Value *element_cast(Lowering *L, const Value *v, DType t, Span span);
Value *element_power(Lowering *L, const Value *a, const Value *b, const Expr *expr);
/* Brings the operands to one arithmetic type (tensors); poison in either after an error. */
bool element_unify(Lowering *L, const Value **a, const Value **b, const Expr *left, const Expr *right, Span span,
                   const Phrase *phrase);
/* A value scaled by f(1 / n). */
Value *element_times(Lowering *L, const Value *v, double factor);

/* ---- reductions ------------------------------------------------------------------------------ */
typedef enum ReductionKind { REDUCTION_SUM, REDUCTION_MEAN, REDUCTION_MAX, REDUCTION_MIN } ReductionKind;
/* Over every own axis (and the rows of batch(...)). */
Value *reduce_own(Lowering *L, ReductionKind how, const Value *v, Span span);
Value *reduce_ids(Lowering *L, ReductionKind how, const Value *v, const int *ids, int count, Span span);
Value *lower_matmul(Lowering *L, const Value *a, const Value *b, const Expr *expr);

/* ---- indexing, types, calls ------------------------------------------------------------------ */
Value *lower_index(Lowering *L, Scope *scope, const Expr *expr, Value *base);
Value *lower_call(Lowering *L, Scope *scope, const Expr *expr);
/* A scalar made to have the shape: `param w: f32[5] = 0`. */
Value *value_repeat(Lowering *L, const Value *v, Shape own);
/* As scope_find_variables, of a whole definition. */
void body_find_variables(Lowering *L, Scope *scope, const Definition *definition);
bool variables_have(const Variables *variables, Name name);
/* What the name is bound to: the value, or a variable that hides it. */
Value *variable_for(Lowering *L, const Scope *scope, Name name, Value *value);
Value *lower_grad(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context);
/* The text of a type makes sense, whatever its sizes; reported if not. */
bool type_check(Lowering *L, const TypeExpr *type);
/* What a type's name says; false if it is no type. */
bool type_names(const TypeExpr *type, bool *compile_time, bool *is_real, DType *t);
int type_own_rank(const TypeExpr *type); /* -1: a `..s` takes any rank */
/* The type with its unknown sizes solved from the argument (NULL: none are) and bound in scope. */
Type type_solve(Lowering *L, Scope *scope, const TypeExpr *type, const Value *argument);
/* v made to fit the type: numbers and lists become tensors; reports and gives poison if it does not. */
Value *type_fit(Lowering *L, const Type *type, const Value *v, Span span, const char *what, Span declared);
const char *type_text(Lowering *L, const Type *type);
void builtins_bind(Lowering *L);
/* E0202, or E0207 inside x[...]; once per definition and name. */
/* Is the graph larger than any may be? Said once, at the span where it was noticed. */
bool lower_outgrown(Lowering *L, Span span);
/* "mse(p, y)": how a definition is called. */
const char *usage_text(Lowering *L, const Definition *definition);
void report_unknown_name(Lowering *L, const Definition *definition, const Scope *scope, Word name);
/* A note per operand that is a name: "w: f32[5] is declared here". */
void note_operand(Lowering *L, Diagnostic *d, const Expr *expr, const Value *v);
const char *count_text(Lowering *L, int64_t n, const char *noun); /* "1 axis", "2 axes" */

#endif
