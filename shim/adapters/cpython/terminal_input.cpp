// input() at a terminal, where readline is not loaded, waits in libc's fgets(), and libc's own calls are out of reach.
// So it waits here until there is a line to read.
#include <poll.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "shim/adapters/cpython/blocking_builtin.h"
#include "shim/real.h"

namespace interrupt::cpython {

namespace {

constinit Real<char*(char*, int, FILE*)> real_fgets{"fgets"};

bool has_line(const FILE* stream, int size) {
    const ptrdiff_t buffered = stream->_IO_read_end - stream->_IO_read_ptr;
    return buffered >= size - 1 ||
           (buffered > 0 && memchr(stream->_IO_read_ptr, '\n', static_cast<size_t>(buffered)) != nullptr);
}

// False, with errno, if the wait was interrupted.
bool wait_for_line(const Frame& frame, FILE* stream) {
    pollfd ready = {fileno(stream), POLLIN, 0};
    if (poll(&ready, 1, -1) < 0 && errno == EINTR) {
        return false;
    }
    if (frame.gave_up.word != 0) {
        errno = ECANCELED;
        return false;
    }
    return true;
}

}  // namespace

}  // namespace interrupt::cpython

extern "C" __attribute__((visibility("default"))) char* fgets(char* line, int size, FILE* stream) {
    using namespace interrupt::cpython;
    const Frame* const frame = top_frame();
    if (frame != nullptr && frame->about == About::Input && !has_line(stream, size) && !wait_for_line(*frame, stream)) {
        return nullptr;
    }
    return real_fgets.resolve()(line, size, stream);
}
