#include "control/watch/list.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "control/watch/text.h"

namespace interrupt::control {
namespace {

constexpr size_t gap = 2;
constexpr size_t least_of_last = 8;  // the last column has what is left, if it is that much

bool has(const std::string& text, const std::string& words) {
    return std::search(text.begin(), text.end(), words.begin(), words.end(), [](unsigned char a, unsigned char b) {
               return std::tolower(a) == std::tolower(b);
           }) != text.end();
}

}  // namespace

void List::set_rows(std::vector<Row> rows) {
    const pid_t before = chosen() ? chosen()->id : 0;
    rows_ = std::move(rows);
    widths_.clear();
    for (size_t column = 0; column < columns_.size(); ++column) {
        size_t widest = cells_of(columns_[column].title);
        for (const Row& row : rows_) {
            widest = std::max(widest, cells_of(row.cells[column].text));
        }
        widths_.push_back(std::min(widest, columns_[column].most));
    }
    arrange(before);
}

void List::arrange(pid_t chosen) {
    order_.clear();
    for (size_t i = 0; i < rows_.size(); ++i) {
        const auto& cells = rows_[i].cells;
        if (filter_.empty() ||
            std::any_of(cells.begin(), cells.end(), [this](const Cell& cell) { return has(cell.text, filter_); })) {
            order_.push_back(i);
        }
    }
    std::stable_sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
        const Cell& first = rows_[reversed_ ? b : a].cells[sort_];
        const Cell& second = rows_[reversed_ ? a : b].cells[sort_];
        return first.number != second.number ? first.number < second.number : first.text < second.text;
    });
    const auto still =
        std::find_if(order_.begin(), order_.end(), [&](size_t index) { return rows_[index].id == chosen; });
    at_ = still != order_.end() ? static_cast<size_t>(still - order_.begin())
                                : std::min(at_, order_.empty() ? 0 : order_.size() - 1);
}

void List::move(long rows) {
    if (!order_.empty()) {
        const long last = static_cast<long>(order_.size()) - 1;
        at_ = static_cast<size_t>(std::clamp(static_cast<long>(at_) + std::clamp(rows, -last, last), 0L, last));
    }
}

void List::filter(const std::string& words) {
    filter_ = words;
    arrange(chosen() ? chosen()->id : 0);
}

void List::sort_by_next() {
    sort_ = (sort_ + 1) % columns_.size();
    arrange(chosen() ? chosen()->id : 0);
}

void List::reverse() {
    reversed_ = !reversed_;
    arrange(chosen() ? chosen()->id : 0);
}

std::string List::sorted_by() const {
    return columns_[sort_].title + (reversed_ ? ", reversed" : "");
}

std::vector<size_t> List::columns_that_fit(size_t width) const {
    std::vector<size_t> columns(columns_.size());
    std::iota(columns.begin(), columns.end(), size_t{0});
    const auto needed = [&] {
        size_t sum = (columns.size() - 1) * gap;
        for (const size_t column : columns) {
            const size_t wide = widths_.empty() ? cells_of(columns_[column].title) : widths_[column];
            sum += column == columns.back() ? std::min(wide, least_of_last) : wide;
        }
        return sum;
    };
    while (columns.size() > 1 && needed() > width) {
        columns.erase(std::max_element(columns.begin(), columns.end(),
                                       [this](size_t a, size_t b) { return columns_[a].rank < columns_[b].rank; }));
    }
    return columns;
}

std::string List::line(const std::vector<size_t>& columns, const std::vector<std::string>& cells, size_t width) const {
    std::string text;
    for (size_t i = 0; i < columns.size(); ++i) {
        const size_t wide = widths_.empty() ? cells_of(columns_[columns[i]].title) : widths_[columns[i]];
        // The last one may have what is left.
        text += i + 1 < columns.size() ? fit(cells[i], wide) + std::string(gap, ' ') : cells[i];
    }
    return fit(text, width);
}

std::vector<Line> List::draw(size_t width, size_t height) {
    std::vector<Line> lines;
    if (height == 0) {
        return lines;
    }
    const std::vector<size_t> columns = columns_that_fit(width);
    std::vector<std::string> cells;
    if (height > 1) {
        for (const size_t column : columns) {
            cells.push_back(columns_[column].title);
        }
        lines.push_back({line(columns, cells, width), Style::heading});
        --height;
    }
    page_ = height;
    top_ = std::min(top_, at_);
    top_ = at_ >= top_ + height ? at_ + 1 - height : top_;
    top_ = std::min(top_, order_.size() > height ? order_.size() - height : 0);
    for (size_t i = top_; i < std::min(top_ + height, order_.size()); ++i) {
        const Row& row = rows_[order_[i]];
        cells.clear();
        for (const size_t column : columns) {
            cells.push_back(row.cells[column].text);
        }
        lines.push_back({line(columns, cells, width), i == at_ ? Style::chosen : row.style});
    }
    return lines;
}

}  // namespace interrupt::control
