// SPDX-License-Identifier: MIT
// What has many lines: initcalls as a waterfall, the console, the kernel's log.
function axisOf(window) {
	const axis = svg('svg', { class: 'axis' });
	return { axis, draw() {
		const [lo, hi] = window(), width = axis.clientWidth || 600;
		axis.replaceChildren(...ticks(lo, hi, width / 90).map(([at, name]) => {
			const x = (at - lo) / (hi - lo) * width;
			return svg('g', {}, svg('path', { d: `M${x} 15V20`, style: 'stroke:currentColor' }), svg('text', { x, y: 12,
				'text-anchor': x < 20 ? 'start' : x > width - 20 ? 'end' : 'middle' }, name));
		}));
	} };
}

function filterBox(label, changed) {
	const input = el('input', { type: 'search', placeholder: label, 'aria-label': label, oninput: () => changed() });
	return input;
}
const asked = new URLSearchParams(location.hash.slice(1));

function initcalls() {
	const into = body('initcalls');
	if (calls.length === 0) {
		into.append(why(clean(report.initcalls.why_not || 'No initcall was seen.')));
		return;
	}
	const extent = [calls[0].at_ns, Math.max(...calls.map(call => call.at_ns + call.duration_ns))];
	const margin = (extent[1] - extent[0]) * .01 || 1;
	const window = () => zoomed() ? [view.lo, view.hi] : [extent[0] - margin, extent[1] + margin];
	const { axis, draw: drawAxis } = axisOf(window);
	const rows = calls.map(call => {
		const paint = paintOf(call.level), name = clean(call.name);
		const track = el('span', { class: 'track' }, el('i', { class: 'paint bar-of-call ' + paint.pattern, '--c': paint.color,
			'--at': call.at_ns, '--ns': call.duration_ns }));
		const node = el('div', { class: 'call', title: `${name}, level ${clean(call.level) || 'not known'}, at ` +
			`${time(call.at_ns)}, took ${exact(call.duration_ns)}, returned ${call.result}, CPU ${call.cpu}`,
		onmouseenter: () => point(call.at_ns), onmouseleave: () => point(null) },
		el('span', { class: 'text mono' }, name, call.result ? el('span', { class: 'soft' }, ' → ' + call.result) : ''),
		el('span', { class: 'soft text' }, clean(call.level) || '?'), el('span', { class: 'n' }, time(call.duration_ns)), track);
		return { call, node, name: name.toLowerCase() };
	});
	const said = el('span', { class: 'soft', 'aria-live': 'polite' });
	const list = el('div', { class: 'list calls', tabindex: 0, 'aria-label': 'initcalls' }, el('div', { class: 'top' },
		el('span', {}, 'initcall → result, unless 0'), el('span', {}, 'level'), el('span', { class: 'n' }, 'took'), axis),
	rows.map(row => row.node));
	const search = filterBox('search initcalls', () => draw());
	const order = el('select', { 'aria-label': 'order', onchange: () => sort() },
		el('option', { value: 'at' }, 'in order of time'), el('option', { value: 'ns' }, 'longest first'));

	function sort() {
		rows.sort((a, b) => order.value === 'ns' ? b.call.duration_ns - a.call.duration_ns : a.call.at_ns - b.call.at_ns);
		list.append(...rows.map(row => row.node));
	}
	function draw() {
		const [lo, hi] = window(), words = search.value.trim().toLowerCase();
		list.style.setProperty('--lo', lo);
		list.style.setProperty('--span', hi - lo);
		const shown = rows.filter(({ call, node, name }) => {
			node.hidden = !name.includes(words) || call.at_ns > hi || call.at_ns + call.duration_ns < lo;
			return !node.hidden;
		});
		said.textContent = `${shown.length} of ${calls.length}, ` + time(sum(shown, row => row.call.duration_ns));
		drawAxis();
	}
	const levels = LEVELS.map(level => ({ level, of: calls.filter(call => call.level === level) })).filter(l => l.of.length);
	const lost = report.initcalls.lost;
	into.append(el('p', { class: 'lead' }, `${count(calls.length, 'initcall')}, ` +
		time(sum(calls, call => call.duration_ns)) + ' together. Each was seen to begin and to return; what the two ' +
		'exits cost is subtracted.' + (lost ? ` ${count(lost)} more did not fit into the record.` : '')),
	el('div', { class: 'legend' }, levels.map(({ level, of }) => el('span', {}, swatch(paintOf(level)),
		(level || 'level not known') + ' ', el('b', {}, time(sum(of, call => call.duration_ns))),
		el('span', { class: 'soft' }, ' ' + of.length)))),
	el('div', { class: 'controls' }, search, order, said), list);
	const shade = el('i', { class: 'shade' });
	list.append(shade);
	draggable(list, '.track, .axis', page => {
		const box = axis.getBoundingClientRect(), [lo, hi] = window();
		return lo + (page - box.left) / box.width * (hi - lo);
	}, (a, b) => {
		shade.style.cssText = `left:${a - list.getBoundingClientRect().left}px;width:${b - a}px;` +
			`height:${b > a ? list.scrollHeight : 0}px`;
	});
	onView.push(draw);
	new ResizeObserver(drawAxis).observe(axis);
	search.value = asked.get('search') || '';
	draw();
}

