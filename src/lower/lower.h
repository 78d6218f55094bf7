/* lower: from the tree to the graph of ONE example. Checking and lowering are one walk: bodies are lowered at
 * each call, with numbers for every size, so a type is whatever the graph node says and there is no symbolic
 * algebra.
 *
 *   internal.h          what these share with nobody else
 *   lower.c             the context: for a file, a run, an expression
 *   scope.c             names and what they are bound to
 *   message.c           what is wrong, said at the user's place, with the calls that led there
 *   cell.c path.c       cells and slots of a run; the paths that name them
 *   axes.c              index axes opened and closed
 *   value.c             values: constructors, conversions, how they print
 *   element.c           operators: elementwise over the union of index axes, compile-time arithmetic
 *   index.c             x[...]: views, slices, gathers
 *   range.c             how far an index variable runs: the scan before a binder is opened
 *   expression.c        the walk over expressions, `for`
 *   call.c              arguments, lifting, definitions, models, layers
 *   block.c             statements of bodies;  param.c: parameters and states
 *   scan.c              scan: a body over an axis
 *   type.c              declared types: solved and checked against arguments
 *   reduce.c            sum, mean, max, min, @
 *   builtin.c           the table of built-in functions;  draw.c: random values;  grad.c: grad(e, x);  batch.c: batch(e)
 *   names.c             name checks of definitions nothing calls
 *   habit.c             words of other languages, and what takes their place
 *   meaning.c           what names mean where they are written, for editors
 *
 * What is around the graph, data, train blocks, settings, each, optimizers, is src/experiment (experiment.h).
 *
 * INDEX AXES are the one mechanism behind index notation and lifting. An index axis is an id with an extent.
 * A tensor value lists the ids it depends on, in ascending order; they are the leading axes of its node, its
 * own axes follow. Elementwise operations align two values on the union of their ids; `sum(... for i)`
 * reduces an id; `y[o, i] = e` and the end of a lifted call turn ids back into own axes. An id created later
 * is larger, so the ids a construct opened are always the last ones of a value, just before its own axes.
 *
 * Invariants: a Value is immutable; a mistake is reported once, at its place, and gives POISON; whatever
 * touches poison is poison without a word. No function here returns NULL for a Value.
 */
#ifndef SGDC_LOWER_H
#define SGDC_LOWER_H
#include "frontend/ast.h"
#include "ir/graph.h"
#include "ir/program.h"

typedef struct Lowering Lowering;
typedef struct Scope Scope;
typedef struct Value Value;
typedef struct Module Module;
typedef struct ScanFrame ScanFrame;

/* ---- values ---------------------------------------------------------------------------------- */
typedef enum ValueKind {
    VALUE_POISON, /* an error already reported */
    VALUE_NONE,   /* `none`; also the result of a body without `return` */
    VALUE_TENSOR,
    VALUE_INDEX,  /* an affine combination of index variables; becomes an i32 tensor where needed */
    VALUE_INT,    /* compile-time; `node` may be its run-time self (a slot), see value_with_node */
    VALUE_NUMBER, /* the same, a real */
    VALUE_BOOL,   /* compile-time */
    VALUE_STRING,
    VALUE_QUANTITY,   /* 3 epochs: number, unit */
    VALUE_RANGE,      /* a..b: begin, end */
    VALUE_LIST,       /* [1, 2, 3] of compile-time items, a tensor where needed; also a shape (`..s`) */
    VALUE_TUPLE,      /* several results; names[i] may be NULL */
    VALUE_DEFINITION, /* a definition, not called; loss, model, ... also as an argument */
    VALUE_BUILTIN,
    VALUE_BOUND,   /* sgd(lr = 0.1): an optimizer definition with its arguments bound in `scope` */
    VALUE_MODULE,  /* a model or a layer inside it: net, net.head */
    VALUE_EXTERNAL /* an object of the experiment (data set, train block): tag tells whose */
} ValueKind;

typedef struct AffineIndex {
    int64_t offset;
    int terms;
    int axis[MOST_RANK];
    int64_t coef[MOST_RANK];
} AffineIndex;

