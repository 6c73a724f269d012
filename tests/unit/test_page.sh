#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The page of a report in a browser, headless Chromium: its script runs to the end, draws what the
# report's JSON has, and does what its controls promise; the same for a report that has little in
# it and for one whose strings attack the page. The flame graph alone, too. Nothing is fetched: the
# browser is offline.
#
# B=FOLDER says where things are built; build without it. CHROMIUM=FILE names the browser. Prints TAP.
set -u
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dump=$(realpath -m "$root/${B:-build}/tests/unit/dump_report")
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
number=0
failed=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

verdict() { # NAME COMPLAINT
	number=$((number + 1))
	if [ ! "$2" ]; then
		echo "ok $number - $1"
	else
		failed=$((failed + 1))
		echo "not ok $number - $1"
		head -n 20 <<<"$2" | sed 's/^/#   /'
	fi
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# dom URL: the document as it stands when its scripts have run.
dom() {
	timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--host-resolver-rules='MAP * ~NOTFOUND' --user-data-dir="$work/profile" \
		--window-size=1280,900 --dump-dom "$1" 2>/dev/null
}

# What a reader would do, done by a script behind the page's own. Each line of data-said is a complaint.
cat >"$work/reader.js" <<'END'
<script type="module">
(() => {
	const report = JSON.parse(document.getElementById('report').textContent);
	const calls = report.initcalls.list || [], lines = report.console.lines || [], said = [];
	const all = of => [...document.querySelectorAll(of)];
	const shown = of => all(of).filter(node => !node.hidden).length;
	const same = (what, wanted, got) => wanted === got || said.push(what + ': wanted ' + wanted + ', got ' + got);
	const plot = document.querySelector('.plot'), reset = document.getElementById('reset');
	const press = key => plot.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
	const type = (input, words) => { input.value = words; input.dispatchEvent(new Event('input')); };

	same('initcalls', calls.length, all('.bar-of-call').length);
	same('console lines', lines.length, all('#console .line').length);
	same('marks', report.marks.length, all('.plot .mark').length);
	same('rows of the phases', report.marks.length, all('#phases tbody tr').length);
	same('marks that the keyboard comes to', report.marks.length, all('.plot .mark[tabindex="0"]').length);
	for (const section of all('section'))
		same('something in ' + section.id, true, section.querySelector('.body').childElementCount > 0);

	same('pictures that strings became', 0, all('img').length);

	const labels = all('.plot .mark text').map(text => text.getBoundingClientRect());
	for (const a of labels) for (const b of labels)
		if (a !== b && a.left < b.right && b.left < a.right && a.top < b.bottom - 3 && b.top < a.bottom - 3)
			said.push('two labels overlap at ' + a.left + ' ' + a.top);

	same('reset at first', true, reset.disabled);
	press('+');
	same('reset after +', false, reset.disabled);
	press('0');
	same('reset after 0', true, reset.disabled);

	const box = plot.getBoundingClientRect();
	const point = (name, part) => plot.dispatchEvent(new PointerEvent(name,
		{ clientX: box.left + box.width * part, clientY: box.top + 5, button: 0, bubbles: true }));
	plot.setPointerCapture = () => {}; // there is no real pointer
	const before = shown('#console .line');
	point('pointerdown', .5);
	point('pointerup', .5);
	same('line of the moment that was clicked', 1, all('#console .line.at').length);
	point('pointerdown', .1);
	point('pointermove', .11);
	point('pointerup', .11);
	same('reset after dragging', false, reset.disabled);
	same('fewer lines in the window', lines.length > 0, shown('#console .line') < before);
	reset.click();
	same('lines again', before, shown('#console .line'));

	if (calls.length) {
		const name = calls[calls.length >> 1].name.toLowerCase();
		const [search, order] = [document.querySelector('#initcalls input'), document.querySelector('#initcalls select')];
		type(search, name);
		same('found', calls.filter(call => call.name.toLowerCase().includes(name)).length, shown('.call'));
		type(search, '');
		const track = document.querySelector('.calls .axis'), at = track.getBoundingClientRect();
		document.querySelector('.calls').setPointerCapture = () => {};
		for (const [name, part] of [['pointerdown', .2], ['pointermove', .3], ['pointerup', .3]])
			track.dispatchEvent(new PointerEvent(name, { clientX: at.left + at.width * part, button: 0, bubbles: true }));
		same('fewer initcalls in the window', true, shown('.call') > 0 && shown('.call') < calls.length);
		reset.click();
		same('initcalls again', calls.length, shown('.call'));
		order.value = 'ns';
		order.dispatchEvent(new Event('change'));
		const most = Math.max(...calls.map(call => call.duration_ns));
		same('longest first', String(most),
			document.querySelector('.call .bar-of-call').style.getPropertyValue('--ns'));
	}

	const flame = document.querySelector('svg.flame');
	same('a flame graph', Boolean(report.profile), Boolean(flame));
	if (flame) {
		const frames = [...flame.querySelectorAll('g')], rect = frame => +frame.querySelector('rect').getAttribute('width');
		const small = frames.find(frame => rect(frame) < 1000), whole = rect(frames[0]), before = rect(small);
		small.dispatchEvent(new MouseEvent('click'));
		same('frame that was clicked', whole, rect(small));
		small.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
		same('frame after Escape, to 0.1', before.toFixed(1), rect(small).toFixed(1));
		type(flame.querySelector('input'), small.dataset.name);
		same('frame that was searched', true, small.classList.contains('hit'));
		same('share that was found', true, / % of the samples$/.test(flame.querySelector('.said').textContent));
	}
	document.documentElement.dataset.said = said.join('\n') || 'nothing';
})();
</script>
END

complaint_of_page() { # FILE
	local page
	sed "/<\/body>/{
		r $work/reader.js
		N
	}" "$1" >"$work/read.html"
	page=$(dom "file://$work/read.html")
	grep -q '<html[^>]* data-ready="1"' <<<"$page" || echo 'its script did not come to its end'
	grep -o '<html[^>]*data-error="[^"]*"' <<<"$page"
	grep -q '<html[^>]*data-attacked' <<<"$page" && echo 'a string of the report was run'
	grep -q '<html[^>]*data-said="nothing"' <<<"$page" ||
		sed -n '/<html/,/<head>/p' <<<"$page" | head -n 20
}

