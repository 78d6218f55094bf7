/* What a .sgd file declares, after lowering: data sets, and runs with their cells, slots and functions.
 * Lowering makes it, the passes rewrite the functions' roots, codegen and the interpreter run them, the driver
 * loops around them. One Run is one curve in the plot: a train block, or one value of each `each` of it.
 */
#ifndef SGDC_PROGRAM_H
#define SGDC_PROGRAM_H
#include "ir/graph.h"
#include "frontend/ast.h"

/* ---- data ------------------------------------------------------------------------------- */
/* The rows and columns of sources.def, which says what they mean. */
typedef enum SourceKind {
#define SOURCE(NAME, ...) SOURCE_##NAME,
#include "ir/sources.def"
#undef SOURCE
} SourceKind;
enum {
    SOURCE_ROWS = 0
#define SOURCE(...) +1
#include "ir/sources.def"
#undef SOURCE
};
#define SOURCES ((SourceKind)SOURCE_ROWS)
typedef enum SourceRows { ROWS_MADE, ROWS_TABLE, ROWS_ARRAYS, ROWS_PARTS, ROWS_GIVEN } SourceRows;
const char *source_name(SourceKind kind); /* NULL: programs do not call it */
SourceRows source_rows(SourceKind kind);
bool source_has_one_path(SourceKind kind);

/* What becomes of a missing value of a column: as the data set says, an error, NaN in memory, a number. */
typedef enum ColumnMissing { MISSING_AS_SAID, MISSING_ERROR, MISSING_NAN, MISSING_NUMBER } ColumnMissing;

/* One stored column of a data set, what a COLUMN leaf (attr.index) reads: shape per row, dtype known without files. */
typedef struct Column {
    Name name;   /* images, labels, or a made name: "x" */
    DType dtype; /* U8 images and characters, I32 labels, F32 otherwise */
    Shape shape;
    int64_t classes;  /* > 0: values must be 0 .. classes-1 (checked at load; after remap) */
    const char *path; /* idx, npy: its file, the first of several */
    const char **paths;
    int part;       /* of a source of parts: sgdrt_part */
    bool windowed;  /* its first axis is places of a window */
    int64_t offset; /* in a window: places before it */
    int64_t words;  /* csv: so many words of a text; 0 */
    bool learnt;    /* remap_words are what the data has (vocabulary.h); NULL until it was read */
    int64_t *csv_index;
    const char **csv_name;
    int csv_count;     /* csv: which columns, by index, or by name where csv_name[i] */
    bool standardized; /* x: (x - mean) / deviation, materialised at load, statistics of the training rows */
    int mean_cell, deviation_cell; /* in the run: CELL_STATISTIC, one per element; -1 */
    bool truncated;                /* i32 of a fraction: cut off, as i32(...) does; else an error */
    double *remap;
    int remap_count;          /* value remap[i] becomes i; others are an error */
    const char **remap_words; /* csv: instead of remap, the texts of the classes; then, up to `classes`, names */
    bool learns_words;        /* they are those of the rows that train: NULL until these are read */
    bool has_other;           /* texts that are no class are class `other` */
    int other;
    const char *missing_word; /* the text that stands for a missing one; NULL: none */
    ColumnMissing missing;
    double missing_value;
    bool asked_missing; /* it is read by is_missing alone */
    Node *synthetic; /* synthetic: the one-example graph of its value (RANDOM_DATA leaves, earlier columns as COLUMN) */
    Span span;
} Column;

typedef struct Field { /* x: f32[28, 28] = images / 255: what models see */
    Name name;
    DType dtype;
    Shape shape;
    int64_t classes; /* classes > 0: a label */
    Node *value;     /* one-example graph over COLUMN leaves; without what statistics change */
    int column;      /* the column it is exactly, or -1 */
    int standard;    /* the statistic that standardizes all of it; -1 */
    bool filled;     /* statistics decide some of its values */
    const char *doc;
    Span span;
} Field;

