/* onnx: from the graph of a prediction to a model in ONNX (opset 17), which other runtimes execute. A back end like c/, and
 * one that need not keep bits: operators of ONNX add up in an order of their own.
 *
 *   file.c          a model in memory, and its bytes
 *   build.c         operators and constants, added one by one
 *   access.c        a source as an index map reads it: Pad, Slice, Gather, Transpose, Expand
 *   window.c        which contractions are convolutions, pools and products with a matrix
 *   match.c         values that several nodes make and one operator says: Relu, Softmax, a bias, a mean
 *   contraction.c   sums, maxima and argmax
 *   input.c         columns as inputs
 *   value.c         every other op of ir/ops.def
 *   model.c         the model: rows in as they are in the file, answers out
 *
 * Every tensor with rows has them as its first axis, of the length N that the caller chooses; one without rows has no such
 * axis, and broadcasts. Columns are the inputs: statistics and other steps of preprocessing are part of the graph.
 */
#ifndef SGDC_ONNX_H
#define SGDC_ONNX_H
#include "ir/program.h"

/* What answers say beside numbers. */
typedef enum OnnxAnswer {
    ONNX_NUMBERS,    /* prediction: what predict gives */
    ONNX_LARGEST,    /* scores, and the class of the largest */
    ONNX_CLASS,      /* predict gives the class itself */
    ONNX_ABOVE_HALF, /* score, a probability of class 1 */
    ONNX_ABOVE_ZERO  /* score, a logit of class 1 */
} OnnxAnswer;

typedef struct OnnxRequest {
    const Run *run;    /* its predictor takes columns as measured */
    const void *state; /* parameters and statistics */
    OnnxAnswer answer;
    const char *const *class_names; /* NULL: classes are numbers */
    int64_t classes;
    const char *program, *version;
} OnnxRequest;

/* ---- model.c */
/* False after a diagnostic: something of the prediction has no word in ONNX. */
bool onnx_model(Text *to, const OnnxRequest *request);

/* ---- file.c: as in onnx.proto3 of the ONNX project */
typedef enum OnnxType {
    ONNX_F32 = 1,
    ONNX_U8 = 2,
    ONNX_I32 = 6,
    ONNX_I64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_F64 = 11
} OnnxType;
OnnxType onnx_type(DType dtype);

typedef enum OnnxAttributeKind {
    ONNX_ATTRIBUTE_FLOAT = 1,
    ONNX_ATTRIBUTE_INT = 2,
    ONNX_ATTRIBUTE_STRING = 3,
    ONNX_ATTRIBUTE_FLOATS = 6,
    ONNX_ATTRIBUTE_INTS = 7,
    ONNX_ATTRIBUTE_STRINGS = 8
} OnnxAttributeKind;
typedef struct OnnxAttribute {
    const char *name;
    OnnxAttributeKind kind;
    int64_t number; /* INT */
    const int64_t *numbers;
    const float *floats;
    const char *const *texts; /* STRING: one */
    int count;
} OnnxAttribute;

enum { MOST_ONNX_INPUTS = 5, MOST_ONNX_ATTRIBUTES = 5 };
typedef struct OnnxNode {
    const char *op, *domain; /* domain NULL: ONNX's own */
    const char *inputs[MOST_ONNX_INPUTS], *output;
    const char **many; /* inputs of Concat, instead */
    int input_count;
    OnnxAttribute attributes[MOST_ONNX_ATTRIBUTES];
    int attribute_count;
} OnnxNode;

typedef struct OnnxTensor { /* a constant or a parameter */
    const char *name;
    OnnxType type;
    int rank;
    int64_t extent[MOST_AXES];
    const void *bytes;
    size_t length;
    const char *const *texts; /* STRING: instead of bytes */
    int64_t count;
} OnnxTensor;

typedef struct OnnxValue { /* an input or output, with rows */
    const char *name, *doc;
    OnnxType type;
    Shape shape;
} OnnxValue;

typedef struct OnnxFile {
    Arena *arena;
    const char *name, *producer, *version, *program;
    Vector(OnnxNode *) nodes;
    Vector(OnnxTensor) tensors;
    Vector(OnnxValue) inputs;
    Vector(OnnxValue) outputs;
    bool classical; /* some operator is of ai.onnx.ml */
} OnnxFile;
void onnx_write(Text *to, const OnnxFile *file);

