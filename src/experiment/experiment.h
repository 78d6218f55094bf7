/* experiment: what is around the graphs: from the tree to data sets, and to train blocks and their runs. It calls lower
 * (lower/lower.h), which knows nothing of it.
 *
 *   program.c          the entry: includes, top-level settings, --set, declarations
 *   declared.c         finding what is declared
 *   top_setting.c      the values of top-level settings
 *   each.c             `each`: which sites there are, their product, the choice of a run
 *   data.c             data declarations: fields;  source.c: columns, standardize
 *   source_functions.c what fields call;  source_classes.c: remap, classes;  source_missing.c: what stands for missing values
 *   statistic.c        what is learnt from the rows before they train: means, medians, shares
 *   source_call.c      csv(...), idx(...), ...: what they take is in source_csv.c, source_arrays.c, source_synthetic.c,
 *                      source_text.c, source_sparse.c, source_images.c and, of several, source_arguments.c;
 *                      source_stored.c: types of arrays;  source_window.c: windows
 *   joined.c           several data sets in one train block
 *   train_block.c      the statements of a train block, and `like`;  train.c: its runs
 *   setting.c          the values of settings;  watch.c: stop and keep;  plateau.c: rates that watch
 *   run.c              one run: its graphs, roots and state;  run_scope.c: the local bindings that a mode needs
 *   predict.c          what the object serves;  undo.c: the target's units
 *   weight.c           how much a row counts
 *   measure.c          measures: what is kept per row, and the reduction over all rows
 *   objective.c        which runs' figures can be compared
 *   optimizer.c        updates, from optimizer definitions;  average.c: averaged parameters
 *   node.c             what a node depends on
 *   lint.c             mistakes one sees only in the whole experiment
 *   prelude.c          std/, embedded
 *
 * A file is lowered once per run, for one choice of every `each`: settings become numbers first, then
 * data, then the graphs. Top-level settings that are plain numbers are slots in a run's graphs.
 */
#ifndef SGDC_EXPERIMENT_H
#define SGDC_EXPERIMENT_H
#include "lower/lower.h"

enum { MOST_RUNS = 1000, MOST_TOP_SITES = 64 };
enum { EXTERNAL_DATA = 1, EXTERNAL_TRAIN = 2 }; /* tags of VALUE_EXTERNAL */

/* ---- each --------------------------------------------------------------------------------- */
typedef struct EachSite {
    const Expr *each;
    const char *name; /* of the setting or argument it stands in */
    Expr **items;
    int count;
    int chosen;
    int outer, outer_item; /* the site and item it stands in; -1 */
    bool active;           /* the run at hand depends on it */
} EachSite;
typedef Vector(EachSite) EachSites;

/* ---- declarations --------------------------------------------------------------------------- */
typedef struct TopSetting {
    const Stmt *stmt;
    Word name;
    const Expr *value;
    const char *doc;
    uint64_t depends; /* bit per top-level each site */
    Binding *binding;
    bool ever_used, included;
} TopSetting;

typedef struct Override {
    const char *name;
    const Expr *value;
    bool used;
} Override; /* --set */

/* How a source column came about: the expression that made it, so that lowering again finds it. */
typedef struct ColumnUse {
    const Expr *expr;
    Name word;
    int field; /* -1: keep */
    int column;
    bool asks_missing; /* is_missing around it */
} ColumnUse;

typedef struct SourceWord {
    Name name;
    const char *path; /* NULL: of a source of parts */
    const char **paths;
    int path_count;
    int part;
    StoredAs stored; /* of npy: as declared, else as its files say */
    Span span;
} SourceWord; /* images, labels, ... */

/* A data set for one choice of the top-level settings it uses. */
typedef struct DataVariant {
    DataSet *set;
    struct DataDecl *decl;
    int *chosen; /* per top-level each site; compared where `depends` has its bit */
    uint64_t depends;
    bool failed;
    Vector(ColumnUse) uses;
    Vector(SourceWord) words;
    Vector(Column) columns;
    Vector(Field) fields;
    Vector(const Stmt *) field_stmt; /* per field */
    Vector(Statistic) statistics;
    int first_statistic; /* of the data set whose fields are lowered; -1: it has another's */
    Vector(StatisticCell) statistic_cells;
} DataVariant;