/* What is learnt from the rows that train before they do (numerics.md, Preprocessing). */
typedef enum StatisticKind {
    STATISTIC_MEAN,     /* of a column's values that are there: one cell */
    STATISTIC_MEDIAN,   /* likewise */
    STATISTIC_STANDARD, /* mean and deviation of an expression: two cells */
    STATISTIC_SHARES,   /* of the classes of a label: one cell */
    STATISTIC_WEIGHT    /* no cell: values that must not be negative */
} StatisticKind;
typedef struct Statistic {
    StatisticKind kind;
    int column;       /* MEAN, MEDIAN: of this column; else -1 */
    int cell;         /* the first of its cells, in the run; -1 */
    int output;       /* of Run.derived: the expression's values; -1 */
    int set;          /* whose rows: of several data sets; 0 the first */
    Shape shape;      /* of what it is learnt from */
    const Expr *expr; /* where it is written, ... */
    int field;        /* ... and in which field; -1 */
    Span span;
} Statistic;
/* Cells of a data set's statistics, the first ones of each of its runs. */
typedef struct StatisticCell {
    const char *name;
    Shape shape;
    Span span;
} StatisticCell;

typedef struct DataSet {
    Name name;
    SourceKind kind;
    Span span;
    const char *doc;
    const char *like;                 /* `data test like digits`: the set whose statistics it uses, or NULL */
    const char *path;                 /* of one file (after --data NAME=PATH) */
    const char **paths;               /* of several files; path is the first */
    int path_count;                   /* 0 and 1: there is one */
    int64_t window, window_stride;    /* places of a row; from row to row; 0: rows are the file's */
    int64_t features, nonzeros;       /* libsvm: numbers of a row, and stored of them; 0: all */
    char delimiter, decimal, comment; /* csv; 0: as it is found, a point, none */
    int header;                       /* csv: 1 yes, 0 no, -1 find out */
    bool missing_is_error;
    double missing_value;
    int64_t rows_begin, rows_end; /* rows = a..b; end -1: to the last */
    int64_t rows;
    uint64_t seed;  /* synthetic */
    int64_t copies; /* copies = 2: the rows that were kept, all of them this many times, one run after the other; 1 */
    Node *keep;     /* bool, one-example over COLUMN leaves, or NULL */
    Column *columns;
    int column_count;
    Field *fields;
    int field_count;
    Statistic *statistics;
    int statistic_count;
    StatisticCell *statistic_cells;
    int statistic_cell_count;
    const struct DataSet *original; /* of a copy with the classes of a run; NULL */
    const struct DataSet **joined;  /* data = [inside, wall]: columns and fields of all, "wall.x" */
    int joined_count;               /* 0: one set */
    int64_t *joined_rows;           /* of each, once they are loaded */
    int *joined_teacher;            /* whose statistics and classes each has */
} DataSet;

/* How many data sets its columns are of, and the columns of the first sets up to this one. */
static inline int data_set_count(const DataSet *set) { return set->joined_count ? set->joined_count : 1; }
static inline int data_columns_before(const DataSet *set, int index) {
    int columns = 0;
    for (int i = 0; i < index && set->joined_count; i++) columns += set->joined[i]->column_count;
    return index < data_set_count(set) ? columns : set->column_count;
}

static inline int data_set_of(const DataSet *set, int column) {
    int index = 0;
    while (column >= data_columns_before(set, index + 1)) index++;
    return index;
}

/* The column whose statistics and classes this one has: itself, or that of the set which its own is like. */
static inline int data_teacher_of(const DataSet *set, int column) {
    if (!set->joined_count) return column;
    int index = data_set_of(set, column);
    return column - data_columns_before(set, index) + data_columns_before(set, set->joined_teacher[index]);
}

/* Where all of the field is standardized: the cell of the mean; that of the deviation follows it. Else -1. */
static inline int field_mean_cell(const DataSet *set, const Field *field) {
    if (field->standard >= 0) return set->statistics[field->standard].cell;
    return field->column >= 0 ? set->columns[field->column].mean_cell : -1;
}

/* The names of all its classes, where the field is a column of texts and they are known; else NULL. */
static inline const char *const *field_class_names(const DataSet *set, const Field *field) {
    return field->classes > 0 && field->column >= 0 ? set->columns[field->column].remap_words : NULL;
}

