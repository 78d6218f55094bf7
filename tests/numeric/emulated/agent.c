/* agent: the other end of emulated.h: calls functions of the object it is linked with, for a test that runs on another
 * machine than the code under test, which user-mode emulation makes.
 *
 *   agent FILE BASE BYTES      FILE is mapped at BASE, where the test has it too, so that pointers mean the same
 *
 * From stdin it reads pairs of numbers, a function (in the order of emulated.h) and the address of a call; what the
 * function returns goes to stdout.
 */
#include "core.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAYBE extern __attribute__((weak, visibility("hidden"))) sgdrt_function
MAYBE p__init, p__step, p__evaluate, p__predict, p__metric0, p__metric1, p__metric2, p__metric3;
static sgdrt_function *const functions[] = {p__init,    p__step,    p__evaluate, p__predict,
                                            p__metric0, p__metric1, p__metric2,  p__metric3};

int main(int count, char **arguments) {
    if (count != 4) return 2;
    int file = open(arguments[1], O_RDWR);
    void *base = (void *)(uintptr_t)strtoull(arguments[2], NULL, 10);
    size_t bytes = strtoull(arguments[3], NULL, 10);
    if (file < 0 || mmap(base, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != base) return 2;
    uint64_t order[2];
    while (read(0, order, sizeof order) == sizeof order) {
        int64_t result = functions[order[0]]((const sgdrt_call *)(uintptr_t)order[1]);
        if (write(1, &result, sizeof result) != sizeof result) return 2;
    }
    return 0;
}
