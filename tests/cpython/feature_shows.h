// How a row of the features is shown: each function runs its program, and answers what is wrong, "" if nothing is.
#pragma once

#include "tests/cpython/python_process.h"

namespace cpython_test {

struct Run {
    const Interpreter& interpreter;
    std::string program;  // its path
    bool under_shim;
    std::string preload() const { return under_shim ? LIBINTERRUPT_PATH : ""; }
};

inline constexpr char not_there[] = "not on this version";

// The program checks it itself, and may ask for requests from the command line (support.py).
std::string checks_itself(const Run& row);

// It prints what it prints without the shim.
std::string is_as_without(const Run& row);

// Its worker waits, and is interrupted from the command line: it cleans up, and the program goes on to its own end.
std::string workers_are_interrupted(const Run& row);
std::string download_is_cancelled(const Run& row);
std::string unchanged_program_is_interrupted(const Run& row);

// At a terminal, where Ctrl-C is typed.
std::string ctrl_c_is_as_without(const Run& row);
std::string ctrl_c_ends_threads(const Run& row);

}  // namespace cpython_test
