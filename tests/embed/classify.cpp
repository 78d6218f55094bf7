// The C application compiled as C++: the emitted header is C++ as well.
#include "classify.c"
