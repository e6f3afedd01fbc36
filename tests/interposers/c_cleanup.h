#pragma once

namespace interrupt_tests {

// Calls function(argument) with `cleanup` pushed as a C program does it.
void call_with_c_cleanup(void (*function)(void*), void (*cleanup)(void*), void* argument);

}  // namespace interrupt_tests