/* ---- what a run keeps ------------------------------------------------------------------- */
typedef enum CellKind { CELL_PARAMETER, CELL_STATE, CELL_OPTIMIZER, CELL_STATISTIC } CellKind;
/* A part of a parameter's path: a model, a binding (is_call false), a layer or another definition that is called. */
typedef struct PathPart {
    const char *name; /* "dense.2", "h[1]" */
    bool is_call, is_prelude;
    const struct PathPart *outer; /* NULL: it is the model */
} PathPart;
typedef struct Cell {
    CellKind kind;
    const char *name; /* path: mlp.h.dense.w; optimizer state: momentum.v@mlp.h.dense.w */
    DType dtype;
    Shape shape;
    Node *initial;        /* no rows; RANDOM_INITIAL leaves */
    const PathPart *part; /* of a parameter: what declares it */
    int of;               /* optimizer state: its parameter's cell; else -1 */
    int trained;          /* averaged parameter: the cell that steps train; else -1 */
    bool updated;         /* some update changes it */
    size_t offset;        /* bytes from the start of the state block, 64-aligned */
    const char *doc;
    Span span;
} Cell;
/* What steps train of an averaged parameter is shown as that parameter; any other cell as itself. */
static inline int cell_shown(const Cell *cells, int cell) {
    int of = cells[cell].of;
    return of >= 0 && cells[of].trained == cell ? of : cell;
}
/* Such a cell may stay infinite: it is no sign of divergence. */
static inline bool cell_starts_infinite(const Cell *cell) {
    return cell->initial && cell->initial->op == OP_CONST && cell->initial->attr.value - cell->initial->attr.value != 0;
}
typedef struct Slot {
    const char *name;
    DType dtype;
    double value;
    size_t offset;
    Span span;
} Slot; /* lr, penalty weights, top-level settings */

/* ---- functions: entry points over the graph ---------------------------------------------- */
typedef enum RootKind {
    ROOT_SUM, /* scalar without rows: objective term or penalty `index`; stored (train: added in f64) to sums[index] */
    ROOT_UPDATE, /* the new value of cell `index` */
    ROOT_ROWS,   /* a value per row, written dense to outputs[index] */
    ROOT_VALUE,  /* scalar without rows, written to outputs[index] */
    /* of the body of a scan (scan_parts.h) */
    ROOT_ELEMENT, /* the element at hand of stack `index` */
    ROOT_NEXT     /* what is carried on in the place of `index` */
} RootKind;
typedef struct Root {
    RootKind kind;
    int index;
    Node *node;
    const char *name;
} Root;
typedef struct Function {
    const char *name;
    Root *roots;
    int root_count;
    bool steps;
} Function; /* steps: counts steps, may draw */

/* ---- runs -------------------------------------------------------------------------------- */
typedef enum BatchOrder { ORDER_SHUFFLED, ORDER_SEQUENTIAL, ORDER_REPLACEMENT } BatchOrder;
typedef enum LastBatch { LAST_KEEP, LAST_DROP, LAST_WRAP } LastBatch;
/* How a further data set of a step gives its rows, in an order of its own. */
typedef struct Partner {
    int64_t batch; /* rows that come again until the step is full; 0: as many as the step has */
    bool all;      /* all of its rows in every step */
    BatchOrder order;
    int first_column, column_count; /* of Run.data */
    Span span;
} Partner;
typedef enum HoldOut { HOLD_OUT_NONE, HOLD_OUT_RANDOM, HOLD_OUT_SPLIT, HOLD_OUT_LAST, HOLD_OUT_FOLDS } HoldOut;

/* One-example objective, unnamed: "loss". minimized: part of the loss; penalty: reads no row, so it is no mean over them. */
typedef struct Term {
    Name name;
    bool minimized, penalty;
    Node *value;
    int part; /* the update block it stands in; 0 without */
    Span span;
} Term;
typedef enum RankedBy { RANKED_NOT, RANKED_ALIKE, RANKED_BY_WEIGHT } RankedBy;
typedef struct Measure {
    Name name;
    Function metric;
    Shape shape; /* of its value; an array is no figure */
    Node **arguments;
    RankedBy *ranked; /* of each; BY_WEIGHT: the next argument */
    int argument_count;
    Span span;
    const char *objective;
} Measure; /* metric's COLUMN i is the kept argument i */

/* stop and keep are small trees over reported figures, evaluated by the driver; so is `when` of an update, over step
 * and epoch, evaluated by generated code. */