struct Value {
    ValueKind kind;
    /* TENSOR (and the run-time self of INT, NUMBER: rank 0, axes 0; it is kept in f32 and, `wide`, in f64, as which
     * one is wanted shows only where the number meets a tensor) */
    Node *node, *wide;
    int axes, axis[MOST_RANK]; /* ids, ascending: the node's leading axes */
    int64_t classes;           /* > 0: label[classes] (dtype i32) */
    bool free;                 /* i32 that becomes real where needed: made of index variables */
    bool batch;                /* batch(e): one value per row, as an array */
    bool is_shape;             /* LIST bound by `..s`: size(s) is the product */
    AffineIndex affine;        /* INDEX */
    int64_t integer;           /* INT; RANGE begin */
    int64_t end;               /* RANGE */
    double number;             /* NUMBER, QUANTITY; also set for INT */
    bool truth;                /* BOOL */
    bool is_integer;           /* QUANTITY written as an integer */
    Name unit;                 /* QUANTITY */
    const char *string;        /* STRING; TUPLE of a data set's fields: its name */
    size_t length;
    Value **items;
    Name *names;
    int count;                    /* LIST, TUPLE */
    const Definition *definition; /* DEFINITION, BOUND */
    const struct Builtin *builtin;
    void *context; /* BUILTIN */
    Scope *scope;
    const Expr **written; /* BOUND: its arguments, and as written, by formal; NULL: not given */
    Module *module;       /* MODULE */
    int tag;
    void *object; /* EXTERNAL */
};

Value *value_poison(Lowering *L);
Value *value_none(Lowering *L);
Value *value_int(Lowering *L, int64_t n);
Value *value_number(Lowering *L, double number);
Value *value_bool(Lowering *L, bool truth);
Value *value_string(Lowering *L, const char *bytes, size_t length);
Value *value_list(Lowering *L, Value *const *items, int count);
Value *value_tuple(Lowering *L, Value *const *items, const Name *names, int count);
Value *value_definition(Lowering *L, const Definition *definition);
Value *value_external(Lowering *L, int tag, void *object);
/* A tensor without index axes. classes > 0: a label. */
Value *value_tensor(Lowering *L, Node *node, int64_t classes);
/* The compile-time number that op makes of a and b (NULL: of a alone). If one of these has a run-time self (a SLOT),
 * so has it: sizes and exponents take the number, arithmetic with tensors takes the node, so that changing the slot
 * changes the run. */
Value *value_computed(Lowering *L, const Value *number, Op op, const Value *a, const Value *b);
static inline bool value_is_poison(const Value *v) { return v->kind == VALUE_POISON; }
static inline bool value_is_number(const Value *v) { return v->kind == VALUE_INT || v->kind == VALUE_NUMBER; }
/* Own shape and rank: what the user sees of a tensor. */
Shape value_own_shape(const Value *v);
/* "f32[5]", "label[10][3]", "the number 3", "a definition": for messages. */
const char *value_type_text(Lowering *L, const Value *v);
const char *shape_text(Lowering *L, DType t, int64_t classes, Shape s);

/* Anything numeric as a tensor of dtype `t`, if it becomes that freely (numbers, sizes, index variables,
 * lists of them); reports and gives poison if not. `what` names the thing in the message ("the loss"). */
Value *value_to_tensor(Lowering *L, const Value *v, DType t, Span span, const char *what);
/* The same, its own shape checked to be `shape` (a scalar is repeated to it), without index axes: a node.
 * NULL after an error. */
Node *value_to_node(Lowering *L, const Value *v, DType t, Shape shape, Span span, const char *what);
/* A real scalar node of the run's float type: a loss, a learning rate. NULL after an error. */
Node *value_to_real_scalar(Lowering *L, const Value *v, Span span, const char *what);
/* The same in its own float type, where it has one. */
Node *value_to_any_real_scalar(Lowering *L, const Value *v, Span span, const char *what);

/* Compile-time readings; false after an error was reported. */
bool lower_constant_int(Lowering *L, const Value *v, Span span, const char *what, int64_t *out);
bool lower_constant_number(Lowering *L, const Value *v, Span span, const char *what, double *out);
bool lower_constant_bool(Lowering *L, const Value *v, Span span, const char *what, bool *out);
bool lower_constant_string(Lowering *L, const Value *v, Span span, const char *what, const char **out);

/* ---- scopes ---------------------------------------------------------------------------------- */
typedef struct Binding {
    Name name;
    Value *value;
    Span span, first; /* where it is bound: last, first */
    bool used;
    const char *doc;
    Vector(Span) uses;    /* not filled by lowering of bodies; free for the experiment */
    struct Binding *next; /* the earlier one of the same scope */
} Binding;
/* Names that grad differentiates by in a body; first: the id of its first node. */
typedef struct Variables {
    Vector(Name) names;
    uint32_t first;
} Variables;
/* is_body: of a definition; behind it come the globals. */
struct Scope {
    Scope *parent;
    Binding *last;
    bool is_body;
    Variables *variables;
    struct LayerState *states; /* that the body declares (param.c) */
};
/* Before a body is lowered in the scope: the names that grad differentiates by in the statement. */
void scope_find_variables(Lowering *L, Scope *scope, const Stmt *stmt);
/* What leaves the body: made again without its variables (NULL: there are none). */
Value *without_variables(Lowering *L, const Variables *variables, Value *value);

