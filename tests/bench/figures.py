"""What every part of scripts/bench reports: a figure has sides (the shim, what it is beside), each with its spread, and a
ratio where there are pairs; it may have a target."""
import statistics


def spread(values):
    """Median and quartiles."""
    values = sorted(values)
    if len(values) == 1:
        return {'q1': values[0], 'median': values[0], 'q3': values[0]}
    q1, median, q3 = statistics.quantiles(values, n=4, method='inclusive')
    return {'q1': q1, 'median': median, 'q3': q3}


def in_turn(rounds, sides):
    """sides: name -> function that measures once. Each round asks them all; who comes first changes. name -> results."""
    names = list(sides)
    results = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(sides[name]())
    return results


def pair_ratio(of, to):
    """The spread of the ratios of the pairs."""
    return spread([one / other for one, other in zip(of, to)])


class Target:
    """`what` is the figure's number that is held against it."""

    def __init__(self, limit, what='ratio', at_least=False):
        self.limit, self.what, self.at_least = limit, what, at_least

    def reached(self, value):
        return value >= self.limit if self.at_least else value <= self.limit

    def words(self):
        return f'{"≥" if self.at_least else "≤"} {self.limit:g}' + ('' if self.what == 'ratio' else f' {self.what}')


class Figure:
    def __init__(self, part, name, unit, sides, ratio=None, mode='', target=None, value=None):
        """`value`: what the target is about, where it is not the median of the ratio."""
        self.part, self.name, self.unit, self.sides, self.ratio = part, name, unit, sides, ratio
        self.mode, self.target = mode, target
        self.value = value if value is not None else ratio['median'] if ratio else None

    def as_json(self):
        it = {'part': self.part, 'name': self.name, 'mode': self.mode, 'unit': self.unit, 'sides': self.sides}
        if self.ratio:
            it['ratio'] = self.ratio
        if self.target:
            it['target'] = {'limit': self.target.limit, 'what': self.target.what, 'value': self.value,
                            'reached': self.target.reached(self.value), 'certain': self.certain()}
        return it

    def certain(self):
        """Whether the quartiles lie on one side of the limit."""
        by_ratio = self.ratio is not None and self.value == self.ratio['median']
        return not by_ratio or self.target.reached(self.ratio['q1']) == self.target.reached(self.ratio['q3'])

    def line(self):
        columns = [f'  {self.name:<30}']
        for name, side in self.sides.items():
            tail = f', p99 {short(side["p99"])}, max {short(side["max"])}' if 'p99' in side else ''
            columns.append(f'{name} {short(side["median"])} [{short(side["q1"])}–{short(side["q3"])}{tail}]')
        text = '  '.join(columns) + f'  {self.unit}'
        if self.ratio:
            text += '  ratio {median:.3f} [{q1:.3f}–{q3:.3f}]'.format(**self.ratio)
        if self.target:
            reached = 'reached' if self.target.reached(self.value) else 'NOT REACHED'
            text += f'  target {self.target.words()}: ' + ('' if self.ratio and self.value == self.ratio['median']
                                                           else f'{short(self.value)} ') + reached
            text += '' if self.certain() else ', within the spread'
        return text


def short(number):
    return f'{number:.0f}' if abs(number) >= 1000 else f'{number:.1f}' if abs(number) >= 10 else f'{number:.2f}'


class Report:
    """Prints each figure as it comes, and keeps it."""

    def __init__(self, quick, pythons):
        self.quick, self.pythons = quick, pythons
        self.figures = []
        self.title = None

    def rounds(self, full, quick):
        return quick if self.quick else full

    def add(self, *arguments, **options):
        figure = Figure(*arguments, **options)
        title = figure.part + (f': {figure.mode}' if figure.mode else '')
        if title != self.title:
            print(f'\n{title}', flush=True)
            self.title = title
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def note(self, text):
        print(f'  {text}', flush=True)

    def missed(self):
        return [figure for figure in self.figures if figure.target and not figure.target.reached(figure.value)]
