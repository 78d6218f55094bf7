/* scan: one body over the elements of an axis, with values carried from element to element.
 *
 *   scan.c         the nodes of a scan, and what leaves its body
 *   scan_level.c   a graph with each scan as one item: for who walks it scan by scan
 *   scan_grad.c    the derivative of a scan, which is a scan the other way
 *   scan_unroll.c  the same graph without scans
 *
 * The body is part of the graph. What differs from element to element depends on an ELEMENT (of an array, at the element at
 * hand) or a CARRIED value of the scan; a STACK of one of these values has it for all elements. All STACKs of one scan
 * that are wanted are computed together, in one loop; what none of them needs is not computed. A node that depends on no
 * ELEMENT and no CARRIED of a scan is not in its body, wherever it was written: it is computed once.
 *
 * Reductions and gathers of the body that depend on elements, and on nothing that is carried, are made for all elements at
 * once, before the loop (scan_hoisted), by the constructor: so is a weight's product with the inputs of all elements.
 */
#ifndef SGDC_SCAN_H
#define SGDC_SCAN_H
#include "ir/graph.h"
#include "ir/program.h"

/* What is carried of one scan, and what follows it. */
typedef struct CarriedPair {
    Node *carried, *next;
} CarriedPair;
typedef Vector(CarriedPair) CarriedPairs;

ScanLoop *graph_scan(Graph *g, int64_t extent, bool descending);
Node *graph_element(Graph *g, Node *x, const ScanLoop *scan);
/* Another one than any other. rows: as in Attr; around: the scans in whose bodies this scan is. */
Node *graph_carried(Graph *g, Node *initial, uint8_t rows, const ScanLoop *scan, const ScanSet *around);
/* i32: which element is at hand. */
Node *graph_scan_index(Graph *g, const ScanLoop *scan);
/* Of the pairs those that `value` needs. */
Node *graph_stack(Graph *g, Node *value, const ScanLoop *scan, const CarriedPair *pairs, int count);

/* What the STACKs below the roots carry. */
CarriedPairs graph_carried_pairs(Graph *g, Node *const *roots, int count);
/* A value of bodies for all their elements: out of all scans. */
Node *graph_stack_out(Graph *g, Node *value, const CarriedPairs *pairs);

const ScanSet *scans_of(Arena *arena, const Node *node); /* from its sources */
bool in_scan(const Node *node, const ScanLoop *scan);
/* Whether all its scans are among these. */
bool scans_are_among(const ScanSet *scans, const ScanSet *set);
const ScanSet *scans_joined(Arena *arena, const ScanSet *a, const ScanSet *b);

/* The wanted node, not yet made, as an element of what is made for all elements at once; NULL: it stays in the body. */
Node *scan_hoisted(Graph *g, const Node *wanted);
/* The same node for all elements, of sources for all elements where `all` is set: a new first axis. NULL: there is no such
 * node, or it has too many axes. */
Node *scan_for_all(Graph *g, const Node *n, Node *const *source, const bool *all, int64_t extent);
/* A value that is the same for all elements, for all of them. */
Node *scan_repeated(Graph *g, Node *x, int64_t extent);

/* ---- scan_level.c */
/* The STACKs of a scan that are wanted together; outer: what its body reads that is not in it. */
typedef struct ScanGroup {
    const ScanLoop *scan;
    const ScanSet *around; /* scans in whose bodies it is */
    Vector(Node *) stacks;
    CarriedPairs pairs;
    Vector(Node *) roots; /* of the body: what is stacked, then what is carried on */
    Vector(Node *) outer;
    struct ScanGroup *next;
} ScanGroup;
/* A node, or a scan. */
typedef struct LevelItem {
    Node *node;
    ScanGroup *group;
} LevelItem;
typedef Vector(LevelItem) GraphLevel;
/* The nodes below the roots as graph_post_order has them, a scan as one. within NULL: all; else those of its body. */
GraphLevel graph_level(Arena *arena, Node *const *roots, int count, const ScanGroup *within);
/* The same for each element: a node that the body reads and is not in it. */
bool is_outside(const ScanGroup *group, const Node *n);

/* ---- scan_unroll.c */
bool function_has_scans(const Run *run, const Function *function);
bool graph_has_scans(Graph *g, Node *const *roots, int count);
/* The function without scans: the body once for each element. */
const Function *function_unrolled(Arena *arena, const Run *run, const Function *function);
#endif