typedef enum WatchKind {
    WATCH_NUMBER,
    WATCH_FIGURE,
    WATCH_STALLED,
    WATCH_EVERY,
    WATCH_NOT,
    WATCH_AND,
    WATCH_OR,
    WATCH_LT,
    WATCH_LE,
    WATCH_GT,
    WATCH_GE
} WatchKind;
typedef struct Watch {
    WatchKind kind;
    double number;
    const char *figure;
    bool highest;
    struct Watch *left, *right;
} Watch;
/* figure: "train.loss", "valid.loss", "valid.accuracy", "epoch", "step". STALLED: figure, number = epochs
 * without improvement, which is upwards if highest. EVERY: of `number` steps or epochs (figure) the last one. */

/* An update block: a part of each step, on the parameters that the parts before it left. */
typedef struct StepPart {
    const char *name;
    Function function; /* as `step` of other runs, for its own terms */
    const Watch *when; /* NULL: in every step */
    Span span;
} StepPart;
/* part.c: is it due in the step that begins when so many steps and epochs are done? */
bool part_is_due(const Watch *when, uint64_t step, uint64_t epoch);

/* A factor of the rate, in a cell; runtime/plateau.h says when it falls. */
typedef struct Plateau {
    const char *figure; /* "valid.loss" */
    bool highest;
    double epochs, by;
    int factor, best, waited; /* cells */
} Plateau;

typedef struct EachValue {
    const char *name, *text;
} EachValue;             /* batch, "10" */
#define EACH_FOLD "fold" /* the name of what hold_out = folds(5) varies */

typedef struct Run {
    const char *name, *block;    /* "sweep lr=0.1 batch=10"; "sweep" */
    const char *doc, *model_doc; /* of the train block; of the one model minimized */
    EachValue *each;
    int each_count;
    Span span;       /* of the train block's name */
    Span batch_span; /* of its own batch setting; without one, span */
    Graph *graph;
    DataSet *data, *valid; /* valid NULL: none or held out */
    HoldOut hold_out;
    double hold_out_part;
    int fold, folds; /* fold: 0 .. folds-1; folds 0: none */
    int hold_out_by; /* by: field index for split(p, by = y), else -1 */
    int64_t batch;   /* rows; 0: all */
    BatchOrder order;
    Partner *partners; /* of data = [...]: those behind the first */
    int partner_count;
    bool uneven; /* the mean of a term is over the rows of its sets, whose numbers differ */
    LastBatch last;
    int64_t epochs, steps; /* one is set, the other 0; epochs 1 if neither */
    uint64_t seed;
    int64_t report_every;
    bool report_steps;     /* in epochs or steps; 0: after each epoch at most 10 lines */
    bool sees_batch;       /* in training a term reads batch(...) */
    int64_t most_rows;     /* that a step takes; 0: any number */
    int64_t together;      /* rows that are evaluated at once; 0: all */
    const char *objective; /* equal texts: losses can be compared; so of Measure */
    Watch *stop;
    Plateau *plateaus;
    int plateau_count;
    const char *keep_figure;
    bool keep_highest; /* keep = best(valid.loss); NULL: last */
    int start_run;
    const char *start_file;
    Span start_span; /* start = other (index of run, -1) | load("file") */
    Cell *cells;
    int cell_count;
    Slot *slots;
    int slot_count;
    Term *terms;
    int term_count;    /* minimize (those that read no row last), then penalties */
    Measure *measures; /* figures, then arrays */
    int measure_count, array_count;
    Node *weight; /* of a row, one-example; NULL: all count alike */
    Node *predict;
    const char *predict_name;
    Span predict_span;
    int predict_classes;   /* one-example graph; NULL: none */
    int target;            /* the field that predictions are to come near; -1 */
    Statistic *statistics; /* of the data set, then of the train block */
    int statistic_count;
    size_t state_bytes; /* header + slots + cells */
    /* lowered as one example; the passes bring their roots to the line and beyond */
    Function init, step, evaluate, predictor;
    StepPart *parts; /* update blocks, in order; `step` has no roots then */
    int part_count;
    Function derived; /* per row, what statistics are made of */
    double quadratic_lr;
    Span lr_span;
    const char *lr_text; /* literal lr of plain sgd for the 2/L note, NaN if not so */
} Run;

