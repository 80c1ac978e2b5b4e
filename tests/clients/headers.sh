#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/clients/headers.sh - each public header alone, as C11 and as C++17, gcc and clang, with
# nothing of ours in front of it and every warning an error.
cd "$(dirname "$0")/../.." || exit 1
passed=0
failed=0
for header in include/rsm/*.h; do
    name=${header#include/}
    for compiler in "gcc -std=c11 -x c" "clang -std=c11 -x c" "g++ -std=c++17 -x c++" "clang++ -std=c++17 -x c++"; do
        if printf "#include <%s>\ntypedef int some_declaration;\n" "$name" | $compiler -Iinclude -Wall -Wextra -Wpedantic -Werror -Wconversion -fsyntax-only -; then
            passed=$((passed + 1))
        else
            echo "$header: $compiler"
            failed=$((failed + 1))
        fi
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
