/* arena: blocks of memory that are handed out piece by piece and freed together.
 *
 * A compiler builds trees and graphs that all die at the same time, so nothing is freed alone.
 * Blocks double in size up to a limit; a request larger than a block gets a block of its own,
 * behind the current one, so that the rest of the current one is not lost.
 *
 * Invariants: every piece is zeroed and 16-byte aligned; arena_alloc never returns NULL (a machine
 * without memory ends the process with a message).
 */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 1 << 14, LARGEST_BLOCK = 1 << 22, ALIGNMENT = 16 };

typedef struct ArenaBlock {
    struct ArenaBlock *previous;
    size_t used, capacity;
    _Alignas(ALIGNMENT) unsigned char bytes[];
} ArenaBlock;

struct Arena {
    ArenaBlock *current;
    size_t handed_out;
};

void out_of_memory(size_t bytes) {
    fprintf(stderr, "sgdc: out of memory: %zu bytes more could not be had\n", bytes);
    end_process(3);
}

static ArenaBlock *block_new(size_t capacity, ArenaBlock *previous) {
    ArenaBlock *block = capacity <= SIZE_MAX - sizeof(ArenaBlock) ? calloc(1, sizeof(ArenaBlock) + capacity) : NULL;
    if (!block) out_of_memory(capacity);
    block->previous = previous;
    block->capacity = capacity;
    return block;
}

Arena *arena_new(void) {
    Arena *arena = calloc(1, sizeof *arena);
    if (!arena) out_of_memory(sizeof *arena);
    arena->current = block_new(FIRST_BLOCK, NULL);
    return arena;
}

void arena_free(Arena *arena) {
    if (!arena) return;
    for (ArenaBlock *block = arena->current; block;) {
        ArenaBlock *previous = block->previous;
        free(block);
        block = previous;
    }
    free(arena);
}

void *arena_alloc(Arena *arena, size_t bytes) {
    if (bytes > SIZE_MAX - ALIGNMENT) out_of_memory(bytes);
    size_t rounded = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded == 0) rounded = ALIGNMENT;
    arena->handed_out += bytes;
    ArenaBlock *block = arena->current;
    if (rounded > block->capacity - block->used) {
        if (rounded > LARGEST_BLOCK / 4) {
            ArenaBlock *own = block_new(rounded, block->previous);
            own->used = rounded;
            block->previous = own;
            return own->bytes;
        }
        size_t capacity = block->capacity < LARGEST_BLOCK ? block->capacity * 2 : LARGEST_BLOCK;
        while (capacity < rounded) capacity *= 2;
        block = arena->current = block_new(capacity, block);
    }
    void *piece = block->bytes + block->used;
    block->used += rounded;
    return piece;
}

void *arena_copy(Arena *arena, const void *from, size_t bytes) {
    void *piece = arena_alloc(arena, bytes);
    if (bytes > 0) memcpy(piece, from, bytes);
    return piece;
}

size_t arena_bytes(const Arena *arena) { return arena->handed_out; }

void *vector_grow(Arena *arena, void *items, int count, int *capacity, size_t item_bytes) {
    if (*capacity > INT32_MAX / 2) out_of_memory((size_t)*capacity * item_bytes);
    int larger = *capacity ? *capacity * 2 : 4;
    void *grown = arena_alloc(arena, (size_t)larger * item_bytes);
    if (count > 0) memcpy(grown, items, (size_t)count * item_bytes);
    *capacity = larger;
    return grown;
}
