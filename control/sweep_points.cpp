#include "control/sweep_points.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "control/call_site.h"
#include "control/failure.h"
#include "control/names.h"
#include "control/process.h"

namespace interrupt::control {
namespace {

std::string name_in(const RunName& name) {
    return printable({name.text, ::strnlen(name.text, sizeof name.text)});
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

}  // namespace interrupt::control
