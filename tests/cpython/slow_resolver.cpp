// getaddrinfo() that asks again and again, as a resolver asks one server after the other, until answer_resolver().
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

namespace {

struct Answers {
    int ends[2];
    Answers() {
        if (pipe(ends) != 0) {
            _exit(1);
        }
    }
};

Answers& answers() {
    static Answers only;
    return only;
}

}  // namespace

extern "C" int answer_resolver() {
    return static_cast<int>(write(answers().ends[1], "x", 1));
}

extern "C" int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints,
                           struct addrinfo** result) {
    using Function = int (*)(const char*, const char*, const struct addrinfo*, struct addrinfo**);
    constexpr int tries = 30;
    constexpr int milliseconds = 4'000;
    for (int i = 0; i < tries; ++i) {
        struct pollfd answer = {answers().ends[0], POLLIN, 0};
        char byte;
        if (poll(&answer, 1, milliseconds) > 0 && read(answer.fd, &byte, 1) == 1) {
            return reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, result);
        }
    }
    return EAI_AGAIN;
}
