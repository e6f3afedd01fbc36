// Sockets, pipes and eventfds that have what is asked for, or room for what is given.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>

#include "ready.h"

namespace interrupt_bench {

namespace {

constexpr int few = 200;   // as many messages as a local socket has room for
constexpr int many = 500;  // bytes
constexpr int slots = 16;  // of a pipe

struct Ends {
    int ours;
    int peer;
};

Ends socket_pair() {
    int ends[2];
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    return {ends[0], ends[1]};
}

Ends pipe_ends() {
    int ends[2];
    expect(pipe(ends) == 0, "pipe");
    return {ends[0], ends[1]};
}

void put(int fd, int n) {
    const std::vector<char> bytes(static_cast<size_t>(n), 'x');
    expect(write(fd, bytes.data(), bytes.size()) == n, "to fill a descriptor");
}

void take_all(int fd) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    char bytes[4096];
    while (read(fd, bytes, sizeof bytes) > 0) {
    }
    fcntl(fd, F_SETFL, 0);
}

char byte;
struct iovec part = {&byte, 1};

struct msghdr message_of_a_byte() {
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return message;
}

void add_sockets(std::vector<Ready>& all) {
    const Ends in = socket_pair();
    const auto fill = [in](int n) { put(in.peer, n); };
    all.push_back(ready("recv", ::recv, many, fill, [in](auto* f) { return f(in.ours, &byte, 1, 0) == 1; }));
    all.push_back(ready("recvfrom", ::recvfrom, many, fill,
                        [in](auto* f) { return f(in.ours, &byte, 1, 0, nullptr, nullptr) == 1; }));
    all.push_back(ready("recvmsg", ::recvmsg, many, fill, [in](auto* f) {
        struct msghdr message = message_of_a_byte();
        return f(in.ours, &message, 0) == 1;
    }));
    all.push_back(ready("recvmmsg", ::recvmmsg, many, fill, [in](auto* f) {
        struct mmsghdr message = {message_of_a_byte(), 0};
        return f(in.ours, &message, 1, 0, nullptr) == 1;
    }));
    const Ends out = socket_pair();
    const auto drain = [out](int) { take_all(out.peer); };
    all.push_back(ready("send", ::send, few, drain, [out](auto* f) { return f(out.ours, &byte, 1, 0) == 1; }));
    all.push_back(
        ready("sendto", ::sendto, few, drain, [out](auto* f) { return f(out.ours, &byte, 1, 0, nullptr, 0) == 1; }));
    all.push_back(ready("sendmsg", ::sendmsg, few, drain, [out](auto* f) {
        const struct msghdr message = message_of_a_byte();
        return f(out.ours, &message, 0) == 1;
    }));
    all.push_back(ready("sendmmsg", ::sendmmsg, few, drain, [out](auto* f) {
        struct mmsghdr message = {message_of_a_byte(), 0};
        return f(out.ours, &message, 1, 0) == 1;
    }));
}

// A listener with clients that wait to be accepted; what the calls of the batch before made is closed.
struct Listener {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {};
    socklen_t length = sizeof address;
    std::vector<int> clients;
    std::vector<int> made;

