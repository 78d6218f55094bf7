/* model: the model of one run: rows in as they are in the file, answers out.
 *
 * The inputs are what input.c makes of columns. The outputs are those of sgdc predict: `prediction`, a class where
 * predict gives one, with its `scores` or `score`.
 */
#include "codegen/onnx/onnx.h"
#include "ir/scan.h"
#include <string.h>

/* ---- outputs ------------------------------------------------------------------------------------------- */
static const char *output_name(const OnnxGraph *g, const char *name) {
    for (int i = 0; i < g->file.inputs.count; i++)
        if (strcmp(g->file.inputs.items[i].name, name) == 0) return text_format(g->arena, "%s_", name);
    return name;
}

static void add_output(OnnxGraph *g, const char *name, const char *x, OnnxType type, Shape shape) {
    OnnxNode *node;
    name = output_name(g, name);
    onnx_put1(g, "Identity", x);
    node = g->file.nodes.items[g->file.nodes.count - 1];
    node->output = name;
    vector_push(g->arena, &g->file.outputs, ((OnnxValue){name, g->request->run->predict_name, type, shape}));
}

static void add_class(OnnxGraph *g, const char *class) {
    const OnnxRequest *request = g->request;
    OnnxType type = ONNX_I64;
    if (request->class_names) {
        OnnxTensor names = {.type = ONNX_STRING,
                            .rank = 1,
                            .extent = {request->classes},
                            .texts = request->class_names,
                            .count = request->classes};
        type = ONNX_STRING;
        class = onnx_put2(g, "Gather", onnx_constant(g, &names), class);
        onnx_number(g, "axis", 0);
    }
    add_output(g, "prediction", class, type, (Shape){0});
}

static void add_answers(OnnxGraph *g, const Node *root) {
    const OnnxRequest *request = g->request;
    const char *x = onnx_whole(g, root), *class = NULL;
    Shape flat = {1, {shape_size(root->shape)}}, none = {0};
    g->hint = NULL;
    if (request->answer == ONNX_NUMBERS) {
        add_output(g, "prediction", x, onnx_type(root->dtype), root->shape);
        return;
    }
    Shape shape = request->answer == ONNX_LARGEST ? flat : none;
    if (!shape_equal(root->shape, shape)) x = onnx_reshape(g, x, true, shape);
    switch (request->answer) {
    case ONNX_NUMBERS:
    case ONNX_CLASS: class = x; break;
    case ONNX_LARGEST:
        class = onnx_put1(g, "ArgMax", x);
        onnx_number(g, "axis", 1);
        onnx_number(g, "keepdims", 0);
        break;
    case ONNX_ABOVE_HALF: class = onnx_put2(g, "Greater", x, onnx_scalar(g, root->dtype, 0.5)); break;
    case ONNX_ABOVE_ZERO: class = onnx_put2(g, "Greater", x, onnx_scalar(g, root->dtype, 0)); break;
    }
    if (request->answer != ONNX_LARGEST) class = onnx_cast(g, class, ONNX_I64);
    add_class(g, class);
    if (request->answer == ONNX_CLASS) return;
    add_output(g, request->answer == ONNX_LARGEST ? "scores" : "score", x, onnx_type(root->dtype), shape);
}

/* ---- the model ------------------------------------------------------------------------------------------ */
/* Users come after their sources, so from the last node to the first each is known to be needed or not. */
static const bool *find_needed(OnnxGraph *g, Node *const *nodes, int count, uint32_t ids) {
    bool *needed = arena_array(g->arena, bool, ids);
    int most = 0;
    for (int i = 0; i < count; i++) {
        for (int s = 0; s < nodes[i]->sources; s++) g->uses[nodes[i]->source[s]->id]++;
        most = nodes[i]->sources > most ? nodes[i]->sources : most;
    }
    Node **sources = arena_array(g->arena, Node *, most + 4);
    needed[nodes[count - 1]->id] = true;
    for (int i = count - 1; i >= 0; i--) {
        if (!needed[nodes[i]->id]) continue;
        int read = onnx_match(g, nodes[i], &g->matches[nodes[i]->id], sources);
        for (int s = 0; s < read; s++) needed[sources[s]->id] = true;
    }
    return needed;
}

static bool is_small_enough(OnnxGraph *g) {
    size_t bytes = 0;
    for (int i = 0; i < g->file.tensors.count; i++) bytes += g->file.tensors.items[i].length;
    if (bytes < INT32_MAX / 16 * 15) return true;
    onnx_refuse(g, "the parameters are %zu bytes, and a file of ONNX holds less than 2 GB", bytes);
    return false;
}

bool onnx_model(Text *to, const OnnxRequest *request) {
    const Run *run = request->run;
    Arena *arena = run->graph->arena;
    Node *root = function_unrolled(arena, run, &run->predictor)->roots[0].node; /* ONNX's scans take no rows in */
    int count;
    uint32_t ids = 0;
    Node **nodes = graph_post_order(arena, &root, 1, &count);
    for (int i = 0; i < count; i++) ids = nodes[i]->id >= ids ? nodes[i]->id + 1 : ids;
    OnnxGraph g = {.arena = arena,
                   .file = {.arena = arena,
                            .name = run->name,
                            .producer = "sgdc",
                            .version = request->version,
                            .program = request->program},
                   .diagnostics = run->graph->diagnostics,
                   .request = request,
                   .names = arena_array(arena, const char *, ids),
                   .matches = arena_array(arena, OnnxMatch, ids),
                   .uses = arena_array(arena, int, ids),
                   .span = run->predict_span};
    if (!root->rows) {
        onnx_refuse(&g, "what is predicted reads nothing of a row, so a model in ONNX would have no input");
        return false;
    }
    const bool *needed = find_needed(&g, nodes, count, ids);
    for (int i = 0; i < count && !g.failed; i++)
        if (needed[nodes[i]->id]) g.names[nodes[i]->id] = onnx_value(&g, nodes[i]);
    if (g.failed || !is_small_enough(&g)) return false;
    add_answers(&g, root);
    onnx_write(to, &g.file);
    return true;
}
