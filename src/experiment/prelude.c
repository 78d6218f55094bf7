/* prelude: the definitions of std/, embedded as text and parsed before the user's file.
 *
 * They live in the scope behind the user's, so a user's definition of the same name hides one of them. Nothing is
 * lowered until it is called. In messages the files are std/NAME.sgd.
 */
#include "experiment/experiment.h"

void prelude_declare(Experiment *X) {
    for (const EmbeddedFile *file = prelude_files; file->name; file++) {
        Source *source = source_add(X->map, file->name, file->text, file->length);
        source->is_prelude = true;
        lower_declare_definitions(X->L, parse(X->arena, X->names, X->diagnostics, source));
    }
}