/* ---- build.c */
typedef struct OnnxGraph {
    Arena *arena;
    OnnxFile file;
    Diagnostics *diagnostics;
    const OnnxRequest *request;
    const char **names; /* of what is there, by the node's id */
    struct OnnxMatch *matches;
    int *uses;        /* by id: how many nodes read it */
    int next;         /* names count up */
    Span span;        /* of the node at hand */
    const char *hint; /* its name in the program, or NULL */
    bool failed;
} OnnxGraph;
/* Adds an operator and gives its output's name. */
const char *onnx_put(OnnxGraph *g, const char *op, const char *const *inputs, int count);
const char *onnx_put1(OnnxGraph *g, const char *op, const char *a);
const char *onnx_put2(OnnxGraph *g, const char *op, const char *a, const char *b);
const char *onnx_put3(OnnxGraph *g, const char *op, const char *a, const char *b, const char *c);
/* To the operator that was added last. */
void onnx_number(OnnxGraph *g, const char *name, int64_t value);
void onnx_numbers(OnnxGraph *g, const char *name, const int64_t *values, int count);
void onnx_text(OnnxGraph *g, const char *name, const char *text);
const char *onnx_cast(OnnxGraph *g, const char *x, OnnxType type);
/* Constants; equal ones are one. */
const char *onnx_scalar(OnnxGraph *g, DType dtype, double value);
const char *onnx_integers(OnnxGraph *g, const int64_t *values, int count);
const char *onnx_integer_table(OnnxGraph *g, const int64_t *values, const int64_t *extent, int rank);
const char *onnx_constant(OnnxGraph *g, const OnnxTensor *tensor);
/* x with the axes of a shape, rows before them if it has rows. */
const char *onnx_reshape(OnnxGraph *g, const char *x, bool rows, Shape shape);
const char *onnx_expand(OnnxGraph *g, const char *x, bool rows, const int64_t *extent, int rank);
const char *onnx_unsqueeze(OnnxGraph *g, const char *x, int64_t axis);
const char *onnx_squeeze(OnnxGraph *g, const char *x, int64_t axis);
/* What was made of a node: with its whole shape; as it broadcasts among others of its shape. */
const char *onnx_whole(OnnxGraph *g, const Node *node);
const char *onnx_operand(OnnxGraph *g, const Node *node);
/* The error that the node at hand has no word in ONNX. */
void onnx_refuse(OnnxGraph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- access.c */
enum { MOST_ONNX_LABELS = 64 };
typedef struct OnnxRead {
    const char *tensor;
    int label[MOST_ONNX_LABELS]; /* index of each axis after rows */
    int labels;
} OnnxRead;
/* The source with an axis for each index that a map reads; absent places are `fill`. */
OnnxRead onnx_read(OnnxGraph *g, const Node *source, const Access *access, const int64_t *extent, int indices,
                   double fill);
/* All indices first .. last-1 as axes in this order, those the source does not read repeated. */
const char *onnx_read_whole(OnnxGraph *g, const Node *source, const Access *access, const int64_t *extent, int indices,
                            double fill);
const char *onnx_view(OnnxGraph *g, const Node *node);

/* ---- window.c */
typedef struct OnnxWindow { /* x[channel, offset + stride * i + dilation * u, ...] */
    int axes;               /* of space */
    int64_t kernel[MOST_RANK], stride[MOST_RANK], dilation[MOST_RANK], pads[2 * MOST_RANK];
    const Node *image, *filter;
} OnnxWindow;
bool onnx_is_pool(const Node *node, OnnxWindow *window);
bool onnx_is_convolution(const Node *node, OnnxWindow *window);
/* x with rows times a matrix; *turned: as its rows, y = x w^T. */
bool onnx_is_product(const Node *node, const Node **x, const Node **matrix, bool *turned);
/* Reads every axis of the source as it is, in order, of the first `axes` axes. */
bool onnx_reads_in_order(const Access *access, const int64_t *extent, Shape source, int axes);

/* ---- match.c */
typedef enum OnnxMatchKind {
    ONNX_MATCH_NONE,
    ONNX_MATCH_RELU,    /* of a */
    ONNX_MATCH_SOFTMAX, /* of a, over the last axis */
    ONNX_MATCH_BIAS,    /* contraction a, plus b */
    ONNX_MATCH_MEAN     /* contraction a, over its count */
} OnnxMatchKind;
typedef struct OnnxMatch {
    OnnxMatchKind kind;
    Node *a, *b;
} OnnxMatch;
/* The sources that the node's operators read: *sources, of a count that is returned. */
int onnx_match(const OnnxGraph *g, const Node *node, OnnxMatch *match, Node **sources);

/* ---- contraction.c */
const char *onnx_contract(OnnxGraph *g, const Node *node, const Node *bias, bool mean);
const char *onnx_extreme(OnnxGraph *g, const Node *node);
const char *onnx_argmax(OnnxGraph *g, const Node *node);

/* ---- input.c */
/* The column as models see it, from the input that the file has. */
const char *onnx_input(OnnxGraph *g, int column);

/* ---- value.c */
const char *onnx_value(OnnxGraph *g, const Node *node);
#endif
