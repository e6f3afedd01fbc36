// interruptctl serve.

#include <iostream>

#include "control/commands.h"
#include "control/serve/server.h"

namespace interrupt::control {

Status serve_command(const ServeOptions& options) {
    const size_t most_clients = parse_count(options.max_clients, "clients");
    serve::Place place(options.socket.empty() ? serve::default_path() : options.socket);
    serve::Server server(place, most_clients);
    std::cout << place.path() << std::endl;  // now, for whoever waits for it
    server.run();
    return Status::done;
}

}  // namespace interrupt::control
