// A file of any bytes as the program to be started: control/elf.cpp.
#include "control/elf.h"

#include "tests/fuzz/expect.h"
#include "tests/fuzz/files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    const interrupt_fuzz::MemoryFile file(bytes, size);
    const auto elf = interrupt::control::read_elf(file.get());
    EXPECT(!elf || elf->native || (elf->interpreter.empty() && elf->needed.empty()));
    interrupt::control::has_function_at(file.get(), size > 8 ? bytes[8] * uint64_t{256} : 0);
    return 0;
}