typedef struct DataDecl {
    const Stmt *stmt;
    Word name;
    struct DataDecl *base;     /* like */
    const Expr *source;        /* own, or the base's */
    Vector(const Stmt *) body; /* with the base's */
    bool resolving, resolved, failed, used;
    Vector(DataVariant *) variants;
} DataDecl;

typedef enum SettingKey {
    KEY_DATA,
    KEY_MINIMIZE,
    KEY_PENALTY,
    KEY_MEASURE,
    KEY_WEIGHT,
    KEY_OPTIMIZER,
    KEY_GRADIENT,
    KEY_BATCH,
    KEY_LAST,
    KEY_HOLD_OUT,
    KEY_VALID,
    KEY_EPOCHS,
    KEY_STEPS,
    KEY_SEED,
    KEY_AVERAGE,
    KEY_STOP,
    KEY_KEEP,
    KEY_REPORT,
    KEY_PREDICT,
    KEY_START,
    KEY_WHEN,
    KEY_COUNT,
    KEY_LOCAL = KEY_COUNT
} SettingKey;

/* A statement of a train block, its own or inherited. */
enum { WHOLE_BLOCK = -1 };
typedef struct BlockStmt {
    const Stmt *stmt;
    SettingKey key;
    int update; /* the update block it stands in, or WHOLE_BLOCK */
    bool own;
} BlockStmt;

/* An update block: its statements are among those of the train block. */
typedef struct UpdateBlock {
    const Stmt *stmt;
    Word name;
    bool own;
} UpdateBlock;

typedef struct TrainBlock {
    const Stmt *stmt;
    Word name;
    struct TrainBlock *base;
    bool included; /* from another file: trains where it is named */
    Vector(BlockStmt) body;
    Vector(UpdateBlock) updates;
    bool resolving, resolved, failed, lowering, lowered;
    EachSites sites;
    int first_run, run_count;
} TrainBlock;

typedef struct Experiment {
    Arena *arena;
    Names *names;
    Diagnostics *diagnostics;
    SourceMap *map;
    Program *program;
    const LowerOptions *options;
    Lowering *L;
    Vector(const Ast *) trees;
    Vector(const char *) included;
    Vector(TopSetting) settings;
    Vector(Override) overrides;
    Vector(DataDecl *) data;
    Vector(DataSet *) joined; /* data = [...], as train blocks have asked for them */
    Vector(TrainBlock *) blocks;
    Vector(Run) runs;
    EachSites top_sites;
    uint64_t data_depends;     /* top-level each sites that the data lowered for this run depends on */
    bool broken;               /* an included file has syntax errors */
    EachSites *block_sites;    /* of the block at hand, or NULL */
    struct RunLowering *run;   /* the run at hand, or NULL */
    struct Updating *updating; /* the optimizers at hand, or NULL */
} Experiment;

/* ---- each.c --------------------------------------------------------------------------- */
/* Adds the each sites inside; `name` is what a value is shown as. */
void each_collect(Experiment *X, EachSites *sites, const Expr *expr, const char *name);
/* Adds the folds(...) inside, which are sites as well, after its each sites. */
void each_collect_folds(Experiment *X, EachSites *sites, const Expr *hold_out);
/* The item chosen now for this EXPR_EACH; NULL if it is not a site. */
const Expr *each_chosen(Experiment *X, const Expr *each);
/* folds(...), which only hold_out knows. */
bool is_folds(const Expr *expr);
/* How many folds it makes, and which is chosen, from 0 on; 0: it is no site. */
int each_fold(Experiment *X, const Expr *folds, int *fold);
/* Does the site count, as the items around it are chosen? Else it stays at its first item. */
bool each_applies(const EachSites *sites, int site);
/* How the chosen item is shown. */
const char *each_text(Experiment *X, const EachSite *site);
/* The expression itself, or what is chosen for it if it is an `each`. */
const Expr *each_resolve(Experiment *X, const Expr *expr);

