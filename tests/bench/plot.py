"""The picture for the README: what the shim adds to calls that need not wait, latency beside the floor, and whole programs. Drawn
by Debian's matplotlib (python3-matplotlib), in a Python of its own, since the one that measures need not have it.

    tests/bench/plot.py FIGURES.json PICTURE.svg
"""
import json
import subprocess
import sys


def draw(figures, picture):
    """Whether it was drawn."""
    ended = subprocess.run(['/usr/bin/python3', '-B', __file__, figures, picture], stderr=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        print(f'no picture: {ended.stderr.strip().splitlines()[-1] if ended.stderr else ended.returncode}', file=sys.stderr)
    return ended.returncode == 0


def bars(axes, title, rows, unit):
    """rows: (name, {side: spread}); a bar for each side, with a line from quartile to quartile."""
    sides = list(dict.fromkeys(side for _, of_it in rows for side in of_it))
    height = 0.8 / max(1, len(sides))
    for number, side in enumerate(sides):
        having = [(place, of_it[side]) for place, (_, of_it) in enumerate(rows) if side in of_it]
        medians = [it['median'] for _, it in having]
        axes.barh([place + number * height for place, _ in having], medians, height, label=side,
                  xerr=[[it['median'] - it['q1'] for _, it in having], [it['q3'] - it['median'] for _, it in having]],
                  error_kw={'linewidth': 0.8})
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(rows))], [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set_title(title)
    axes.set_xlabel(unit)
    axes.legend(fontsize='small')


def main(figures, picture):
    import matplotlib
    matplotlib.use('svg')
    matplotlib.rcParams['svg.hashsalt'] = 'interrupt'  # the same figures, the same file
    from matplotlib import pyplot
    with open(figures) as file:
        found = json.load(file)['figures']

    def rows(part, mode='', names=None, ratio=False):
        return [(it['name'], {'ratio': it['ratio']} if ratio else
                 {name: of_it for name, of_it in it['sides'].items() if name != 'above empty'}) for it in found
                if (not ratio or it.get('target')) and it['part'] == part and it['mode'].startswith(mode) and (names is None or it['name'] in names)]
    panels = [
        ('calls that need not wait', rows('fast path', 'one thread', ('recv', 'read', 'poll', 'write', 'send'))[:5], 'ns'),
        ('from request to return, by a thread', [row for row in rows('latency', 'by thread') if 'p99' not in row[0]], 'us'),
        ('throughput under the shim, of bare', rows('whole programs', ratio=True), 'ratio'),
        ('start of a program', rows('start', names=('true',)), 'us'),
    ]
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        sys.exit('none of the figures that it shows was measured')
    drawn, places = pyplot.subplots(len(panels), 1, figsize=(8, 1 + 2.6 * len(panels)), squeeze=False)
    for axes, panel in zip(places[:, 0], panels):
        bars(axes, *panel)
    drawn.tight_layout()
    drawn.savefig(picture, metadata={'Date': None})


if __name__ == '__main__':
    main(*sys.argv[1:3])
