/* delays.js - how late each member hears each other one, and why: one line a listener, one column a source.
 *
 * Everybody's sound goes through one mix, so a pair is the sum of two halves: the source's way to the mix, the mix's way to the
 * listener. The page is given the halves with their parts and draws the sums, coloured by the room's bound; the chosen cell
 * shows its parts as a bar and as numbers. */
import { fill, h, setAttr, setText } from './dom.js';
import { get, roomPath } from './api.js';
import { nameOf } from './words.js';

/** @typedef {import('./types').Delays} Table */
/** @typedef {import('./types').MemberDelays} MemberDelays */
/** @typedef {import('./types').HouseEvent} HouseEvent */

const LOOK_MS = 3000;
/** Of the bound: from here on it is near. */
const NEAR = 0.7;

/** @type {['to_mix' | 'from_mix', string, string][]} of which half, its name in it, in words */
const PARTS = [
	['to_mix', 'capture_ms', 'capture'], ['to_mix', 'frame_ms', 'frame'], ['to_mix', 'up_ms', 'to the server'],
	['to_mix', 'buffer_ms', 'server’s buffer'], ['from_mix', 'send_ms', 'mix to packet'], ['from_mix', 'down_ms', 'from the server'],
	['from_mix', 'own_buffer_ms', 'own buffer'], ['from_mix', 'playback_ms', 'playback'],
];