Scope *scope_new(Lowering *L, Scope *parent);
/* Binds or rebinds `name` in this very scope. */
Binding *scope_bind(Lowering *L, Scope *scope, Name name, Value *value, Span span);
/* In this scope or its parents; marks nothing. NULL if there is none. */
Binding *scope_find(const Scope *scope, Name name);
Binding *scope_find_here(const Scope *scope, Name name);

/* ---- modules: where parameters live ---------------------------------------------------------- */
struct Module {
    const char *path;             /* "mlp", "mlp.h.dense" */
    Name name;                    /* last part, without [3] */
    const Definition *definition; /* of the model or layer; NULL for the binding's own part "mlp.h" */
    Module *parent;
};
/* Is cell name `name` inside the module with this path ("mlp.h" covers "mlp.h.dense.w")? */
/* net.*.w: its parts stand for several. */
bool module_is_pattern(const char *module_path);
bool module_covers(const char *module_path, const char *cell_name);
/* The path a dotted name means (net, net.head, poly.w), as written in optimizer[...] or l2(poly.w). NULL and
 * reported if nothing of that name exists in the run's cells so far. *cell: the cell it is exactly, or -1. */
const char *lower_module_path(Lowering *L, Scope *scope, const Expr *path, int *cell);

/* ---- builtins -------------------------------------------------------------------------------- */
/* name NULL: positional */
typedef struct Arguments {
    int count;
    Value **value;
    Name *name;
    Span *name_span;
    const Expr **expr;
    Span span;
} Arguments;
typedef Value *(*BuiltinFunction)(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context);
typedef struct Builtin {
    const char *name;
    int least, most; /* positional arguments; most -1: any number */
    bool raw;        /* arguments are not lowered first: args->value is NULL */
    BuiltinFunction function;
    const char *usage; /* "argmax(x)": for messages */
    const char *doc;   /* a sentence part */
} Builtin;
/* A builtin the experiment adds to a scope (tensor_sum, all_sum, columns, ...). */
Value *value_builtin(Lowering *L, const Builtin *builtin, void *context);

/* ---- the context ----------------------------------------------------------------------------- */
typedef struct AxisInfo {
    int64_t extent;
    Name name;
} AxisInfo;
typedef Vector(Cell) CellList;
typedef Vector(Slot) SlotList;

typedef struct UnknownName {
    const Definition *definition;
    Name name;
} UnknownName;

/* What a body does with `state v[: type] = e`; NULL: the state of a layer (state.c). */
typedef void (*StateHook)(Lowering *L, Scope *scope, const Stmt *stmt, void *context);

/* What the experiment makes of `each e`, `every e`, and of a member of an EXTERNAL value (`base`, else NULL):
 * inside.x. NULL: none, an error is reported. */
typedef Value *(*ExternalHook)(Lowering *L, Scope *scope, const Expr *expr, Value *base, void *context);

/* Is every parameter of the model with this path frozen in the run? Then its body is lowered as in predict. */
typedef bool (*FrozenHook)(Lowering *L, const char *path, void *context);

/* The cell that is read where a parameter stands: of an averaged one, in training, what is trained. */
typedef int (*ParameterHook)(Lowering *L, int cell, void *context);

/* Which rows batch(...) is the array of: none (in predict, for one), all that are evaluated, those of the mini-batch. */
typedef enum BatchRows { BATCH_REFUSED, BATCH_EVALUATED, BATCH_STEP } BatchRows;

/* What a layer's state is from the next step on. */
typedef struct NewState {
    int cell;
    Node *value;
} NewState;

