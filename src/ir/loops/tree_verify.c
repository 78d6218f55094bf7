/* tree_verify: what holds of every tree. */
#include "ir/loops/tree.h"
const char *tree_problem(const LoopTree *tree) { (void)tree; return NULL; }
