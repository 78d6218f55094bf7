/* The reader of saved files (safetensors), from memory. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    sgdrt_checkpoint *checkpoint = NULL;
    sgdrt_problem problem = {0};
    int code = sgdrt_load_memory(bytes, length, &checkpoint, &problem);
    if (code) {
        if (problem.code != code || !problem.message[0]) abort();
        return 0;
    }
    for (int i = 0; i < checkpoint->entry_count; i++)
        if (sgdrt_find_entry(checkpoint, checkpoint->entries[i].name) == NULL) abort();
    float values[2];
    static const int64_t two[] = {2};
    sgdrt_entry wanted = {"w", SGDRT_F32, 1, two, values};
    sgdrt_restore(checkpoint, &wanted, 1, &problem);
    sgdrt_free_checkpoint(checkpoint);
    return 0;
}