    Listener() {
        address.sun_family = AF_UNIX;
        expect(bind(fd, self(), sizeof(sa_family_t)) == 0 && getsockname(fd, self(), &length) == 0 &&
                   listen(fd, 2 * slots) == 0,
               "listen");
    }
    const struct sockaddr* self() const { return reinterpret_cast<const struct sockaddr*>(&address); }
    struct sockaddr* self() {
        return reinterpret_cast<struct sockaddr*>(&address);
    }
    void close_all() {
        for (std::vector<int>* fds : {&clients, &made}) {
            for (const int each : *fds) {
                close(each);
            }
            fds->clear();
        }
    }
    void add_clients(int n, bool connected) {
        for (int i = 0; i < n; ++i) {
            clients.push_back(socket(AF_UNIX, SOCK_STREAM, 0));
            expect(!connected || connect(clients.back(), self(), length) == 0, "connect");
        }
    }
};

void add_connections(std::vector<Ready>& all) {
    const auto to_accept = std::make_shared<Listener>();
    const auto fill = [to_accept](int n) {
        to_accept->close_all();
        to_accept->add_clients(n, true);
    };
    const auto keep = [to_accept](int fd) {
        to_accept->made.push_back(fd);
        return fd >= 0;
    };
    all.push_back(
        ready("accept", ::accept, slots, fill, [=](auto* f) { return keep(f(to_accept->fd, nullptr, nullptr)); }));
    all.push_back(ready("accept4", ::accept4, slots, fill,
                        [=](auto* f) { return keep(f(to_accept->fd, nullptr, nullptr, SOCK_CLOEXEC)); }));
    const auto to_connect = std::make_shared<Listener>();
    all.push_back(ready(
        "connect", ::connect, slots,
        [to_connect](int n) {
            for (size_t i = 0; i < to_connect->made.size(); ++i) {
                close(accept(to_connect->fd, nullptr, nullptr));
            }
            to_connect->close_all();
            to_connect->add_clients(n, false);
        },
        [to_connect](auto* f) {
            const int client = to_connect->clients.back();
            to_connect->clients.pop_back();
            to_connect->made.push_back(client);
            return f(client, static_cast<const Listener&>(*to_connect).self(), to_connect->length) == 0;
        }));
}

void add_pipes(std::vector<Ready>& all) {
    const Ends in = pipe_ends();
    const auto fill = [in](int n) { put(in.peer, n); };
    all.push_back(ready("read", ::read, many, fill, [in](auto* f) { return f(in.ours, &byte, 1) == 1; }));
    all.push_back(ready("readv", ::readv, many, fill, [in](auto* f) { return f(in.ours, &part, 1) == 1; }));
    all.push_back(ready("preadv2", ::preadv2, many, fill, [in](auto* f) { return f(in.ours, &part, 1, -1, 0) == 1; }));
    const Ends out = pipe_ends();
    const auto drain = [out](int) { take_all(out.ours); };
    all.push_back(ready("write", ::write, many, drain, [out](auto* f) { return f(out.peer, &byte, 1) == 1; }));
    all.push_back(ready("writev", ::writev, many, drain, [out](auto* f) { return f(out.peer, &part, 1) == 1; }));
    all.push_back(
        ready("pwritev2", ::pwritev2, many, drain, [out](auto* f) { return f(out.peer, &part, 1, -1, 0) == 1; }));
    all.push_back(
        ready("vmsplice", ::vmsplice, slots, drain, [out](auto* f) { return f(out.peer, &part, 1, 0) == 1; }));

    const int null = open("/dev/null", O_WRONLY);
    all.push_back(
        ready("splice", ::splice, many, fill, [=](auto* f) { return f(in.ours, nullptr, null, nullptr, 1, 0) == 1; }));
    const Ends from = pipe_ends();
    put(from.peer, 1);
    all.push_back(ready("tee", ::tee, slots, drain, [=](auto* f) { return f(from.ours, out.peer, 1, 0) == 1; }));
    const int file = open("/proc/self/exe", O_RDONLY);
    all.push_back(ready("sendfile", ::sendfile, many, nothing_to_prepare, [=](auto* f) {
        off_t offset = 0;
        return f(null, file, &offset, 1) == 1;
    }));
}

void add_counters(std::vector<Ready>& all) {
    const int counter = eventfd(0, EFD_SEMAPHORE);
    all.push_back(ready(
        "eventfd_read", ::eventfd_read, many, [=](int n) { expect(eventfd_write(counter, n) == 0, "eventfd"); },
        [=](auto* f) {
            eventfd_t value;
            return f(counter, &value) == 0;
        }));
    const int sum = eventfd(0, 0);
    all.push_back(
        ready("eventfd_write", ::eventfd_write, many, nothing_to_prepare, [=](auto* f) { return f(sum, 1) == 0; }));
}

}  // namespace

void add_transfers(std::vector<Ready>& all) {
    add_sockets(all);
    add_pipes(all);
    add_counters(all);
    add_connections(all);
}

}  // namespace interrupt_bench
