#include "control/sweep_points.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <tuple>

#include "control/descriptor.h"
#include "control/elf.h"
#include "control/failure.h"
#include "control/names.h"
#include "control/process.h"

namespace interrupt::control {
namespace {

std::string name_in(const RunName& name) {
    return printable({name.text, ::strnlen(name.text, sizeof name.text)});
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

std::string path_text(const ThreadPath& path) {
    std::string thread;
    const size_t known = std::min<size_t>(path.depth, std::size(path.steps));
    for (size_t i = 0; i < known; ++i) {
        const uint16_t step = path.steps[i];
        const bool forked = (step & ThreadPath::fork_bit) != 0;
        thread += text(i == 0 ? "" : ".", forked ? "f" : "", step & ~ThreadPath::fork_bit);
    }
    return thread.empty() ? "main" : known < path.depth ? thread + "..." : thread;
}

// For the shell, whatever is in the name.
std::string quoted(const std::string& word) {
    std::string quoted = "'";
    for (const char letter : word) {
        quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    }
    return quoted + "'";
}

}  // namespace

std::vector<SweepPoint> points_of(const RunFile& file) {
    std::vector<SweepPoint> points;
    for (const RunPoint& found : file.points) {
        if (found.key.load(std::memory_order_relaxed) == 0 || found.ready.load(std::memory_order_acquire) == 0 ||
            found.call >= static_cast<uint16_t>(Call::count)) {
            continue;
        }
        SweepPoint point;
        point.key = found.key.load(std::memory_order_relaxed);
        point.times = found.times.load(std::memory_order_relaxed);
        point.call = static_cast<Call>(found.call);
        point.limited = found.limited != 0;
        point.fd = found.fd;
        point.offset = found.offset;
        point.program = found.image < most_images ? base_name(name_in(file.images[found.image])) : "another program";
        point.program += found.start > 0 ? text('#', found.start + 1) : "";
        point.thread = path_text(found.thread);
        point.module = found.module < most_modules ? name_in(file.modules[found.module]) : "";
        points.push_back(std::move(point));
    }
    std::sort(points.begin(), points.end(), [](const SweepPoint& one, const SweepPoint& other) {
        const auto rank = [](const SweepPoint& point) {
            return std::tie(point.program, point.thread, point.module, point.offset, point.call, point.key);
        };
        return rank(one) < rank(other);
    });
    return points;
}

std::string site_text(const SweepPoint& point) {
    char offset[32];
    std::snprintf(offset, sizeof offset, "0x%llx", static_cast<unsigned long long>(point.offset));
    return point.module.empty() ? offset : text(base_name(point.module), '+', offset);
}

std::string symbol_of(const std::string& module, uint64_t offset) {
    if (module.empty() || offset == 0) {
        return "";
    }
    char address[32];
    std::snprintf(address, sizeof address, "0x%llx",
                  static_cast<unsigned long long>(offset - 1));  // in the call itself
    const std::string command = text("addr2line -C -f -s -e ", quoted(module), ' ', address, " 2>/dev/null");
    FILE* const answer = ::popen(command.c_str(), "re");
    if (answer == nullptr) {
        return "";
    }
    std::string lines[2];
    char line[512];
    for (std::string& kept : lines) {
        if (std::fgets(line, sizeof line, answer) != nullptr) {
            kept = line;
            kept.resize(kept.find_last_not_of('\n') + 1);
            kept.resize(std::min(kept.find(" (discriminator"), kept.size()));
        }
    }
    ::pclose(answer);
    const bool function = !lines[0].empty() && lines[0] != "??";
    const bool place = !lines[1].empty() && !lines[1].starts_with("??");
    if (function && place) {
        return printable(text(lines[0], " at ", lines[1]));
    }
    const Descriptor file(::open(module.c_str(), O_RDONLY | O_CLOEXEC));
    return function && has_function_at(file.get(), offset - 1) ? printable(lines[0]) : "";
}

}  // namespace interrupt::control