/* ---- declared.c ------------------------------------------------------------------------ */
/* NULL: there is none. */
DataDecl *data_find(Experiment *X, Name name);
TrainBlock *block_find(Experiment *X, Name name);
Override *override_find(Experiment *X, const char *name);
bool is_top_setting(const Experiment *X, const char *name);
/* "text" of an expression as written. */
const char *expr_text(Experiment *X, const Expr *expr);

/* ---- top_setting.c --------------------------------------------------------------------- */
/* Gives every top-level setting its value for the choice at hand; in_run: plain numbers become slots. */
void settings_bind(Experiment *X, bool in_run);
/* Which top-level each sites the names used since settings_clear_used depend on. */
void settings_clear_used(Experiment *X);
uint64_t settings_used(const Experiment *X);

/* ---- data.c ---------------------------------------------------------------------------- */
/* The data set for the choice at hand; NULL after errors. */
DataVariant *data_lower(Experiment *X, DataDecl *decl);
/* The fields of a data set as values of the graph at hand. raw: standardised ones from raw columns. */
void data_bind_fields(Experiment *X, DataVariant *variant, Scope *scope, bool raw);
int data_find_field(const DataSet *set, Name name); /* -1 if there is none */
/* The field that an expression names, y or points.y; -1: it names none. */
int data_field_of(Experiment *X, const DataSet *set, const Expr *expr);

/* ---- joined.c: several data sets in one train block ---------------------------------------- */
/* Their columns and fields as those of one set; the same for runs that join the same. */
DataSet *data_join(Experiment *X, DataVariant *const *variants, int count);
/* Each set as a value whose parts are its fields: wall.x */
void data_bind_joined(Experiment *X, DataVariant *const *variants, int count, Scope *scope, bool raw);

/* What is minimized of a row in the mean over the rows of the sets that it reads, where their numbers differ. */
Node *joined_term(struct RunLowering *R, Node *term);
/* What cannot be where they differ; false after an error. */
bool joined_fits(struct RunLowering *R);

/* ---- source_*.c: the forms of sources.def ---------------------------------------------- */
typedef struct SourceContext SourceContext;
typedef struct SourceArgument {
    const char *name;                                                                        /* or one of these two */
    bool (*take)(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span); /* false after an error */
} SourceArgument;
#define NO_NAME ""       /* csv("file") */
#define ANY_ARGUMENT "*" /* npy(x = "file") */
typedef struct SourceForm {
    const char *usage;
    const SourceArgument *arguments;                                        /* the last has no name and takes nothing */
    bool (*complete)(Experiment *X, const DataVariant *variant, Span span); /* false after an error */
    bool bytes;                                                             /* columns are bytes, but for labels */
    const char *const *parts; /* of a source of parts: the words for them, NULL behind the last */
    /* What such a word is; NULL: what a word of arrays is. */
    Value *(*part_value)(SourceContext *context, const Expr *expr, const SourceWord *word);
} SourceForm;
#define SOURCE(NAME, ...) extern const SourceForm source_form_##NAME;
#include "ir/sources.def"
#undef SOURCE
const SourceForm *source_form(SourceKind kind);
/* One path, or a list of them. */
bool source_take_paths(Experiment *X, const Value *v, Span span, const char **path, const char ***paths, int *count);
bool source_take_path(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span);
bool source_take_range(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span);
bool source_take_copies(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span);
bool source_take_whole(Experiment *X, const Value *v, Span span, const char *what, int64_t least, int64_t *out);
/* ---- source_stored.c: npy(f: u8 = "file"), of the word taken last;  of the others, by their files */
bool source_take_type(Experiment *X, DataVariant *variant, const TypeExpr *type);
void source_find_types(Experiment *X, DataVariant *variant);
bool source_has(Experiment *X, const DataVariant *variant, bool has, const char *what, Span span); /* else: it needs */

