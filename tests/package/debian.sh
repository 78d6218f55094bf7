#!/bin/sh
# cpack's packages: each installed file is in one of them, they name what they need, and what is unpacked trains.
#     debian.sh BUILD_FOLDER SOURCE_FOLDER      (in an empty folder)
set -eu
build=$1 source=$2
fail() { echo "$@" >&2; exit 1; }
for tool in dpkg-deb dpkg-shlibdeps file cpack; do
    command -v $tool > /dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
cpack --config "$build/CPackConfig.cmake" -B . -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip > made.txt 2>&1 ||
    { cat made.txt; exit 1; }

mkdir root
for package in sgdc libsgdrt0 libsgdrt-dev; do
    dpkg-deb -f "$(ls "$package"_*.deb)" > $package.control
    dpkg-deb -c "$(ls "$package"_*.deb)" | awk '!/^d/ { print substr($6, 2) }' > $package.files
    dpkg-deb -x "$(ls "$package"_*.deb)" root
    grep -q "^Maintainer: .*@" $package.control || fail "$package has no maintainer"
    grep -q "/usr/share/doc/$package/copyright" $package.files || fail "$package has no copyright file"
done
needs() { grep -q "^$2:.* $3" "$1.control" || fail "$1 has no $3 among its $2: $(grep "^$2" "$1.control")"; }
version=$(sed -n 's/^Version: //p' sgdc.control)
for library in libc6 libcjson1 zlib1g; do needs sgdc Depends $library; needs libsgdrt0 Depends $library; done
needs libsgdrt-dev Depends "libsgdrt0 (= $version)"
needs sgdc Recommends libsgdrt-dev
dpkg-deb -I libsgdrt0_*.deb shlibs | grep -q '^libsgdrt 0 libsgdrt0 (>=' || fail "libsgdrt0 does not say who needs it"

# The files of cmake --install, but for the licence, which is in the copyright file, and the manual, which is compressed.
DESTDIR=$PWD/staged cmake --install "$build" --prefix /usr > installed.txt
(cd staged && find . ! -type d) | sed -e 's/^\.//; /LICENSE$/d; s|\(/man1/.*\)|\1.gz|' | sort > installed.list
cat ./*.files | grep -vE '/doc/[^/]*/(copyright|changelog.*)$|/lintian/' | sort > packed.list
diff installed.list packed.list > differ.txt || { cat differ.txt; fail "installed (<), but in the packages (>)"; }

root/usr/bin/sgdc "$source/tests/embed/classify.sgd" --run -q --save trained.safetensors > run.txt
library=$(dirname "$(find root -name 'libsgdrt.so.0')")
root/usr/bin/sgdc "$source/tests/embed/classify.sgd" -o ./
${CC:-cc} -std=c11 -I. -Iroot/usr/include/sgdc "$source/tests/embed/classify.c" classify.o -L"$library" -lsgdrt -lm -o classify
LD_LIBRARY_PATH=$library ./classify "$source/tests/embed/points.csv" trained.safetensors scratch.safetensors
