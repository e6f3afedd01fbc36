// Whether a program can be started under the shim: what its file is, and what its interpreter is if it is a script.
#pragma once

#include <string>
#include <vector>

#include "control/elf.h"

namespace interrupt::control {

struct ProgramFile {
    std::string path;                       // as exec gets it
    std::vector<std::string> interpreters;  // of a script: its chain of interpreters, the last one a real program
    ElfFile elf;                            // of the program, or the last interpreter
};

// Finds the program as execvp would, and checks that and its interpreters. Throws Failure with a sentence that says why
// it cannot be started under the shim.
ProgramFile check_program(const std::string& name);

}  // namespace interrupt::control
