"""The loss curve as SVG, drawn by hand: one picture needs no plotting library."""

Point = tuple[float, float]
WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 44


def points(history: list[dict[str, float]], field: str) -> list[Point]:
    """The steps and values of a trainer's log that have this field."""
    return [(entry["step"], entry[field]) for entry in history if field in entry and "step" in entry]


def svg(title: str, series: dict[str, list[Point]], label: str) -> str:
    """Draws the series over their common range, with a legend and a few labelled lines."""
    drawn = {name: found for name, found in series.items() if found}
    every = [point for found in drawn.values() for point in found] or [(0.0, 0.0)]
    right = max(1.0, max(x for x, _ in every))
    low, high = min(0.0, min(y for _, y in every)), max(y for _, y in every) * 1.05 or 1.0

    def place(point: Point) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / right
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (point[1] - low) / (high - low)
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{_escaped(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{_escaped(title)}</text>',
    ]
    for step in range(5):
        value = low + (high - low) * step / 4
        height = float(place((0, value)).split(",")[1])
        parts.append(f'<line x1="{LEFT}" y1="{height}" x2="{WIDTH - RIGHT}" y2="{height}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for number, (name, found) in enumerate(drawn.items()):
        colour = ("#3060c0", "#c05020", "#208050")[number % 3]
        parts.append(_line(" ".join(place(point) for point in found), colour))
        if len(found) < 40:
            parts += [_dot(place(point), colour) for point in found]
        left = LEFT + 8 + 120 * number
        parts.append(f'<rect x="{left}" y="27" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{left + 16}" y="36">{_escaped(name)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end">{_escaped(label)} {right:g}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 12}">{_escaped(label)} 0</text></svg>')
    return "\n".join(parts) + "\n"


def _line(places: str, colour: str) -> str:
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _dot(place: str, colour: str) -> str:
    x, y = place.split(",")
    return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
