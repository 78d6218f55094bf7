/* declared: finding what a file declares, by name; an expression as it was written. */
#include "experiment/experiment.h"
#include <string.h>

DataDecl *data_find(Experiment *X, Name name) {
    for (int i = 0; i < X->data.count; i++)
        if (X->data.items[i]->name.text == name) return X->data.items[i];
    return NULL;
}

TrainBlock *block_find(Experiment *X, Name name) {
    for (int i = 0; i < X->blocks.count; i++)
        if (X->blocks.items[i]->name.text == name) return X->blocks.items[i];
    return NULL;
}

Override *override_find(Experiment *X, const char *name) {
    for (int i = X->overrides.count - 1; i >= 0; i--)
        if (strcmp(X->overrides.items[i].name, name) == 0) return &X->overrides.items[i];
    return NULL;
}

bool is_top_setting(const Experiment *X, const char *name) {
    for (int i = 0; i < X->settings.count; i++)
        if (strcmp(X->settings.items[i].name.text, name) == 0) return true;
    return false;
}

const char *expr_text(Experiment *X, const Expr *expr) {
    Text text = text_new(X->arena);
    ast_print_expr(&text, expr);
    return text.bytes;
}
