/* torch: parameters as modules of PyTorch call and keep them, so that load_state_dict(strict=True) takes what --names=torch
 * saves, and what torch saves can be read.
 *
 *   torch_names.c   which key of a state_dict a parameter has
 *   torch_file.c    a saved file by those keys, written and read
 *
 * The rule (docs/exchange.md): a path without its model, where there is one model; layers of the prelude call their
 * parameters as the module of PyTorch does; a binding that holds one layer is that layer; h[0] is h.0.
 */
#ifndef SGDC_DRIVER_TORCH_H
#define SGDC_DRIVER_TORCH_H
#include "driver/training.h"

/* ---- torch_names.c ---------------------------------------------------------------------------- */
typedef struct TorchName {
    const char *key;  /* NULL: no parameter, no state */
    int place, parts; /* rows of the tensor: 1 of 3 are the second third */
} TorchName;
/* Per cell; NULL after a diagnostic: two would have one key. */
const TorchName *torch_names(Driver *driver, const Run *run);
/* Beside a running mean PyTorch counts the mini-batches it is of; the key of that number, NULL for other cells. */
const char *torch_counter(Arena *arena, const Run *run, const TorchName *names, int cell);
/* "h.in_proj_weight[64..128]" */
const char *torch_name_text(Arena *arena, const Run *run, const TorchName *names, int cell);

/* ---- torch_file.c ------------------------------------------------------------------------------ */
/* The parameters that serve. False and *problem, or after a diagnostic. */
bool torch_save(Training *t, void **bytes, size_t *length, sgdrt_problem *problem);
/* A file of PyTorch by the names of sgdc, in the arena of the driver; another file as it is. With `all` each model of the
 * run has to be there, else some may be left out. NULL after a diagnostic. */
const sgdrt_checkpoint *torch_translated(Driver *driver, const Run *run, const sgdrt_checkpoint *file, bool all);

#endif
