// The loop of `interruptctl serve`: one thread, which waits in epoll and nowhere else. Every client has its turn: in a
// round of the loop it is read from once, and gets a bounded part of its work done.
#pragma once

#include <memory>
#include <vector>

#include "control/serve/place.h"
#include "control/serve/session.h"

namespace interrupt::control::serve {

class Server {
public:
    // Until a signal ends it. Throws Failure if it cannot begin.
    Server(Place& place, size_t most_clients);
    ~Server();

    void run();

private:
    struct Client {
        Client(Shared& shared, Descriptor socket) : session(shared), socket(std::move(socket)) {}
        Session session;
        Descriptor socket;
        uint32_t waits_for = 0;  // as epoll has been told
        bool gone = false;
    };

    void wait();
    void accept();
    void refuse(const Descriptor& socket, const std::string& code, const std::string& message) const;
    void read(Client& client);
    void write(Client& client);
    void serve_clients();
    void settle(Client& client);
    void watch(int fd, uint32_t events, void* what) const;
    uint64_t due() const;

    Place& place_;
    size_t most_clients_;
    Shared shared_;
    Descriptor epoll_;
    Descriptor timer_;
    Descriptor signals_;
    std::vector<std::unique_ptr<Client>> clients_;
    size_t first_ = 0;           // whose turn it is
    uint64_t accept_again_ = 0;  // when there may be descriptors again; 0: it accepts
    bool ended_ = false;
};

}  // namespace interrupt::control::serve
