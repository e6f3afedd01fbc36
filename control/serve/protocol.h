// What is said on the socket: requests and answers, one JSON object a line. serve.md describes it for those who write
// clients, protocol.json is its schema.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/failure.h"
#include "control/report.h"

namespace interrupt::control::serve {

inline constexpr int protocol_version = 1;

inline constexpr size_t longest_line = 64 << 10;  // bytes, of a request
inline constexpr int deepest = 8;                 // objects and arrays inside of each other, in a request
inline constexpr size_t longest_id = 128;         // bytes, of a request's id
inline constexpr size_t most_ids = 256;           // threads, named by their ids in a request
inline constexpr size_t most_operations = 64;     // of a client, under way at the same time
inline constexpr size_t most_subscriptions = 16;  // of a client
inline constexpr size_t output_held = 256 << 10;  // bytes that wait for a client before no more is done for it
inline constexpr size_t most_watchers = 64;       // processes with subscribers

// Something that a client could try again later: no exit status says that.
class Busy : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// "usage", "not_found", ...: the exit statuses by name.
std::string status_name(Status status);

// The fields of a request, each asked for by the operation that knows it; what nobody has asked for is an error.
class Fields {
public:
    explicit Fields(const nlohmann::json& request) : request_(request) {}

    // All throw Failure(usage).
    pid_t id(const char* name, const char* what);
    std::optional<pid_t> optional_id(const char* name, const char* what);
    std::vector<pid_t> ids(const char* name, const char* what);  // a number, or several; none if it is not there
    std::optional<int64_t> integer(const char* name, int64_t least, int64_t most);
    std::string text(const char* name);                             // "" if it is not there
    std::vector<std::string> texts(const char* name, size_t most);  // one, or several; none if it is not there
    bool flag(const char* name);
    uint64_t seconds(const char* name, double otherwise);  // as ns
    void end() const;

private:
    const nlohmann::json* find(const char* name);

    const nlohmann::json& request_;
    std::vector<std::string> known_{"id", "op"};
};

// A request, parsed. Throws Failure(usage); `id` is set as soon as it is known.
nlohmann::json parse_request(std::string_view line, Json& id);

// Lines, with their ends.
std::string answer(const Json& id, Json result);
std::string refusal(const Json& id, const std::string& code, const std::string& message,
                    const std::optional<Json>& result = std::nullopt);
std::string event(const Json& event);

}  // namespace interrupt::control::serve