/** @param {number} ms */
export function msWords(ms) {
	return `${ms < 99.95 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** What the room has warned of. */
export class Warnings {
	constructor() {
		/** @type {Map<string, number>} "from to": ms */
		this.over = new Map();
		this.bound = 0;
	}

	/** @param {Table} table */
	take(table) {
		this.bound = table.bound_ms;
		this.over = new Map(table.delays.filter((d) => d[4]).map(([from, to, ms]) => [`${from} ${to}`, ms]));
	}

	/** @param {HouseEvent} e @returns {boolean} it is otherwise now */
	event(e) {
		const had = this.over.size;
		if (e.type === 'member-left' && e.member) {
			for (const key of [...this.over.keys()])
				if (key.split(' ').includes(String(e.member.id)))
					this.over.delete(key);
		} else if (e.delay) {
			this.bound = e.delay.bound_ms || this.bound;
			if (e.delay.over)
				this.over.set(`${e.delay.from} ${e.delay.to}`, e.delay.ms);
			else
				this.over.delete(`${e.delay.from} ${e.delay.to}`);
		}
		return had !== this.over.size || !!e.delay;
	}

	/** "" while all is well. */
	get words() {
		const n = this.over.size;
		return n ? `${n} ${n === 1 ? 'delay' : 'delays'} over ${this.bound} ms` : '';
	}
}

export class DelayTable {
	/** @param {import('./roomstate.js').RoomState} state @param {(t: Table) => void} seen */
	constructor(state, seen) {
		this.state = state;
		this.seen = seen;
		/** @type {Map<number, MemberDelays>} */
		this.members = new Map();
		/** @type {Map<string, { ms: number, whole: boolean, warned: boolean }>} "listener source" */
		this.cells = new Map();
		/** @type {Map<string, HTMLElement>} */
		this.drawn = new Map();
		/** @type {number[]} */
		this.ids = [];
		this.bound = 0;
		this.listener = 0;
		this.source = 0;
		this.timer = 0;
		this.ended = false;
		this.table = h('table', { class: 'matrix delays', role: 'grid', 'aria-label': 'Delays in milliseconds: a line for each listener, a column for each source',
			onkeydown: (/** @type {KeyboardEvent} */ e) => this.key(e), onclick: (/** @type {Event} */ e) => this.click(e) });
		this.title = h('h2', { id: 'delay-title' });
		this.bar = h('div', { class: 'delay-bar', 'aria-hidden': 'true' });
		this.list = h('dl', { class: 'delay-parts' });
		this.inspector = h('section', { class: 'inspector card', 'aria-labelledby': 'delay-title', hidden: true }, this.title, this.bar, this.list);
		this.empty = h('p', { class: 'empty' }, 'A delay needs two members with sound.');
		this.hint = h('p', { class: 'hint' });
		this.el = h('div', { class: 'matrix-view' }, this.empty, this.hint, this.inspector, h('div', { class: 'scroller', tabindex: '-1' }, this.table));
		void this.look();
	}

	end() {
		this.ended = true;
		window.clearTimeout(this.timer);
	}

	async look() {
		window.clearTimeout(this.timer);
		try {
			const table = await get(`${roomPath(this.state.name)}/delays`);
			if (!this.ended) {
				this.seen(table);
				this.take(table);
			}
		} catch {
			// The connection's banner tells; the next look tries again.
		}
		if (!this.ended)
			this.timer = window.setTimeout(() => void this.look(), LOOK_MS);
	}

	/** @param {Table} table */
	take(table) {
		const ids = table.members.map((m) => m.id);
		const names = table.members.map((m) => nameOf(m)).join('\n');
		this.bound = table.bound_ms;
		this.members = new Map(table.members.map((m) => [m.id, m]));
		this.cells = new Map(table.delays.map(([from, to, ms, whole, warned]) => [`${to} ${from}`, { ms, whole, warned }]));
		this.hint.hidden = this.table.hidden = ids.length < 2 || !table.delays.length;
		this.empty.hidden = !this.table.hidden;
		setText(this.empty, ids.length < 2 ? 'A delay needs two members with sound.' : 'There are too many members for a table.');
		setText(this.hint, `Each line is what one member hears, in milliseconds from the other’s mouth to its ear. A + means at least: a part is not known.${
			this.bound ? ` A ! is over the bound of ${this.bound} ms.` : ''}`);
		if (ids.join() !== this.ids.join() || names !== this.table.dataset.names)
			this.build(table.members, names);
		for (const key of this.drawn.keys())
			this.draw(key);
		this.inspect();
	}

	/** @param {MemberDelays[]} members @param {string} names */
	build(members, names) {
		const focused = this.table.contains(document.activeElement);
		this.table.dataset.names = names;
		this.ids = members.map((m) => m.id);
		this.drawn.clear();
		const head = h('thead', {}, h('tr', {}, h('th', { class: 'corner', scope: 'col' }, h('span', { class: 'unseen' }, 'Listener')),
			members.map((m) => h('th', { scope: 'col', title: nameOf(m) }, h('span', { class: 'source' }, nameOf(m))))));
		const body = h('tbody', {}, members.map((l) => h('tr', {}, h('th', { scope: 'row', title: nameOf(l) }, nameOf(l)),
			members.map((s) => this.cell(l, s)))));
		fill(this.table, head, body);
		this.choose(this.listener, this.source, focused);
	}

	/** @param {MemberDelays} listener @param {MemberDelays} source */
	cell(listener, source) {
		if (listener.id === source.id)
			return h('td', { class: 'own' }, h('span', { 'aria-label': 'itself' }, '·'));
		const key = `${listener.id} ${source.id}`;
		const el = h('td', { role: 'gridcell', tabindex: -1, 'data-key': key });
		this.drawn.set(key, el);
		return el;
	}

	/** @param {number} ms */
	level(ms) {
		return !this.bound ? null : ms > this.bound ? 'over' : ms > this.bound * NEAR ? 'near' : 'well';
	}

	/** @param {string} key */
	draw(key) {
		const el = this.drawn.get(key);
		const cell = this.cells.get(key);
		if (!el || !cell)
			return;
		const [listener, source] = key.split(' ').map(Number);
		setText(el, `${cell.ms < 99.95 ? cell.ms.toFixed(1) : Math.round(cell.ms)}${cell.whole ? '' : '+'}${cell.warned ? '!' : ''}`);
		setAttr(el, 'data-delay', this.level(cell.ms));
		setAttr(el, 'data-warned', cell.warned);
		setAttr(el, 'title', this.parts(listener ?? 0, source ?? 0).map(([words, ms]) => `${words}: ${ms === null ? 'not known' : msWords(ms)}`).join('\n'));
		setAttr(el, 'aria-label', `${this.nameAt(listener)} hears ${this.nameAt(source)} after ${cell.whole ? '' : 'at least '}${msWords(cell.ms)}${
			cell.warned ? ', over the bound' : ''}`);
	}

	/** @param {number} listener @param {number} source @returns {[string, number | null][]} */
	parts(listener, source) {
		const from = this.members.get(source);
		const to = this.members.get(listener);
		if (!from || !to)
			return [];
		return PARTS.map(([half, part, words]) => {
			const ms = (half === 'to_mix' ? from.to_mix : to.from_mix)[part];
			return [words, typeof ms === 'number' ? ms : null];
		});
	}

	/** @param {number | undefined} id */
	nameAt(id) {
		const m = this.members.get(id ?? 0);
		return m ? nameOf(m) : '?';
	}

	/** @param {Event} e */
	click(e) {
		const td = /** @type {HTMLElement} */ (e.target).closest('td');
		const [listener, source] = (td?.dataset.key ?? '').split(' ').map(Number);
		if (listener && source)
			this.choose(listener, source, true);
	}

	/** @param {number} listener @param {number} source @param {boolean} focus */
	choose(listener, source, focus) {
		const before = this.drawn.get(`${this.listener} ${this.source}`);
		const [first] = this.drawn.keys();
		const chosen = this.drawn.has(`${listener} ${source}`) ? `${listener} ${source}` : first;
		before?.setAttribute('tabindex', '-1');
		before?.removeAttribute('aria-selected');
		[this.listener = 0, this.source = 0] = (chosen ?? '0 0').split(' ').map(Number);
		const el = this.drawn.get(chosen ?? '');
		el?.setAttribute('tabindex', '0');
		el?.setAttribute('aria-selected', 'true');
		if (focus)
			el?.focus();
		this.inspect();
	}

	inspect() {
		const cell = this.cells.get(`${this.listener} ${this.source}`);
		this.inspector.hidden = !cell;
		if (!cell)
			return;
		const parts = this.parts(this.listener, this.source);
		const whole = Math.max(cell.ms, this.bound, 1);
		setText(this.title, `${this.nameAt(this.listener)} hears ${this.nameAt(this.source)} after ${cell.whole ? '' : 'at least '}${msWords(cell.ms)}`);
		fill(this.bar, parts.map(([, ms], i) => {
			const el = h('span', { 'data-part': String(i) });
			el.style.width = `${((100 * (ms ?? 0)) / whole).toFixed(2)}%`;
			return el;
		}));
		fill(this.list, parts.map(([words, ms], i) => h('div', { 'data-part': String(i) }, h('dt', {}, words), h('dd', {}, ms === null ? 'not known' : msWords(ms)))));
	}

	/** @param {KeyboardEvent} e */
	key(e) {
		const steps = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] });
		const step = steps[e.key];
		if (!step)
			return;
		let row = this.ids.indexOf(this.listener);
		let column = this.ids.indexOf(this.source);
		do {
			row += step[0];
			column += step[1];
		} while (row === column && row >= 0 && row < this.ids.length);
		const listener = this.ids[row];
		const source = this.ids[column];
		if (listener && source)
			this.choose(listener, source, true);
		e.preventDefault();
	}
}
