/* source_stored: what arrays of npy are stored as: as declared, npy(f: u8 = "f.npy"), else as the headers of their files say. */
#include "experiment/experiment.h"
#include <string.h>

bool source_take_type(Experiment *X, DataVariant *variant, const TypeExpr *type) {
    static const struct {
        const char *name;
        StoredAs stored;
    } types[] = {{"u8", STORED_BYTES},
                 {"bool", STORED_TRUTHS},
                 {"i32", STORED_WHOLE},
                 {"f32", STORED_REAL},
                 {"f64", STORED_REAL}};
    SourceWord *word = &variant->words.items[variant->words.count - 1];
    for (size_t i = 0; i < sizeof types / sizeof *types && !type->has_dims; i++)
        if (strcmp(type->base.text, types[i].name) == 0) {
            word->stored = types[i].stored;
            return true;
        }
    Diagnostic *d = report(X->diagnostics, CODE_E0442, type->span, "this is no type of the numbers in a file");
    add_help(X->diagnostics, d, "it is u8, bool, i32, f32 or f64, without sizes: npy(%s: u8 = \"%s\")", word->name,
             word->path);
    return false;
}

/* Several files of one array are stored as all of them can be. */
static StoredAs widest(StoredAs a, StoredAs b) {
    if (!a || !b) return STORED_UNKNOWN;
    return a == b ? a : a == STORED_REAL || b == STORED_REAL ? STORED_REAL : STORED_WHOLE;
}

void source_find_types(Experiment *X, DataVariant *variant) {
    const LowerOptions *o = X->options;
    for (int i = 0; i < variant->words.count && o->stored_as; i++) {
        SourceWord *word = &variant->words.items[i];
        if (word->stored) continue;
        word->stored = o->stored_as(o->stored_context, variant->set, word->path);
        for (int k = 1; k < word->path_count; k++)
            word->stored = widest(word->stored, o->stored_as(o->stored_context, variant->set, word->paths[k]));
    }
}
