#!/bin/sh
# Names of C, C++ and their headers as fields, as train blocks and as names of programs (names.txt): the emitted headers
# compile after and before every standard header there is, as C and as C++, and the objects take no library's place.
set -eu
sgdc=$1 embed=$3/tests/embed
cc=${CC:-cc} cxx=${CXX:-c++}
names=$(cat "$embed/names.txt")
model='model named(a: f32) -> f32 { param w: f32 = 0; return w * a }'

{
    echo 'data d {'
    for name in $names; do echo "$name: f32"; done
    echo '}'
    echo "$model"
    echo "train fit { data = d; minimize = squared(named(log), exp); optimizer = sgd(lr = 0.1) }"
} >fields.sgd
"$sgdc" fields.sgd --cpu=native -O0 --emit=header=fields.h

# Blocks that differ in more than case and `_`, as their macros do.
for name in $names; do echo "$name"; done | sed 's/_*$//' | sort -fu >apart.txt
{
    echo 'data d { a: f32; b: f32 }'
    echo "$model"
    while read -r name; do
        echo "train $name { data = d; minimize = squared(named(a), b); optimizer = sgd(lr = 0.1) }"
    done <apart.txt
} >blocks.sgd
"$sgdc" blocks.sgd --cpu=native -O0 --emit=header=blocks.h 2>blocks.txt || {
    cat blocks.txt >&2; exit 1; }

# Every prefix is looked at in tests/unit/exported_names.c; these are compiled.
mkdir -p stems
for name in log index time data exp y1 int EOF errno unix complex stdin I NAN signgam pthread_mutex sem atomic main sgdrt m; do
    printf 'data d { a: f32; b: f32 }\n%s\ntrain fit { data = d; minimize = squared(named(a), b); predict = named(a); optimizer = sgd(lr = 0.1) }\n' \
        "$model" >"stems/$name.sgd"
    "$sgdc" "stems/$name.sgd" --cpu=native -O0 "--emit=header=stems/$name.h"
    echo "#include \"stems/$name.h\""
done >stems.h

include() { for header in "$@"; do printf '#if __has_include(<%s>)\n#include <%s>\n#endif\n' "$header" "$header"; done; }
c_headers="assert.h complex.h ctype.h errno.h fenv.h float.h inttypes.h iso646.h limits.h locale.h math.h setjmp.h signal.h
    stdalign.h stdarg.h stdatomic.h stdbit.h stdbool.h stdckdint.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h
    threads.h time.h uchar.h wchar.h wctype.h aio.h arpa/inet.h dirent.h dlfcn.h fcntl.h fnmatch.h ftw.h glob.h grp.h
    iconv.h langinfo.h libgen.h monetary.h mqueue.h net/if.h netdb.h netinet/in.h netinet/tcp.h poll.h pthread.h pwd.h
    regex.h sched.h search.h semaphore.h spawn.h strings.h sys/ipc.h sys/mman.h sys/msg.h sys/resource.h sys/select.h
    sys/sem.h sys/shm.h sys/socket.h sys/stat.h sys/statvfs.h sys/time.h sys/times.h sys/types.h sys/uio.h sys/un.h
    sys/utsname.h sys/wait.h syslog.h tar.h termios.h unistd.h utmpx.h wordexp.h"
cxx_headers="algorithm any array atomic barrier bit bitset charconv chrono compare complex concepts condition_variable coroutine
    deque exception expected filesystem format forward_list fstream functional future initializer_list iomanip ios iosfwd
    iostream istream iterator latch limits list locale map memory mutex new numbers numeric optional ostream queue random
    ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token
    streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map
    unordered_set utility valarray variant vector version cassert ccomplex cctype cerrno cfenv cfloat cinttypes climits
    clocale cmath csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype"
include $c_headers >c.h
include $cxx_headers $(echo "$c_headers" | sed 's/stdatomic.h//') >cpp.h

failed() { echo "the emitted headers do not compile as $1 $2 the standard headers" >&2; head -20 wrong.txt >&2; exit 1; }
warn="-Wall -Wextra -Werror -fsyntax-only -I."
printf '#include "%s"\n' fields.h blocks.h stems.h >emitted.h
cat c.h emitted.h >after.c
cat emitted.h c.h >before.c
cat cpp.h emitted.h >after.cpp
cat emitted.h cpp.h >before.cpp
$cc -std=gnu17 -D_GNU_SOURCE $warn after.c 2>wrong.txt || failed C after
$cc -std=gnu17 -D_GNU_SOURCE $warn before.c 2>wrong.txt || failed C before
$cxx -std=gnu++20 $warn after.cpp 2>wrong.txt || failed C++ after
$cxx -std=gnu++20 $warn before.cpp 2>wrong.txt || failed C++ before

# An application that uses what its program is called like.
"$sgdc" stems/log.sgd --cpu=native -o log.o
cat >app.c <<'END'
#include <math.h>
#include "log.h"
int main(void) {
    volatile double one = 1;
    float a = 1, b = 2, loss = 0;
    log_model *m;
    log_model_data rows = log_model_rows(1, &a, &b);
    return log_model_new(&m, 0) || log_model_step(m, &rows, &loss) || log(one) != 0 || loss != 2;
}
END
$cc -Wall -Wextra -Werror -I. app.c log.o -lm -o app
./app || { echo "log.sgd does not learn beside log()" >&2; exit 1; }

# Runs whose names would collide are refused at the second; signs of arithmetic make no collision.
refuse() {
    cat >two.sgd
    if "$sgdc" two.sgd -o ./ 2>two.txt; then echo "not refused: $1" >&2; exit 1; fi
    grep -q "E0604" two.txt && grep -q "two.sgd:$1:" two.txt && test ! -e two.o || { cat two.txt >&2; exit 1; }
}
fit='{ data = d; minimize = squared(named(a), b); optimizer = sgd(lr = 0.1) }'
refuse 4 <<END
data d { a: f32; b: f32 }
$model
train fit $fit
train fit_step $fit
END
refuse 4 <<END
data d { a: f32; b: f32 }
$model
train fit $fit
train Fit $fit
END
refuse 3 <<END
data d { a: f32; b: f32 }
$model
train fit { data = d; minimize = squared(named(a), b); optimizer = sgd(lr = each [1.5, 1_5]) }
END
cat >signs.sgd <<END
data d { a: f32; b: f32 }
$model
train fit { data = d; minimize = squared(named(a), b); optimizer = sgd(lr = each [8 + 4, 8 - 4, 8 * 4, 8 / 4, 1e3, 1e-3]) }
END
"$sgdc" signs.sgd --cpu=native -O0 -o ./
for name in log int EOF pthread_mutex; do
    if "$sgdc" stems/log.sgd --name=$name -o ./ 2>two.txt; then echo "--name=$name is not refused" >&2; exit 1; fi
done
