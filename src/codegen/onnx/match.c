/* match: values that several nodes make and one operator says.
 *
 * The nodes in between are left out unless something else reads them. A match is a question about nodes alone; nothing
 * is lost where it says no.
 */
#include "codegen/onnx/onnx.h"
#include "ir/affine.h"

static bool is_constant(const Node *node, double value) { return node->op == OP_CONST && node->attr.value == value; }

/* where(x <= 0, 0, x) */
static Node *relu_of(const Node *node) {
    if (node->op != OP_WHERE || !dtype_is_real(node->dtype)) return NULL;
    const Node *condition = node->source[0];
    Node *x = node->source[2];
    bool is = condition->op == OP_LE && condition->source[0] == x && is_constant(condition->source[1], 0) &&
              is_constant(node->source[1], 0);
    return is ? x : NULL;
}

/* ---- softmax ------------------------------------------------------------------------------------------- */
/* op over the last axis of x, all others in their order. */
static bool is_over_last(const Node *node, Op op, const Node *x) {
    if (node->op != op || node->source[0] != x || node->sources != 1 || node->shape.rank != x->shape.rank - 1)
        return false;
    const Contraction *c = node->attr.contraction;
    int64_t extent[MOST_AXES] = {0};
    contraction_space(node->shape, c, extent);
    return c->reduced == 1 && !c->over_rows && extent[node->shape.rank] == x->shape.extent[node->shape.rank] &&
           onnx_reads_in_order(&c->access[0], extent, x->shape, x->shape.rank);
}

/* What is repeated along the last axis, or NULL. */
static const Node *repeated(const Node *view) {
    if (view->op != OP_VIEW || view->source[0]->shape.rank != view->shape.rank - 1) return NULL;
    int64_t extent[MOST_AXES] = {0};
    contraction_space(view->shape, NULL, extent);
    const Node *x = view->source[0];
    for (int a = 0; a < x->shape.rank; a++)
        if (x->shape.extent[a] != extent[a]) return NULL;
    return onnx_reads_in_order(&view->attr.contraction->access[0], extent, x->shape, x->shape.rank) ? x : NULL;
}

/* exp(x - max(x)) / sum(exp(x - max(x))) */
static Node *softmax_of(const Node *node) {
    if (node->op != OP_DIV || node->shape.rank < 1) return NULL;
    const Node *e = node->source[0], *sum = repeated(node->source[1]);
    if (e->op != OP_EXP || !sum || !is_over_last(sum, OP_CONTRACT, e) || e->source[0]->op != OP_SUB) return NULL;
    Node *x = e->source[0]->source[0];
    const Node *most = repeated(e->source[0]->source[1]);
    if (most && most->op == OP_STOP_GRADIENT) most = most->source[0];
    return most && is_over_last(most, OP_REDUCE_MAX, x) ? x : NULL;
}

/* ---- contractions and what is added -------------------------------------------------------------------- */
/* One number for each output of a convolution. */
static Node *bias_of_filters(const Node *node) {
    Node *x = node->op == OP_VIEW ? node->source[0] : NULL;
    int64_t extent[MOST_AXES] = {0};
    if (!x || x->rows || x->shape.rank != 1 || x->shape.extent[0] != node->shape.extent[0]) return NULL;
    contraction_space(node->shape, NULL, extent);
    return onnx_reads_in_order(&node->attr.contraction->access[0], extent, x->shape, 1) ? x : NULL;
}

static bool match_bias(const OnnxGraph *g, const Node *node, OnnxMatch *match) {
    OnnxWindow window;
    const Node *x, *matrix;
    bool turned;
    for (int s = 0; node->op == OP_ADD && s < 2; s++) {
        Node *contraction = node->source[s], *added = node->source[1 - s];
        if (g->uses[contraction->id] != 1) continue;
        if (onnx_is_convolution(contraction, &window))
            added = bias_of_filters(added);
        else if (!onnx_is_product(contraction, &x, &matrix, &turned) || added->rows)
            continue;
        if (!added) continue;
        *match = (OnnxMatch){ONNX_MATCH_BIAS, contraction, added};
        return true;
    }
    return false;
}

/* A sum of one factor times one over how many there are. */
static Node *mean_of(const OnnxGraph *g, const Node *node) {
    if (node->op != OP_MUL || !dtype_is_real(node->dtype)) return NULL;
    Node *sum = node->source[0];
    double count = 1;
    OnnxWindow window;
    if (sum->op != OP_CONTRACT || sum->sources != 1 || sum->dtype != node->dtype || g->uses[sum->id] != 1 ||
        node->source[1]->op != OP_CONST)
        return NULL;
    const Contraction *c = sum->attr.contraction;
    int64_t extent[MOST_AXES];
    int indices = contraction_space(sum->shape, c, extent);
    for (int k = 0; k < c->reduced; k++) count *= (double)c->extent[k];
    double share = node->dtype == DTYPE_F32 ? (double)(1 / (float)count) : 1 / count;
    if (c->over_rows || !is_constant(node->source[1], share)) return NULL;
    if (node->dtype == DTYPE_F32 && onnx_is_pool(sum, &window)) return sum;
    bool ordered = indices == sum->source[0]->shape.rank &&
                   onnx_reads_in_order(&c->access[0], extent, sum->source[0]->shape, indices);
    for (int k = 0; ordered && k < indices; k++) ordered = extent[k] == sum->source[0]->shape.extent[k];
    return ordered ? sum : NULL;
}

int onnx_match(const OnnxGraph *g, const Node *node, OnnxMatch *match, Node **sources) {
    *match = (OnnxMatch){ONNX_MATCH_NONE, NULL, NULL};
    if ((sources[0] = relu_of(node))) {
        *match = (OnnxMatch){ONNX_MATCH_RELU, sources[0], NULL};
        return 1;
    }
    if ((sources[0] = softmax_of(node))) {
        *match = (OnnxMatch){ONNX_MATCH_SOFTMAX, sources[0], NULL};
        return 1;
    }
    Node *sum = mean_of(g, node);
    if (sum) *match = (OnnxMatch){ONNX_MATCH_MEAN, sum, NULL};
    if (!sum && !match_bias(g, node, match)) {
        for (int s = 0; s < node->sources; s++) sources[s] = node->source[s];
        return node->sources;
    }
    int count = 0;
    for (int s = 0; s < match->a->sources; s++) sources[count++] = match->a->source[s];
    if (match->b) sources[count++] = match->b;
    return count;
}