struct Lowering {
    Arena *arena;
    Names *names;
    Diagnostics *diagnostics;
    SourceMap *map;
    Graph *graph;   /* nodes go here: the run's, or a data set's */
    Scope *prelude; /* builtins and the definitions of std/: all that those see */
    Scope *global;  /* its child: the file's definitions, top-level settings, data sets */
    bool f64;       /* every f32 is an f64 */
    /* the lowering at hand; set before, free to change between expressions */
    int64_t turns; /* of repeats, in this run or data set */
    bool outgrown; /* the graph is too large: reported, all is poison */
    DType real;    /* what `real` and untyped numbers are: F32, or F64 under f64 */
    bool training; /* the value of `training` */
    BatchRows batch_rows;
    const char *updated;         /* "net.dense.b: f32[10]", in the body of an optimizer; NULL */
    int64_t batch_size;          /* rows of a step; 0: all, not known */
    bool indexes_batch;          /* ... by batch(...)[j] */
    bool sees_batch;             /* batch(...) of the mini-batch was read in the mode at hand */
    Vector(NewState) new_states; /* of the models called so far, in training */
    const char *no_models;       /* "a data block": models are not called here */
    bool allow_draws;            /* false: a draw is an error where it stands, used or not */
    RandomKey random_key;
    uint64_t random_seed; /* of draws outside parameters */
    StateHook state_hook;
    ExternalHook external_hook;
    FrozenHook frozen_hook;
    ParameterHook parameter_hook;
    void *hook_context;
    /* the run's tables, filled as models are called */
    CellList cells;
    SlotList slots;
    int first_slot; /* of those that are not settings of the file */

    /* private to lower*.c of expressions */
    Vector(AxisInfo) axes;        /* by id */
    int active[64], active_count; /* ids open here: index variables and lifts; draws have them all */
    struct PathState *path;       /* where a parameter or draw written here gets its name */
    struct RangeFrame *ranges;    /* extents found for the binders of the statement at hand */
    struct CallFrame *calls;
    int call_depth, expression_depth, prelude_depth;
    int64_t calls_made;
    struct DrawFrame *draw;
    ScanFrame *scan;                   /* whose body is lowered: scan.c */
    bool frozen;                       /* `training` is false as a frozen model is lowered */
    int64_t variables_made;            /* so far: grad.c */
    Vector(Span) noted;                /* where a note was given */
    Scope *scope;                      /* of the expression at hand: messages say where its names come from */
    Vector(const Definition *) broken; /* recursive ones: calls are poison after the first report */
    Vector(UnknownName) unknown;       /* reported: once per definition */
    Vector(Span) required;             /* arguments that were refused: once each */
    bool in_index;                     /* inside x[...]: an unknown name there is an unbound index */
    bool quiet;                        /* nothing is reported */
    struct Meanings *meanings;         /* NULL: nobody asks */
    Diagnostic *call_notes;            /* the first "in this call of" of the last error */
};

/* A context with builtins and constants (pi, inf, true, ...) in `global`. Set graph before lowering
 * anything. */
Lowering *lowering_new(Arena *arena, Names *names, Diagnostics *d, SourceMap *map, bool f64);
/* Starts a run: empties cells and slots, takes its graph. */
void lowering_start_run(Lowering *L, Graph *graph);
/* Begins an expression that is lowered anew (to train, to predict, a measure): names of draws start over.
 * `root` is the path draws outside models get: "train". */
void lowering_start_root(Lowering *L, const char *root);
/* Binds every definition of the tree in L->global (L->prelude if its source is the prelude); reports
 * duplicates. */
void lower_declare_definitions(Lowering *L, const Ast *ast);
/* Name checks of every definition's body, called or not: unknown names are reported once, at their place. */
void lower_check_names(Lowering *L, const Ast *ast);
/* Warns of arguments and names that nothing in their definition reads; for files without errors. */
void lower_warn_unread(Lowering *L, const Ast *ast);

/* ---- the walk -------------------------------------------------------------------------------- */
Value *lower_expression(Lowering *L, Scope *scope, const Expr *expr);
/* The statements of a body, in order; the value of `return`, or VALUE_NONE. Bindings stay in `scope`. */
Value *lower_block(Lowering *L, Scope *scope, const StmtList *body);
/* One statement of a body (assignment, typed binding, draw, tuple, repeat); true if it was one. Train blocks
 * use this for what is not a setting. */
/* param s: f32 = 0 outside models: its path is its name. */
void lower_free_parameter(Lowering *L, Scope *scope, const Stmt *stmt);
bool lower_statement(Lowering *L, Scope *scope, const Stmt *stmt);
/* `name: type = e` or `~ e` where the type is declared: the value checked against it. */
Value *lower_typed(Lowering *L, Scope *scope, const TypeExpr *type, Word name, const Expr *value, bool is_draw);

/* Arguments of a call, lowered. */
Arguments *lower_arguments(Lowering *L, Scope *scope, const Expr *call);
Arguments *arguments_of(Lowering *L, Value *const *values, int count, Span span); /* positional */
/* Calls a definition: binds, solves sizes, lifts, lowers the body, checks the result. */
Value *lower_call_definition(Lowering *L, const Definition *definition, const Arguments *args, const Expr *call);
/* Binds arguments to formals (defaults too) without lowering the body: VALUE_BOUND. */
Value *lower_bind_definition(Lowering *L, const Definition *definition, const Arguments *args, const Expr *call);
/* The statements of its body in `scope`; what is wrong in a body of the prelude is told at the call. */
void lower_bound_body(Lowering *L, Scope *scope, const Value *bound, Span call);

