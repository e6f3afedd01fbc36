// Where the server's socket is: a path in a directory that is this user's alone, taken by one server at a time.
#pragma once

#include <sys/types.h>

#include <string>

#include "control/descriptor.h"

namespace interrupt::control::serve {

// The path where a server of this user is looked for: in the directory where the thread tables are.
std::string default_path();

// A socket that listens at `path`, mode 0600, until it is destroyed. Takes the place of a dead server's.
class Place {
public:
    // Throws Failure: another server listens there, the directory is open to others, something else has that name.
    explicit Place(std::string path);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    int socket() const { return socket_.get(); }
    const std::string& path() const { return path_; }

private:
    void take_lock();
    void remove_dead();
    void listen();

    std::string path_;
    std::string lock_path_;
    Descriptor lock_;
    Descriptor socket_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace interrupt::control::serve