/* ---- source.c, source_call.c -------------------------------------------------------------------------- */
struct SourceContext {
    Experiment *X;
    DataVariant *variant;
    int field;   /* -1: keep */
    Type type;   /* of the field */
    bool exact;  /* the field's expression is just this word */
    bool making; /* columns may be made; else they are found */
    bool standardize, raw;
    bool inside;           /* what is standardized, as an expression */
    bool whole, truncated; /* columns are i32; i32(...) around them */
    bool windowed;         /* windows(...) around them */
    int64_t words;         /* words(..., length) around them; 0 */
    const Expr *alone;     /* the call that the whole field is made of, or NULL */
    const Expr *remap_call;
    const Value *remap;       /* the list of a remap around the column at hand */
    bool learns_words, other; /* classes around it; other = true there */
    int64_t class_count;      /* classes(column, 4); 0: as the field has */
    bool asks_missing;        /* is_missing around it */
    bool broken;              /* an error was reported */
};
/* The call of a source: fills kind, paths and options of the set. False after an error. */
bool source_read_call(Experiment *X, DataDecl *decl, DataVariant *variant);
/* Is it a word or a call of column(s), and nothing else? */
bool source_is_plain_column(const SourceContext *context, const Expr *expr);
Value *source_lower_columns(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context);
extern const Builtin source_builtins[]; /* columns, standardize, ...; the last has no name */
/* Binds columns, column, standardize, remap in `scope`; the context must outlive it. */
void source_bind_functions(SourceContext *context, Scope *scope);
/* Binds the words (images, labels) that the expression uses. */
void source_bind_words(SourceContext *context, Scope *scope, const Expr *expr);
int source_add_column(SourceContext *context, Column column);
/* The column as the field at hand may change it: itself, or a new one like it where other fields read it too. */
int source_own_column(SourceContext *context, int column);
/* A word or a call of columns: the column itself, as the context asks for it. NULL: it is something else. */
Value *source_plain_column(SourceContext *context, Scope *scope, const Expr *expr);
/* The value of a column: its leaf, or (raw - mean) / deviation. */
Value *source_column_value(SourceContext *context, int column);
/* ---- source_sparse.c */
/* The word `features` of libsvm where rows are stored sparse; NULL: they are not, or it is another word. */
Value *source_sparse_value(SourceContext *context, const Expr *expr, const SourceWord *word);

/* ---- source_window.c */
/* The word `window` of chars, for the field at hand. */
Value *source_window_value(SourceContext *context, const Expr *expr, const SourceWord *word);
/* words(column("text"), length = 200), windows(column("v"), length = 32, stride = 1) */
Value *source_lower_words(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data);
Value *source_lower_windows(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data);
/* Is the node a slice of a window? Then it becomes a column of its own. */
bool source_window_slice(SourceContext *context, const Node *node, int *column);
/* The column of this place: found, or made of `wanted`. */
int source_column_at(SourceContext *context, const Expr *expr, Name word, Column wanted);
/* A label that is a column plus a constant becomes a remapped column: the leaf. Else the node itself. */
Node *source_shifted_label(SourceContext *context, Node *node, int64_t classes);
/* Can every value of the node be seen to be one of 0 .. classes-1? */
bool source_label_in_range(const Node *node, int64_t classes);

/* ---- source_classes.c ------------------------------------------------------------------ */
/* What remap or classes around the column make of it. */
void source_set_classes(SourceContext *context, Column *column, Span span);

/* ---- source_missing.c ------------------------------------------------------------------ */
typedef enum MissingKind { SAYS_NOTHING, SAYS_ERROR, SAYS_MEAN, SAYS_MEDIAN, SAYS_NUMBER, SAYS_WORD } MissingKind;
typedef struct Missing {
    MissingKind kind;
    double number;
    const char *word;
    Span span;
} Missing; /* missing = e in column(...) */
bool missing_read(SourceContext *context, Scope *scope, const Expr *expr, Missing *missing);
bool missing_is_said(const Expr *call);
/* How the column is stored; false after an error: it cannot be what is said. */
bool missing_settle(SourceContext *context, Column *column, const Missing *missing);
/* The column's value with what stands for what is missing. */
Value *missing_fill(SourceContext *context, const Expr *call, int column, const Missing *missing, Value *v);

