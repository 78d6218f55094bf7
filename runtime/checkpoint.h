/* checkpoint: what the writer and the reader of safetensors files share. Inside the runtime only.
 *
 * The format: 8 bytes, the length n of the header, little-endian; n bytes of JSON, an object with an entry
 * per tensor ("dtype", "shape", "data_offsets") and "__metadata__" with strings; then the tensors' bytes,
 * little-endian and row-major, without holes.
 */
#ifndef SGDRT_CHECKPOINT_H
#define SGDRT_CHECKPOINT_H
#include "sgdrt.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are saved as they lie in memory");

enum { CHECKPOINT_LENGTH_BYTES = 8, CHECKPOINT_MOST_HEADER = 100 << 20, CHECKPOINT_MOST_RANK = 32 };

/* All types of the format; dtype -1: known to be there, not read by sgdrt. */
typedef struct CheckpointType {
    const char *name;
    int bytes, dtype;
} CheckpointType;

static const CheckpointType checkpoint_types[] = {
    {"F32", 4, SGDRT_F32}, {"F64", 8, SGDRT_F64}, {"I32", 4, SGDRT_I32}, {"BOOL", 1, SGDRT_BOOL}, {"U8", 1, SGDRT_U8},
    {"F16", 2, -1},        {"BF16", 2, -1},       {"I8", 1, -1},         {"I16", 2, -1},          {"U16", 2, -1},
    {"U32", 4, -1},        {"I64", 8, -1},        {"U64", 8, -1},        {"F8_E4M3", 1, -1},      {"F8_E5M2", 1, -1},
};
enum { CHECKPOINT_TYPES = sizeof checkpoint_types / sizeof *checkpoint_types };
#endif
