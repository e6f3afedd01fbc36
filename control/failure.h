// How a command ends when it cannot do what was asked: one sentence for the user and one of the documented exit
// statuses. Thrown; main() prints it.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace interrupt::control {

// The exit statuses, part of the command's contract.
enum class Status : int {
    done = 0,
    found = 1,  // of a sweep
    usage = 2,
    not_found = 3,
    not_under_shim = 4,
    not_delivered = 5,
    not_permitted = 6,
};

class Failure : public std::runtime_error {
public:
    Failure(Status status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
    Status status() const { return status_; }

private:
    Status status_;
};

template <class... Parts>
std::string text(const Parts&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return std::move(out).str();
}

}  // namespace interrupt::control
