#include "control/serve/place.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "control/failure.h"
#include "control/process.h"
#include "control/table_directory.h"

namespace interrupt::control::serve {
namespace {

std::string directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Nobody else may be able to put something else into the path's place.
void check_directory(const std::string& path) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        throw Failure(Status::usage, text("there is no directory ", printable(path), ". Make it with mode 0700."));
    }
    if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
        throw Failure(Status::not_permitted, text("the directory ", printable(path),
                                                  " is another user's or open to others. Name a socket in one of "
                                                  "your own with mode 0700."));
    }
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        throw Failure(Status::usage, text("a socket's path has 1 to ", sizeof address.sun_path - 1, " bytes, and ",
                                          printable(path), " has ", path.size(), "."));
    }
    path.copy(address.sun_path, path.size());
    return address;
}

Failure cannot(const std::string& what, const std::string& path) {
    const Status status = errno == EACCES || errno == EPERM || errno == EROFS ? Status::not_permitted : Status::usage;
    return {status, text(printable(path), " cannot be ", what, ": ", std::strerror(errno), ".")};
}

Descriptor make_socket() {
    Descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made) {
        throw Failure(Status::not_permitted, text("no socket could be made: ", std::strerror(errno), "."));
    }
    return made;
}

Failure in_use(const std::string& path) {
    return {Status::not_permitted, text("a server listens at ", printable(path),
                                        " already. Use that one, end it, or name another path by --socket.")};
}

}  // namespace

std::string default_path() {
    const std::string directory = table_directory();
    ::mkdir(directory.c_str(), 0700);  // as the first program under the shim would; what is there already is checked
    return directory + "/serve.socket";
}

Place::Place(std::string path) : path_(std::move(path)), lock_path_(path_ + ".lock") {
    address_of(path_);
    check_directory(directory_of(path_));
    take_lock();
    remove_dead();
    listen();
}

Place::~Place() {
    struct stat status;
    if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
    ::unlink(lock_path_.c_str());
}

// The lock goes with the process that has it, however that ends.
void Place::take_lock() {
    for (;;) {
        lock_ = Descriptor(::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!lock_) {
            throw cannot("made", lock_path_);
        }
        if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
            throw errno == EWOULDBLOCK ? in_use(path_) : cannot("locked", lock_path_);
        }
        struct stat ours, there;
        if (::fstat(lock_.get(), &ours) == 0 && ::stat(lock_path_.c_str(), &there) == 0 &&
            ours.st_ino == there.st_ino) {
            return;
        }
        // The server that had it has just removed it.
    }
}

void Place::remove_dead() {
    struct stat status;
    if (::lstat(path_.c_str(), &status) != 0) {
        return;
    }
    if (!S_ISSOCK(status.st_mode)) {
        throw Failure(Status::usage, text(printable(path_), " is there already and is no socket. Name another path."));
    }
    const sockaddr_un address = address_of(path_);
    const Descriptor probe = make_socket();
    const int connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (connected == 0 || errno != ECONNREFUSED) {
        throw in_use(path_);  // without our lock: some other program's
    }
    if (::unlink(path_.c_str()) != 0) {
        throw cannot("replaced", path_);
    }
}

void Place::listen() {
    const sockaddr_un address = address_of(path_);
    socket_ = make_socket();
    const mode_t before = ::umask(0177);
    const int bound = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(before);
    struct stat status;
    if (bound != 0 || ::lstat(path_.c_str(), &status) != 0 || ::listen(socket_.get(), SOMAXCONN) != 0) {
        throw cannot("listened at", path_);
    }
    device_ = status.st_dev;
    inode_ = status.st_ino;
}

}  // namespace interrupt::control::serve
