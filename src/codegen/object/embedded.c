/* embedded: the bitcode of runtime/embedded/embedded.c, compiled when sgdc is built for each architecture that
 * objects can be for, as bytes in this program.
 */
#include "codegen/object/object_model.h"
#include "support/carry.h"

#define ARCHITECTURE(NAME, name, ...) CARRY(name, SGDC_EMBEDDED_##NAME);
#include "codegen/target/architectures.def"
#undef ARCHITECTURE

const char *embedded_bitcode(Architecture architecture, size_t *bytes) {
    static const struct {
        const char *begin, *end;
    } carried[] = {
#define ARCHITECTURE(NAME, name, ...) [NAME] = {CARRIED_BEGIN(name), CARRIED_END(name)},
#include "codegen/target/architectures.def"
#undef ARCHITECTURE
    };
    *bytes = (size_t)(carried[architecture].end - carried[architecture].begin);
    return carried[architecture].begin;
}
