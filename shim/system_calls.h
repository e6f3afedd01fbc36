// syscall(): the calls of the list by their numbers.
#pragma once

namespace interrupt {

// Makes the system call as an interruption point, if it is one of those that the list has, and leaves in `result` what
// syscall() returns. False if it is none: nothing is done.
bool made_as_interruption_point(long number, long (&arguments)[6], const void* caller, long& result);

}  // namespace interrupt