/* Runs that take their steps together; 0: it is one, alone. */
typedef struct SideBySide {
    int64_t count;
    bool own_rows, own_seeds; /* has each its own? */
} SideBySide;

/* Terms are in this order: means over rows, minimized without rows, penalties. How many are the first, and both. */
static inline int run_averaged(const Run *run) {
    int count = 0;
    while (count < run->term_count && !run->terms[count].penalty) count++;
    return count;
}
static inline int run_minimized(const Run *run) {
    int count = 0;
    while (count < run->term_count && run->terms[count].minimized) count++;
    return count;
}

static inline int run_measures(const Run *run) { return run->measure_count + run->array_count; } /* with arrays */

/* The functions of a step, in their order: one, or one for each update block. */
static inline int run_step_functions(const Run *run) { return run->part_count ? run->part_count : 1; }
static inline Function *run_step_function(Run *run, int i) {
    return run->part_count ? &run->parts[i].function : &run->step;
}
/* Sums of training: a term's each, then for each part of a step the rows and the steps behind the sums of its terms. */
static inline int run_weight_sum(const Run *run) { return run->weight ? run->term_count : -1; } /* in sums; -1: none */
static inline int run_sums(const Run *run) { return run->term_count + 2 * run->part_count + (run->weight != NULL); }

typedef struct Program {
    Arena *arena;
    Names *names;
    Diagnostics *diagnostics;
    const char *stem;
    DataSet *data;
    int data_count;
    Run *runs;
    int run_count;
    const char **included;
    int included_count;          /* files read, for --emit=deps */
    const char *included_blocks; /* "fit, tune", which run if named; or "" */
} Program;

/* Which functions take standardized columns as measured, and standardize them: predict alone, as --emit shows it; all,
 * for an application; none, where the driver loads rows for all of them. */
typedef enum Measured { MEASURED_BY_PREDICT, MEASURED_BY_ALL, MEASURED_BY_NONE } Measured;

/* --set NAME=VALUE and --data NAME=PATH, --seed */
typedef struct Setting {
    const char *name, *value;
} Setting;
/* What an array in a file is made of, by its header. */
typedef enum StoredAs { STORED_UNKNOWN, STORED_BYTES, STORED_TRUTHS, STORED_WHOLE, STORED_REAL } StoredAs;

typedef struct LowerOptions {
    const Setting *set;
    int set_count;
    const Setting *data;
    int data_count;
    uint64_t seed;
    bool has_seed;
    const char *only;    /* --run=a,b or NULL */
    bool f64;            /* lower f32 as f64 */
    bool gradients;      /* no averages: program_take_gradients follows */
    const char *overfit; /* NULL or N */
    Measured measured;
    struct Meanings *meanings; /* filled for who asks; or NULL */
    StoredAs (*stored_as)(void *context, const DataSet *set, const char *path);
    void *stored_context; /* of stored_as; that may be NULL: files are not looked at */
} LowerOptions;
/* How long the first name is in a list for --run: names of runs may hold commas in brackets. */
size_t run_name_length(const char *list);
/* Lowers the program; errors are in program->diagnostics. Never NULL. */
Program *lower_program(Arena *arena, Names *names, Diagnostics *d, SourceMap *map, Ast *ast, const char *path,
                       const LowerOptions *options);

/* ---- passes.c: the one-example sum of the terms of a part, of penalties or the others, in f64 if any is; NULL: there
 * are none. */
Node *run_sum_of_terms(Graph *g, const Run *run, int part, bool penalties);

/* ---- passes.c ---------------------------------------------------------------------------- */
typedef struct Pass {
    const char *name, *needs, *gives;
    void (*run)(Program *program, Run *run);
} Pass;
/* Before the passes: instead of updates, steps compute the gradient of each parameter that they would update, into its
 * cell. Each update block becomes a run of its own. */
void program_take_gradients(Program *program);
static inline bool cell_has_gradient(const Cell *cell) { return cell->kind == CELL_PARAMETER && cell->updated; }
extern const Pass graph_passes[]; /* batch, grad, canonicalise, order | rules; ends with name NULL */
#endif
