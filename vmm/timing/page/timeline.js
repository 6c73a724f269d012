// SPDX-License-Identifier: MIT
// The timeline: marks with their names, and what went on between them, in lanes.

// From the right to the left, each label as low as it can be: none overlaps another, and no line down to
// a mark goes through one. False when that takes more rows; `row` counts from below.
function placeLabels(labels, rows, width) {
	const leftmost = Array(rows).fill(Infinity); // what a label of this row has to end before
	const flipped = [];
	for (const label of [...labels].sort((a, b) => b.x - a.x)) {
		label.flips = label.x + label.width > width;
		const right = label.flips ? label.x : label.x + label.width;
		label.row = leftmost.findIndex((_, row) => right + 5 < Math.min(...leftmost.slice(row)));
		if (label.row < 0 || flipped.some(other => label.x > other.x - other.width - 3)) return false;
		if (label.flips) flipped.push(label);
		label.left = right - label.width;
		leftmost[label.row] = Math.min(label.left, label.x);
	}
	return true;
}

function timeline() {
	const readout = el('p', { class: 'readout soft', 'aria-live': 'polite' });
	const hint = 'Marks: ' + Object.keys(SHAPES).filter(by => marks.some(mark => mark.by === by))
		.map(by => SHAPES[by] + ' ' + BY[by]).join('   ');
	const plot = svg('svg', { class: 'plot', tabindex: 0, role: 'group', 'aria-label': 'timeline' });
	const GUTTER = 66, ROW = 17, ROWS = 9;
	let width = 0, selection, cursor, bottom;
	const x = at => GUTTER + (at - view.lo) / (view.hi - view.lo) * (width - GUTTER);
	const inside = page => { // a pixel of the page in the picture, which may have been scaled
		const box = plot.getBoundingClientRect();
		return (page - box.left) * width / box.width;
	};
	const at = page => view.lo + (inside(page) - GUTTER) / (width - GUTTER) * (view.hi - view.lo);
	const describe = mark => [SHAPES[mark.by] + ' ', el('b', { class: 'text' }, clean(mark.name)), ' at ',
		time(mark.at_ns), ': ', clean(mark.taken || ''), ' (' + BY[mark.by] + ', CPU ' + mark.cpu +
		(mark.overhead_ns > 0 ? '; ' + time(mark.overhead_ns) + ' of it spent on measuring' : '') + ')'];
	const tell = parts => { readout.replaceChildren(...parts); };

	// A span of time; the longest of `names` that fits stands in it.
	function block(from, to, y, height, { text, ...paint }, words, ...names) {
		const a = Math.max(GUTTER, x(from)), b = Math.min(width, x(to));
		if (to < view.lo || from > view.hi || b < a) return undefined;
		const name = names.find(n => b - a > n.length * 6.6 + 10);
		return svg('g', {}, svg('title', {}, words),
			svg('rect', { x: a, y, width: Math.max(1, b - a), height, ...paint }),
			name && svg('text', { x: a + 6, y: y + height / 2 + 4, class: text }, name));
	}

	function lane(name, y, height, blocks) {
		return svg('g', {}, svg('text', { class: 'soft', x: 0, y: y + height / 2 + 4 }, name),
			svg('path', { class: 'rule', d: `M${GUTTER} ${y + height + 2}H${width}` }), blocks);
	}

	function markLabels() {
		const weight = (mark, i) => mark === first || mark === init || i === 0 || i === marks.length - 1 ? 1e18 :
			(mark.by === 'guest' ? 4 : 1) * steps[i].duration_ns;
		const labels = marks.map((mark, i) => ({ mark, x: x(mark.at_ns), weight: weight(mark, i),
			text: SHAPES[mark.by] + ' ' + clean(mark.name).replace(/^(.{38}).+/s, '$1…') }))
			.filter(l => l.mark.at_ns >= view.lo && l.mark.at_ns <= view.hi);
		labels.forEach(label => { label.width = label.text.length * 6.8 + 6; });
		let named = [];
		for (const label of [...labels].sort((a, b) => b.weight - a.weight).slice(0, 80))
			if (placeLabels([...named, label], ROWS, width)) named = [...named, label];
		placeLabels(named, ROWS, width);
		return { labels, named, height: Math.max(1, ...named.map(label => label.row + 1)) * ROW };
	}

	function drawMarks({ labels, named, height }) {
		return labels.map(label => {
			const { mark, x: at } = label, shown = named.includes(label);
			const y = height - (shown ? label.row * ROW + 5 : 0);
			return svg('g', { class: 'mark', tabindex: 0, role: 'img', 'aria-label': clean(mark.name) + ', ' +
				time(mark.at_ns), onfocus: () => tell(describe(mark)), onmouseenter: () => tell(describe(mark)) },
			svg('path', { d: `M${at} ${shown ? y - 10 : y - 2}V${height + 8}` }),
			shown && svg('text', { x: label.left + (label.flips ? -2 : 4), y }, label.text));
		});
	}

	function callBlocks(y) {
		const seen = [];
		for (const call of calls) { // neighbours of a level are one block
			const last = seen[seen.length - 1], until = call.at_ns + call.duration_ns;
			if (last && last.level === call.level) { last.to = Math.max(last.to, until); last.calls++; }
			else seen.push({ level: call.level, from: call.at_ns, to: until, calls: 1 });
		}
		return seen.map(s => block(s.from, s.to, y, 14, { style: 'fill:' + paintOf(s.level).color,
			text: paintOf(s.level).color === 'var(--blue)' ? 'on small' : 'on dark small' },
			count(s.calls, 'initcall') + ' of level ' + (clean(s.level) || 'not known'), clean(s.level)));
	}

	function draw() {
		width = Math.max(560, plot.parentNode.clientWidth);
		const labels = markLabels();
		let y = labels.height + 10;
		const parts = [], top = y;
		parts.push(lane('stages', y, 30, stages.map(s => block(s.from, s.to, y, 30, { style: 'fill:' + s.color,
			text: s.name === 'kernel' || s.name === 'guest' ? 'on' : 'on dark' }, s.name + ': ' + s.words,
			s.name + '  ' + time(s.to - s.from), s.name))));
		y += 36;
		parts.push(lane('phases', y, 20, steps.map((step, i) => {
			const from = marks[i].at_ns, to = marks[i + 1].at_ns;
			return block(from, to, y, 20, { class: 'step' + (i % 2 ? ' odd' : '') },
				clean(step.from) + ': ' + time(step.duration_ns), clean(step.from));
		})));
		y += 26;
		if (calls.length) { parts.push(lane('initcalls', y, 14, callBlocks(y))); y += 20; }
		if (lines.length) {
			parts.push(lane('console', y, 14, lines.map(line => block(line.at_ns, line.end_ns, y, 14,
				{ style: 'fill:var(--green)' }, time(line.at_ns) + '  ' + clean(line.text)))));
			y += 20;
		}
		bottom = y;
		parts.push(svg('g', { class: 'axis' }, ticks(view.lo, view.hi, width / 95).map(([at, name]) => [
			svg('path', { d: `M${x(at)} ${top}V${y + 3}`, 'stroke-opacity': .6 }),
			svg('text', { x: x(at), y: y + 16, 'text-anchor': x(at) > width - 25 ? 'end' : 'middle' }, name)])));
		selection = svg('rect', { class: 'selection', y: 0, height: y, width: 0 });
		cursor = svg('path', { class: 'cursor' });
		plot.setAttribute('viewBox', `0 0 ${width} ${y + 22}`);
		plot.replaceChildren(...parts.reverse(), ...drawMarks(labels), selection, cursor);
		const unnamed = labels.labels.length - labels.named.length;
		tell([hint, unnamed ? '   —   ' + count(unnamed, 'mark') +
			' too close to others to be named here: zoom in, or see the table.' : '']);
	}

	draggable(plot, '.plot', at, (a, b) => {
		selection.setAttribute('x', inside(a));
		selection.setAttribute('width', inside(b) - inside(a));
	}, when => point(when, true));
	plot.addEventListener('keydown', event => {
		const wide = view.hi - view.lo, mid = view.lo + wide / 2;
		const keys = { '+': [mid - wide / 4, mid + wide / 4], '-': [mid - wide, mid + wide], '0': [0, end],
			ArrowLeft: [view.lo - wide / 5, view.hi - wide / 5], ArrowRight: [view.lo + wide / 5, view.hi + wide / 5] };
		const window = keys[event.key === '=' ? '+' : event.key];
		if (!window || event.ctrlKey || event.metaKey || event.altKey) return;
		show(...window);
		plot.focus();
		event.preventDefault();
	});
	onCursor.push(when => {
		const seen = when !== null && when >= view.lo && when <= view.hi;
		cursor.setAttribute('d', seen ? `M${x(when)} 0V${bottom}` : '');
	});
	onView.push(draw);
	body('timeline').append(plot, readout);
	new ResizeObserver(() => { if (plot.parentNode.clientWidth !== width) draw(); }).observe(plot.parentNode);
	draw();
}
