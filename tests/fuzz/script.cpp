// A script of any bytes as the program to be started: control/program_file.cpp.
#include "control/program_file.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    const interrupt_fuzz::MemoryFile file(bytes, size);
    interrupt_fuzz::refused([&] {
        const auto program = interrupt::control::check_program(file.path());
        EXPECT(program.elf.native && !program.elf.interpreter.empty());
    });
    return 0;
}
