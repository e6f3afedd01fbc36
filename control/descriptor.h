// A file descriptor that closes itself, and whole files as strings.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

namespace interrupt::control {

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }

private:
    int fd_ = -1;
};

// All of a file that need not have a size (procfs). Nothing, with errno set, if it cannot be read.
inline std::optional<std::string> read_all(int directory, const std::string& path) {
    const Descriptor file{::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) {
        return std::nullopt;
    }
    std::string contents;
    char buffer[16384];
    ssize_t got;
    while ((got = ::read(file.get(), buffer, sizeof buffer)) > 0) {
        contents.append(buffer, static_cast<size_t>(got));
    }
    if (got < 0) {
        return std::nullopt;
    }
    return contents;
}

// The same for a file that the kernel makes anew for each reading and gives whole to whoever has room for it.
inline std::optional<std::string> read_at_once(int directory, const std::string& path) {
    const Descriptor file{::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC)};
    char buffer[4096];
    const ssize_t got = file ? ::read(file.get(), buffer, sizeof buffer) : -1;
    return got < 0 ? std::nullopt : std::optional(std::string(buffer, static_cast<size_t>(got)));
}

}  // namespace interrupt::control