struct RunLowering;
/* ---- statistic.c ----------------------------------------------------------------------- */
/* A cell of the data set's runs: DATA.NAME.WHAT. */
int statistic_add_cell(SourceContext *context, const char *name, const char *what, Shape shape, Span span);
/* The statistic of this place: found, or made where columns may be made. */
int statistic_at(SourceContext *context, StatisticKind kind, int column, Shape shape, const Expr *expr);
Value *statistic_standardize(SourceContext *context, Scope *scope, const Expr *call, const Expr *inner);
/* The run's cells and list of what its data set learns. */
void statistics_begin(struct RunLowering *R);
void statistics_bind(Experiment *X); /* share(y) */
/* The values that must not be negative, of each row. */
void statistic_of_weights(struct RunLowering *R, Node *weight, Span span);

/* ---- weight.c -------------------------------------------------------------------------- */
/* The weight of a row in this scope, into R->weight; false after an error. */
bool weight_lower(struct RunLowering *R, Scope *scope);
const Expr *weight_expr(struct RunLowering *R); /* NULL: there is none */
/* What a row adds to a sum. */
Node *weight_term(struct RunLowering *R, Node *term);
/* A figure of all rows, in which each counts by its weight. */
Node *weight_measure(struct RunLowering *R, Node *node);

/* ---- train_block.c --------------------------------------------------------------------- */
SettingKey setting_key(const char *name); /* KEY_LOCAL if it is none */
const char *setting_name(SettingKey key);
const char *setting_usage(SettingKey key); /* "epochs = 10"; NULL: not possible yet */
const char *setting_help(SettingKey key);
/* Merges the block with what it is like, and checks its statements. False after errors. */
bool block_resolve(Experiment *X, TrainBlock *block);
const BlockStmt *block_setting(const TrainBlock *block, SettingKey key); /* the first one, or NULL */
/* Of the update block, else of the whole train block; NULL: neither says it. */
const BlockStmt *update_setting(const TrainBlock *block, int update, SettingKey key);

/* ---- train.c --------------------------------------------------------------------------- */
/* Lowers all runs of the block, those it starts from first. */
void block_lower(Experiment *X, TrainBlock *block);

/* ---- run.c ----------------------------------------------------------------------------- */
typedef enum Mode { MODE_TRAIN, MODE_EVALUATE, MODE_PREDICT } Mode;

typedef struct OptimizerRule {
    int part;         /* the update block it stands in; 0 without */
    const char *path; /* NULL: all parameters */
    const Expr *path_expr, *value;
    Span span;
    bool none;
    const Definition *definition; /* of the optimizer */
    Value *bound[2];              /* VALUE_BOUND, for parameters of f32, of f64 */
    bool lr_literal;              /* lr is a plain number */
} OptimizerRule;
static inline const Value *rule_bound(const OptimizerRule *rule) { return rule->bound[rule->bound[0] ? 0 : 1]; }

typedef Vector(Root) RootList;
typedef Vector(Term) TermList;
typedef struct RunLowering {
    Experiment *X;
    Lowering *L;
    TrainBlock *block;
    Run run;
    DataVariant *data;
    Vector(DataVariant *) joined; /* data = [inside, wall]: all of them; else empty */
    Vector(OptimizerRule) rules;
    TermList terms;
    int *term_order; /* terms[i] is the block's term_order[i]-th */
    RootList *step;  /* of each part of a step, as many as parts */
    int parts, part; /* how many: update blocks, or 1; the one at hand */
    RootList evaluate, init, predictor, derived;
    Vector(Statistic) statistics;
    int first_statistic; /* of the data set whose fields are lowered; -1: it has another's */
    Node *weight;        /* of a row, in the mode at hand; NULL */
    Vector(Measure) measures;
    Vector(Plateau) plateaus;
    Vector(const Expr *) plateau_calls; /* of each, where it is written */
    Mode mode;
    int setting_slots;   /* slots 0 .. are the top-level settings */
    int objective_cells; /* cells that there are once the objective is lowered */
    const Expr *average; /* how much of the average stays at a step; NULL: weights are not averaged */
    Value *decay[2];     /* the same, for parameters of f32, of f64 */
    bool of_averages;    /* the lowering at hand: inside averaged(net)(...) */
} RunLowering;

