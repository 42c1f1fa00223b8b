"""Two kinds of pictures, written as SVG without help: lines over x, and bars of a histogram."""
import math

W, H, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 70, 190, 40, 50
COLOURS = ['#1b6ca8', '#c0392b', '#2e8b57', '#8e44ad', '#d68910', '#555555', '#16a085', '#7f8c8d']


def ticks(low, high, n=6):
    step = 10 ** math.floor(math.log10((high - low) / n))
    for m in (1, 2, 5, 10):
        if (high - low) / (step * m) <= n:
            step *= m
            break
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, int(high / step + 1e-9) + 1)]


class Chart:
    def __init__(self, title, x_name, y_name, x_range, y_range):
        self.x0, self.x1 = x_range
        self.y0, self.y1 = y_range
        self.out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">' % (W, H),
                    '<rect width="%d" height="%d" fill="white"/>' % (W, H),
                    '<text x="%d" y="22" font-size="15">%s</text>' % (LEFT, title)]
        self.entries = 0
        for v in ticks(self.x0, self.x1):
            self.line(self.x(v), H - BOTTOM, self.x(v), TOP, '#e4e4e4')
            self.text(self.x(v), H - BOTTOM + 16, '%g' % v, 'middle')
        for v in ticks(self.y0, self.y1):
            self.line(LEFT, self.y(v), W - RIGHT, self.y(v), '#e4e4e4')
            self.text(LEFT - 6, self.y(v) + 4, '%g' % v, 'end')
        self.line(LEFT, H - BOTTOM, W - RIGHT, H - BOTTOM, '#333')
        self.line(LEFT, H - BOTTOM, LEFT, TOP, '#333')
        self.text((LEFT + W - RIGHT) / 2, H - 12, x_name, 'middle')
        self.out.append('<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>' % (H / 2, y_name))

    def x(self, v):
        return LEFT + (v - self.x0) / (self.x1 - self.x0) * (W - LEFT - RIGHT)

    def y(self, v):
        return H - BOTTOM - (min(v, self.y1) - self.y0) / (self.y1 - self.y0) * (H - TOP - BOTTOM)

    def line(self, x0, y0, x1, y1, colour, dash=''):
        self.out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"%s/>' % (
            x0, y0, x1, y1, colour, ' stroke-dasharray="%s"' % dash if dash else ''))

    def text(self, x, y, words, anchor='start'):
        self.out.append('<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>' % (x, y, anchor, words))

    def legend(self, name, colour):
        y = TOP + 12 + 18 * self.entries
        self.entries += 1
        self.out.append('<rect x="%d" y="%d" width="12" height="4" fill="%s"/>' % (W - RIGHT + 12, y - 6, colour))
        self.text(W - RIGHT + 30, y, name)

    def series(self, name, points, colour, joined=True, dash=''):
        points = sorted(points)
        if joined and len(points) > 1:
            self.out.append('<polyline fill="none" stroke="%s" stroke-width="1.5"%s points="%s"/>' % (
                colour, ' stroke-dasharray="%s"' % dash if dash else '', ' '.join('%.1f,%.1f' % (self.x(x), self.y(y)) for x, y in points)))
        for x, y in points:
            self.out.append('<circle cx="%.1f" cy="%.1f" r="3.2" fill="%s"/>' % (self.x(x), self.y(y), colour))
        self.legend(name, colour)

    def bars(self, name, bins, width, colour):
        for at, share in bins:
            self.out.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" fill-opacity="0.55"/>' % (
                self.x(at), self.y(share), self.x(at + width) - self.x(at), H - BOTTOM - self.y(share), colour))
        self.legend(name, colour)

    def mark(self, x, name):
        self.line(self.x(x), H - BOTTOM, self.x(x), TOP, '#c0392b', '4 3')
        self.text(self.x(x) + 4, TOP + 10, name)

    def write(self, path):
        with open(path, 'w') as f:
            f.write('\n'.join(self.out) + '\n</svg>\n')


def lines(path, title, x_name, y_name, series):
    """series: name -> [(x, y)]."""
    xs = [x for pts in series.values() for x, _ in pts]
    ys = [y for pts in series.values() for _, y in pts]
    c = Chart(title, x_name, y_name, (0, max(xs) * 1.05), (0, max(ys) * 1.15 or 1))
    for i, (name, pts) in enumerate(series.items()):
        c.series(name, pts, COLOURS[i % len(COLOURS)])
    c.write(path)


def histogram(path, title, x_name, samples, marks=()):
    """samples: name -> values. Shares of each, so that rows of different length compare."""
    high = max([m for m, _ in marks] + [v for vs in samples.values() for v in vs]) * 1.05
    width = high / 60
    shares = {}
    for name, vs in samples.items():
        count = {}
        for v in vs:
            count[int(max(0, v) / width)] = count.get(int(max(0, v) / width), 0) + 1
        shares[name] = [(k * width, 100 * n / len(vs)) for k, n in sorted(count.items())]
    c = Chart(title, x_name, 'per cent of the chirps', (0, high), (0, max(s for b in shares.values() for _, s in b) * 1.1))
    for i, (name, bins) in enumerate(shares.items()):
        c.bars(name, bins, width, COLOURS[i % len(COLOURS)])
    for at, name in marks:
        c.mark(at, name)
    c.write(path)
