/* vector_clones: VECTOR_CLONES before a function compiles it for several instruction sets; the loader picks one.
 *
 * For loops that the C compiler vectorises and that run in the compiler or the runtime itself. The arithmetic is
 * the same in each: no clone may contract or reassociate (-ffp-contract=off), so neither do the bits change.
 */
#ifndef SGDRT_VECTOR_CLONES_H
#define SGDRT_VECTOR_CLONES_H

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define VECTOR_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VECTOR_CLONES
#endif

#endif