/* Lowers one run for the choice at hand; false after errors. Its name and `each` are left to the caller. */
bool run_lower(Experiment *X, TrainBlock *block, Run *out);

/* ---- run_scope.c ----------------------------------------------------------------------- */
/* A scope with fields, counters and those local bindings that `roots` need, for a mode. */
Scope *run_scope(RunLowering *R, Mode mode, const Expr *const *roots, int count);
/* The same for a part of a step: the scope itself, or one inside it with the local bindings of the update block. */
Scope *run_part_scope(RunLowering *R, Scope *scope, int part, const Expr *const *roots, int count);
void run_bind_counters(RunLowering *R, Scope *scope); /* step, epoch, progress */
/* The name that what belongs to an update block alone has: "critic.lr"; without update blocks as it is. */
const char *run_part_name(RunLowering *R, int part, const char *name);
/* Which of the block's statements are local bindings that the expressions lead to. */
bool *run_needed(RunLowering *R, const Expr *const *roots, int count);
/* Told: bindings and settings that nothing needs. */
bool run_check_unused(RunLowering *R);

/* ---- undo.c, data.c ---------------------------------------------------------------------- */
void run_bind_undo(RunLowering *R, Scope *scope);
const char *run_field_names(RunLowering *R); /* "x, y" */

/* ---- node.c ------------------------------------------------------------------------------ */
bool node_depends_on_rows(Arena *arena, Node *node);
bool node_reads_cell(Arena *arena, Node *node, int cell);
/* Degree of the node as a polynomial of the cells; a large number if it is none. */
int node_degree(Arena *arena, Node *node);

/* ---- setting.c, watch.c ----------------------------------------------------------- */
bool settings_lower(RunLowering *R); /* batch, epochs, hold_out, ... */
bool watch_lower(RunLowering *R);    /* stop, keep: after measures */
/* `when` of an update; NULL after an error. */
const Watch *watch_lower_when(RunLowering *R, const Expr *expr);
/* figure, highest(figure) or lowest(figure): its name and which way it is better; false after an error. */
bool watch_directed_figure(RunLowering *R, const Expr *expr, const char *usage, const char **figure, bool *highest);
/* "5 epochs" */
bool watch_epochs(RunLowering *R, const Expr *expr, const char *usage, double *epochs);
void plateau_bind(Experiment *X); /* plateau(...) */

/* ---- objective.c ------------------------------------------------------------ */
/* Text that is the same for runs whose losses can be compared; the same of a measure. */
const char *objective_of_run(RunLowering *R);
const char *objective_of_measure(RunLowering *R, const Expr *expr);

/* ---- measure.c, predict.c, optimizer.c -------------------------------------- */
bool measures_lower(RunLowering *R, Scope *scope); /* in the scope of evaluate */
bool predict_lower(RunLowering *R);
void target_find(RunLowering *R);   /* after predict_lower: R->run.target, and the doc of the model beside it */
bool rules_collect(RunLowering *R); /* before models are called */
bool rule_trains_inside(const RunLowering *R, const char *path);
bool optimizers_lower(RunLowering *R);
void optimizer_bind_sums(Experiment *X); /* tensor_sum, all_sum */

/* ---- average.c --------------------------------------------------------------------------- */
void average_bind(Experiment *X); /* averaged(net) */
void average_begin(RunLowering *R);
/* `average = e` for parameters of the float type at hand; false after an error. */
bool average_lower(RunLowering *R, Scope *scope);
/* The cell of the parameter that steps train: itself, where it is not averaged. */
int average_trained(const RunLowering *R, int parameter);
/* The average after a step that gives what is trained this value; NULL: it is not averaged. */
Node *average_after(RunLowering *R, int parameter, Node *trained);
/* The one model call in what is minimized; NULL if there are none or several. */
const Expr *find_model_call(RunLowering *R);

/* ---- lint.c ------------------------------------------------------------------------------ */
void lint_run(RunLowering *R);

/* ---- prelude.c --------------------------------------------------------------------------------- */
extern const EmbeddedFile prelude_files[]; /* made by cmake/embed.cmake; ends with name NULL */
/* Parses the prelude and declares its definitions. */
void prelude_declare(Experiment *X);

#endif
