#include "control/serve/server.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace interrupt::control::serve {
namespace {

constexpr uint64_t second = 1'000'000'000;
constexpr uint64_t millisecond = 1'000'000;

// Then those who can be read from, or have just come, are looked at again.
constexpr uint64_t longest_round = 4 * millisecond;

Failure cannot_begin() {
    return {Status::not_permitted, text("the server could not be set up: ", std::strerror(errno), ".")};
}

Descriptor own_signals() {
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ::sigaddset(&ending, signal);
    }
    ::sigprocmask(SIG_BLOCK, &ending, nullptr);
    return Descriptor(::signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC));
}

// A descriptor for each client, two for each process.
void allow_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace

Server::Server(Place& place, size_t most_clients)
    : place_(place),
      most_clients_(most_clients),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      signals_(own_signals()) {
    if (!epoll_ || !timer_ || !signals_) {
        throw cannot_begin();
    }
    allow_descriptors();
    ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // short sleeps are to be short
    watch(place_.socket(), EPOLLIN, &place_);
    watch(timer_.get(), EPOLLIN, &timer_);
    watch(signals_.get(), EPOLLIN, &signals_);
}

Server::~Server() = default;

void Server::watch(int fd, uint32_t events, void* what) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = what;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw cannot_begin();
    }
}

void Server::run() {
    while (!ended_) {
        wait();
        serve_clients();
        shared_.step(monotonic_now());
        for (const auto& client : clients_) {
            settle(*client);
        }
        std::erase_if(clients_, [](const auto& client) { return client->gone; });
    }
}

uint64_t Server::due() const {
    uint64_t due = std::min(shared_.due(), accept_again_ == 0 ? UINT64_MAX : accept_again_);
    for (const auto& client : clients_) {
        due = std::min(due, client->session.due());
    }
    return due;
}

// Until there is something to be done, and the reading of it.
void Server::wait() {
    const uint64_t next = due();
    const bool at_once = next <= monotonic_now();
    if (!at_once) {
        itimerspec time{};
        if (next != UINT64_MAX) {
            time.it_value = {static_cast<time_t>(next / second), static_cast<long>(next % second)};
        }
        ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &time, nullptr);
    }
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_.get(), events, std::size(events), at_once ? 0 : -1);
    for (int i = 0; i < count; ++i) {
        void* const what = events[i].data.ptr;
        if (what == &place_) {
            accept();
        } else if (what == &timer_) {
            uint64_t expirations;
            [[maybe_unused]] const ssize_t size = ::read(timer_.get(), &expirations, sizeof expirations);
        } else if (what == &signals_) {
            ended_ = true;
        } else {
            auto& client = *static_cast<Client*>(what);
            // Both directions are closed: nobody is there to be answered.
            client.gone = client.gone || (events[i].events & (EPOLLHUP | EPOLLERR)) != 0;
            if ((events[i].events & EPOLLIN) != 0 && !client.gone) {
                read(client);
            }
        }
    }
    if (accept_again_ != 0 && monotonic_now() >= accept_again_) {
        accept_again_ = 0;
        watch(place_.socket(), EPOLLIN, &place_);
    }
}

void Server::accept() {
    constexpr int at_once = 64;
    for (int i = 0; i < at_once; ++i) {
        Descriptor socket(::accept4(place_.socket(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                // No descriptor or no memory is left. Those who wait go on waiting.
                ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, place_.socket(), nullptr);
                accept_again_ = monotonic_now() + 100 * millisecond;
            }
            return;
        }
        ucred peer{};
        socklen_t size = sizeof peer;
        const bool known = ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
        if (!known || (peer.uid != ::geteuid() && peer.uid != 0)) {
            refuse(socket, "not_permitted", "this server is another user's.");
        } else if (clients_.size() >= most_clients_) {
            refuse(socket, "busy", text("this server has ", most_clients_, " clients already."));
        } else {
            clients_.push_back(std::make_unique<Client>(shared_, std::move(socket)));
            Client& client = *clients_.back();
            client.waits_for = EPOLLIN;
            watch(client.socket.get(), EPOLLIN, &client);
        }
    }
}

void Server::refuse(const Descriptor& socket, const std::string& code, const std::string& message) const {
    const std::string line = refusal(nullptr, code, message);
    [[maybe_unused]] const ssize_t sent = ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Server::read(Client& client) {
    char buffer[16384];
    const ssize_t size = ::recv(client.socket.get(), buffer, sizeof buffer, 0);
    if (size > 0) {
        client.session.receive({buffer, static_cast<size_t>(size)});
    } else if (size == 0) {
        client.session.end_input();
    } else if (errno != EAGAIN && errno != EINTR) {
        client.gone = true;
    }
}

void Server::write(Client& client) {
    while (!client.session.output().empty()) {
        const std::string_view output = client.session.output();
        const ssize_t size = ::send(client.socket.get(), output.data(), output.size(), MSG_NOSIGNAL);
        if (size <= 0) {
            client.gone = client.gone || (errno != EAGAIN && errno != EINTR);
            return;
        }
        client.session.sent(static_cast<size_t>(size));
    }
}

// All whose work is due, beginning with whoever did not have a turn in the last round.
void Server::serve_clients() {
    const uint64_t start = monotonic_now();
    const size_t count = clients_.size();
    first_ = count == 0 ? 0 : first_ % count;
    for (size_t i = 0; i < count; ++i) {
        const size_t index = (first_ + i) % count;
        Client& client = *clients_[index];
        const uint64_t now = monotonic_now();
        if (now - start > longest_round) {
            first_ = index;
            return;
        }
        if (!client.gone && client.session.due() <= now) {
            client.session.step(now);
        }
    }
}

void Server::settle(Client& client) {
    write(client);
    client.gone = client.gone || client.session.finished();
    const uint32_t wanted = (client.session.wants_input() ? static_cast<uint32_t>(EPOLLIN) : 0) |
                            (client.session.output().empty() ? 0 : static_cast<uint32_t>(EPOLLOUT));
    if (!client.gone && wanted != client.waits_for) {
        epoll_event event{};
        event.events = client.waits_for = wanted;
        event.data.ptr = &client;
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.socket.get(), &event);
    }
}

}  // namespace interrupt::control::serve