function consoleLines() {
	const into = body('console');
	consoleTax(into);
	if (lines.length === 0) {
		into.append(why('No line came out of the console.'));
		return;
	}
	const gaps = lines.map((line, i) => i ? line.at_ns - lines[i - 1].at_ns : 0), widest = Math.max(1, ...gaps);
	const rows = lines.map((line, i) => ({ line, text: clean(line.text).toLowerCase(), node: el('div', {
		class: 'line', onmouseenter: () => point(line.at_ns), onmouseleave: () => point(null) },
	el('span', { class: 'n', title: exact(line.at_ns) }, time(line.at_ns)),
	el('span', { class: 'n soft' }, i ? '+ ' + time(gaps[i]) : ''), el('span', { class: 'gap', '--g': gaps[i] / widest }),
	el('span', { class: 'text mono' }, clean(line.text))) }));
	const said = el('span', { class: 'soft', 'aria-live': 'polite' });
	const search = filterBox('filter lines', () => draw());
	const list = el('div', { class: 'list lines', tabindex: 0, 'aria-label': 'console lines' }, el('div', { class: 'top' },
		el('span', { class: 'n' }, 'first byte'), el('span', { class: 'n' }, 'since the last'), el('span'),
		el('span', {}, 'line')), rows.map(row => row.node));
	function draw() {
		const words = search.value.trim().toLowerCase();
		const shown = rows.filter(({ line, text, node }) => {
			node.hidden = !text.includes(words) || line.at_ns > view.hi || line.end_ns < view.lo;
			return !node.hidden;
		});
		said.textContent = `${shown.length} of ${count(lines.length, 'line')}` + (zoomed() ? ', those of the window above' : '');
	}
	onCursor.push((when, chosen) => {
		if (!chosen) return;
		const row = rows.filter(r => !r.node.hidden && r.line.at_ns <= when).pop();
		rows.forEach(r => r.node.classList.toggle('at', r === row));
		if (row) list.scrollTop = row.node.offsetTop - list.clientHeight / 2;
	});
	onView.push(draw);
	into.append(el('div', { class: 'controls' }, search, said, el('span', { class: 'soft' },
		'A click on the timeline finds the line of that moment.')), list);
	draw();
}

function logLines() {
	const log = report.log && report.log.lines;
	if (!log || log.length === 0) {
		body('log').append(why('The kernel’s log was not read from guest memory' +
			(report.log && report.log.why_not ? ': ' + clean(report.log.why_not) : '') + '.'));
		return;
	}
	const LEVEL = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];
	const rows = log.map(line => ({ text: clean(line.text).toLowerCase(), node: el('div', {},
		el('span', { class: 'n' }, (line.guest_at_ns / 1e9).toFixed(6)), el('span', { class: 'soft' },
			LEVEL[line.level] || String(line.level)), el('span', { class: 'text mono' }, clean(line.text))) }));
	const search = filterBox('filter the log', () => rows.forEach(row => {
		row.node.hidden = !row.text.includes(search.value.trim().toLowerCase());
	}));
	body('log').append(el('p', { class: 'lead' }, 'Read from guest memory when the run was over. The times are the ' +
		'guest’s own clock, not the one of this page.'), el('div', { class: 'controls' }, search),
	el('div', { class: 'list log', tabindex: 0, 'aria-label': 'kernel log' }, rows.map(row => row.node)));
}
