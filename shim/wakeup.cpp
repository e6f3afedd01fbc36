#include "shim/wakeup.h"

#include <cerrno>

#include "shim/platform/platform.h"
#include "shim/requester.h"

namespace interrupt {

namespace {

// This thread's pipe: the record is lost at a fork, these are not.
struct Pipe {
    int ends[2] = {-1, -1};
    uint64_t inode = 0;
};
constinit thread_local Pipe own_pipe;

uint64_t inode_of(int fd) {
    struct stat status;
    return os::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

void publish(ThreadRecord& record) {
    InProcess kernel;
    RecordLock lock(kernel, table_header(), record);
    record.wakeup_read.store(own_pipe.ends[0], std::memory_order_relaxed);
    record.wakeup_write.store(own_pipe.ends[1], std::memory_order_relaxed);
    record.wakeup_inode.store(own_pipe.inode, std::memory_order_relaxed);
    if (Request{record.request.load(std::memory_order_relaxed)}.pending()) {
        kernel.wakeup(record, true);
    }
}

}  // namespace

int wakeup_fd(ThreadRecord& record) {
    if (own_pipe.inode == 0) {
        const long error = os::pipe2(own_pipe.ends, O_CLOEXEC | O_NONBLOCK);
        if (error != 0) {
            return static_cast<int>(error);
        }
        own_pipe.inode = inode_of(own_pipe.ends[0]);
        publish(record);
    }
    return own_pipe.ends[0];
}

void close_wakeup(ThreadRecord& record) {
    if (own_pipe.inode == 0) {
        return;
    }
    {
        InProcess kernel;
        RecordLock lock(kernel, table_header(), record);
        record.wakeup_inode.store(0, std::memory_order_relaxed);
    }
    for (const int fd : own_pipe.ends) {
        if (inode_of(fd) == own_pipe.inode) {  // the program may have closed it and have the number in use
            os::close(fd);
        }
    }
    own_pipe = {};
}

void wakeup_after_fork(ThreadRecord& record) {
    if (own_pipe.inode == 0) {
        return;
    }
    int fresh[2];
    if (inode_of(own_pipe.ends[0]) != own_pipe.inode || inode_of(own_pipe.ends[1]) != own_pipe.inode ||
        os::pipe2(fresh, O_CLOEXEC | O_NONBLOCK) != 0) {
        own_pipe = {};
        return;
    }
    for (int i = 0; i < 2; ++i) {
        os::dup3(fresh[i], own_pipe.ends[i], O_CLOEXEC);
        os::close(fresh[i]);
    }
    own_pipe.inode = inode_of(own_pipe.ends[0]);
    publish(record);
}

}  // namespace interrupt
