/* scan_grad: what the derivative of a scan (grad.c) is in, turned into a scan the other way.
 *
 * The walk makes adjoints of the body as values of the body itself: of the element at hand. What it is given of the next
 * element's is carried (scan_turn_carried). Turned, all of this is the body of a scan in the other direction, in which what
 * the first scan computed is an element: of a stack that is kept, if it costs something or was carried; else it is computed
 * again from those. */
#ifndef SGDC_SCAN_GRAD_H
#define SGDC_SCAN_GRAD_H
#include "ir/scan.h"

typedef struct ScanTurn {
    Graph *graph;
    const ScanGroup *group;
    const ScanLoop *back;
    CarriedPairs adjoints; /* of what is carried: in the body itself, and turned */
} ScanTurn;

ScanTurn scan_turn_new(Graph *g, const ScanGroup *group);
/* The adjoint of what is carried on in the place of `carried`. around: as of graph_carried. */
Node *scan_turn_carried(ScanTurn *turn, const Node *carried, const ScanSet *around);
/* Adjoints of the body, turned. */
void scan_turn(ScanTurn *turn, Node **roots, int count);
/* The sum of a turned value over all elements. pairs: of the turned scan. */
Node *scan_turn_sum(ScanTurn *turn, Node *value, const CarriedPairs *pairs);
#endif
