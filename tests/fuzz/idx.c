/* The reader of IDX files. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) { return fuzz_array(SGDRT_IDX, bytes, length); }
