/* scan_parts: a function whose scans are functions of their own, for those who make loops.
 *
 * In the function a STACK has as sources what the body reads, and nothing more: an op among others, whose values all are
 * stored. The body is a function whose roots are the values of one element; what it reads from outside, or is carried, are
 * CARRIED nodes without sources, which lie in arrays: `given` where `outer` does, `carried` in arrays of their own. */
#ifndef SGDC_SCAN_PARTS_H
#define SGDC_SCAN_PARTS_H
#include "ir/program.h"

typedef struct ScanPart {
    const ScanLoop *scan;
    Function body; /* roots: ROOT_ELEMENT of each stack, then ROOT_NEXT of what is carried */
    Node **stack;
    int stacks;
    Node **outer, **given;
    int givens;
    Node **initial, **carried, **next;
    int carries;
    struct ScanPart *following;
} ScanPart;

/* *parts stays as it is where there are no scans. */
const Function *function_in_parts(Arena *arena, const Run *run, const Function *function, const ScanPart **parts);
const ScanPart *part_of_stack(const ScanPart *parts, const Node *stack);
/* Can the scans be computed for some rows at a time? */
bool parts_go_by_rows(Arena *arena, const ScanPart *parts);
#endif
