#include "control/serve/protocol.h"

#include <algorithm>
#include <cmath>

#include "control/names.h"
#include "control/process.h"

namespace interrupt::control::serve {
namespace {

using Request = nlohmann::json;

Failure wrong(const char* name, const std::string& what) {
    return {Status::usage, control::text("`", name, "` must be ", what, ".")};
}

// Names are bytes that a program has chosen: what is no UTF-8 is replaced.
std::string line_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string to_text(const Request& value, const char* name) {
    if (!value.is_string() || value.get_ref<const std::string&>().empty() ||
        value.get_ref<const std::string&>().find('\0') != std::string::npos) {
        throw wrong(name, "a word");
    }
    return value.get<std::string>();
}

pid_t to_id(const Request& value, const char* name, const char* what) {
    if (!value.is_number_integer() || value < 1 || value > INT32_MAX) {
        throw wrong(name, control::text("a ", what, " id"));
    }
    return value.get<pid_t>();
}

}  // namespace

std::string status_name(Status status) {
    switch (status) {
        case Status::done:
            return "done";
        case Status::found:
            break;  // a sweep's alone
        case Status::usage:
            return "usage";
        case Status::not_found:
            return "not_found";
        case Status::not_under_shim:
            return "not_under_shim";
        case Status::not_delivered:
            return "not_delivered";
        case Status::not_permitted:
            return "not_permitted";
    }
    return "other";
}

const Request* Fields::find(const char* name) {
    known_.emplace_back(name);
    const auto found = request_.find(name);
    return found == request_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<pid_t> Fields::optional_id(const char* name, const char* what) {
    const Request* value = find(name);
    return value == nullptr ? std::nullopt : std::optional(to_id(*value, name, what));
}

pid_t Fields::id(const char* name, const char* what) {
    const auto id = optional_id(name, what);
    if (!id) {
        throw Failure(Status::usage, control::text("`", name, "` is missing: a ", what, " id."));
    }
    return *id;
}

std::vector<pid_t> Fields::ids(const char* name, const char* what) {
    const Request* value = find(name);
    std::vector<pid_t> ids;
    if (value != nullptr && value->is_array()) {
        if (value->empty() || value->size() > most_ids) {
            throw wrong(name, control::text("a ", what, " id, or an array of at most ", most_ids));
        }
        for (const Request& each : *value) {
            ids.push_back(to_id(each, name, what));
        }
    } else if (value != nullptr) {
        ids.push_back(to_id(*value, name, what));
    }
    return ids;
}

std::optional<int64_t> Fields::integer(const char* name, int64_t least, int64_t most) {
    const Request* value = find(name);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_number_integer() || *value < least || *value > most) {
        throw wrong(name, control::text("a number from ", least, " to ", most));
    }
    return value->get<int64_t>();
}

std::string Fields::text(const char* name) {
    const Request* value = find(name);
    if (value == nullptr) {
        return "";
    }
    return to_text(*value, name);
}

std::vector<std::string> Fields::texts(const char* name, size_t most) {
    const Request* value = find(name);
    if (value == nullptr || !value->is_array()) {
        const std::string one = text(name);
        return one.empty() ? std::vector<std::string>() : std::vector{one};
    }
    if (value->empty() || value->size() > most) {
        throw wrong(name, control::text("a word, or an array of at most ", most));
    }
    std::vector<std::string> several;
    for (const Request& each : *value) {
        several.push_back(to_text(each, name));
    }
    return several;
}

bool Fields::flag(const char* name) {
    const Request* value = find(name);
    if (value != nullptr && !value->is_boolean()) {
        throw wrong(name, "true or false");
    }
    return value != nullptr && value->get<bool>();
}

uint64_t Fields::seconds(const char* name, double otherwise) {
    constexpr double most = 1e9;
    const Request* value = find(name);
    const double seconds = value == nullptr ? otherwise : value->is_number() ? value->get<double>() : -1;
    if (!std::isfinite(seconds) || seconds < 0 || seconds > most) {
        throw wrong(name, "a number of seconds");
    }
    return static_cast<uint64_t>(seconds * 1e9);
}

void Fields::end() const {
    for (const auto& [name, value] : request_.items()) {
        if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
            throw Failure(Status::usage, control::text("this operation has no field `", printable(name), "`.",
                                                       suggestion(name, known_)));
        }
    }
}

Request parse_request(std::string_view line, Json& id) {
    bool too_deep = false;
    const auto shallow = [&too_deep](int depth, Request::parse_event_t, const Request&) {
        too_deep = too_deep || depth > deepest;
        return !too_deep;
    };
    const Request request = Request::parse(line, shallow, false);
    if (too_deep) {
        throw Failure(Status::usage, text("the request is nested more than ", deepest, " deep."));
    }
    if (!request.is_object()) {
        throw Failure(Status::usage, "the request is no JSON object on a line of its own.");
    }
    const auto found = request.find("id");
    if (found != request.end() && !found->is_null()) {
        const bool short_text = found->is_string() && found->get_ref<const std::string&>().size() <= longest_id;
        if (!found->is_number_integer() && !short_text) {
            throw Failure(Status::usage, text("`id` must be an integer, or a text of at most ", longest_id, " bytes."));
        }
        id = *found;
    }
    return request;
}

std::string answer(const Json& id, Json result) {
    return line_of({{"id", id}, {"ok", true}, {"result", std::move(result)}});
}

std::string refusal(const Json& id, const std::string& code, const std::string& message,
                    const std::optional<Json>& result) {
    Json json{{"id", id}, {"ok", false}, {"error", {{"code", code}, {"message", message}}}};
    if (result) {
        json["result"] = *result;
    }
    return line_of(json);
}

std::string event(const Json& event) {
    return line_of(event);
}

}  // namespace interrupt::control::serve
