// interruptctl.

#include <iostream>

#include "control/command_line.h"
#include "control/failure.h"

int main(int argc, char** argv) {
    using namespace interrupt::control;
    try {
        Program program;
        const Status status = program.run(split(argc, argv));
        if (!std::cout.flush()) {
            throw Failure(Status::not_permitted, "the output could not be written.");
        }
        return static_cast<int>(status);
    } catch (const Failure& failure) {
        std::cout.flush();
        std::cerr << "interruptctl: " << failure.what() << '\n';
        return static_cast<int>(failure.status());
    } catch (const std::exception& error) {
        std::cerr << "interruptctl: " << error.what() << ".\n";
        return 1;
    }
}