# The search that stands in the address.
complaint_of_search() { # FILE
	local page
	page=$(dom "file://$1#search=no+such+initcall")
	grep -oE '[0-9]+ of [0-9]+, 0 ns' <<<"$page" | grep -q '^0 of ' || echo 'it found something'
}

complaint_of_flame() { # FILE
	local page
	page=$(dom "file://$1")
	grep -q parsererror <<<"$page" && grep -o '<parsererror.*' <<<"$page"
	grep -q '<g [^>]*data-name="all"' <<<"$page" || echo 'there is no frame "all"'
	grep -q '<html\|data-attacked' <<<"$page" && echo 'it is no picture any more'
}

if [ ! "$chromium" ]; then
	skip 'the page in a browser' 'chromium is not installed'
elif [ ! -x "$dump" ]; then
	skip 'the page in a browser' "$dump is not built"
else
	for report in full bare hostile; do
		if ! said=$("$dump" html "$report" 2>&1 >"$work/$report.html"); then
			verdict "$report: the page is written" "${said:-dump_report failed}"
			continue
		fi
		verdict "$report: the page shows the report and does what its controls say" \
			"$(complaint_of_page "$work/$report.html")"
	done
	verdict 'full: a search in the address' "$(complaint_of_search "$work/full.html")"
	for report in full hostile; do
		"$dump" flame "$report" >"$work/$report.svg"
		verdict "$report: the flame graph alone" "$(complaint_of_flame "$work/$report.svg")"
	done
fi

echo "1..$number"
[ "$failed" = 0 ]
