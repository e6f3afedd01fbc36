// What the program of contract_stepped_test.cpp says at its breakpoints, in rax; at Mark::end what its call returned is
// in rdi, with the value in rsi and errno in rdx.
#pragma once

namespace interrupt_tests {

enum class Mark : long {
    begin = 1,       // the next instructions make the call
    end = 2,         // it has returned
    in_handler = 3,  // a handler of the program is at work; its raw system call was left alone
    quiet = 4,       // a raw system call after the interposed one was left alone
    stray = 5,       // it was cut short; also one in a handler
};

enum class Returned : long { interrupted, timed_out, other };

}  // namespace interrupt_tests