/* ---- types ----------------------------------------------------------------------------------- */
typedef struct Type {
    bool known;           /* false after an error */
    bool is_compile_time; /* int, bool without dims used as a size: no tensor */
    DType dtype;
    int64_t classes; /* > 0: label */
    Shape shape;
} Type;
/* A type all of whose sizes are computable in `scope` (fields of data, `name: type`). */
Type lower_type(Lowering *L, Scope *scope, const TypeExpr *type);

/* ---- index axes, for those who lift themselves (an optimizer updates one element) ------------ */
/* Opens one axis per extent; lower_close_axes closes the last `count` opened. */
void lower_open_axes(Lowering *L, const int64_t *extents, int count, int *ids);
void lower_close_axes(Lowering *L, int count);
/* The first `count` own axes become these index axes (just opened), and back: missing ids are repeated. */
Value *value_own_to_axes(Lowering *L, const Value *v, const int *ids, int count);
Value *value_axes_to_own(Lowering *L, const Value *v, const int *ids, int count);

/* ---- cells and slots ------------------------------------------------------------------------- */
/* The cell of that name, made if there is none; initial may be NULL to be set later. Its index in
 * L->cells. */
int lower_cell(Lowering *L, CellKind kind, const char *path, DType dtype, Shape shape, Node *initial, Span span);
int lower_find_cell(const Lowering *L, const char *path); /* -1 if there is none */
Value *lower_cell_value(Lowering *L, int cell);           /* its CELL leaf */
Value *lower_parameter_value(Lowering *L, int cell);      /* the same where the program reads a parameter */
/* The slot of that name from first_slot on, made if there is none; the number with the slot as its run-time self. What
 * reads it says which type it gets (run.c). */
Value *lower_slot(Lowering *L, const char *name, const Value *number, Span span);

/* ---- what names mean, for who asks ------------------------------------------------------------ */
enum { MOST_MEANT = 4 };
/* A name where it is written. */
typedef struct Meaning {
    Name name;
    Span span;
    Span declared;                  /* of its symbol; in the prelude; {0,0}: builtin */
    bool declares;                  /* it is bound here */
    const Value *value[MOST_MEANT]; /* that differ in type, in the calls of a body */
    int count;
    bool more;
    const char *path; /* of a call of a layer: mlp.h.dense */
    const Builtin *builtin;
} Meaning;
typedef struct Meanings {
    Arena *arena;
    Lowering *lowering;
    Vector(Meaning) items;     /* in the order they were met */
    Vector(const Ast *) trees; /* of the file and what it includes */
    int *table;
    uint32_t size;
} Meanings;
Meanings *meanings_new(Arena *arena);
/* NULL: no name of the user's begins there. */
const Meaning *meaning_at(const Meanings *meanings, uint32_t begin);
/* Bound here; first: where its scope bound the name first. */
void meaning_declare(Lowering *L, Word name, Span first, const Value *value);
void meaning_use(Lowering *L, Word name, Span declared, const Value *value);
/* What it was bound to on the way. */
void meaning_forget_values(Lowering *L, Word name);
void meaning_of_binding(Lowering *L, Word name, const Binding *binding);
void meaning_of_argument(Lowering *L, const Definition *definition, Word name, const Value *value);
/* What a call gives is told of the name it calls; path: of its parameters, or NULL. */
void meaning_of_call(Lowering *L, const Expr *callee, const Value *result, const char *path);

/* ---- saying what is wrong -------------------------------------------------------------------- */
/* Reports (unless quiet) with the notes of the calls being lowered ("in this call of dense"). NULL if
 * quiet. */
Diagnostic *lower_error(Lowering *L, Code code, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* add_note and add_help that accept the NULL of a quiet error. */
/* Was a note given at this place? Now it is: once there, however often it is lowered. */
bool lower_is_noted(Lowering *L, Span at);
void lower_note(Lowering *L, Diagnostic *to, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
void lower_help(Lowering *L, Diagnostic *to, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "did you mean ..." among the names visible from the scope (and `more`). */
/* What takes the place of a word of other languages or libraries, or NULL. */
const char *habit_of_name(const char *name);
const char *habit_of_setting(const char *name);
void lower_suggest(Lowering *L, Diagnostic *to, const Scope *scope, const char *wanted, const char *const *more,
                   int count);

#endif
